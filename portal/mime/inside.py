"""Messages and invitations within a mail: what is found in its files, in theirs, and so on, within bounds."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from portal.mime import calendars, mapi, msg
from portal.mime.calendars import Event
from portal.mime.fields import read_headers
from portal.mime.reading import Letter, Part, read
from portal.mime.unpacking import attempt

MOST_MESSAGES, DEEPEST, MOST_EVENTS = 20, 3, 10
LARGEST = 32 * 1024 * 1024
"""Bytes of messages that are opened, together: what they hold is kept beside them."""

_MESSAGES = {"message/rfc822", "message/global"}
_OF_MAIL = {"from", "to", "subject", "date", "received", "message-id"}
_OF_OUTLOOK = {"application/vnd.ms-outlook", "application/x-msg"}
_CALENDARS = {"text/calendar", "application/ics"}
_UNTOLD = {"", "application/octet-stream", "text/plain"}


@dataclass(frozen=True, slots=True, repr=False)
class Inner:
    """A message within another. `number` counts from 1; `of` is the number of the part it was read from.

    The numbers of its letter's parts go on from those of the mail around it, so that each part of all has its own.
    """

    number: int
    of: int
    letter: Letter


@dataclass(frozen=True, slots=True, repr=False)
class Inside:
    """What was found, outermost first; each event with the number of the part that it was read from."""

    messages: tuple[Inner, ...]
    events: tuple[tuple[int, Event], ...]


def look(letter: Letter) -> Inside:
    """Messages and events in a mail that was read. Never raises: what cannot be opened stays a file."""
    messages: list[Inner] = []
    events: list[tuple[int, Event]] = []
    waiting = deque([(letter, 0)])
    number, room = len(letter.parts), LARGEST
    while waiting:
        around, depth = waiting.popleft()
        for part in around.parts:
            event = _event(part) if len(events) < MOST_EVENTS else None
            # Many programs put one invitation into a mail twice, as a rendering of its text and as a file.
            if event is not None and event not in [known for _, known in events]:
                events.append((part.number, event))
            if depth >= DEEPEST or len(messages) >= MOST_MESSAGES or len(part.data) > room:
                continue
            inner = _message(part)
            if inner is None:
                continue
            room -= len(part.data)
            inner = replace(
                inner, parts=tuple(replace(held, number=number + place) for place, held in enumerate(inner.parts, 1))
            )
            number += len(inner.parts)
            messages.append(Inner(len(messages) + 1, part.number, inner))
            waiting.append((inner, depth + 1))
    return Inside(tuple(messages), tuple(events))


def _event(part: Part) -> Event | None:
    kind = part.content_type
    if kind not in _CALENDARS and not (kind in _UNTOLD and part.name.lower().endswith(".ics")):
        return None
    return attempt(lambda: calendars.read(part.data), "calendar file")


def _message(part: Part) -> Letter | None:
    """The message that a file is; None for any other file, or one that does not read as a message."""
    kind, name = part.content_type, part.name.lower()
    if kind in _MESSAGES or (kind in _UNTOLD and name.endswith(".eml")):
        if not any(field.lower() in _OF_MAIL for field, _ in read_headers(part.data[: 64 * 1024])):
            return None
        letter = read(part.data)
        return letter if letter.readable else None
    if kind in _OF_OUTLOOK or (kind in _UNTOLD and name.endswith(".msg")):
        return attempt(lambda: read(mapi.as_mail(msg.read(part.data))), "Outlook message")
    return None
