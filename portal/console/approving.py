"""A2's decisions about a held mail: approve one that a rule holds, or refuse it with a reason that its sender reads."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from portal.access.decorators import fresh_proof_required, permission_required
from portal.access.responses import see_other
from portal.access.roles import May
from portal.console import held
from portal.console.pages import administrator, office_page
from portal.console.sections import MESSAGES
from portal.ingest import holding
from portal.ingest.errors import IngestError
from portal.ingest.models import Spooled
from portal.ingest.reasons import WHY
from portal.keys.errors import KeysError
from portal.vault.errors import VaultError

AWAY = "The keys or the spool folder cannot be reached, so nothing was done. Try again in a few minutes."


@permission_required(May.ACT_ON_MESSAGES)
@fresh_proof_required()
@require_http_methods(["GET", "HEAD", "POST"])
def approve(request: HttpRequest, id_: UUID) -> HttpResponse:
    """Asks, for it cannot be taken back; only a mail that a rule holds until then."""
    row = _held(id_)
    if row.approval != Spooled.Approval.ASKED:
        raise Http404
    if request.method != "POST":
        return _page(request, row, "approve")
    try:
        holding.approve(row, by=str(administrator(request).pk))
    except IngestError as error:
        return _page(request, row, "approve", error=str(error), status=409)
    return see_other(reverse("console-message", args=[id_]))


@permission_required(May.ACT_ON_MESSAGES)
@fresh_proof_required()
@require_http_methods(["GET", "HEAD", "POST"])
def refuse(request: HttpRequest, id_: UUID) -> HttpResponse:
    """Ends any held mail for good; its sender is told the reason."""
    row = _held(id_)
    if request.method != "POST":
        return _page(request, row, "refuse")
    reason = request.POST.get("reason", "")
    if reason not in WHY:
        return _page(request, row, "refuse", no_reason=True, status=422)
    try:
        holding.refuse(row, str(WHY[reason]), by=str(administrator(request).pk), why=reason)
    except IngestError as error:
        return _page(request, row, "refuse", error=str(error), status=409)
    except (KeysError, VaultError, OSError):
        return _page(request, row, "refuse", error=AWAY, status=503)
    return see_other(reverse("console-message", args=[id_]))


def _held(id_: UUID) -> Spooled:
    return get_object_or_404(Spooled, pk=id_, state=Spooled.State.HELD)


def _page(request: HttpRequest, row: Spooled, which: str, *, status: int = 200, **context: Any) -> HttpResponse:
    shown = {"row": row, "held": held.one(row.pk), "reasons": list(WHY.items()), **context}
    return office_page(request, MESSAGES, f"console/message_{which}.html", shown, status=status)
