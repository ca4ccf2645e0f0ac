"""S2: one more recipient. The address is typed, the rules are asked, and they get a mail of their own."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpResponse
from django.views.decorators.http import require_http_methods

from portal.access import sender_door
from portal.access.models import Session
from portal.access.requests import Request
from portal.lifecycle import adding
from portal.sent import acting, allowing, owning
from portal.vault.models import Reader

LONGEST = 320


@require_http_methods(["GET", "HEAD", "POST"])
@sender_door.required
@sender_door.fresh
def add(request: Request, session: Session, id_: UUID) -> HttpResponse:
    """The form, and what it does; the address is kept sealed and stands in no URL."""
    author, now = acting.owned(session, id_)
    if not owning.is_own(session, author):  # it lets somebody read, which a delegate may not
        raise Http404
    typed = request.POST.get("address", "").strip()[:LONGEST]
    context = {"address_value": typed, "split": bool(author.message.split), "away": author.message.away_at is not None}
    if request.method != "POST":
        return acting.page(request, author, now, "add", context)
    return acting.done(
        request, session, author, "add", lambda: added(author, typed, session), context, "added"
    )  # fmt: skip


def added(author: Reader, address: str, session: Session) -> Reader:
    """The new recipient's row. Raises what `allowing.check` and `portal.lifecycle.adding.add` do."""
    adding.looked_up(address)  # before the message is opened and the rules are asked
    allowing.check(author, address)
    return adding.add(author, address, most=settings.LETTERLOCK.max_recipients, by=owning.actor(session, author))
