"""What one field of a condition or an action may hold: its form, its limits, and the sentence when it is passed."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portal.mime.addresses import normalise
from portal.mime.errors import BadAddress
from portal.rules import limits
from portal.rules.folding import folded
from portal.rules.patterns import BadPattern, check_pattern

_SLUG = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_HEADER = re.compile(r"[!-9;-~]{1,70}")
_EXTENSION = re.compile(r"[a-z0-9_+-]{1,20}")
_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,100}/(?:\*|[a-z0-9!#$&^_.+-]{1,100})")
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class BadField(ValueError):
    """What is wrong, as the end of a sentence that names the field: "must be …"."""


@dataclass(frozen=True)
class Field:
    """One field. `kind` tells an editor what to show; `default` holds when it is left out, and must then be there."""

    kind: str
    """ "words", "patterns", "addresses", "domains", "networks", "slugs", "slug", "choice", "choices", "number", "text",
    "line", "header", "extensions", "types", "guid", "flag", "days" or "sensitive"."""
    required: bool = True
    default: Any = None
    choices: tuple[str, ...] = ()
    least: int = 0
    most: int = 0

    def check(self, value: Any) -> Any:
        """The value in its normal form. Raises BadField."""
        return _CHECKS[self.kind](self, value)


def _list(value: Any, most: int, what: str) -> list[str]:
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise BadField(f"must be a list of {what}")
    if not value:
        raise BadField(f"must name at least one of its {what}")
    if len(value) > most:
        raise BadField(f"may hold at most {most:,} {what}; it holds {len(value):,}")
    return list(value)


def _words(field: Field, value: Any) -> list[str]:
    words = _list(value, limits.MOST_VALUES, "words")
    for number, word in enumerate(words, 1):
        if len(word) > limits.LONGEST_WORD:
            raise BadField(
                f"may hold words of at most {limits.LONGEST_WORD} characters; word {number} has {len(word):,}"
            )
        if not folded(word):
            raise BadField(f"must hold words with a letter, digit or sign; word {number} has none")
    return words


def _patterns(field: Field, value: Any) -> list[str]:
    patterns = _list(value, limits.MOST_PATTERNS, "patterns")
    for number, pattern in enumerate(patterns, 1):
        if not 0 < len(pattern) <= limits.LONGEST_PATTERN:
            raise BadField(
                f"may hold patterns of 1 to {limits.LONGEST_PATTERN:,} characters; number {number} has {len(pattern):,}"
            )
        try:
            check_pattern(pattern)
        except BadPattern as error:
            raise BadField(f"must hold patterns that RE2 can read; pattern {number} cannot be read ({error})") from None
    return patterns


def _addresses(field: Field, value: Any) -> list[str]:
    found = []
    for number, address in enumerate(_list(value, field.most or limits.MOST_VALUES, "addresses"), 1):
        try:
            found.append(normalise(address))
        except BadAddress:
            raise BadField(f"must hold email addresses; number {number} is none") from None
    return found


def _domains(field: Field, value: Any) -> list[str]:
    found = []
    for number, domain in enumerate(_list(value, limits.MOST_VALUES, "domains"), 1):
        try:
            found.append(normalise(f"x@{domain.strip().removeprefix('*.').lstrip('.@')}").rpartition("@")[2])
        except BadAddress:
            raise BadField(f"must hold domains like example.org; number {number} is none") from None
    return found


def _networks(field: Field, value: Any) -> list[str]:
    found = []
    for number, network in enumerate(_list(value, limits.MOST_VALUES, "networks"), 1):
        try:
            found.append(str(ipaddress.ip_network(network.strip(), strict=False)))
        except ValueError:
            raise BadField(f"must hold networks like 192.0.2.0/24; number {number} is none") from None
    return found


def _matching(pattern: re.Pattern[str], what: str, clean: Callable[[str], str]) -> Callable[[Field, Any], list[str]]:
    def check(field: Field, value: Any) -> list[str]:
        found = [clean(one) for one in _list(value, limits.MOST_VALUES, what)]
        for number, one in enumerate(found, 1):
            if pattern.fullmatch(one) is None:
                raise BadField(f"must hold {what}; number {number} is none")
        return found

    return check


def _slug(field: Field, value: Any) -> str:
    if not isinstance(value, str) or _SLUG.fullmatch(value.strip().lower()) is None:
        raise BadField("must be a short name of small letters, digits and hyphens")
    return value.strip().lower()


def _choice(field: Field, value: Any) -> str:
    if value not in field.choices or not isinstance(value, str):
        raise BadField(f"must be one of {', '.join(field.choices)}")
    return value


def _choices(field: Field, value: Any) -> list[str]:
    found = _list(value, limits.MOST_VALUES, "values")
    for one in found:
        if one not in field.choices:
            raise BadField(f"must hold only {', '.join(field.choices)}")
    return sorted(set(found), key=field.choices.index)


def _number(field: Field, value: Any) -> int:
    if type(value) is not int or not field.least <= value <= field.most:
        raise BadField(f"must be a whole number from {field.least:,} to {field.most:,}")
    return value


def _flag(field: Field, value: Any) -> bool:
    if type(value) is not bool:
        raise BadField("must be true or false")
    return value


def _days(field: Field, value: Any) -> int | str:
    if value == "never":
        return "never"
    if type(value) is not int or not 1 <= value <= field.most:
        raise BadField(f"must be a number of days from 1 to {field.most}, or never")
    return value


def _text(field: Field, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise BadField("must be a text")
    if len(value) > field.most:
        raise BadField(f"may have at most {field.most:,} characters; it has {len(value):,}")
    text = value.replace("\r\n", "\n")
    if _CONTROL.search(text):
        raise BadField("may hold no control characters")
    return text


def _line(field: Field, value: Any) -> str:
    text = _text(field, value)
    if "\n" in text:
        raise BadField("must be one line")
    return text


def _header(field: Field, value: Any) -> str:
    if not isinstance(value, str) or _HEADER.fullmatch(value.strip()) is None:
        raise BadField("must be the name of a header, like X-Category")
    return value.strip()


def _guid(field: Field, value: Any) -> str:
    if not isinstance(value, str) or _GUID.fullmatch(value.strip().lower().strip("{}")) is None:
        raise BadField("must be an id like 0a1b2c3d-0000-4000-8000-000000000000")
    return value.strip().lower().strip("{}")


def _sensitive(field: Field, value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list | tuple) or not 0 < len(value) <= 100:
        raise BadField("must be a list of 1 to 100 kinds, like [{name: iban, at_least: 1}]")
    return [_one_sensitive(number, one) for number, one in enumerate(value, 1)]


def _one_sensitive(number: int, value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        value = {"name": value}
    if not isinstance(value, Mapping) or set(value) - {"name", "at_least", "at_most", "confidence"}:
        raise BadField(f"may say name, at_least, at_most and confidence; number {number} says something else")
    name = value.get("name")
    if not isinstance(name, str) or _SLUG.fullmatch(name.replace("_", "-")) is None:
        raise BadField(f"must name a kind of sensitive information; number {number} does not")
    found: dict[str, Any] = {"name": name}
    for key, least, most, default in (
        ("at_least", 1, 10_000, 1),
        ("at_most", 1, 10_000, None),
        ("confidence", 1, 100, 75),
    ):
        given = value.get(key, default)
        if given is None:
            continue
        if type(given) is not int or not least <= given <= most:
            raise BadField(f"must have a {key} from {least} to {most:,}; number {number} has none such")
        found[key] = given
    if found.get("at_most", 10_000) < found["at_least"]:
        raise BadField(f"must not have an at_most under its at_least; number {number} has")
    return found


_CHECKS: Mapping[str, Callable[[Field, Any], Any]] = {
    "words": _words,
    "patterns": _patterns,
    "addresses": _addresses,
    "domains": _domains,
    "networks": _networks,
    "slugs": _matching(_SLUG, "short names of small letters, digits and hyphens", lambda one: one.strip().lower()),
    "slug": _slug,
    "choice": _choice,
    "choices": _choices,
    "number": _number,
    "flag": _flag,
    "days": _days,
    "text": _text,
    "line": _line,
    "header": _header,
    "guid": _guid,
    "sensitive": _sensitive,
    "extensions": _matching(_EXTENSION, "file extensions like docx", lambda one: one.strip().lower().lstrip(".")),
    "types": _matching(_TYPE, "file types like application/pdf or image/*", lambda one: one.strip().lower()),
}

WHERE_SENDER = Field("choice", required=False, default="either", choices=("envelope", "header", "either"))
WHERE_RECIPIENT = Field("choice", required=False, default="envelope", choices=("envelope", "to", "cc", "to_or_cc"))
HOW_MANY = Field("choice", required=False, default="any", choices=("any", "every"))


def unknown(fields: Mapping[str, Field], given: Sequence[str]) -> list[str]:
    """Names that are no field."""
    return sorted(set(given) - set(fields))
