"""The administrators' pages. They show no content, no subject and no whole address; only a POST changes anything."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from portal.access.decorators import permission_required
from portal.access.roles import May
from portal.console import advice, figures, listing
from portal.console.pages import office_page
from portal.console.sections import HEALTH, MESSAGES, OVERVIEW
from portal.ingest import holding
from portal.ingest.errors import NotHeld
from portal.ingest.models import Spooled
from portal.operations import health as checks
from portal.operations.tracing import trace


@permission_required(May.OVERVIEW)
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """A1: today in words, then the figures, each with a way to what it counts."""
    found = figures.figures()
    states = checks.check()
    context = {"figures": found, "ill": [name for name, state in states.items() if state != checks.OK]}
    return office_page(request, OVERVIEW, "console/overview.html", context, held=found.held)


@permission_required(May.SEE_MESSAGES)
@require_safe
def messages(request: HttpRequest) -> HttpResponse:
    """A2: newest first. `?id=` looks one up, `?show=held` and `?show=waiting` list what is not sealed."""
    sought = request.GET.get("id", "").strip()
    unknown = False
    if sought:
        id_ = _uuid(sought.rpartition(" ")[2].strip("<>"))
        if id_ is not None and trace(id_) is not None:
            return HttpResponseRedirect(reverse("console-message", args=[id_]))
        unknown = True
    show = request.GET.get("show", "")
    if show not in listing.SPOOL_STATES:
        show = ""
    after = _uuid(request.GET.get("after", ""))
    page = listing.spooled(show, after) if show else listing.messages(after)
    older = urlencode({**({"show": show} if show else {}), "after": page.older}) if page.older else ""
    context = {
        "page": page,
        "show": show,
        "sought": sought[:80],
        "unknown": unknown,
        "older": older,
        "first": not after,
    }
    return office_page(request, MESSAGES, "console/messages.html", context)


@permission_required(May.SEE_MESSAGES)
@require_safe
def message(request: HttpRequest, id_: UUID) -> HttpResponse:
    """A2, one mail: its timeline in sentences; `?reader=` is the number of the one reader that it is to be about."""
    asked = request.GET.get("reader", "")
    only = int(asked) if asked.isdecimal() and len(asked) < 5 else None
    found = trace(id_, only)
    if found is None:
        raise Http404
    return office_page(request, MESSAGES, "console/message.html", {"trace": found, "only": only})


@permission_required(May.ACT_ON_MESSAGES)
@require_POST
def retry(request: HttpRequest, id_: UUID) -> HttpResponse:
    """Let a held mail try again."""
    row = Spooled.objects.filter(pk=id_).first()
    if row is None:
        raise Http404
    with suppress(NotHeld):  # pressed twice, or another administrator was quicker
        holding.release(row)
    return HttpResponseRedirect(reverse("console-message", args=[id_]), status=303)


@permission_required(May.HEALTH)
@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """A11: what /healthz checks, in words, with what to do."""
    states = checks.check()
    context = {"rows": advice.rows(states), "well": all(state == checks.OK for state in states.values())}
    return office_page(request, HEALTH, "console/health.html", context)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
