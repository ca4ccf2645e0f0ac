"""Filters and tags that put dates, sizes and masked addresses into words, the same way on every page."""

from __future__ import annotations

import re
from datetime import date, datetime, time

from django import template
from django.template.defaultfilters import date as format_date
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from branding.file_kinds import kind_of
from branding.languages import say_day
from branding.mark import initials as initials_of
from branding.palette import Palette, palette

register = template.Library()
CLOCK = "H:i"
UNBROKEN = 26
"""Characters that fit beside a margin at 320 px: what is no longer is better moved to the next line whole."""
_UNBREAKABLE = re.compile(r"[^@.]*[@.]+|[^@.]+")


def _stamp(value: datetime, kind: str, text: str) -> SafeString:
    """A time element that static/js/local-time.js can say again in the reader's own zone."""
    return format_html('<time datetime="{}" data-local="{}">{}</time>', value.isoformat(), kind, text)


def _here(value: datetime) -> datetime:
    return timezone.localtime(value) if timezone.is_aware(value) else value


def _moment(value: datetime, form: str) -> str:
    return _("{day}, {time}").format(day=say_day(_here(value)), time=format_date(_here(value), form))


@register.filter
def day(value: date | datetime | str | None) -> str:
    """“17 November 2026”. A plain date is a day wherever the reader is; a moment follows the reader's zone."""
    if isinstance(value, datetime):
        return _stamp(value, "day", say_day(_here(value)))
    if isinstance(value, date):
        return format_html('<time datetime="{}">{}</time>', value.isoformat(), say_day(value))
    return value or ""


@register.filter
def last_day(value: date | datetime | str | None) -> str:
    """The day until which a message is open, in the server's zone, as the mail about it said it."""
    return day(_here(value).date()) if isinstance(value, datetime) else day(value)


@register.filter
def moment(value: datetime | str | None) -> str:
    """“17 November 2026, 14:48”."""
    if isinstance(value, datetime):
        return _stamp(value, "moment", _moment(value, CLOCK))
    return value or ""


@register.filter
def clock(value: datetime | time | str | None) -> str:
    """“14:48”; where no script says it in the reader's own zone, the stylesheet puts the zone's name behind it."""
    if isinstance(value, datetime):
        here = _here(value)
        stamp = '<time datetime="{}" data-local="clock" data-zone="{}">{}</time>'
        return format_html(stamp, value.isoformat(), here.tzname() or "", format_date(here, CLOCK))
    if isinstance(value, time):
        return value.strftime("%H:%M")
    return value or ""


@register.filter
def plain_day(value: date | datetime | str | None) -> str:
    """“17 November 2026” without markup, for mails."""
    if isinstance(value, datetime):
        return say_day(_here(value))
    return say_day(value) if isinstance(value, date) else value or ""


@register.filter
def plain_moment(value: datetime | str | None) -> str:
    """“17 November 2026, 14:48 CET”: a mail cannot know the reader's zone, so it names its own."""
    if not isinstance(value, datetime):
        return value or ""
    here = _here(value)  # every notice says one: strftime is much quicker than Django's dates, and the same in digits
    return _("{day}, {time}").format(day=say_day(here), time=f"{here:%H:%M} {here.tzname() or ''}".rstrip())


@register.simple_tag
def moment_now() -> str:
    """The moment in which the page is made, without markup."""
    return _moment(timezone.now(), CLOCK)


@register.filter
def plain_clock(value: datetime | time | str | None) -> str:
    """“14:48 CET” without markup, for mails."""
    if isinstance(value, datetime):
        return str(format_date(_here(value), f"{CLOCK} e"))
    return value.strftime("%H:%M") if isinstance(value, time) else value or ""


@register.filter
def zone(value: datetime | str | None) -> str:
    """The zone in which the server says a moment, like “CET”."""
    return _here(value).tzname() or "" if isinstance(value, datetime) and timezone.is_aware(value) else ""


@register.filter
def size(value: int | str | None) -> str:
    """“412 KB” for a number of bytes; a text is shown as it is."""
    if not isinstance(value, int):
        return value or ""
    if value < 1000:
        return ngettext("{n} byte", "{n} bytes", value).format(n=number_format(value))
    exponent = 3 if value < 999_500 else 6 if value < 999_500_000 else 9
    amount, said = value / 10**exponent, _units()[exponent]
    places = 1 if exponent > 3 and amount < 9.95 else 0
    return said.format(n=number_format(round(amount, places), places))  # number_format alone would cut, not round


def _units() -> dict[int, str]:
    """By the power of ten."""
    return {3: _("{n} KB"), 6: _("{n} MB"), 9: _("{n} GB")}


@register.simple_tag
def about_file(name: str, length: int) -> str:
    """“Picture, 3.6 MB”, in isolates (UAX 9): in a line from right to left “PDF” would take the number along."""
    return _("{kind}, {size}").format(kind=f"\u2068{kind_of(name)}\u2069", size=f"\u2068{size(length)}\u2069")


@register.simple_tag
def size_words() -> SafeString:
    """The same for static/js/upload.js, as attributes: `data-bytes`, `data-kb` and so on, with {n} in them."""
    said = (ngettext("{n} byte", "{n} bytes", 100), *_units().values())
    return format_html('data-bytes="{}" data-kb="{}" data-mb="{}" data-gb="{}"', *said)


@register.filter
def bdi(text: str | None) -> str:
    """A name that stands in a sentence: however it is written, the words around it keep their order."""
    return format_html("<bdi>{}</bdi>", breaks(text)) if text else ""


@register.filter
def breaks(text: str | None) -> str:
    """A long address or host with places at which a narrow page may break it, after “@” and dots; all else as it is.

    The places are elements, not characters: what is copied, searched or read out is the address alone.
    """
    if not text or len(text) <= UNBROKEN or " " in text or hasattr(text, "__html__"):
        return text or ""
    return format_html_join(mark_safe("<wbr>"), "{}", ((piece,) for piece in _UNBREAKABLE.findall(str(text))))


@register.filter
def initials(name: str | None) -> str:
    """One or two letters for a round badge, from a name or an address."""
    return initials_of(name or "")


@register.filter
def colours(colour: str | None) -> Palette:
    """The whole palette of a brand colour, for mails, which can use no stylesheet of ours."""
    return palette(colour or "#14594f")


@register.simple_tag
def masked_address(masked: str, spoken: str) -> SafeString:
    """A masked address for the eye, and the same in words for the ear: dots are read out as noise."""
    return format_html(
        '<bdi class="who" aria-hidden="true">{}</bdi><span class="vh">{}</span>', breaks(masked), spoken or masked
    )
