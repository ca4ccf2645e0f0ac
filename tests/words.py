"""Translations for tests: the real ones made ready, and false ones that show what escaped gettext or does not fit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.test import override_settings

from branding import catalogues
from branding.catalogues import Catalogue
from scripts.catalogues import PLURALS, forms_of
from scripts.sources import found

_KEPT = re.compile(r"(%\(\w+\)[sd]|%%s|%%|\{\w+\}|<[^<>]*>)")
_LATIN = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "áƀćđéƒğĥíĵķĺɱñóƥɋřšţúṽŵẋýžÁƁĆĐÉƑĞĤÍĴĶĹṀÑÓƤɊŘŠŢÚṼŴẊÝŽ"
)
_ARABIC = str.maketrans("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", 2 * "ابتدهفغحيجكلمنوپقرسطعڤوخيز")


def long_latin(text: str) -> str:
    """No plain letter stays, and every vowel stands twice, so that it is some 40 % longer."""
    return _said(text, lambda part: re.sub("([áéíóúý])", r"\1\1", part.translate(_LATIN)))


def arabic(text: str) -> str:
    """Letters that are written from right to left."""
    return _said(text, lambda part: part.translate(_ARABIC))


def _said(text: str, say: Callable[[str], str]) -> str:
    return "".join(part if _KEPT.fullmatch(part) else say(part) for part in _KEPT.split(text))


@contextmanager
def false_words(folder: Path) -> Iterator[None]:
    """While it lasts, "de" speaks `long_latin` and "ar" `arabic`, made of the sources as they are."""
    sources = found()
    for language, say in (("de", long_latin), ("ar", arabic)):
        number = forms_of(language)
        entries = {s: (say(s.one), *[say(s.many)] * (number - 1)) if s.many else (say(s.one),) for s in sources}
        header = f"Content-Type: text/plain; charset=UTF-8\nPlural-Forms: {PLURALS[language]}\n"
        made = folder / language / "LC_MESSAGES" / "django.mo"
        made.parent.mkdir(parents=True)
        made.write_bytes(catalogues.compiled(Catalogue(header, entries)))
    with override_settings(LOCALE_PATHS=[folder]):
        yield


@contextmanager
def true_words() -> Iterator[None]:
    """While it lasts, pages speak the catalogues of locale/."""
    folder = Path(settings.LOCALE_PATHS[0])
    catalogues.make_all(settings.CATALOGUES, folder)
    with override_settings(LOCALE_PATHS=[folder]):  # Django forgets what it had loaded before
        yield
