"""A brand as a form would make it, for a preview of what is not saved: what cannot be is left as it was."""

from __future__ import annotations

from django.http import QueryDict

from branding import languages, versions, wording
from branding.models import Brand
from portal.console import brand_fields, brand_sections

MOST_TYPED = 5000
"""Characters of a word that are given back to be mended; what may be kept is far less."""


def as_typed(brand: Brand, posted: QueryDict) -> Brand:
    """The brand with what the form of one of its parts says."""
    name = posted.get("section")
    if name == "words":
        return _with_words(brand, posted)
    section = next((one for one in brand_sections.all_sections() if one.slug == name), None)
    return versions.as_brand(brand, brand_fields.answers(section, brand, posted).values) if section else brand


def language_of(said: QueryDict, brand: Brand) -> str:
    """The language that is edited: the brand's own where none is named."""
    code = said.get("language", "")
    return code if code in {language.code for language in languages.ALL} else languages.of_brand(brand)


def typed_words(posted: QueryDict) -> tuple[dict[str, str], dict[str, str]]:
    """What was typed, and what is wrong with it, by word."""
    typed = {key: wording.tidied(posted.get(f"word-{key}", "")[:MOST_TYPED]) for key in wording.ALL}
    return typed, {key: fault for key, text in typed.items() if (fault := wording.fault_of(key, text))}


def _with_words(brand: Brand, posted: QueryDict) -> Brand:
    code = language_of(posted, brand)
    typed, faults = typed_words(posted)
    now = brand.words.get(code, {})
    kept = {key: now.get(key, "") if key in faults else text for key, text in typed.items()}
    return versions.as_brand(brand, {"words": with_words(brand.words, code, kept)})


def with_words(words: dict[str, dict[str, str]], code: str, texts: dict[str, str]) -> dict[str, dict[str, str]]:
    """All words of a brand with these of one language; an empty one is none."""
    kept = {key: text for key, text in texts.items() if text}
    others = {language: said for language, said in words.items() if language != code}
    return {**others, code: kept} if kept else others
