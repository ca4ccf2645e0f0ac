"""The administrators' pages. They show no content, no subject and no whole address; only a POST changes anything."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from portal.access import roles
from portal.access.decorators import permission_required
from portal.access.roles import May
from portal.console import advice, figures, finding, held, listing, trace_search
from portal.console.had import had
from portal.console.pages import administrator, office_page
from portal.console.sections import HEALTH, MESSAGES, OVERVIEW
from portal.ids import id_of
from portal.ingest import holding
from portal.ingest.errors import AwaitsApproval, NotHeld
from portal.ingest.models import Spooled
from portal.operations import health as checks
from portal.operations import looking
from portal.operations.doctor.finding import State
from portal.operations.tracing import trace


@permission_required(May.OVERVIEW)
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """A1: today in words, then the figures, each with a way to what it counts."""
    context = figures.overview(roles.permissions_of(administrator(request)))
    return office_page(request, OVERVIEW, "console/overview.html", context, held=context["held"])


@permission_required(May.SEE_MESSAGES)
@require_safe
def messages(request: HttpRequest) -> HttpResponse:
    """A2: newest first. `?id=` looks one up, by its id or its reference; `?show=held` and `?show=waiting` list what is
    not sealed; the other words filter (portal.console.finding)."""
    sought = request.GET.get("id", "").strip()
    unknown = False
    if sought:
        id_ = _known(sought.rpartition(" ")[2].strip("<>"))
        if id_ is not None:
            return HttpResponseRedirect(reverse("console-message", args=[id_]))
        unknown = True
    show = request.GET.get("show", "")
    if show not in listing.SPOOL_STATES:
        show = ""
    after = id_of(request.GET.get("after", ""))
    asked, over = trace_search.asked_of(request)
    if show:
        page = listing.spooled(show, after)
        older = urlencode({"show": show, "after": page.older}) if page.older else ""
    else:
        page = listing.Page([], None) if over else listing.messages(asked, after)
        older = trace_search.query(request, asked, after=str(page.older)) if page.older else ""
    context = {
        **trace_search.fields(request, asked),
        "over": over,
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
    context = {"trace": found, "only": only, "held": held.one(id_) if found.held else None}
    return office_page(request, MESSAGES, "console/message.html", context)


@permission_required(May.ACT_ON_MESSAGES)
@require_POST
def retry(request: HttpRequest, id_: UUID) -> HttpResponse:
    """Let a held mail try again."""
    row = get_object_or_404(Spooled, pk=id_)
    with suppress(NotHeld, AwaitsApproval):  # pressed twice, or another administrator was quicker
        holding.release(row)
    return HttpResponseRedirect(reverse("console-message", args=[id_]), status=303)


@permission_required(May.HEALTH)
@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """A11: what /healthz checks, in words, with what to do."""
    states = checks.check()
    looked = had(looking.rows, None)
    well = all(state == checks.OK for state in states.values())
    context = {
        "rows": advice.rows(states),
        "well": well and looked is not None and not any(row.state == State.WRONG for row in looked),
        "looked": looked,
        "looking_away": looked is None,
        "looked_at": looked[0].at if looked else None,
    }
    return office_page(request, HEALTH, "console/health.html", context)


@permission_required(May.HEALTH)
@require_POST
def look(request: HttpRequest) -> HttpResponse:
    """Examine everything now."""
    looking.look(settings.LETTERLOCK, timezone.now())
    return HttpResponseRedirect(reverse(HEALTH), status=303)


@permission_required(May.HEALTH)
@require_safe
def support(request: HttpRequest) -> HttpResponse:
    """What may be sent to whoever helps, as text to copy; `?as=file` to save."""
    text = looking.for_support()
    if request.GET.get("as") == "file":
        answer = HttpResponse(text, content_type="text/plain; charset=utf-8")
        answer.headers["Content-Disposition"] = 'attachment; filename="letterlock-health.txt"'
        return answer
    return office_page(request, HEALTH, "console/health_support.html", {"text": text})


def _known(text: str) -> UUID | None:
    """The mail with this id, or the one message with this reference; None when there is none, or more than one."""
    id_ = id_of(text)
    if id_ is not None:
        return id_ if trace(id_) is not None else None
    asked = finding.read({"ref": text})
    found = finding.ids(asked, None, 2) if asked.reference else []
    return found[0] if len(found) == 1 else None
