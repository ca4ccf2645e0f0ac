"""Addresses in narrow columns: they break before the @ rather than in the middle of a word."""

from __future__ import annotations

from django import template
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def breakable(text: str) -> SafeString:
    """`ada@example.org` with a place to break; anything else as it is, escaped."""
    local, at, domain = str(text).rpartition("@")
    return format_html("{}<wbr>@{}", local, domain) if at else escape(text)
