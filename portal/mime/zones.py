"""Time zones of calendar files (RFC 5545 §3.6.5): which one a name means, and its offset at a time."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from tzlocal.windows_tz import win_tz

MOMENT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)?(Z)?)?", re.ASCII)
DAY = re.compile(r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_OFFSET = re.compile(r"([+-])(\d\d)(\d\d)(?:\d\d)?")

Line = tuple[str, dict[str, str], str]
"""A content line: name, parameters, value."""


def named(written: str) -> tuple[tzinfo | None, str]:
    """The zone that a file names: of the IANA, of Windows, or one of those behind a program's own prefix."""
    if written.upper() in {"UTC", "GMT", "Z", "ETC/UTC"}:
        return UTC, "UTC"
    for name in (win_tz.get(written, written), "/".join(written.split("/")[-2:]), "/".join(written.split("/")[-3:])):
        if len(name) > 60 or not re.fullmatch(r"[A-Za-z0-9]+(?:/[A-Za-z0-9_+-]+){0,2}", name):
            continue
        try:
            return ZoneInfo(name), name
        except (ValueError, KeyError, OSError):
            continue
    return None, ""


def offset_in(zone: tzinfo, local: datetime) -> int | None:
    offset = local.replace(tzinfo=zone).utcoffset()
    return None if offset is None else int(offset.total_seconds()) // 60


def offset_by(own: list[Line], local: datetime) -> int | None:
    """The offset by a zone that the file describes itself: of the change that came last before that time."""
    best: tuple[datetime, int] | None = None
    lowest: int | None = None
    for observance in _observances(own):
        match = _OFFSET.fullmatch(observance.get("TZOFFSETTO", "").strip())
        began = MOMENT.fullmatch(observance.get("DTSTART", "").strip())
        if match is None or began is None or began[4] is None:
            return None
        minutes = (int(match[2]) * 60 + int(match[3])) * (-1 if match[1] == "-" else 1)
        if abs(minutes) >= 24 * 60:
            return None
        lowest = minutes if lowest is None else lowest
        for onset in _onsets(began, observance.get("RRULE", ""), local.year):
            if onset <= local and (best is None or onset > best[0]):
                best = onset, minutes
    return best[1] if best else lowest


def _observances(own: list[Line]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for name, settings, value in own:
        if settings["OF"] not in {"STANDARD", "DAYLIGHT"}:
            continue
        if not found or name in found[-1]:
            found.append({})
        found[-1][name] = value
    return found[:50]


def _onsets(began: re.Match[str], rule: str, year: int) -> list[datetime]:
    """When an observance begins: once, or each year on the n-th such day of a month (the last two of them)."""
    year_, month, day, hour, minute = (int(began[place]) for place in range(1, 6))
    first = datetime(max(year_, 1), month, day, hour, minute)  # noqa: DTZ001 a time of the wall there
    parts = parts_of(rule)
    which = DAY.fullmatch(parts.get("BYDAY", ""))
    in_month = parts.get("BYMONTH", "")
    if parts.get("FREQ") != "YEARLY" or which is None or not in_month.isdigit() or not 1 <= int(in_month) <= 12:
        return [first]
    days = [_nth_day(one, int(in_month), int(which[1] or 1), DAYS.index(which[2])) for one in (year - 1, year)]
    return [datetime(one.year, one.month, one.day, hour, minute) for one in days]  # noqa: DTZ001 the same


def _nth_day(year: int, month: int, number: int, weekday: int) -> date:
    if number > 0:
        first = date(year, month, 1)
        return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (min(number, 4) - 1))
    last = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
    return last - timedelta(days=(last.weekday() - weekday) % 7 + 7 * (min(-number, 4) - 1))


def parts_of(rule: str) -> dict[str, str]:
    """The parts of a recurrence rule (RFC 5545 §3.3.10), in capitals."""
    pairs = (part.partition("=") for part in rule.strip().upper().split(";")[:20])
    return {name.strip(): value.strip() for name, _, value in pairs}
