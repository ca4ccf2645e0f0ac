"""Numbers and days in tables and charts of the office."""

from __future__ import annotations

import re
from datetime import date

from django import template
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe

from branding.languages import say_day
from portal.operations import charts

register = template.Library()


@register.filter
def grouped(value: object) -> str:
    """“1,204”."""
    return f"{value:,}" if isinstance(value, int) else str(value)


@register.filter
def label(value: object) -> str:
    """A day as people write it; a text as it is."""
    return say_day(value) if isinstance(value, date) else str(value)


@register.filter
def duration(value: float | None) -> str:
    """Seconds in words, about."""
    return charts.duration(value)


@register.filter
def parted(value: str) -> SafeString:
    """“MessageForward”, which may break before its second word."""
    return format_html_join(mark_safe("<wbr>"), "{}", ((word,) for word in re.findall("[A-Z][a-z]*|[^A-Z]+", value)))


@register.filter
def dotted(kind: str) -> SafeString:
    """`recipient.passcode_asked`, which may break behind its dot."""
    return format_html_join(mark_safe(".<wbr>"), "{}", ((part,) for part in kind.split(".")))
