"""Searching for messages: what a person typed goes by POST and stays out of every URL; what fits can be taken along."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from branding.models import Brand
from portal import tables
from portal.access.decorators import permission_required
from portal.access.responses import see_other
from portal.access.roles import May
from portal.audit.record import record
from portal.console import finding, listing
from portal.console.finding import Filter
from portal.console.pages import administrator, office_page
from portal.console.sections import MESSAGES
from portal.ids import id_of
from portal.keys.errors import KeysError
from portal.mime.addresses import LONGEST, mask, normalise
from portal.mime.errors import BadAddress
from portal.operations import searches
from portal.operations.searches import Sought

MOST_EXPORTED = 100_000
COLUMNS = ("id", "sent", "sender", "recipients", "brand", "rule", "state")


@permission_required(May.SEE_MESSAGES)
@require_POST
def search(request: HttpRequest) -> HttpResponse:
    """Keep what was typed, sealed, and show the list under a URL that holds none of it."""
    typed = {name: request.POST.get(name, "").strip() for name in ("sender", "recipient", "mail_id")}
    asked = finding.read(request.POST)
    sought = Sought(
        typed["sender"][: LONGEST + 1], typed["recipient"][: LONGEST + 1], typed["mail_id"][: searches.LONGEST_MAIL_ID]
    )
    if not sought:
        return see_other(_with(reverse(MESSAGES), asked.query()))
    try:
        id_ = searches.keep(administrator(request), sought)
    except BadAddress:
        bad = {f"bad_{name}": bool(typed[name]) and not _is_address(typed[name]) for name in ("sender", "recipient")}
        return _not_searched(request, asked, {**typed, **bad, "bad_address": True}, 422)
    except KeysError:
        return _not_searched(request, asked, {**typed, "keys_away": True}, 503)
    return see_other(_with(reverse(MESSAGES), asked.query(search=str(id_))))


def _not_searched(request: HttpRequest, asked: Filter, why: dict[str, Any], status: int) -> HttpResponse:
    context = {**fields(request, asked), **why, "page": listing.Page([], None), "first": True, "open": True}
    return office_page(request, MESSAGES, "console/messages.html", context, status=status)


@permission_required(May.SEE_MESSAGES)
@require_POST
def export(request: HttpRequest) -> HttpResponseBase:
    """What the list shows, all pages of it up to MOST_EXPORTED, as CSV (RFC 4180) or JSON."""
    asked, over = asked_of(request)
    if over:
        return see_other(_with(reverse(MESSAGES), asked.query(search=request.POST.get("search", "")[:36])))
    form = "json" if request.POST.get("format") == "json" else "csv"
    record("messages.exported", person=str(administrator(request).id), format=form)
    return tables.download("messages", form, COLUMNS, map(_row, listing.every(asked, MOST_EXPORTED)))


def asked_of(request: HttpRequest) -> tuple[Filter, bool]:
    """What the list is to show, and whether a search that the URL names is over."""
    given = request.POST if request.method == "POST" else request.GET
    asked, id_ = finding.read(given), id_of(given.get("search", ""))
    if not given.get("search"):
        return asked, False
    try:
        sought = searches.find(administrator(request), id_) if id_ else None
    except KeysError:  # then it shows nothing, as one that is over
        sought = None
    return (finding.with_sought(asked, sought), False) if sought else (asked, True)


def query(request: HttpRequest, asked: Filter, **more: str) -> str:
    """The list's URL after the question mark."""
    return asked.query(search=request.GET.get("search", "")[:36], **more)


def fields(request: HttpRequest, asked: Filter) -> dict[str, Any]:
    """What the page's forms are filled with; addresses stay behind a mask."""
    labels = {"sender": _("Sender"), "recipient": _("Recipient")}
    said = [f"{labels[name]} {mask(getattr(asked.sought, name))}" for name in labels if getattr(asked.sought, name)]
    return {
        "asked": asked,
        "said": said + ([_("Message-ID of the mail")] if asked.sought.mail_id else []),
        "search": request.GET.get("search", "")[:36],
        "brands": list(Brand.objects.order_by("name").values_list("slug", "name")),
        "states": [
            (finding.OPEN, _("Open or closed")),
            (finding.WITHDRAWN, _("Withdrawn")),
            (finding.GONE, _("Gone")),
            (finding.UNDELIVERED, _("Not delivered")),
        ],
        "filtered": bool(asked),
        "newest": query(request, asked),
        "hidden": parse_qsl(query(request, asked)),
    }


def _row(line: listing.Line) -> tuple[object, ...]:
    return line.id, line.sent_at, line.sender, line.recipients, line.brand, line.rule, line.state


def _is_address(text: str) -> bool:
    try:
        return bool(normalise(text))
    except BadAddress:
        return False


def _with(url: str, words: str) -> str:
    return f"{url}?{words}" if words else url
