"""Filters of lists and paths of changes (RFC 7644 sections 3.4.2.2 and 3.5.2), as far as providers use them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from portal.api.scim.errors import ScimError

LONGEST = 1000
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
_CORE = re.compile(r"urn:ietf:params:scim:schemas:core:2\.0:(?:User|Group):", re.IGNORECASE)
_FILTER = re.compile(r"\s*([A-Za-z$][\w.$-]*)\s+eq\s+(\"(?:[^\"\\]|\\.)*\"|true|false)\s*", re.IGNORECASE)
_BRACKETED = re.compile(r"\s*([A-Za-z]+)\[\s*value\s+eq\s+(\"(?:[^\"\\]|\\.)*\")\s*\]\s*", re.IGNORECASE)
_PATH = re.compile(
    r"(?:(urn:ietf:params:scim:schemas:extension:enterprise:2\.0:User)(?::|$))?"
    r"(?:([A-Za-z$]+)(?:\[\s*([A-Za-z]+)\s+eq\s+(\"(?:[^\"\\]|\\.)*\"|true|false)\s*\])?(?:\.([A-Za-z]+))?)?",
    re.IGNORECASE,
)
_NO_LETTER = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True)
class Filter:
    """`attribute eq value`; the attribute in lower case."""

    attribute: str
    value: str


@dataclass(frozen=True)
class Path:
    """Where a change goes. Names are in lower case; `where` picks of several values those that have this one."""

    extension: bool
    attribute: str
    where: tuple[str, object] | None = None
    sub: str = ""


def read_filter(text: str) -> Filter:
    """ScimError `invalidFilter` for anything but one comparison by `eq`."""
    match = _FILTER.fullmatch(_CORE.sub("", text)) if len(text) <= LONGEST else None
    if match is None and len(text) <= LONGEST and (bracketed := _BRACKETED.fullmatch(text)):
        return Filter(bracketed[1].lower() + ".value", str(_value(bracketed[2])))
    if match is None:
        raise ScimError(400, "This filter is not known here; ask by one eq comparison.", "invalidFilter")
    return Filter(match[1].lower(), str(_value(match[2])))


def read_path(text: str) -> Path:
    """ScimError `invalidPath`."""
    match = _PATH.fullmatch(_CORE.sub("", text.strip())) if len(text) <= LONGEST else None
    if match is None or not match[0]:
        raise ScimError(400, "This path is not known here.", "invalidPath")
    where = (match[3].lower(), _value(match[4])) if match[3] else None
    return Path(bool(match[1]), (match[2] or "").lower(), where, (match[5] or "").lower())


def _value(written: str) -> object:
    try:
        value = json.loads(written if written.startswith('"') else written.lower())
    except ValueError:
        raise ScimError(400, "A value in a filter is not written as JSON.", "invalidFilter") from None
    if holds_no_letter(value):
        raise ScimError(400, "A value in a filter holds a character that no text has.", "invalidFilter")
    return value


def holds_no_letter(value: object) -> bool:
    """Whether a text anywhere in this holds a NUL, which PostgreSQL keeps in none, or half of a pair of surrogates,
    which no text can be encoded with: JSON can write both."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str) and _NO_LETTER.search(one):
            return True
        if isinstance(one, dict):
            waiting += [*one, *one.values()]
        elif isinstance(one, list):
            waiting += one
    return False
