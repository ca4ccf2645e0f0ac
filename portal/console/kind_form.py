"""The form of an own kind of sensitive information: from a kind, from what was posted, made a kind, and tried."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from portal.rules.own_kinds import Kind
from portal.rules.sensitive import HIGH, LEVELS, LOW, MEDIUM, BadType, SensitiveType, TooLong, scanning
from portal.rules.sensitive.kinds import NONE
from portal.rules.sensitive.own import CHECKSUMS, SEPARATORS

PARTS = ("name", "slug", "looks_for", "words", "pattern", "checksum", "separators", "keywords", "confidence")
_LISTS = ("words", "keywords")
MOST_TYPED = 60_000
MOST_TEXT = 20_000
"""Characters of a text that a kind is tried on: so few that the largest pattern is through with it in seconds."""
TRIAL_SECONDS = 2.0
MOST_SHOWN = 50
_QUOTED = re.compile("“([a-z_]+)”")


@dataclass(frozen=True)
class Trial:
    """What of a kind a text holds. `shown` is each with its confidence, `counts` how many a rule counts by the
    confidence that it asks for."""

    shown: list[tuple[str, str]]
    more: int
    counts: dict[int, int]
    too_long: bool = False


class BadText(Exception):
    """There is no text to try it on, or too much. The text says what to write."""


def fresh() -> dict[str, str]:
    return {**dict.fromkeys(PARTS, ""), "confidence": str(LOW), "separators": SEPARATORS}


def of_kind(kind: Mapping[str, Any]) -> dict[str, str]:
    parts = {name: kind.get(name, "") for name in PARTS}
    parts |= {name: "\n".join(kind.get(name) or ()) for name in _LISTS}
    parts["confidence"] = kind.get("confidence", LOW)
    parts["separators"] = kind.get("separators", SEPARATORS)
    return {name: str(value or "") if name != "confidence" else str(value) for name, value in parts.items()}


def posted(post: QueryDict) -> dict[str, str]:
    return {name: post.get(name, "")[:MOST_TYPED].replace("\r\n", "\n") for name in PARTS}


def as_kind(parts: Mapping[str, str], slug: str, *, archived: bool) -> Kind:
    """Not checked yet; nothing stands in it that is as it is anyway."""
    found: Kind = {"slug": slug, "name": parts["name"].strip(), "looks_for": parts["looks_for"].strip()}
    found |= {name: [line.strip() for line in parts[name].split("\n") if line.strip()] for name in _LISTS}
    found |= {"pattern": parts["pattern"].strip(), "checksum": parts["checksum"]}
    found = {name: value for name, value in found.items() if value or name in ("slug", "name")}
    if "words" not in found and parts["separators"] != SEPARATORS:
        found["separators"] = parts["separators"]
    typed = parts["confidence"]
    found["confidence"] = int(typed) if typed in map(str, (NONE, *LEVELS)) else typed
    return {**found, "archived": True} if archived else found


def plain(error: BadType) -> tuple[str, str]:
    """The field of the form that is wrong, and why in the form's own words."""
    if error.field == "pattern" and "must be given" in str(error):
        return "words", _("Write the words that it finds, or a pattern.")
    if error.field == "pattern" and "beside words" in str(error):
        return "pattern", _("It finds words or a pattern, not both. Empty one of the two.")
    said = _QUOTED.sub(lambda found: f"“{labels().get(found[1], found[1])}”", str(error))
    return error.field if error.field in PARTS else "name", said


def labels() -> dict[str, str]:
    return {
        "name": _("Name"),
        "slug": _("Short name"),
        "looks_for": _("What it finds"),
        "words": _("Words"),
        "pattern": _("Pattern"),
        "checksum": _("Checksum"),
        "separators": _("Signs left out"),
        "keywords": _("Words nearby"),
        "confidence": _("How sure a find is alone"),
    }


def confidences() -> list[tuple[str, str]]:
    return [
        (str(NONE), _("It counts only beside one of the words nearby")),
        (str(LOW), _("65: a guess")),
        (str(MEDIUM), _("75: sure by itself")),
        (str(HIGH), _("85: certain")),
    ]


def checksums() -> list[tuple[str, str]]:
    words = {
        "luhn": _("Luhn (ISO/IEC 7812-1), as of cards"),
        "mod97": _("MOD 97-10 (ISO/IEC 7064), as of IBANs, digits at the end"),
        "mod11-10": _("MOD 11,10 (ISO/IEC 7064)"),
        "verhoeff": _("Verhoeff"),
        "card": _("A payment card: Luhn, with an issuer that there is"),
    }
    return [("", _("None")), *((name, words.get(name, name)) for name in CHECKSUMS)]


def tried(kind: SensitiveType, text: str) -> Trial:
    """Of the text nothing is kept. Raises BadText."""
    if not text.strip():
        raise BadText(_("Write or paste a text to try it on."))
    if len(text) > MOST_TEXT:
        said = _("A text to try it on can have up to {most} characters; this one has {n}.")
        raise BadText(said.format(most=f"{MOST_TEXT:,}", n=f"{len(text):,}"))
    try:
        found = scanning.instances(text, kind, TRIAL_SECONDS)
    except TooLong:
        return Trial([], 0, {}, too_long=True)
    words = {LOW: _("65, a guess"), MEDIUM: _("75, sure by itself"), HIGH: _("85, sure")}
    surest_first = sorted(found.items(), key=lambda one: -one[1])
    levels = Counter(found.values())
    counts = {asked: sum(n for level, n in levels.items() if level >= asked) for asked in LEVELS}
    shown = [(value, words[level]) for value, level in surest_first[:MOST_SHOWN]]
    return Trial(shown, max(0, len(found) - MOST_SHOWN), counts)
