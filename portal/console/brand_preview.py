"""The preview of a brand: the real templates with a message that nobody sent, as a document that can do nothing.

A GET shows the stored draft; a POST what is typed and not saved. Neither stores or sends anything. It is framed by the
editor alone, runs no script, and every picture and style it has lies in it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Collection, Mapping
from typing import Any, cast

from csp.constants import NONE, SELF
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from branding import languages, logos, look
from branding.context import face
from branding.models import Brand
from portal.access.decorators import permission_required
from portal.access.requests import Request
from portal.access.roles import May
from portal.console import brand_samples
from portal.console.brand_fields import Section
from portal.console.brand_pages import edited
from portal.console.brand_typed import as_typed
from portal.delivery.dressing import Dressed
from portal.reading import policies

POLICY: Mapping[str, list[str]] = {
    "script-src": [NONE],
    "connect-src": [NONE],
    "frame-src": [NONE],
    "form-action": [NONE],
    "style-src": ["'unsafe-inline'"],
    "img-src": ["data:"],
    "frame-ancestors": [SELF],
    "sandbox": [""],
}
THEMES, WIDTHS = ("light", "dark"), ("phone", "desktop")
PAGES = ("sign-in", "reading")
_SCRIPTS = re.compile(r"<script\b[^>]*>.*?</script>|<link\b[^>]*>", re.DOTALL)
_OTHER = {"light": "dark", "dark": "light"}


def _whats() -> list[tuple[str, str]]:
    return [
        ("mail", _("Mail")),
        ("text", _("Mail as text")),
        ("sign-in", _("Sign-in page")),
        ("reading", _("Reading page")),
    ]


def choices(request: HttpRequest, section: Section) -> dict[str, Any]:
    """What the editor's preview bar offers, and what is chosen there."""
    said = request.POST if request.method == "POST" else request.GET
    first = "reading" if section.slug == "defaults" else "sign-in" if section.slug == "confirm" else "mail"
    whats = _whats()
    return {
        "whats": whats,
        "what": _one_of(said.get("what"), [value for value, _label in whats], first),
        "theme": _one_of(said.get("theme"), THEMES, "light"),
        "width": _one_of(said.get("width"), WIDTHS, "phone"),
        "tongues": [(language.code, language.name) for language in languages.ALL],
        "tongue": _one_of(said.get("tongue"), [language.code for language in languages.ALL], ""),
    }


@permission_required(May.BRANDS)
@require_http_methods(["GET", "HEAD", "POST"])
def preview(request: HttpRequest, slug: str) -> HttpResponse:
    """One of the four documents, in a theme and a language."""
    about = edited(slug)
    brand, said = about.shown, request.GET
    if request.method == "POST":
        said = request.POST
        brand = as_typed(about.shown, said)
    what = _one_of(said.get("what"), [value for value, _label in _whats()], "mail")
    theme = _one_of(said.get("theme"), THEMES, "light")
    tongue = _one_of(said.get("tongue"), [language.code for language in languages.ALL], languages.of_brand(brand))
    with translation.override(tongue):
        html = _document(cast(Request, request), brand, what)
    return cast(HttpResponse, policies.under(POLICY, HttpResponse(dressed(html, brand, theme, pages=what in PAGES))))


def _document(request: Request, brand: Brand, what: str) -> str:
    if what == "mail":
        return whole(brand_samples.notice(brand))
    if what == "text":
        return render_to_string("console/brand_text.html", {"text": brand_samples.notice(brand).text})
    template = "access/choose.html" if what == "sign-in" else "reading/message.html"
    shown_ = brand_samples.sign_in(request, brand) if what == "sign-in" else brand_samples.reading(brand)
    # Without the request: no token, cookie or name of whoever looks gets into it.
    return render_to_string(template, {**shown_, "brand": face(brand)})


def whole(mail: Dressed) -> str:
    """A mail's HTML with its pictures in it."""
    html = mail.html
    for picture in mail.pictures:
        html = html.replace(f"cid:{picture.content_id}", _data(picture.data, picture.content_type))
    return html


def dressed(html: str, brand: Brand, theme: str, *, pages: bool) -> str:
    """The page as one document with its styles and pictures in it, in one theme whatever the browser prefers."""
    html = _SCRIPTS.sub("", html)
    sheet = look.css(brand).decode() if pages else ""
    for url, data in _pictures(brand):
        html = html.replace(url, data)
    head = f'<base target="_blank"><style>{sheet}</style>'
    html = html.replace("<head>", f"<head>{head}", 1)
    html = re.sub(rf"\(\s*prefers-color-scheme:\s*{theme}\s*\)", "(min-width: 0)", html)
    html = re.sub(rf"\(\s*prefers-color-scheme:\s*{_OTHER[theme]}\s*\)", "(min-width: 999999px)", html)
    return html.replace("light dark", theme)


def _pictures(brand: Brand) -> list[tuple[str, str]]:
    """What the page would load, as it names it, and the same in the page itself: a brand's own host serves the live
    ones alone, and a mail has them as parts."""
    found = [(look.mark_url(brand), _data(look.svg(brand), "image/svg+xml"))]
    logo, shown = logos.of(brand), logos.shown(brand)
    if logo and shown:
        picture = _data(logo.svg.encode(), "image/svg+xml") if logo.svg else _data(bytes(logo.png), "image/png")
        found.append((shown.url, picture))
    return found


def _data(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _one_of(said: str | None, known: Collection[str], otherwise: str) -> str:
    return said if said is not None and said in known else otherwise
