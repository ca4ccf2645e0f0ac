"""A brand's own words, by language: what may stand in them, and which of them a recipient is shown.

Plain text. A word that a brand leaves out is the portal's own sentence, in the recipient's language.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from branding.tongues import known

Words = dict[str, dict[str, str]]
"""By language, then by word: {"en-gb": {"read_button": "Read your letter"}}."""


@dataclass(frozen=True)
class Word:
    """One of a brand's words: how long it may be, and which placeholders may stand in it."""

    key: str
    label: str
    longest: int
    """Characters."""
    placeholders: frozenset[str] = frozenset()
    lines: bool = False
    """Whether it may have several lines."""
    in_mail: bool = False
    """Then nothing in it may read like a link: a notice has one link, and people are told to check it."""


SENDER, ORGANISATION, DATE = "sender", "organisation", "date"
PLACEHOLDERS = (SENDER, ORGANISATION, DATE)
"""The sender's name, the brand's, and the day until which the message is open."""
_ALL, _OWN = frozenset(PLACEHOLDERS), frozenset({ORGANISATION})
BUTTON = 60
"""Characters of a button: a longer one is no button on a phone. OME allows 1024, and its own pages cut it off."""
ALL = {
    word.key: word
    for word in (
        Word("introduction", "Introduction", 1024, _ALL, in_mail=True),
        Word("mail_text", "Text under the button", 1024, _ALL, lines=True, in_mail=True),
        Word("read_button", "Button", BUTTON, _OWN, in_mail=True),
        Word("disclaimer", "Disclaimer", 1024, _OWN, lines=True, in_mail=True),
        Word("portal_text", "Text in the pages’ top bar", 128, _OWN),
        Word("welcome", "Text beside the message that waits", 1024, _OWN, lines=True),
        Word("privacy_url", "Privacy statement", 1024),
    )
}

_BRACED = re.compile(r"\{([^{}]*)\}")
_LINK = re.compile(r"://|\bwww\.|\bmailto:|@|(?<![\w.])(?:[\w-]{1,63}\.)+(?:[a-z]{2,24}|xn--[a-z0-9-]+)(?![\w])", re.I)
_JOINERS = frozenset("\u200c\u200d\u200e\u200f\u00ad")
"""Formatting characters that writing needs: (non-)joiners, marks of direction that end with their letter, hyphen."""
_NUMBER_SIGNS = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd")


@dataclass(frozen=True)
class Fault:
    """Why one word cannot be; the sentence is for whoever wrote it."""

    language: str
    word: str
    sentence: str


class BadWords(ValueError):
    """Some words cannot be; `faults` says which and why."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(" ".join(fault.sentence for fault in faults))
        self.faults = faults


def checked(words: object) -> Words:
    """The words as they are kept: languages by the codes of branding.tongues, text trimmed, nothing empty.

    Raises:
        BadWords: with every fault, not the first alone.
    """
    kept: Words = {}
    faults: list[Fault] = []
    if not isinstance(words, Mapping):
        raise BadWords([Fault("", "", "Words are given by language, and below it by word.")])
    for said, texts in words.items():
        language = known(str(said))
        if not language:
            faults.append(Fault(str(said), "", f"{str(said)[:20]!r} is no language of this portal."))
        elif language in kept:
            faults.append(Fault(language, "", f"The language {language} is given twice."))
        elif not isinstance(texts, Mapping):
            faults.append(Fault(language, "", f"Below {language} there are words by their names."))
        else:
            kept[language] = _checked(language, texts, faults)
    if faults:
        raise BadWords(faults)
    return {language: texts for language, texts in kept.items() if texts}


def fault_of(key: str, text: str) -> str:
    """Why a text cannot be this word; "" when it can. For a text as `tidied` leaves it."""
    word = ALL[key]
    if len(text) > word.longest:
        return f"{word.label}: at most {word.longest:,} characters; these are {len(text):,}."
    if any(not _may_stand(letter, word) for letter in text):
        more = "" if word.lines else " or line end"
        return f"{word.label}: it holds a control character{more} that no reader could see. Type it again."
    if key == "privacy_url":
        return _fault_of_url(word, text)
    if word.in_mail and (link := _LINK.search(unicodedata.normalize("NFKC", text))):
        return (
            f"{word.label}: “{link[0]}” reads like a link or an address. A mail has one link, to the message, so that "
            "recipients can check it. Put a space behind a full stop."
        )
    return _fault_of_placeholders(word, text)


def tidied(text: str) -> str:
    """Line ends as one character, and no space around it; NFC, so that a length means one thing."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return unicodedata.normalize("NFC", "\n".join(line.strip(" \t") for line in lines)).strip()


def chosen(words: Mapping[str, Mapping[str, str]], key: str, *languages: str) -> str:
    """The text of a word in the first of these languages that has one; "" where the portal's own sentence holds."""
    codes = {known(code): texts for code, texts in words.items()}
    for language in languages:
        if text := codes.get(known(language), {}).get(key):
            return text
    return ""


def filled(text: str, facts: Mapping[str, str]) -> str:
    """The text with its placeholders filled; "" when it names something that is not known here.

    What is put in is never looked at again: a sender called “{date}” is called that.
    """
    if any(not facts.get(found) for found in _BRACED.findall(text)):
        return ""
    return _BRACED.sub(lambda match: facts[match[1]], text)


def _checked(language: str, texts: Mapping[Any, Any], faults: list[Fault]) -> dict[str, str]:
    kept = {}
    for key, text in texts.items():
        if key not in ALL:
            names = ", ".join(ALL)
            faults.append(Fault(language, str(key), f"{str(key)[:40]!r} is no word of a brand. They are {names}."))
        elif not isinstance(text, str):
            faults.append(Fault(language, key, f"{ALL[key].label}: this is no text."))
        elif sentence := fault_of(key, tidied(text)):
            faults.append(Fault(language, key, sentence))
        elif tidied(text):
            kept[key] = tidied(text)
    return kept


def _may_stand(letter: str, word: Word) -> bool:
    if letter == "\n":
        return word.lines
    if letter in _JOINERS or letter in _NUMBER_SIGNS:
        return True
    # Among Cf are overrides and isolates of direction (UAX 9), which would let a text be read other than it is.
    return unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def _fault_of_placeholders(word: Word, text: str) -> str:
    may = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS if name in word.placeholders)
    # Full-width braces look like ours and would be shown as they are.
    folded = unicodedata.normalize("NFKC", text)
    for name in _BRACED.findall(folded):
        if name not in PLACEHOLDERS or f"{{{name}}}" not in text:
            return f"{word.label}: {{{name[:40]}}} is no placeholder. You can use {may}."
        if name not in word.placeholders:
            return f"{word.label}: {{{name}}} is not known where this is shown. You can use {may}."
    if re.search(r"[{}]", _BRACED.sub("", folded)):
        return f"{word.label}: a brace stands alone. Braces are for placeholders: {may}."
    return ""


def _fault_of_url(word: Word, text: str) -> str:
    if not text:
        return ""
    wrong = f"{word.label}: write a whole https address, like https://example.org/privacy."
    if not text.isascii() or not re.fullmatch(r"https://[!-~]+", text) or re.search(r"[<>\"'\\^`{|}]", text):
        return wrong
    try:
        found = urlsplit(text)
        host, port = found.hostname, found.port
    except ValueError:
        return wrong
    if not host or "." not in host or found.username is not None or found.password is not None or port == 0:
        return wrong
    return ""
