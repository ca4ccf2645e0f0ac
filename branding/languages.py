"""The languages that recipients can choose from: which one a page speaks, and how each says a day."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import NamedTuple

from django.conf import settings
from django.http import HttpRequest
from django.utils import translation
from django.utils.dateformat import format as format_date
from django.utils.translation.trans_real import parse_accept_lang_header

from branding.models import Brand
from branding.tongues import known as known

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
    """Months and weekdays are written small, other than Django has them."""
    weekday: str = "{weekday}, {day}"
    """“Tuesday, 17 November 2026”."""


ALL = (
    Language("en-gb", "English"),
    Language("de", "Deutsch", "j. E Y"),
    Language("fr", "Français", small_months=True, weekday="{weekday} {day}"),
    Language("es", "Español", r"j \d\e E \d\e Y"),
    Language("it", "Italiano", small_months=True, weekday="{weekday} {day}"),
    Language("pt", "Português", r"j \d\e E \d\e Y", small_months=True),
    Language("nl", "Nederlands", weekday="{weekday} {day}"),
    Language("sv", "Svenska", weekday="{weekday} {day}"),
    Language("pl", "Polski", small_months=True),
    Language("uk", "Українська", "j E Y р.", small_months=True),
    Language("tr", "Türkçe", weekday="{day} {weekday}"),
    Language("ar", "العربية", weekday="{weekday}، {day}"),
    Language("he", "עברית", "j בE Y", weekday="יום {weekday}, {day}"),
    Language("hi", "हिन्दी"),
    Language("ja", "日本語", "Y年n月j日", weekday="{day}（{weekday}）"),
    Language("zh-hans", "简体中文", "Y年n月j日", weekday="{day} {weekday}"),
)
_BY_CODE = {language.code: language for language in ALL}


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
    return _day_said(translation.get_language() or "", value.year, value.month, value.day)


@lru_cache(maxsize=1024)
def _day_said(_language: str, year: int, month: int, day: int) -> str:
    # Of the language that is spoken, which the key names: every notice of a run says the same one or two days.
    return _said(date(year, month, day), _spoken().day)


def say_weekday(value: date) -> str:
    """“Tuesday, 17 November 2026” likewise."""
    return _spoken().weekday.format(weekday=_said(value, "l"), day=say_day(value))


def _spoken() -> Language:
    return _BY_CODE.get(translation.get_language() or ENGLISH, _BY_CODE[ENGLISH])


def _said(value: date, form: str) -> str:
    said = str(format_date(value, form))
    return said.lower() if _spoken().small_months else said


def _asked_for(request: HttpRequest) -> str:
    """Of the languages in Accept-Language (RFC 9110 section 12.5.4), the first that is one of ours."""
    wanted = (code for code, _quality in parse_accept_lang_header(request.headers.get("Accept-Language", "")))
    return next((found for code in wanted if code != "*" and (found := known(code))), "")
