"""Invitations are read as their senders meant them, and hostile calendar files are refused or cost little."""

import contextlib
import time
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.mime.calendars import LARGEST, Event, Rule, at, read
from portal.mime.errors import NotReadable


def ics(*lines: str, method: str = "REQUEST", before: str = "") -> bytes:
    head = f"BEGIN:VCALENDAR\r\nPRODID:-//x//y\r\nVERSION:2.0\r\nMETHOD:{method}\r\n{before}BEGIN:VEVENT\r\n"
    return (head + "\r\n".join(lines) + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n").encode()


NOON = "DTSTART:20261124T130000Z"


def event(*lines: str, **more: Any) -> Event:
    starts = any(line.startswith("DTSTART") for line in lines)
    return read(ics(*(lines if starts else (NOON, *lines)), **more))


def test_an_invitation_is_read_whole() -> None:
    found = event(
        "DTSTART;TZID=Europe/Stockholm:20261124T140000",
        "DTEND;TZID=Europe/Stockholm:20261124T150000",
        "SUMMARY:Talk about the\\, plan\\; knee",
        "LOCATION:Room 4\\nHouse B",
        'ORGANIZER;CN="Lindqvist, Maya":mailto:maya@aldervalley.example',
        "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:a@b.example",
        "ATTENDEE:mailto:c@d.example",
        "DESCRIPTION:One\\nTw",
        " o\\\\n",  # a folded line, then a backslash before an n
        "SEQUENCE:0",
        "X-ALT-DESC;FMTTYPE=text/html:<script>alert(1)</script>",
    )
    assert found.what == "Talk about the, plan; knee"
    assert found.where == "Room 4 House B"
    assert (found.organiser, found.organiser_address) == ("Lindqvist, Maya", "maya@aldervalley.example")
    assert found.attendees == 2
    assert found.notes == "One\nTwo\\n"
    assert (found.start, found.end, found.zone) == ("2026-11-24T14:00:00", "2026-11-24T15:00:00", "Europe/Stockholm")
    assert at(found.start, found.start_offset) == datetime(2026, 11, 24, 13, tzinfo=UTC)
    assert (found.method, found.cancelled, found.updated, found.others) == ("request", False, False, 0)


@pytest.mark.parametrize(
    ("written", "zone", "utc"),
    [
        ("W. Europe Standard Time", "Europe/Berlin", "13:00"),
        ('"India Standard Time"', "Asia/Calcutta", "08:30"),
        ("/mozilla.org/20050126_1/America/New_York", "America/New_York", "19:00"),
        ("America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires", "17:00"),
        ("UTC", "UTC", "14:00"),
    ],
)
def test_time_zones_are_known_by_their_names(written: str, zone: str, utc: str) -> None:
    found = event(f"DTSTART;TZID={written}:20261124T140000")
    assert found.zone == zone
    moment = at(found.start, found.start_offset)
    assert isinstance(moment, datetime)
    assert f"{moment.astimezone(UTC):%H:%M}" == utc


OWN_ZONE = (
    "BEGIN:VTIMEZONE\r\nTZID:Customized Time Zone\r\n"
    "BEGIN:STANDARD\r\nDTSTART:16011028T030000\r\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\r\n"
    "TZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\n"
    "BEGIN:DAYLIGHT\r\nDTSTART:16010325T020000\r\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\r\n"
    "TZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nEND:DAYLIGHT\r\nEND:VTIMEZONE\r\n"
)


@pytest.mark.parametrize(
    ("day", "hour"), [("20260724", 12), ("20261124", 13), ("20260101", 13), ("20261024", 12), ("20261026", 13)]
)
def test_a_zone_that_the_file_describes_itself_is_followed(day: str, hour: int) -> None:
    found = event(f"DTSTART;TZID=Customized Time Zone:{day}T140000", before=OWN_ZONE)
    moment = at(found.start, found.start_offset)
    assert isinstance(moment, datetime)
    assert moment.astimezone(UTC).hour == hour
    assert found.zone == "Customized Time Zone"


def test_a_time_without_zone_and_one_of_an_unknown_zone_are_told_apart() -> None:
    floating = event("DTSTART:20261124T140000")
    assert (floating.zone, floating.start_offset) == ("", None)
    unknown = event("DTSTART;TZID=My Place:20261124T140000")
    assert (unknown.zone, unknown.start_offset) == ("My Place", None)


def test_whole_days_end_with_their_last_day() -> None:
    found = event("DTSTART;VALUE=DATE:20261124", "DTEND;VALUE=DATE:20261127")
    assert (found.start, found.end) == ("2026-11-24", "2026-11-26")
    assert at(found.start, None) == date(2026, 11, 24)
    assert event("DTSTART;VALUE=DATE:20261124", "DTEND;VALUE=DATE:20261125").end == ""


def test_an_end_may_be_a_length_or_in_another_zone() -> None:
    assert event("DTSTART:20261124T130000Z", "DURATION:PT1H30M").end == "2026-11-24T14:30:00"
    other = event("DTSTART;TZID=Europe/London:20261124T140000", "DTEND;TZID=Europe/Berlin:20261124T160000")
    assert other.end == "2026-11-24T15:00:00"
    assert event("DTSTART:20261124T130000Z", "DTEND:20261124T120000Z").end == ""
    assert event("DTSTART:20261124T130000Z", "DTEND;VALUE=DATE:20261125").end == ""


@pytest.mark.parametrize(
    ("rule", "read_as"),
    [
        ("FREQ=WEEKLY;BYDAY=WE,MO;UNTIL=20270101T000000Z", Rule("WEEKLY", 1, 0, "2027-01-01", ("MO", "WE"))),
        ("FREQ=DAILY;INTERVAL=2;COUNT=10", Rule("DAILY", 2, 10)),
        ("FREQ=YEARLY;BYMONTH=11;BYMONTHDAY=24", Rule("YEARLY")),
        ("FREQ=MONTHLY;BYDAY=-1FR", Rule("")),
        ("FREQ=SECONDLY", Rule("")),
        ("FREQ=MONTHLY;BYMONTHDAY=1,15", Rule("")),
        ("FREQ=WEEKLY;BYSETPOS=1;BYDAY=MO", Rule("")),
        ("nonsense", Rule("")),
    ],
)
def test_how_it_repeats(rule: str, read_as: Rule) -> None:
    assert event(f"RRULE:{rule}").rule == read_as


def test_updates_cancellations_and_answers_are_told_apart() -> None:
    assert event("SEQUENCE:3").updated
    assert event(method="CANCEL").cancelled
    assert event("STATUS:CANCELLED").cancelled
    assert event("RECURRENCE-ID:20261124T130000Z").one_of_many
    assert event("ATTENDEE;PARTSTAT=DECLINED:mailto:a@b.example", method="REPLY").answer == "declined"


def test_other_events_are_counted() -> None:
    more = b"BEGIN:VEVENT\r\nDTSTART:20261124T130000Z\r\nEND:VEVENT\r\n"
    assert read(ics("DTSTART:20261124T130000Z").replace(b"END:VCALENDAR", more * 3 + b"END:VCALENDAR")).others == 3


def test_names_are_bounded_and_turn_nothing_around() -> None:
    found = event(f"SUMMARY:{'x' * 5000}", f"DESCRIPTION:{'y' * 50_000}", "ORGANIZER;CN=\u202eevil:mailto:a@b.example")
    assert len(found.what) < 400
    assert len(found.notes) <= 4000
    assert found.organiser == "evil"
    assert "\u202e" not in event("SUMMARY:a\u202eb").what


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"BEGIN:VCALENDAR\r\nEND:VCALENDAR",
        b"BEGIN:VCARD\r\nFN:x\r\nEND:VCARD",
        ics("SUMMARY:no start"),
        ics("DTSTART:00000000T000000Z"),
        ics("DTSTART:99999999"),
        ics("DTSTART:00010101T000000Z"),
        ics("DTSTART:99991231T235959Z"),
        ics("DTSTART:20261324T130000Z"),
        ics("DTSTART:20261124T130000Z", "DURATION:P99999D99999999"),
        ics("DTSTART:20261124T130000Z", "DTEND:x"),
        b"BEGIN:VCALENDAR\r\n" + b"X:1\r\n" * 20_000,
        b"BEGIN:VCALENDAR" + bytes(LARGEST),
    ],
)
def test_what_is_no_event_is_refused_or_read_without_what_is_wrong(data: bytes) -> None:
    with contextlib.suppress(NotReadable):
        assert read(data).end == ""


@pytest.mark.parametrize("line", ["X" + ";" * 200_000, "X" + ';A="' * 100_000, " \r\n" * 100_000, "\r\n" * 200_000,
                                  "SUMMARY:" + "\\" * 200_000, "ATTENDEE:mailto:a@b.example\r\n" * 9000])  # fmt: skip
def test_hostile_lines_cost_little(line: str) -> None:
    start = time.process_time()
    with contextlib.suppress(NotReadable):
        event(line)
    assert time.process_time() - start < 2


PIECES = ["BEGIN:VEVENT", "END:VEVENT", "BEGIN:VTIMEZONE", "END:VTIMEZONE", "BEGIN:STANDARD", "END:STANDARD", "TZID:Z",
          "TZOFFSETTO:+0100", "TZOFFSETTO:-9959", "DTSTART;TZID=Z:20261124T130000", "DTSTART:16010101T000000",
          "DTSTART;VALUE=DATE:99991231", "DTEND:99991231T235959Z", "DURATION:P9999W",
          "RRULE:FREQ=YEARLY;BYDAY=-5SU;BYMONTH=12",
          "RRULE:FREQ=YEARLY;BYDAY=99MO;BYMONTH=2", "ORGANIZER:x", "ATTENDEE;PARTSTAT=:", "METHOD:REPLY", "SEQUENCE:²",
          "STATUS;=:", "RECURRENCE-ID:", ";:", "DTSTART;TZID=../../etc/passwd:20261124T130000",
          "DTSTART;TZID=Europe:00010101T000000", "DTEND;TZID=Asia/Tokyo:00010101T000000"]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=20), max_size=25))
def test_any_lines_are_read_or_refused(lines: list[str]) -> None:
    try:
        found = read("\r\n".join(["BEGIN:VCALENDAR", "BEGIN:VEVENT", *lines]).encode("utf-8", "replace"))
    except NotReadable:
        return
    at(found.start, found.start_offset)
    if found.end:
        at(found.end, found.end_offset)
