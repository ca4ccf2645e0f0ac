"""Old rows that no message needs go after their days; a legal hold and a living message keep what is theirs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from portal.audit.models import Entry
from portal.delivery.models import Outbound
from portal.ingest.models import Spooled
from portal.lifecycle import withdrawing
from portal.operations import retention
from portal.operations.errors import BadRetention
from portal.vault.models import Message, Reader
from tests.mails import JONAS, KARIN, mail
from tests.seals import keyring_of_before, seal

pytestmark = pytest.mark.django_db
YEAR = timedelta(days=366)


@pytest.fixture(autouse=True)
def _keys() -> Iterator[None]:
    with keyring_of_before():
        yield


def destroyed() -> Message:
    message = seal(mail(), JONAS, KARIN)
    withdrawing.withdraw(message.id, "gone", now=True)
    Outbound.objects.filter(message=message.id).update(state=Outbound.State.SENT)
    return message


def test_what_is_left_of_a_destroyed_message_goes_after_its_days_and_the_record_stays() -> None:
    gone, living = destroyed(), seal(mail(), JONAS)
    Outbound.objects.update(state=Outbound.State.SENT)
    assert retention.run(timezone.now())["tombstones"] == 0
    entries = Entry.objects.filter(message=gone.id).count()
    done = retention.run(timezone.now() + YEAR)
    assert done["tombstones"] == 1
    assert set(Message.objects.values_list("pk", flat=True)) == {living.pk}
    assert set(Reader.objects.values_list("message", flat=True)) == {living.pk}
    assert set(Outbound.objects.values_list("message", flat=True)) == {living.pk}
    assert set(Spooled.objects.values_list("pk", flat=True)) == {living.pk}
    assert Entry.objects.filter(message=gone.id).count() == entries
    assert Entry.objects.get(kind="retention.applied").facts["tombstones"] == 1
    assert sum(retention.run(timezone.now() + YEAR).values()) == 0


def test_a_legal_hold_comes_before_retention() -> None:
    gone = destroyed()
    Message.objects.filter(pk=gone.pk).update(held_at=timezone.now())
    assert sum(retention.run(timezone.now() + 10 * YEAR).values()) == 0
    assert Outbound.objects.filter(message=gone.pk).exists()
    assert Spooled.objects.filter(pk=gone.pk).exists()


def test_days_are_changed_within_bounds_and_recorded() -> None:
    gone = destroyed()
    least = settings.LETTERLOCK.restore_days
    for bad in (-1, least - 1, retention.MOST_DAYS + 1):
        with pytest.raises(BadRetention):
            retention.set_days("tombstones", bad)
    with pytest.raises(BadRetention):
        retention.set_days("everything", 1)
    retention.set_days("tombstones", 0)
    assert retention.run(timezone.now() + 10 * YEAR)["tombstones"] == 0
    retention.set_days("tombstones", least)
    facts = Entry.objects.filter(kind="retention.changed").latest("id").facts
    assert (facts["what"], facts["days"], facts["was"]) == ("tombstones", least, 0)
    assert retention.run(timezone.now() + timedelta(days=least + 1))["tombstones"] == 1
    assert not Message.objects.filter(pk=gone.pk).exists()


def test_the_command_counts_without_deleting_and_deletes_when_told() -> None:
    destroyed()
    Message.objects.update(destroyed_at=timezone.now() - YEAR)
    said = StringIO()
    call_command("retention", "run", "--dry-run", stdout=said)
    assert "tombstones  365 days        1 due" in said.getvalue()
    assert Message.objects.exists()
    call_command("retention", "run", stdout=said)
    assert "1 tombstones" in said.getvalue()
    assert not Message.objects.exists()
    with pytest.raises(SystemExit):
        call_command("retention", "set", "tombstones", "1")
