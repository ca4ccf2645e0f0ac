"""Whom a rule names approves or refuses a mail that it holds, at the message that asked them.

What they prove is what reading that message takes, within the last ten minutes, and nobody comes here but whom it was
sent to. What they decide is recorded with their row; an administrator may have been quicker.
"""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from branding import languages
from portal.access import sessions, way_in
from portal.access.requests import Request
from portal.access.responses import see_other
from portal.ingest import holding
from portal.ingest.errors import NotHeld
from portal.ingest.models import Spooled
from portal.ingest.reasons import WHY
from portal.keys.errors import KeysError
from portal.reading import admission
from portal.rules.actions import ASKING
from portal.vault.errors import VaultError
from portal.vault.models import Reader
from portal.vault.opening import Opened
from portal.vault.readers import link_of

APPROVE = "approve"


@require_http_methods(["GET", "HEAD", "POST"])
@admission.page
def decide(request: Request, reader: Reader, opened: Opened, chosen: str = "") -> HttpResponse:
    """`answer` of a POST is "approve" or a reason of the list why it is refused; `chosen` is what was sent before the
    proof was asked for that it takes."""
    row, person = holding.asking(reader.message_id), request.person
    if reader.message.rule != ASKING or person is None or reader.role != Reader.Role.RECIPIENT:
        raise Http404
    context: dict[str, Any] = {"back_url": f"/m/{link_of(reader)}", "reasons": list(WHY.items()), "chosen": chosen}
    if row is None or row.state != Spooled.State.HELD or row.approval != Spooled.Approval.ASKED:
        return _page(request, {**context, "over": _outcome(row)})
    answer = request.POST.get("answer", "")
    if request.session_row is None or not sessions.is_fresh(request.session_row):
        return _prove(request, reader, answer or chosen)
    if request.method != "POST":
        return _page(request, context)
    if answer != APPROVE and answer not in WHY:
        return _page(request, {**context, "nothing": True}, 422)
    try:
        _do(row, reader, answer, str(person.pk))
    except (KeysError, VaultError, OSError):
        return _page(request, {**context, "away": True}, 503)
    except NotHeld:
        pass  # somebody was quicker; the page says how it stands
    return see_other(reverse("decide", args=[link_of(reader)]))


def _prove(request: Request, reader: Reader, answer: str) -> HttpResponse:
    """Asks who it is, and leads back to the same choice."""
    known = answer == APPROVE or answer in WHY
    page = reverse("decide-chosen", args=[link_of(reader), answer]) if known else ""
    return way_in.prove_again(request, reader, _("To decide, show once more that it is you."), page)


def _do(row: Spooled, reader: Reader, answer: str, by: str) -> None:
    if answer == APPROVE:
        holding.approve(row, by, holding.NAMED)
    else:
        # In the language of the mail that its sender reads, whatever this reader's is.
        with translation.override(languages.of_brand(reader.message.brand)):
            words = str(WHY[answer])
        holding.refuse(row, words, by=by, why=answer, who=holding.NAMED)


def _outcome(row: Spooled | None) -> str:
    """How it was decided; "decided" of a mail that is no longer known."""
    if row is None:
        return "decided"
    return "refused" if row.state == Spooled.State.REFUSED else "approved"


def _page(request: Request, context: dict[str, Any], status: int = 200) -> HttpResponse:
    return render(request, "writing/decide.html", context, status=status)
