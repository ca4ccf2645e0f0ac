"""A brand's own words as a recipient is shown them: in the language that is spoken, else the brand's."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils import translation

from branding import wording
from branding.models import Brand


def said(brand: Brand, key: str, facts: Mapping[str, str] | None = None) -> str:
    """A brand's word in the language that is spoken now, its placeholders filled; "" for the portal's own sentence.

    `facts` are `sender` and `date` where they are known; the organisation is always.
    """
    known = {wording.ORGANISATION: brand.name, **(facts or {})}
    for language in (translation.get_language() or "", brand.language):
        text = wording.chosen(brand.words, key, language)
        # A text about a day is nothing for a message that has none: then another language's is no better.
        if text:
            return wording.filled(text, known)
    return ""


def for_mail(brand: Brand, sender: str = "", date: str = "") -> dict[str, str]:
    """What a mail to a recipient says in the brand's own words, by word; "" where the portal's own sentence holds."""
    facts = {wording.SENDER: sender, wording.DATE: date}
    found = {key: said(brand, key, facts) for key, word in wording.ALL.items() if word.in_mail}
    text = wording.chosen(brand.words, "introduction", translation.get_language() or "", brand.language)
    if found["introduction"] and f"{{{wording.SENDER}}}" not in text:
        # As OME has it: the words follow the name (“has sent you a secure message.”).
        found["introduction"] = f"{sender} {found['introduction']}" if sender else ""
    return found


def privacy_url(brand: Brand) -> str:
    """Where the organisation's own privacy statement is; "" when it names none."""
    return said(brand, "privacy_url") or brand.privacy_url
