"""When a message closes: days, zones, clocks that change, the last second, and the ends of the calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import override_settings
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from branding.models import Brand
from portal.access import people, sender_defaults
from portal.access.sender_defaults import Defaults
from portal.delivery.models import Outbound
from portal.delivery.queue import words_of
from portal.ingest.errors import TriggerRefused
from portal.ingest.intake import Intake, Named
from portal.ingest.models import Spooled
from portal.lifecycle import changing, dates
from portal.lifecycle.errors import BadDate, DateIsPast, DateTooFar
from portal.reading import conversations
from portal.rules import live, publishing
from portal.vault import readers
from portal.vault.models import Message, Reader
from portal.vault.sealing import end_of_day, last_moment
from tests.mails import JONAS, MAYA, mail
from tests.seals import default_brand, put, reader_of, seal

ZONES = ["UTC", "Europe/Stockholm", "America/New_York", "Asia/Kathmandu", "Pacific/Kiritimati", "America/Asuncion"]


@given(
    day=st.dates(date(2020, 1, 1), date(2099, 12, 31)),
    zone=st.sampled_from(ZONES),
    days=st.integers(0, dates.LONGEST_DAYS),
)
def test_a_message_closes_in_the_last_second_of_its_day_wherever_that_is(day: date, zone: str, days: int) -> None:
    with override_settings(TIME_ZONE=zone):
        ends = end_of_day(day)
        there = ends.astimezone(ZoneInfo(zone))
        assert (there.date(), there.hour, there.minute, there.second) == (day, 23, 59, 59)
        assert (ends + timedelta(seconds=1)).astimezone(ZoneInfo(zone)).date() == day + timedelta(days=1)
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(zone))
        assert last_moment(noon, days) == end_of_day(day + timedelta(days=days))


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Stockholm", date(2026, 3, 29), 23),
        ("Europe/Stockholm", date(2026, 10, 25), 25),
        ("Europe/Stockholm", date(2028, 2, 29), 24),
        ("Asia/Beirut", date(2026, 10, 24), 25),  # there the clock goes back at midnight: 23:59:59 comes twice
    ],
)
def test_days_on_which_clocks_change_end_when_they_end(zone: str, day: date, hours: int) -> None:
    with override_settings(TIME_ZONE=zone):
        length = end_of_day(day) - end_of_day(day - timedelta(days=1))
    assert length == timedelta(hours=hours)


@pytest.mark.parametrize("said", ["", "tomorrow", "2026-02-29", "2027-00-10", "17.12.2026", "2026-12-17T10:00", "0"])
def test_what_is_no_day_is_refused(said: str) -> None:
    with pytest.raises(BadDate):
        dates.closing(said)


def test_from_today_to_730_days_or_never() -> None:
    today = timezone.localdate()
    for days in (0, 1, dates.LONGEST_DAYS):
        closes = dates.closing((today + timedelta(days=days)).isoformat())
        assert closes is not None
        assert timezone.localtime(closes).date() == today + timedelta(days=days)
    assert dates.closing(dates.NEVER) is None
    with pytest.raises(DateIsPast):
        dates.closing((today - timedelta(days=1)).isoformat())
    for far in ((today + timedelta(days=dates.LONGEST_DAYS + 1)).isoformat(), "9999-12-31"):
        with pytest.raises(DateTooFar):
            dates.closing(far)


@pytest.mark.django_db
def test_it_can_be_read_one_second_before_and_not_at_the_very_second() -> None:
    reader = reader_of(seal(mail(), JONAS))
    ends = datetime(2027, 5, 1, 21, 59, 59, tzinfo=UTC)
    Message.objects.update(open_until=ends)
    reader.message.open_until = ends
    for moment, is_open in ((ends - timedelta(seconds=1), True), (ends, False), (ends + timedelta(seconds=1), False)):
        assert readers.is_closed_to(reader, moment) is not is_open
        assert Reader.objects.filter(conversations.is_open(moment), pk=reader.pk).exists() is is_open


@pytest.mark.django_db
def test_the_senders_own_date_comes_before_the_brands_days() -> None:
    default_brand()
    Brand.objects.update(open_days=5)
    today = timezone.localdate()
    wanted = today + timedelta(days=90)
    for header, last in (("v=1", today + timedelta(days=5)), (f"v=1; until={wanted}", wanted)):
        sealed = seal(mail(headers=[("X-Letterlock-Protect", header)]), JONAS)
        assert sealed.open_until == end_of_day(last)
    for bad in ("9999-12-31", str(today - timedelta(days=1)), "2027-02-29", str(today + timedelta(days=731))):
        held = put(mail(headers=[("X-Letterlock-Protect", f"v=1; until={bad}")]), JONAS)
        assert held.state == Spooled.State.HELD, "nothing is sent with less than was asked"
    changing.change_date(sealed.id, end_of_day(today))
    assert Message.objects.get(pk=sealed.pk).open_until == end_of_day(today)


def take(raw: bytes) -> None:
    """Hand a mail in as far as its answer, and keep nothing of it."""
    intake = Intake(Named("api", MAYA, (JONAS,)).envelope)
    intake.feed(raw)
    intake.finish().discard()


@pytest.mark.django_db
def test_a_sender_s_never_is_followed_where_the_brand_or_a_rule_lets_it_and_refused_elsewhere() -> None:
    never = mail(headers=[("X-Letterlock-Protect", "v=1; until=never")])
    default_brand()
    with pytest.raises(TriggerRefused, match="Name a day"):
        take(never)
    assert put(never, JONAS).state == Spooled.State.REFUSED, "whom the door could not tell is told by mail"
    (told,) = Outbound.objects.filter(kind="tip")
    assert "Name a day" in words_of(told)
    take(mail(headers=[("X-Letterlock-Protect", f"v=1; until={timezone.localdate() + timedelta(days=9)}")]))
    Brand.objects.update(open_days=0)
    take(never)
    sender_defaults.keep(people.of_address(MAYA), default_brand(), Defaults(open_days=7))
    assert seal(never, JONAS).open_until is None, "the mail's own wish is more than its sender's usual days"
    Brand.objects.update(open_days=30)
    as_asked_and("never")
    take(never)
    assert seal(never, JONAS).open_until is None
    as_asked_and(9)
    assert seal(never, JONAS).open_until == end_of_day(timezone.localdate() + timedelta(days=9)), "the stricter counts"
    live.forget()


def as_asked_and(open_: str | int) -> None:
    """What a sender's program asks for, and besides what a rule says of it."""
    orders: list[dict[str, object]] = [{"do": "protect", "as_asked": True}, {"do": "protect", "open": open_}]
    rules = [
        {"id": f"r{number}", "name": f"Rule {number}", "when": [{"if": "asked_by_header"}], "then": [order]}
        for number, order in enumerate(orders)
    ]
    publishing.publish({"format": 1, "mode": "all", "rules": rules}, expected=publishing.live_number())
    live.forget()
