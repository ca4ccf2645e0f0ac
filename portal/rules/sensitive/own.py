"""An organisation's own types of sensitive information, from the document that a rule set keeps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import re2

from portal.rules.errors import RulesError
from portal.rules.sensitive import checksums
from portal.rules.sensitive.kinds import HIGH, LEVELS, LOW, NONE, Check, SensitiveType
from portal.rules.sensitive.payment import is_card
from portal.rules.sensitive.scanning import compiled, whole_words

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
MOST_WORDS = 200
"""That a type looks for in place of a pattern; each as long as a keyword may be."""
KEYS = (
    "slug", "name", "looks_for", "words", "pattern", "checksum", "keywords", "confidence", "separators", "archived",
)  # fmt: skip
SEPARATORS = " .-/"
"""Of a pattern, where a document names none."""
FAMILY = "Your own"
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_MOST_SEPARATORS = 10


class BadType(RulesError):
    """A document that makes no type; the sentence is for the administrator, and `field` names the key that is wrong."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


def compile_type(document: Mapping[str, object]) -> SensitiveType:
    """A type from `{slug, name, pattern, looks_for?, checksum?, keywords?, confidence?, separators?, archived?}`,
    or with `words` in the place of pattern, checksum and separators.

    `confidence` (65, 75 or 85) is what a match alone is worth, 0 when it counts only beside a keyword, where it is 85.
    An archived one is looked for as before; only nobody is offered it. BadType for anything that makes no type, with
    the limit that it breaks.
    """
    if unknown := sorted(str(key) for key in document if key not in KEYS):
        raise BadType(unknown[0][:40], f"Unknown key. Known are {', '.join(KEYS)}.")
    slug, name = _text(document, "slug", 60), _text(document, "name", LONGEST_NAME)
    if not _SLUG.fullmatch(slug):
        raise BadType("slug", "A slug is lower-case letters, digits and single hyphens, like customer-number.")
    alone = document.get("confidence", LOW)
    keywords = _words(document, "keywords", MOST_KEYWORDS)
    if type(alone) is not int or alone not in (NONE, *LEVELS):
        raise BadType("confidence", "The confidence is 65, 75 or 85, or 0 for what counts only beside a keyword.")
    if alone == NONE and not keywords:
        raise BadType("keywords", "A type that counts only beside a keyword needs keywords.")
    if type(document.get("archived", False)) is not bool:
        raise BadType("archived", "“archived” is true or false.")
    looks_for = _text(document, "looks_for", 300, required=False) or name
    if words := _words(document, "words", MOST_WORDS):
        return _of_words(document, SensitiveType(slug, name, looks_for, "", keywords=keywords, alone=alone), words)
    if "words" in document and "pattern" not in document:
        raise BadType("words", "There must be at least one word, or a pattern.")
    checksum = document.get("checksum", "") or ""
    if not isinstance(checksum, str) or (checksum and checksum not in CHECKSUMS):
        raise BadType("checksum", f"The checksum is one of {', '.join(CHECKSUMS)}, or left out.")
    return SensitiveType(
        slug,
        name,
        looks_for,
        _pattern(_text(document, "pattern", MOST_CHARACTERS)),
        keywords=keywords,
        alone=alone,
        near=HIGH,
        separators=_text(document, "separators", _MOST_SEPARATORS, required=False, strips=False, default=SEPARATORS),
        family=FAMILY,
        checked_by=checksum,
        check=CHECKSUMS[checksum] if checksum else bool,
    )


def _of_words(document: Mapping[str, object], kind: SensitiveType, words: tuple[str, ...]) -> SensitiveType:
    if alien := next((key for key in ("pattern", "checksum", "separators") if document.get(key)), ""):
        raise BadType(alien, f"A type looks for words or for a pattern; beside words there is no “{alien}”.")
    pattern = whole_words(words)
    if not pattern:
        raise BadType("words", "A word needs at least one letter, digit or sign.")
    try:
        compiled(pattern)
    except re2.error:
        raise BadType("words", "These words are too large together: use fewer or shorter ones.") from None
    return replace(kind, pattern=pattern, words=True, separators="", family=FAMILY, check=bool)


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


def _words(document: Mapping[str, object], key: str, most: int) -> tuple[str, ...]:
    given = document.get(key, ())
    if (
        isinstance(given, str)
        or not isinstance(given, list | tuple)
        or not all(isinstance(word, str) for word in given)
    ):
        raise BadType(key, f"The {key} must be a list of words.")
    words = tuple(dict.fromkeys(word.strip() for word in given if word.strip()))
    if len(words) > most:
        raise BadType(key, f"There can be up to {most} {key}; these are {len(words):,}.")
    if long := next((word for word in words if len(word) > LONGEST_KEYWORD), ""):
        raise BadType(key, f"One of the {key} has {len(long):,} characters; up to {LONGEST_KEYWORD} are possible.")
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
