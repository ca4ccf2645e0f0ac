"""The {% icon %} tag: a line drawing, inline, so that it takes the colour of the text around it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from xml.etree import ElementTree

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()
SPRITE = Path(__file__).resolve().parent.parent / "icons.svg"
TURNING = frozenset({"left", "reply", "replyall", "forward", "out"})
"""They point where reading comes from or goes to: turned round where it goes from right to left."""
SVG = "{http://www.w3.org/2000/svg}"


@cache
def drawings() -> dict[str, SafeString]:
    """Every symbol of the sprite: its name, and its shapes as markup."""
    ElementTree.register_namespace("", SVG.strip("{}"))
    found: dict[str, SafeString] = {}
    for symbol in ElementTree.parse(SPRITE).getroot().iter(f"{SVG}symbol"):  # noqa: S314 - our own file
        shapes = "".join(ElementTree.tostring(shape, encoding="unicode").strip() for shape in symbol)
        found[symbol.attrib["id"]] = mark_safe(shapes.replace(f' xmlns="{SVG.strip("{}")}"', ""))  # noqa: S308
    return found


@register.simple_tag
def icon(name: str, css: str = "i") -> SafeString:
    """Draw an icon. It is hidden from assistive technology: the words beside it say what it means.

    Raises:
        KeyError: the sprite has no such drawing.
    """
    css = f"{css} i--turn" if name in TURNING else css
    return format_html(
        '<svg class="{}" viewBox="0 0 24 24" aria-hidden="true" focusable="false">{}</svg>', css, drawings()[name]
    )
