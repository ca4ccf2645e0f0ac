"""An organisation's own types of sensitive information, from the document that a rule set keeps."""

from __future__ import annotations

import re
from collections.abc import Mapping

import re2

from portal.rules.errors import RulesError
from portal.rules.sensitive import checksums
from portal.rules.sensitive.kinds import HIGH, LEVELS, LOW, NONE, Check, SensitiveType
from portal.rules.sensitive.payment import is_card

CHECKSUMS: Mapping[str, Check] = {
    "luhn": lambda value: value.isdigit() and checksums.luhn(value),
    "mod97": lambda value: value.isalnum() and value.isascii() and checksums.mod97(value) == 1,
    "mod11-10": lambda value: value.isdigit() and checksums.mod11_10(value),
    "verhoeff": lambda value: value.isdigit() and checksums.verhoeff(value),
    "card": lambda value: value.isdigit() and len(value) > 6 and is_card(value),
}
"""Checks that a document may name. `mod97` is ISO/IEC 7064 MOD 97-10 over the whole value, digits at its end."""
MOST_CHARACTERS = 1000
"""Of a pattern."""
MOST_INSTRUCTIONS = 20_000
"""RE2's measure of a compiled pattern's size."""
MOST_KEYWORDS, LONGEST_KEYWORD, LONGEST_NAME = 200, 80, 80
KEYS = ("slug", "name", "looks_for", "pattern", "checksum", "keywords", "confidence", "separators")
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_MOST_SEPARATORS = 10


class BadType(RulesError):
    """A document that makes no type; the sentence is for the administrator, and `field` names the key that is wrong."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


def compile_type(document: Mapping[str, object]) -> SensitiveType:
    """A type from `{slug, name, pattern, looks_for?, checksum?, keywords?, confidence?, separators?}`.

    `confidence` (65, 75 or 85) is what a match alone is worth, 0 when it counts only beside a keyword, where it is 85.
    BadType for anything that makes no type, with the limit that it breaks.
    """
    if unknown := sorted(str(key) for key in document if key not in KEYS):
        raise BadType(unknown[0][:40], f"Unknown key. Known are {', '.join(KEYS)}.")
    slug, name = _text(document, "slug", 60), _text(document, "name", LONGEST_NAME)
    if not _SLUG.fullmatch(slug):
        raise BadType("slug", "A slug is lower-case letters, digits and single hyphens, like customer-number.")
    keywords, alone = _keywords(document.get("keywords", ())), document.get("confidence", LOW)
    if type(alone) is not int or alone not in (NONE, *LEVELS):
        raise BadType("confidence", "The confidence is 65, 75 or 85, or 0 for what counts only beside a keyword.")
    if alone == NONE and not keywords:
        raise BadType("keywords", "A type that counts only beside a keyword needs keywords.")
    checksum = document.get("checksum", "") or ""
    if not isinstance(checksum, str) or (checksum and checksum not in CHECKSUMS):
        raise BadType("checksum", f"The checksum is one of {', '.join(CHECKSUMS)}, or left out.")
    return SensitiveType(
        slug,
        name,
        _text(document, "looks_for", 300, required=False) or name,
        _pattern(_text(document, "pattern", MOST_CHARACTERS)),
        keywords=keywords,
        alone=alone,
        near=HIGH,
        separators=_text(document, "separators", _MOST_SEPARATORS, required=False, strips=False, default=" .-/"),
        family="Your own",
        checked_by=checksum,
        check=CHECKSUMS[checksum] if checksum else bool,
    )


def _text(
    document: Mapping[str, object],
    key: str,
    most: int,
    *,
    required: bool = True,
    strips: bool = True,
    default: str = "",
) -> str:
    value = document.get(key, default)
    if not isinstance(value, str):
        raise BadType(key, f"“{key}” must be text.")
    value = value.strip() if strips else value
    if required and not value:
        raise BadType(key, f"“{key}” must be given.")
    if len(value) > most:
        raise BadType(key, f"“{key}” can have up to {most} characters; this one has {len(value)}.")
    return value


def _keywords(given: object) -> tuple[str, ...]:
    if (
        isinstance(given, str)
        or not isinstance(given, list | tuple)
        or not all(isinstance(word, str) for word in given)
    ):
        raise BadType("keywords", "The keywords must be a list of words.")
    words = tuple(dict.fromkeys(word.strip() for word in given if word.strip()))
    if len(words) > MOST_KEYWORDS:
        raise BadType("keywords", f"There can be up to {MOST_KEYWORDS} keywords; these are {len(words)}.")
    if long := next((word for word in words if len(word) > LONGEST_KEYWORD), ""):
        raise BadType("keywords", f"A keyword can have up to {LONGEST_KEYWORD} characters; one has {len(long)}.")
    return words


def _pattern(pattern: str) -> str:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 16 * 1024 * 1024
    try:
        compiled = re2.compile(pattern.encode(), options)
    except re2.error as error:
        said = (
            error.args[0].decode("utf-8", "replace") if error.args and isinstance(error.args[0], bytes) else str(error)
        )
        raise BadType("pattern", f"The pattern cannot be read: {said[:120]}. Patterns are in RE2's syntax.") from None
    if compiled.programsize > MOST_INSTRUCTIONS:
        raise BadType("pattern", "The pattern is too large: use fewer or smaller repetitions.")
    if compiled.search(b"") is not None:
        raise BadType("pattern", "The pattern matches nothing at all, so it would match everywhere.")
    return pattern
