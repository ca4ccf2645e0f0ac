"""The catalogues in locale/, each with an entry for every sentence of the sources and no other."""

from __future__ import annotations

from pathlib import Path

from branding.catalogues import Catalogue, Source, read

LOCALE = Path(__file__).resolve().parent.parent / "locale"
_TWO = "nplurals=2; plural=(n != 1);"
_SLAVIC = "n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2);"
PLURALS = {
    "de": _TWO,
    "fr": "nplurals=2; plural=(n > 1);",
    "es": _TWO,
    "it": _TWO,
    "pt": _TWO,
    "nl": _TWO,
    "sv": _TWO,
    "pl": f"nplurals=3; plural=(n==1 ? 0 : {_SLAVIC}",
    "uk": f"nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : {_SLAVIC}",
    "tr": _TWO,
    "ar": "nplurals=6; plural=(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5);",
    "he": "nplurals=3; plural=(n==1 ? 0 : n==2 ? 1 : 2);",
    "hi": "nplurals=2; plural=(n > 1);",
    "ja": "nplurals=1; plural=0;",
    "zh-hans": "nplurals=1; plural=0;",
}
"""By language, as gettext's manual has them, with CLDR's forms for Hebrew."""


def path_of(language: str) -> Path:
    """The catalogue of a language, where Django looks for it: zh-hans is zh_Hans there."""
    name, _, variant = language.partition("-")
    return LOCALE / (f"{name}_{variant.title()}" if variant else name) / "LC_MESSAGES" / "django.po"


def forms_of(language: str) -> int:
    """How many plural forms it has."""
    return int(PLURALS[language].partition("=")[2].partition(";")[0])


def catalogue(language: str) -> Catalogue:
    """What is translated; empty for a language that nobody has begun."""
    path = path_of(language)
    return read(path) if path.exists() else Catalogue()


def in_step(language: str, sources: dict[Source, set[str]]) -> Catalogue:
    """The catalogue with an entry for each sentence of the sources and no other; new ones are empty.

    A sentence that only got or lost its plural is begun anew: its forms are others.
    """
    old = catalogue(language)
    header = f"Language: {language}\nContent-Type: text/plain; charset=UTF-8\nPlural-Forms: {PLURALS[language]}\n"
    number = forms_of(language)
    fresh = {source: ("",) * (number if source.many else 1) for source in sources}
    kept = {source: forms for source, forms in old.entries.items() if len(forms) == len(fresh.get(source, ()))}
    return Catalogue(header, fresh | {source: forms for source, forms in kept.items() if source in fresh})


def untranslated(language: str, sources: dict[Source, set[str]]) -> list[Source]:
    """In the order of the catalogue."""
    entries = in_step(language, sources).entries
    return [source for source, forms in sorted(entries.items()) if not all(forms)]
