"""The demo organisation as data.json tells it."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from portal.mime.addresses import Mailbox

HERE = Path(__file__).parent
_MOMENT = re.compile(r"([+-]\d+)([dhm])(?: (\d\d):(\d\d))?")
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}


@cache
def data() -> dict[str, Any]:
    """All of it."""
    found: dict[str, Any] = json.loads((HERE / "data.json").read_text(encoding="utf-8"))
    return found


def person(name: str) -> Mailbox:
    """One of the people, by their short name there."""
    return Mailbox(*data()["people"][name])


def paragraphs(text: list[str]) -> str:
    """A letter's paragraphs with an empty line between them."""
    return "\n\n".join(text)


def moment(relative: str, now: datetime) -> datetime:
    """“-2d 14:48” is two days before `now` at 14:48; “-3h” is three hours before. ValueError when it is neither."""
    found = _MOMENT.fullmatch(relative)
    if found is None:
        raise ValueError("a moment is like “-2d 14:48” or “-3h”")
    number, unit, hour, minute = found.groups()
    then = now + timedelta(**{_UNITS[unit]: int(number)})
    return then if hour is None else then.replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)
