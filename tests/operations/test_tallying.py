"""The record counted by day: every entry once, also late ones, in the installation's days, equal to a recount."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from portal.audit import sequencing
from portal.audit.models import Entry
from portal.keys.service import keys
from portal.lifecycle import withdrawing
from portal.operations import counting, domains, retention, tallying
from portal.operations.models import DomainDay, Tally
from portal.vault.models import Message, Reader
from tests.mails import JONAS, KARIN, mail
from tests.seals import keyring_of_before, seal

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 17, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _keys() -> Iterator[None]:
    with keyring_of_before():
        yield


def happened(kind: str, at: datetime = NOON, *, message: uuid.UUID | None = None, **facts: object) -> Entry:
    reader = facts.pop("reader", None)
    return Entry.objects.create(at=at, kind=kind, message=message, reader=reader, facts=facts)


def count(now: datetime = NOON) -> int:
    while sequencing.sequence(now, "secure.example.org/audit", keys().head_signer()):
        pass
    return tallying.run(now)


def numbers(kind: counting.Kind) -> Counter[str]:
    found: Counter[str] = Counter()
    for row in Tally.objects.filter(kind=kind):
        found[row.word] += row.number
    return found


def test_an_entry_counts_once_however_often_counting_runs() -> None:
    happened("message.accepted", action="protect")
    assert count() == 1
    assert count() == 0
    happened("message.accepted", action="relay")
    assert count() == 1
    assert numbers(counting.Kind.CAME) == {"protect": 1, "relay": 1}
    assert tallying.differences() == []


def test_an_entry_that_is_committed_late_counts_once_too() -> None:
    late = happened("message.accepted", action="hold")
    Entry.objects.filter(pk=late.pk).delete()  # its transaction is still open while later ones are counted
    for _ in range(3):
        happened("message.accepted", action="protect")
    count()
    Entry.objects.create(pk=late.pk, at=late.at, kind=late.kind, facts={"action": "hold"})
    count(NOON + timedelta(minutes=1))
    assert numbers(counting.Kind.CAME) == {"protect": 3, "hold": 1}
    assert tallying.differences() == []


def test_more_than_a_batch_is_counted_whole_and_what_breaks_off_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(7):
        happened("message.accepted", action="protect")
    while sequencing.sequence(NOON, "secure.example.org/audit", keys().head_signer()):
        pass
    assert tallying.run(NOON, seconds=0, batch=3) == 3
    assert tallying.counted_until() is None, "not all is counted"
    assert tallying.run(NOON, batch=3) == 4
    assert tallying.counted_until() == NOON
    assert numbers(counting.Kind.CAME) == {"protect": 7}


def test_days_are_those_of_the_installation() -> None:
    evening = datetime(2026, 11, 17, 23, 30, tzinfo=UTC)
    with timezone.override("Europe/Stockholm"):
        happened("message.accepted", evening, action="protect")
        count(evening)
    assert set(Tally.objects.values_list("day", flat=True)) == {date(2026, 11, 18)}


def test_a_sign_in_at_a_provider_is_no_passcode() -> None:
    message, reader = uuid.uuid4(), uuid.uuid4()
    for kind, facts in (
        ("recipient.passcode_asked", {}),
        ("recipient.passcode_sent", {}),
        ("recipient.passcode_failed", {"left": 4}),
        ("recipient.confirmed", {"method": "passcode", "device": "phone", "language": "sv"}),
        ("message.opened", {"first": True}),
        ("message.opened", {"first": False}),
        ("recipient.confirmed", {"method": "provider", "provider": "google", "device": "computer"}),
        ("message.opened", {"first": False}),
    ):
        happened(kind, message=message, reader=reader, **facts)  # type: ignore[arg-type]
    happened("recipient.passcode_asked")
    count()
    assert numbers(counting.Kind.PASSCODE) == {"asked": 1, "sent": 1, "wrong": 1, "right": 1, "read": 1}
    assert numbers(counting.Kind.ANYWHERE) == {"asked": 2, "sent": 1, "wrong": 1, "right": 1}
    assert numbers(counting.Kind.CONFIRMED) == {"passcode": 1, "provider": 1}
    assert numbers(counting.Kind.DEVICE) == {"phone": 1, "computer": 1}
    assert numbers(counting.Kind.LANGUAGE) == {"sv": 1}


def test_who_opened_counts_on_the_day_of_the_message_and_its_author_not_at_all() -> None:
    message = uuid.uuid4()
    happened("message.sealed", NOON, message=message, readers=3, recipients=2, size=1000, brand="alder", method="user")
    later = NOON + timedelta(days=2, minutes=41)
    happened("message.opened", later, message=message, reader=uuid.uuid4(), first=True)
    happened("message.opened", later, message=message, reader=uuid.uuid4(), first=True, author=True)
    count(later)
    assert numbers(counting.Kind.SEALED) == {"user": 1}
    assert numbers(counting.Kind.RECIPIENTS) == {"": 2}
    row = Tally.objects.get(kind=counting.Kind.OPENED)
    assert (row.day, row.number, row.brand) == (NOON.date(), 1, "alder")
    waited = int(Tally.objects.get(kind=counting.Kind.WAIT).word)
    assert counting.class_begins(waited) <= (later - NOON).total_seconds() < counting.class_begins(waited + 1)


@pytest.mark.parametrize("seconds", [0, 14.9, 15, 16, 41 * 60, 86_400, 86_400 * 365])
def test_a_time_to_open_lies_in_its_class(seconds: float) -> None:
    number = counting.wait_class(seconds)
    assert counting.class_begins(number) <= seconds < counting.class_begins(number + 1)


def test_bytes_are_freed_once_though_a_message_left_before_it_died() -> None:
    message = uuid.uuid4()
    happened("message.sealed", message=message, readers=2, recipients=1, size=1000, brand="alder")
    happened("message.erased", message=message, reader=uuid.uuid4())
    happened("message.let_go", message=message)
    happened("message.erased", message=message)
    count()
    assert numbers(counting.Kind.BYTES) == {"kept": 1000, "gone": 1000}


def test_what_is_counted_stays_when_the_rows_are_gone_and_can_be_made_anew_from_the_record() -> None:
    message = seal(mail(), JONAS, KARIN)
    count(timezone.now())
    before = Tally.objects.count()
    withdrawing.withdraw(message.id, "gone", now=True)
    assert retention.run(timezone.now() + timedelta(days=366))["tombstones"] == 1
    assert not Message.objects.exists()
    assert Tally.objects.count() == before
    count(timezone.now())
    assert tallying.differences() == []
    Tally.objects.all().update(number=77)
    said = StringIO()
    call_command("reports", "rebuild", "--dry-run", stdout=said)
    assert "Nothing was changed." in said.getvalue()
    assert set(Tally.objects.values_list("number", flat=True)) == {77}
    call_command("reports", "rebuild", stdout=said)
    assert tallying.differences() == []
    assert numbers(counting.Kind.RECIPIENTS) == {"": 2}


def test_a_domain_is_named_once_five_people_share_it_and_never_stored_in_clear() -> None:
    today = timezone.localdate()
    seal(mail(), *(f"person{n}@shared.example" for n in range(4)), "someone@alone.example")
    for _ in range(6):
        seal(mail(), "someone@alone.example")
    count(timezone.now())
    assert domains.top(domains.TO, today, today) == [domains.Named("", 11)]
    seal(mail(), "person4@shared.example", "person0@shared.example")
    count(timezone.now())
    assert domains.top(domains.TO, today, today) == [domains.Named("shared.example", 6), domains.Named("", 7)]
    assert domains.top(domains.TO, today - timedelta(days=9), today - timedelta(days=1)) == []
    kept = b"".join(bytes(row.name) + bytes(row.people) for row in DomainDay.objects.all())
    assert b"example" not in kept
    assert max(len(bytes(row.people)) for row in DomainDay.objects.all()) == domains.PEOPLE * 8
    whole = set(DomainDay.objects.values_list("side", "domain", "number"))
    DomainDay.objects.filter(side=domains.TO).update(number=1)
    DomainDay.objects.filter(side=domains.FROM).delete()
    tallying.rebuild()
    assert set(DomainDay.objects.values_list("side", "domain", "number")) == whole, "what was missing is made good"
    Reader.objects.all().delete()
    tallying.rebuild()
    assert set(DomainDay.objects.values_list("side", "domain", "number")) == whole, "and nothing is taken away"
    assert domains.tidy(today + timedelta(days=domains.KEPT_DAYS + 1)) == 3


def test_figures_are_old_when_the_record_is_not_in_its_tree() -> None:
    happened("message.accepted", NOON - timedelta(hours=1), action="protect")
    assert tallying.is_late(tallying.counted_until(), NOON)
    tallying.run(NOON)
    assert tallying.counted_until() == NOON - timedelta(hours=1)
    assert tallying.is_late(tallying.counted_until(), NOON)
    count()
    assert not tallying.is_late(tallying.counted_until(), NOON)
    assert Reader.objects.count() == 0
