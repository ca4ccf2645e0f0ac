"""The languages that recipients can choose from: which one a page speaks, and how each says a day."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from django.conf import settings
from django.http import HttpRequest
from django.utils import translation
from django.utils.dateformat import format as format_date
from django.utils.translation.trans_real import parse_accept_lang_header

from branding.models import Brand

ENGLISH = "en-gb"
OFFICE = ("/admin/", "/demo/")
"""Beginnings of paths that only administrators and the demo's visitors see: their words are not translated yet."""
COOKIE_SECONDS = 365 * 24 * 3600


class Language(NamedTuple):
    code: str
    name: str
    """Its own name for itself."""
    day: str = "j E Y"
    """“17 November 2026” in Django's date format; E is the month as it stands in a date (CLDR)."""
    small_months: bool = False
    """Months are written small, other than Django has them."""


ALL = (
    Language("en-gb", "English"),
    Language("de", "Deutsch", "j. E Y"),
    Language("fr", "Français", small_months=True),
    Language("es", "Español", r"j \d\e E \d\e Y"),
    Language("it", "Italiano", small_months=True),
    Language("pt", "Português", r"j \d\e E \d\e Y", small_months=True),
    Language("nl", "Nederlands"),
    Language("sv", "Svenska"),
    Language("pl", "Polski"),
    Language("uk", "Українська", "j E Y р."),
    Language("tr", "Türkçe"),
    Language("ar", "العربية"),
    Language("he", "עברית", "j בE Y"),
    Language("hi", "हिन्दी"),
    Language("ja", "日本語", "Y年n月j日"),
    Language("zh-hans", "简体中文", "Y年n月j日"),
)
_BY_CODE = {language.code: language for language in ALL}


def known(code: str) -> str:
    """The nearest of our languages to a code like "de-AT"; "" when there is none."""
    try:
        return translation.get_supported_language_variant(code.lower()) if code else ""
    except LookupError:
        return ""


def of_brand(brand: Brand | None) -> str:
    """What a brand speaks when nothing is known of whom it speaks to."""
    return known(brand.language if brand else "") or ENGLISH


def of_request(request: HttpRequest) -> str:
    """The language of a page: what was chosen, else what the browser asks for first of ours, else the brand's."""
    if request.path.startswith(OFFICE):
        return ENGLISH
    chosen = known(request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, ""))
    return chosen or _asked_for(request) or of_brand(getattr(request, "brand", None))


def say_day(value: date) -> str:
    """“17 November 2026” in the language that is spoken now."""
    language = _BY_CODE.get(translation.get_language() or ENGLISH, _BY_CODE[ENGLISH])
    said = str(format_date(value, language.day))
    return said.lower() if language.small_months else said


def _asked_for(request: HttpRequest) -> str:
    """Of the languages in Accept-Language (RFC 9110 section 12.5.4), the first that is one of ours."""
    wanted = (code for code, _quality in parse_accept_lang_header(request.headers.get("Accept-Language", "")))
    return next((found for code in wanted if code != "*" and (found := known(code))), "")
