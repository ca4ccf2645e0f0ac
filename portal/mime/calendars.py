"""Reads the first event of a calendar file (iCalendar, RFC 5545; invitations: RFC 5546) into plain values to show.

No rule of recurrence is ever worked through: a file that repeats every second costs what any other does. Why this is
no library's work: docs/decisions/0019.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

from portal.mime import charsets, zones
from portal.mime.addresses import clean_name
from portal.mime.errors import NotReadable
from portal.mime.fields import one_line, settled
from portal.mime.zones import DAY, DAYS, MOMENT, Line, parts_of

LARGEST = 512 * 1024
"""Bytes of a calendar file that is read."""
_MOST_LINES = 10_000
_LONGEST_LINE, _LONGEST_NOTES = 300, 4000  # characters shown of a value
_MOST_ATTENDEES = 5000
_FIRST_YEAR, _LAST_YEAR = 1900, 9000  # a reader's zone must not take a time out of what Python can tell

_FOLD = re.compile(r"\r?\n[ \t]")
_LINE = re.compile(r'([A-Za-z0-9-]{1,60})((?:;[^";:]*+(?:"[^"]*+"[^";:]*+)*+)*+):(.*)', re.DOTALL)
_PARAMETER = re.compile(r';([A-Za-z0-9-]{1,60})=((?:[^";]|"[^"]*+")*+)')
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_DURATION = re.compile(r"\+?P(?:(\d{1,4})W)?(?:(\d{1,5})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,7})S)?)?")
_EASY_RULE = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "WKST", "BYMONTH", "BYMONTHDAY"}


@dataclass(frozen=True, slots=True)
class Rule:
    """How it repeats. `every` is DAILY to YEARLY, "" for what these words cannot say; `until` is a day, ISO 8601."""

    every: str
    interval: int = 1
    count: int = 0
    until: str = ""
    days: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a calendar file, every text from its sender and none of it proved.

    `start` and `end` are ISO 8601 without a zone, as their sender's clock shows them; of an event of whole days they
    are days, the last one included. `zone` is the zone by its name of the IANA, or as written when it is unknown; ""
    when the file names none, as for a time that is meant wherever one is. Offsets are minutes east of UTC, None when
    they cannot be known.
    """

    method: str
    what: str
    start: str
    end: str
    zone: str
    start_offset: int | None
    end_offset: int | None
    where: str
    organiser: str
    organiser_address: str
    attendees: int
    notes: str
    rule: Rule | None
    cancelled: bool
    updated: bool
    one_of_many: bool
    answer: str
    others: int

    def __repr__(self) -> str:
        return "Event(…)"


def read(data: bytes) -> Event:
    """The first event, and how many others there are. Raises NotReadable."""
    if len(data) > LARGEST:
        raise NotReadable("calendar file")
    try:
        return _read(_lines(charsets.decode(data, "utf-8")))
    except (ValueError, OverflowError, KeyError):
        raise NotReadable("calendar file") from None


def _lines(text: str) -> list[Line]:
    lines: list[Line] = []
    for written in _FOLD.sub("", text).splitlines():
        match = _LINE.fullmatch(written.strip())
        if match is None:
            continue
        settings = {name.upper(): value.replace('"', "") for name, value in _PARAMETER.findall(match[2])}
        lines.append((match[1].upper(), settings, match[3]))
        if len(lines) > _MOST_LINES:
            raise ValueError
    return lines


def _read(lines: list[Line]) -> Event:
    if not lines or lines[0][0] != "BEGIN" or lines[0][2].strip().upper() != "VCALENDAR":
        raise ValueError
    events: list[list[Line]] = []
    described: dict[str, list[Line]] = {}
    method, open_ = "", [""]
    for line in lines:
        name, _, value = line
        if name == "BEGIN":
            open_.append(value.strip().upper())
            if open_[-1] == "VEVENT":
                events.append([])
            elif open_[-1] == "VTIMEZONE":
                zone: list[Line] = []
        elif name == "END":
            if open_[-1] == "VTIMEZONE":
                described[next((one[2] for one in zone if one[0] == "TZID"), "")] = zone
            open_ = open_[:-1] if len(open_) > 1 else open_
        elif open_[-1] == "VEVENT":
            events[-1].append(line)
        elif "VTIMEZONE" in open_:
            zone.append((name, {"OF": open_[-1]}, value))
        elif name == "METHOD":
            method = value.strip().lower()[:20]
    return _event(events, method, described)


def _event(events: list[list[Line]], method: str, described: dict[str, list[Line]]) -> Event:
    if not events:
        raise ValueError
    first: dict[str, tuple[dict[str, str], str]] = {}
    attendees: list[tuple[dict[str, str], str]] = []
    for name, settings, value in events[0]:
        first.setdefault(name, (settings, value))
        if name == "ATTENDEE" and len(attendees) < _MOST_ATTENDEES:
            attendees.append((settings, value))
    start, zone, start_offset = _moment(*first["DTSTART"], described)
    end, end_offset = _end(first, start, start_offset, described)
    organiser, organiser_address = _person(*first.get("ORGANIZER", ({}, "")))
    status = first.get("STATUS", ({}, ""))[1].strip().upper()
    sequence = first.get("SEQUENCE", ({}, "0"))[1].strip()
    return Event(
        method=method,
        what=_one_line(first.get("SUMMARY", ({}, ""))[1]),
        start=start,
        end=end,
        zone=zone,
        start_offset=start_offset,
        end_offset=end_offset,
        where=_one_line(first.get("LOCATION", ({}, ""))[1]),
        organiser=organiser,
        organiser_address=organiser_address,
        attendees=len(attendees),
        notes=_text(first.get("DESCRIPTION", ({}, ""))[1]).strip()[:_LONGEST_NOTES],
        rule=_rule(first["RRULE"][1]) if "RRULE" in first else None,
        cancelled=method == "cancel" or status == "CANCELLED",
        updated=sequence.isdigit() and sequence.isascii() and int(sequence[:9]) > 0,
        one_of_many="RECURRENCE-ID" in first,
        answer=attendees[0][0].get("PARTSTAT", "").lower()[:20] if method == "reply" and attendees else "",
        others=sum(not any(line[0] == "RECURRENCE-ID" for line in event) for event in events[1:]),
    )


def _text(value: str) -> str:
    return _ESCAPED.sub(lambda match: "\n" if match[1] in "nN" else match[1], value)


def _one_line(value: str) -> str:
    text = " ".join(one_line(_text(value)).split())
    return settled(text if len(text) <= _LONGEST_LINE else text[:_LONGEST_LINE] + "…")


def _person(settings: dict[str, str], value: str) -> tuple[str, str]:
    scheme, _, address = value.strip().partition(":")
    address = one_line(address)[:320] if scheme.lower() == "mailto" else ""
    return clean_name(settings.get("CN", ""))[:_LONGEST_LINE], address if "@" in address else ""


# ---------- when ----------


def _moment(settings: dict[str, str], value: str, described: dict[str, list[Line]]) -> tuple[str, str, int | None]:
    """A day or a local time in ISO 8601, its zone and its offset. Raises ValueError."""
    match = MOMENT.fullmatch(value.strip())
    if match is None:
        raise ValueError
    year, month, day, hour, minute, second, utc = match.groups()
    if not _FIRST_YEAR <= int(year) <= _LAST_YEAR:
        raise ValueError
    if hour is None:
        return date(int(year), int(month), int(day)).isoformat(), "", None
    clock = int(hour), int(minute), min(int(second or 0), 59)
    local = datetime(int(year), int(month), int(day), *clock)  # noqa: DTZ001 as the sender's clock shows it
    if utc:
        return local.isoformat(), "UTC", 0
    written = settings.get("TZID", "").strip()
    if not written:
        return local.isoformat(), "", None
    known, name = zones.named(written)
    if known is not None:
        return local.isoformat(), name, zones.offset_in(known, local)
    return local.isoformat(), _one_line(written)[:80], zones.offset_by(described.get(written, []), local)


def _end(
    first: dict[str, tuple[dict[str, str], str]], start: str, offset: int | None, described: dict[str, list[Line]]
) -> tuple[str, int | None]:
    """The end like `_moment`; "" when there is none, or it is not behind the start."""
    whole_days = "T" not in start
    began = datetime.fromisoformat(start)
    if "DTEND" in first:
        end, _, end_offset = _moment(*first["DTEND"], described)
        if whole_days != ("T" not in end):
            return "", None
        ended = datetime.fromisoformat(end)
    else:
        match = _DURATION.fullmatch(first.get("DURATION", ({}, ""))[1].strip())
        if match is None:
            return "", None
        weeks, days, hours, minutes, seconds = (int(number or 0) for number in match.groups())
        ended = began + timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
        end_offset = offset
    if whole_days:
        ended -= timedelta(days=1)  # the file names the day after the last
        return ("", None) if ended <= began else (ended.date().isoformat(), None)
    if offset is not None and end_offset is not None and end_offset != offset:
        # Of two zones the end is told in the start's.
        ended, end_offset = ended + timedelta(minutes=offset - end_offset), offset
    return ("", None) if ended <= began else (ended.isoformat(), end_offset)


# ---------- how often ----------


def _rule(written: str) -> Rule:
    """How an event repeats, in parts that words can be made of; `every` is "" for all finer rules."""
    parts = parts_of(written)
    every = parts.get("FREQ", "")
    days = [DAY.fullmatch(day) for day in parts.get("BYDAY", "").split(",")] if parts.get("BYDAY") else []
    named = [match[2] for match in days if match is not None and not match[1]]
    limits = [parts[name] for name in ("BYMONTH", "BYMONTHDAY") if name in parts]
    easy = (
        every in {"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}
        and set(parts) - {""} <= _EASY_RULE
        and len(named) == len(days) <= 7
        and (not days or every == "WEEKLY")
        # One month or day of a month says no more than the day on which it starts; several would.
        and all(limit.isdigit() for limit in limits)
        and not (limits and every in {"DAILY", "WEEKLY"})
    )
    if not easy:
        return Rule("")
    until = MOMENT.match(parts.get("UNTIL", ""))
    return Rule(
        every,
        max(_number(parts.get("INTERVAL", "1")), 1),
        _number(parts.get("COUNT", "0")),
        date(int(until[1]), int(until[2]), int(until[3])).isoformat() if until else "",
        tuple(day for day in DAYS if day in named),
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 5 else 0


def at(local: str, offset: int | None) -> datetime | date:
    """`start` or `end` of an event as Python has it: aware when its offset is known, naive when not, or a day."""
    if "T" not in local:
        return date.fromisoformat(local)
    moment = datetime.fromisoformat(local)
    return moment if offset is None else moment.replace(tzinfo=timezone(timedelta(minutes=offset)))
