"""Bodies as they are shown: quoted history folded away, and the first part of what is very long."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _

from portal.mime.cleaning import CLEANER_VERSION, clean_again
from portal.mime.folding import first_part, fold_history
from portal.mime.plain import to_html
from portal.reading import paper, policies
from portal.vault.opening import Opened
from portal.vault.toc import Body, Toc

FIRST_PART = 1_000_000
"""Bytes of a body that are shown at first."""


def asks_for_all(request: HttpRequest) -> bool:
    """Whether a very long body is to be shown to its end."""
    return "all" in request.GET


def text(opened: Opened, body: Body, html: Body, *, whole: bool) -> dict[str, Any]:
    """What a page needs of a text body, which is shown where there is no HTML."""
    if html:
        return {"has_html": True, "text_html": ""}
    cut = body.size > FIRST_PART and not whole
    found = opened.beginning(body, FIRST_PART) if cut else opened.body(body)
    return {"has_html": False, "text_html": to_html(found, _("Show quoted text")), "rest": cut}


def document(
    request: HttpRequest, opened: Opened, body: Body, subject: str, dressed: Callable[[str], str] = str
) -> HttpResponseBase:
    """An HTML body as a document of its own, for the sandboxed frame; `dressed` may put pictures into it."""
    cut = body.size > FIRST_PART and not asks_for_all(request)
    if cut:
        # A little more than is shown, for what is cut between two tags must not have lost its end within one.
        beginning = first_part(opened.beginning(body, FIRST_PART + 64 * 1024), FIRST_PART)
        html = _under_the_rules_of_now(opened.toc, beginning)
    else:
        html = fold_history(_under_the_rules_of_now(opened.toc, opened.body(body)), _("Show quoted text"))
    both = paper.for_both_themes(html)
    context = {
        "html": dressed(html if both is None else both),
        "subject": subject,
        "rights": opened.rights,
        "rest": cut,
        "both_themes": both is not None,
    }
    return policies.under(policies.BODY, render(request, "reading/body.html", context))


def _under_the_rules_of_now(toc: Toc, html: str) -> str:
    """It was cleaned when it was sealed; if that was under other rules, it is cleaned again each time it is shown."""
    if toc.cleaner_version == CLEANER_VERSION:
        return html
    return clean_again(html, toc.pictures, (file.number for file in toc.every_file()))
