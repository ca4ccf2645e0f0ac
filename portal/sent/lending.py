"""S4: whom a sender lets see and act on what they sent, and ending that."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.access import delegates, people, said, sender_door
from portal.access.delegates import By, DelegateRefused
from portal.access.models import Session
from portal.access.requests import Request
from portal.mime.addresses import LONGEST
from portal.mime.errors import BadAddress

LIST = "sent-delegates"


@require_safe
@sender_door.required
def everyone(request: Request, session: Session) -> HttpResponse:
    """All of them, whoever let them."""
    rows = delegates.of_owner(session.person, session.brand)
    context = {
        "delegates": [{"row": row, "address": people.address_of(row.delegate)} for row in rows],
        "said": said.word(request, session),
        "back_url": reverse("sent-settings"),
    }
    return render(request, "sent/delegates.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@sender_door.required
@sender_door.fresh
def add(request: Request, session: Session) -> HttpResponse:
    """One more, by their address, which stands in no URL."""
    typed = request.POST.get("address", "").strip()[: LONGEST + 1]
    context: dict[str, object] = {"address_value": typed, "back_url": reverse(LIST)}
    if request.method != "POST":
        return render(request, "sent/delegate_add.html", context)
    try:
        delegates.give(session.person, typed, session.brand, _by(session))
    except BadAddress:
        context["error"] = _("That is not a complete address. Enter one like ada@example.org.")
    except DelegateRefused as refused:
        context["error"] = refused.sentence
    else:
        return said.see_said(reverse(LIST), "added", session)
    return render(request, "sent/delegate_add.html", {**context, "faulty": True}, status=422)


@require_POST
@sender_door.required
def end(request: Request, session: Session, id_: UUID) -> HttpResponse:
    """No more, from their next request on."""
    row = next((row for row in delegates.of_owner(session.person, session.brand) if row.pk == id_), None)
    if row is None:
        raise Http404
    delegates.end(row, _by(session))
    return said.see_said(reverse(LIST), "ended", session)


def _by(session: Session) -> By:
    return By(delegates.SENDER, session.person_id)
