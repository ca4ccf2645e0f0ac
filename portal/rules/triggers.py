"""How a sender asks for protection: a tag in the subject, or the header that programs set.

The header: `X-Letterlock-Protect: v=1; until=2026-12-17; fwd=0; dl=1; print=1; mark=1; rcpt=1; split=strict;
delivery=link; note="…"; level=3; phrase="…"; hint="…"; template=do-not-forward; reply=1; all=0; copy=0`.
`until=never` asks for no end: followed where the brand, a rights template or a rule lets messages stay open.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from types import MappingProxyType

from portal.rules.errors import BadTrigger, UnknownTriggerVersion
from portal.vault import agreed
from portal.vault.errors import PhraseRefused

__all__ = [
    "HEADER",
    "TAGS",
    "BadTrigger",
    "Trigger",
    "UnknownTriggerVersion",
    "has_tag",
    "parse_trigger",
    "strip_tag",
]

HEADER = "x-letterlock-protect"
VERSION = "1"
MAX_OPEN_DAYS = 730
MAX_NOTE_CHARACTERS = 140
MAX_HEADER_CHARACTERS = 4096
LONGEST_TEMPLATE = 40
SPLIT = ("strict", "escrow", "off")
DELIVERY = ("link", "attachment")
RIGHTS = MappingProxyType(
    {
        "fwd": "forward",
        "dl": "download",
        "print": "print",
        "mark": "watermark",
        "reply": "reply",
        "all": "reply_all",
        "copy": "copy",
    }
)
"""Key in the header to name in portal.vault.rights."""

TAGS = ("encrypt", "secure", "protect", "sicher", "sakert")
"""Words that protect when they stand in square brackets in a subject."""
_LONGEST_INSIDE = 40
_OPENING = frozenset("[［﹇")
_CLOSING = frozenset("]］﹈")
_PAIR = re.compile(r"[\[［﹇][^\[\]［］﹇﹈]{1,40}[\]］﹈]")

_NAME = re.compile(r"\s*([A-Za-z][A-Za-z0-9_-]{0,31})\s*=\s*")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"\s*', re.DOTALL)
_PLAIN = re.compile(r'([^\s;"]*)\s*')
_LINK = re.compile(r"://|\bwww\.", re.IGNORECASE)
_TEMPLATE = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_NEVER = "never"
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True)
class Trigger:
    """What the header asks for. `until` is None when it names no day; `rights` holds only what it names."""

    until: date | None = None
    never: bool = False
    """It asks for no end: `until=never`."""
    rights: Mapping[str, bool] = field(default_factory=lambda: MappingProxyType({}))
    receipt: bool | None = None
    """Whether to be told when it is opened; None where it says nothing of that."""
    split: str = ""
    delivery: str = ""
    note: str = field(default="", repr=False)
    level: int = 1
    """Least assurance (docs/assurance.md)."""
    phrase: str = field(default="", repr=False)
    hint: str = field(default="", repr=False)
    template: str = ""
    """Short name of a rights template; whether there is one and its sender may use it is for the vault to say."""


def parse_trigger(value: str, today: date) -> Trigger:
    """Read the header's value; keys that version 1 does not know are ignored.

    Raises:
        UnknownTriggerVersion: `v` is missing or not 1.
        BadTrigger: a value is not usable. Both texts are sentences for the sender.
    """
    given = _pairs(value)
    if given.get("v") != VERSION:
        raise UnknownTriggerVersion(
            "The header X-Letterlock-Protect must say v=1; this gateway knows no other version."
        )
    phrase, hint = _phrase(given), _line("hint", given.get("hint", ""))
    if hint and not phrase:
        raise BadTrigger("In the header X-Letterlock-Protect, hint belongs to a phrase; name both or neither.")
    return Trigger(
        until=_day(given["until"], today) if given.get("until", _NEVER) != _NEVER else None,
        never=given.get("until") == _NEVER,
        rights=MappingProxyType({right: _switch(key, given[key]) for key, right in RIGHTS.items() if key in given}),
        receipt=_switch("rcpt", given["rcpt"]) if "rcpt" in given else None,
        split=_split(given["split"]) if "split" in given else "",
        delivery=_delivery(given["delivery"]) if "delivery" in given else "",
        note=_line("note", given.get("note", "")),
        level=_level(given, phrase),
        phrase=phrase,
        hint=hint,
        template=_template(given["template"]) if "template" in given else "",
    )


def has_tag(subject: str, tags: Collection[str] = TAGS) -> bool:
    """Whether one of these words, in small letters, stands in square brackets in the subject."""
    return any(_is_tag(found.group()[1:-1], tags) for found in _PAIR.finditer(subject))


def strip_tag(subject: str, tags: Collection[str] = TAGS) -> str:
    """The subject without its tags, each taken out with one neighbouring space: what the recipient sees."""
    if not has_tag(subject, tags):
        return subject
    kept: list[str] = []
    places = iter(range(len(subject)))
    for place in places:
        character = subject[place]
        kept.append(character)
        if character in _CLOSING and (start := _tag_at_end(kept, tags)) is not None:
            del kept[start:]
            if subject[place + 1 : place + 2].isspace():
                next(places)
            elif kept and kept[-1].isspace():
                kept.pop()
    return "".join(kept)


def _tag_at_end(kept: list[str], tags: Collection[str]) -> int | None:
    """Where the tag begins that `kept` ends with. Looking back from each bracket also finds tags around tags."""
    for start in range(len(kept) - 2, max(len(kept) - _LONGEST_INSIDE - 3, -1), -1):
        if kept[start] in _CLOSING:
            return None
        if kept[start] in _OPENING:
            return start if _is_tag("".join(kept[start + 1 : -1]), tags) else None
    return None


def _is_tag(inside: str, tags: Collection[str]) -> bool:
    """Compare without case, width, accents and what cannot be seen: people type [Säkert] and ［ＳＥＣＵＲＥ］."""
    apart = unicodedata.normalize("NFKD", inside)
    seen = "".join(c for c in apart if unicodedata.category(c) not in ("Mn", "Cf"))
    return seen.casefold().strip() in tags


def _pairs(value: str) -> dict[str, str]:
    """`key=value` and `key="quoted value"`, between semicolons; keys in lower case."""
    if len(value) > MAX_HEADER_CHARACTERS:
        raise BadTrigger("The header X-Letterlock-Protect is too long; 4,096 characters is the limit.")
    given: dict[str, str] = {}
    place, end = 0, len(value.rstrip(" \t\r\n;"))
    while place < end:
        name = _NAME.match(value, place)
        if name is None:
            raise BadTrigger('The header X-Letterlock-Protect must be written like v=1; fwd=0; note="…".')
        text = _QUOTED.match(value, name.end()) or _PLAIN.match(value, name.end())
        place = text.end() if text else end
        if text is None or (place < end and value[place] != ";"):
            raise BadTrigger('The header X-Letterlock-Protect must be written like v=1; fwd=0; note="…".')
        key = name.group(1).lower()
        if key in given:
            # Which of two wishes is meant cannot be known, and the weaker one may be the wrong one.
            raise BadTrigger("The header X-Letterlock-Protect names a key twice; name each once.")
        found = text.group(1)
        given[key] = re.sub(r"\\(.)", r"\1", found, flags=re.DOTALL) if text.re is _QUOTED else found
        place += 1
    return given


def _day(text: str, today: date) -> date:
    try:
        day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None:
        raise BadTrigger("In the header X-Letterlock-Protect, until must be a day like 2026-12-17, or never.")
    if not today <= day <= today + timedelta(days=MAX_OPEN_DAYS):
        raise BadTrigger("In the header X-Letterlock-Protect, until must be a day from today to two years ahead.")
    return day


def _switch(key: str, text: str) -> bool:
    if text not in ("0", "1"):
        raise BadTrigger(f"In the header X-Letterlock-Protect, {key} must be 0 or 1.")
    return text == "1"


def _split(text: str) -> str:
    if text not in SPLIT:
        raise BadTrigger("In the header X-Letterlock-Protect, split must be strict, escrow or off.")
    return text


def _delivery(text: str) -> str:
    if text not in DELIVERY:
        raise BadTrigger("In the header X-Letterlock-Protect, delivery must be link or attachment.")
    return text


def _template(text: str) -> str:
    if not _TEMPLATE.fullmatch(text) or len(text) > LONGEST_TEMPLATE:
        raise BadTrigger(
            "In the header X-Letterlock-Protect, template must be the short name of one, like do-not-forward."
        )
    return text


def _level(given: Mapping[str, str], phrase: str) -> int:
    """A phrase alone asks for the level that it proves."""
    text = given.get("level", "3" if phrase else "1")
    if text not in ("1", "2", "3"):
        raise BadTrigger("In the header X-Letterlock-Protect, level must be 1, 2 or 3.")
    if phrase and text == "1":
        raise BadTrigger("In the header X-Letterlock-Protect, a phrase needs level 2 or 3: 1 asks for none.")
    return int(text)


def _phrase(given: Mapping[str, str]) -> str:
    if "phrase" not in given:
        return ""
    try:
        agreed.check(given["phrase"])
    except PhraseRefused as refused:
        raise BadTrigger(f"In the header X-Letterlock-Protect: {refused}") from None
    return given["phrase"]


def _line(key: str, text: str) -> str:
    """One line for people to read: control and direction characters have no place there."""
    line = " ".join("".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text).split())
    if len(line) > MAX_NOTE_CHARACTERS:
        raise BadTrigger(f"In the header X-Letterlock-Protect, {key} may have 140 characters.")
    if _LINK.search(line):
        # The notice has exactly one link, its own: people are told to trust no other.
        raise BadTrigger(f"In the header X-Letterlock-Protect, {key} may hold no link; write it in the message.")
    return line
