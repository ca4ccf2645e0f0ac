"""Everything that was recorded is looked at once a day and when asked for, and what came of it is kept and shown."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from portal.audit import checking, finding, guarding, sequencing
from portal.audit.finding import Asked
from portal.audit.models import Check, Entry
from portal.audit.record import Event, record, record_each
from portal.keys.service import keys
from portal.operations import health

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 17, 14, 48, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _guards() -> None:
    guarding.install(connection)
    yield  # type: ignore[misc]
    guarding.remove(connection)


def look(now: datetime = NOW) -> Check | None:
    signer = keys().head_signer()
    sequencing.sequence(now, "secure.example.org/audit", signer)
    return checking.run(now, signer.public)


def test_a_look_is_due_once_a_day_and_when_somebody_asks() -> None:
    record("message.opened", message=uuid.uuid4())
    first = look()
    assert first is not None
    assert (first.entries >= 1, first.faults) == (True, [])
    assert look(NOW + timedelta(hours=23)) is None
    assert checking.ask(NOW + timedelta(hours=23), by="someone")
    assert not checking.ask(NOW + timedelta(hours=23)), "one that waits will do"
    assert look(NOW + timedelta(hours=23)) is not None
    assert look(NOW + timedelta(hours=46)) is None
    assert look(NOW + timedelta(hours=48)) is not None


def test_of_two_that_run_at_once_one_looks_and_a_dead_one_keeps_nobody() -> None:
    checking.ask(NOW)
    Check.objects.update(begun_at=NOW)
    assert look(NOW + timedelta(minutes=59)) is None
    assert look(NOW + timedelta(minutes=61)) is not None


def test_what_was_changed_is_said_on_the_health_page_until_it_is_mended() -> None:
    record("message.opened", message=uuid.uuid4())
    assert look() is not None
    assert health.audit() == health.OK
    guarding.remove(connection)
    kept = Entry.objects.order_by("id").first()
    assert kept is not None
    Entry.objects.filter(pk=kept.pk).update(kind="message.closed")
    guarding.install(connection)
    later = NOW + timedelta(minutes=1)
    checking.ask(later)
    found = look(later)
    assert found is not None
    assert found.faults == [f"Entry {kept.pk} is not as it was recorded."]
    assert f"Entry {kept.pk}" in health.audit()
    assert Entry.objects.filter(kind="audit.checked", facts__faults=1).exists()


def test_the_record_is_read_by_kind_message_and_time_a_page_at_a_time() -> None:
    message = uuid.uuid4()
    record_each(Event("message.opened", message, None, {"first": n == 0}) for n in range(finding.PAGE + 5))
    record("webhook.added", webhook="x")
    day = timedelta(days=1)
    page = finding.find(Asked(message=message))
    rest = finding.find(Asked(message=message, before=page.older))
    assert (len(page.entries), len(rest.entries), rest.older) == (finding.PAGE, 5, None)
    assert page.entries[-1].id > rest.entries[0].id
    assert [e.kind for e in finding.find(Asked(kind="webhook")).entries] == ["webhook.added"]
    assert finding.find(Asked(kind="web")).entries == []
    now = page.entries[0].at
    assert len(finding.find(Asked(kind="message.opened", since=now - day, until=now + day)).entries) == finding.PAGE
    assert finding.find(Asked(since=now + day)).entries == []
    assert finding.find(Asked(until=now - day)).entries == []
    assert list(finding.kinds()) == sorted(set(Entry.objects.values_list("kind", flat=True)))
