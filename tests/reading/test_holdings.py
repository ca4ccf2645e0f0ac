"""Invitations in words: when, in which zone, how often, and what became of them."""

from __future__ import annotations

from typing import Any

import pytest
from django.template.loader import render_to_string

from portal.reading.holdings import of_message, sentences
from portal.vault.toc import Body, Card, File, Toc
from tests.mime.test_calendars import NOON, event
from tests.seals import words
from tests.vault.test_toc import MAYA, SENT

FILE = File(1, "a.ics", "text/calendar", 3, "part/1", b"d")


def card(*lines: str, method: str = "REQUEST") -> dict[str, Any]:
    cards = (Card(1, event(*lines, method=method)),)
    toc = Toc("x", MAYA, (), (), SENT, "", "", (), Body(), Body(), (FILE,), 1, cards=cards)
    (made,) = of_message(toc, "link", may_download=False)["cards"]
    assert isinstance(made, dict)
    return made


@pytest.mark.parametrize(
    ("lines", "when"),
    [
        (("DTSTART:20261124T140000", "DTEND:20261124T150000"), "Tuesday, 24 November 2026, 14:00 to 15:00"),
        (("DTSTART:20261124T140000",), "Tuesday, 24 November 2026, 14:00"),
        (
            ("DTSTART:20261124T220000", "DURATION:PT4H"),
            "Tuesday, 24 November 2026, 22:00 to Wednesday, 25 November 2026, 02:00",
        ),
        (("DTSTART;VALUE=DATE:20261124",), "Tuesday, 24 November 2026, all day"),
        (
            ("DTSTART;VALUE=DATE:20261124", "DTEND;VALUE=DATE:20261127"),
            "From Tuesday, 24 November 2026 to Thursday, 26 November 2026, all day",
        ),
    ],
)
def test_when_it_is(lines: tuple[str, ...], when: str) -> None:
    assert card(*lines)["when"] == when


def test_its_time_zone_is_named_or_said_to_be_missing_or_unknown() -> None:
    assert card("DTSTART;TZID=America/New_York:20261124T140000")["zone"] == "Time zone: America/New York"
    floating = card("DTSTART:20261124T140000")
    assert floating["zone"].startswith("The invitation names no time zone")
    assert floating["starts"] is None
    unknown = card("DTSTART;TZID=Our Place:20261124T140000")
    assert unknown["zone"].startswith("The time zone is called “Our Place”, which is not known here.")
    assert card("DTSTART;VALUE=DATE:20261124")["zone"] == ""


@pytest.mark.parametrize(
    ("lines", "sentences_"),
    [
        (("RRULE:FREQ=DAILY;COUNT=1",), ["Repeats every day.", "It takes place 1 time."]),
        (
            ("RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE",),
            ["Repeats every 2 weeks.", "On these days: Monday and Wednesday."],
        ),
        (
            ("RRULE:FREQ=YEARLY;UNTIL=20301124",),
            ["Repeats every year.", "Last on Sunday, 24 November 2030 at the latest."],
        ),
        (("RRULE:FREQ=HOURLY",), ["Repeats by a rule of its own; open the calendar file to see all dates."]),
        (("RECURRENCE-ID:20261124T130000Z",), ["This concerns one date of a series."]),
    ],
)
def test_how_often_it_is(lines: tuple[str, ...], sentences_: list[str]) -> None:
    assert card(*lines)["repeats"] == sentences_


@pytest.mark.parametrize(
    ("lines", "method", "kind"),
    [
        ((), "REQUEST", "Invitation"),
        (("SEQUENCE:2",), "REQUEST", "Invitation, changed since it was first sent"),
        ((), "CANCEL", "This event was cancelled"),
        ((), "PUBLISH", "Calendar event"),
        ((), "COUNTER", "Another time is proposed"),
        (("ATTENDEE;PARTSTAT=TENTATIVE:mailto:a@b.example",), "REPLY", "The invitation was answered with “maybe”"),
    ],
)
def test_what_became_of_it(lines: tuple[str, ...], method: str, kind: str) -> None:
    assert card(NOON, *lines, method=method)["kind"] == kind


def test_nothing_of_a_card_is_markup() -> None:
    bad = "<script>x</script><b>"
    made = card(
        NOON, f"SUMMARY:{bad}", f"LOCATION:{bad}", f"DESCRIPTION:{bad}", f"ORGANIZER;CN={bad}:mailto:{bad}@x.example"
    )
    html = render_to_string("reading/inner_held.html", {"cards": [made]})
    assert "<script" not in html
    assert "<b>" not in html
    assert words(html.encode()).count("&lt;script&gt;") == 5


def test_a_word_that_is_not_known_is_not_said() -> None:
    assert sentences(["a later one"]) == []
