"""The mark on what leaves as a picture or on paper: who looked at it, when, and at which message."""

from __future__ import annotations

from datetime import datetime
from html import escape

from branding.templatetags.words import plain_moment
from portal.vault.models import Message

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="100%" height="100%"><defs><pattern id="m" width="{width}" '
    'height="150" patternUnits="userSpaceOnUse" patternTransform="rotate(-30)"><text x="0" y="50" {style}>{text}</text>'
    '<text x="{half}" y="125" {style}>{text}</text><text x="{other}" y="125" {style}>{text}</text></pattern></defs>'
    '<rect width="100%" height="100%" fill="url(#m)"/></svg>'
)
STYLE = 'font-family="sans-serif" font-size="17" fill="#000000" fill-opacity="0.08"'
LETTER_WIDTH = 10
"""Of the picture for print, in its units: no less than a letter of that size takes, so that no two lines meet."""


def short_id(message: Message) -> str:
    """Names a message to people; an id begins with its time, which others share."""
    return message.id.hex[-8:]


def line(address: str, message: Message, now: datetime) -> str:
    """`{recipient} · {date_time} · {short id}`."""
    return f"{address} · {plain_moment(now)} · {short_id(message)}"


def svg(mark: str) -> str:
    """The mark again and again, as a picture that is laid over a printed page."""
    width = (len(mark) + 4) * LETTER_WIDTH
    return SVG.format(width=width, half=width // 2, other=width // 2 - width, style=STYLE, text=escape(mark))
