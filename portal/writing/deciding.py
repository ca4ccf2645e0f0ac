"""Whom a rule names approves or refuses a mail that it holds, at the message that asked them.

What they prove is what reading that message takes, and nobody comes here but whom it was sent to. What they decide is
recorded with their row; an administrator may have been quicker.
"""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.http import require_http_methods

from branding import languages
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
def decide(request: Request, reader: Reader, opened: Opened) -> HttpResponse:
    """`answer` of a POST is "approve" or a reason of the list why it is refused."""
    row, person = holding.asking(reader.message_id), request.person
    if reader.message.rule != ASKING or person is None or reader.role != Reader.Role.RECIPIENT:
        raise Http404
    context: dict[str, Any] = {"back_url": f"/m/{link_of(reader)}", "reasons": list(WHY.items())}
    if row is None or row.state != Spooled.State.HELD or row.approval != Spooled.Approval.ASKED:
        return _page(request, {**context, "over": _outcome(row)})
    if request.method != "POST":
        return _page(request, context)
    answer = request.POST.get("answer", "")
    if answer != APPROVE and answer not in WHY:
        return _page(request, {**context, "nothing": True}, 422)
    try:
        _do(row, reader, answer, str(person.pk))
    except (KeysError, VaultError, OSError):
        return _page(request, {**context, "away": True}, 503)
    except NotHeld:
        pass  # somebody was quicker; the page says how it stands
    return see_other(request.path)


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
