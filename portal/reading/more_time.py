"""R5: a reader of a closed message asks for more time, and its sender answers by the link in their mail.

The sender's page opens nothing by being looked at, and nothing by its button alone: a choice has to be made, which no
mail scanner makes. The link holds 256 random bits, works once, and shows no word of the message.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from portal.access import levels, sessions, way_in
from portal.access.requests import Request
from portal.access.responses import see_other
from portal.lifecycle import asking
from portal.lifecycle.actors import Actor, Who
from portal.lifecycle.asking_errors import NothingAsked
from portal.lifecycle.errors import LifecycleError
from portal.lifecycle.models import MoreTime
from portal.vault import readers
from portal.vault.errors import VaultError
from portal.vault.models import Reader

KEEP_CLOSED = "no"
_SENDER = Actor(Who.SENDER)


def offer(request: Request, reader: Reader) -> dict[str, Any]:
    """What the page of a closed message shows of this to whoever has proved as much as reading took."""
    now = timezone.now()
    try:
        if not asking.is_offered(reader, now) or not levels.is_enough(request.session_row, reader):
            return {}
    except VaultError:
        return {}
    before = asking.asked(reader)
    waits = before is not None and before.asked_at > now - asking.PAUSE
    enough = MoreTime.objects.filter(reader=reader).count() >= asking.MOST
    return {
        "more_time_asked": before.asked_at if before else None,
        "more_time_url": "" if waits or enough else f"/m/{readers.link_of(reader)}/more-time/",
        "more_time_last": reader.message.keys_until,
    }


@require_POST
def ask(request: Request, link: str) -> HttpResponse:
    """Back to the closed page, which says that the sender was told; whoever proved nothing gets the neutral page."""
    reader, person = readers.by_link(link), request.person
    if reader is None or person is None or reader.message.brand_id != request.brand.pk:
        return way_in.neutral(request)
    theirs = bytes.fromhex(person.lookup) == bytes(reader.address_lookup)
    if not theirs or not sessions.opens(request.session_row, reader):
        return way_in.neutral(request)
    if offer(request, reader).get("more_time_url"):
        # From another window meanwhile, or its keys have gone: the page says how it stands.
        with suppress(LifecycleError):
            asking.ask(reader)
    return see_other(f"/m/{readers.link_of(reader)}")


@require_http_methods(["GET", "HEAD", "POST"])
def answer(request: Request, token: str) -> HttpResponse:
    """The sender's answer: so many days more, or none."""
    row = asking.by_token(token)
    if row is None or row.reader.message.brand_id != request.brand.pk:
        return _page(request, {"over": True}, 404)
    if not asking.is_offered(row.reader, timezone.now()):
        return _page(request, {"over": True}, 410)
    message = row.reader.message
    context = {
        "asker": readers.address_of(row.reader),
        "sent_at": readers.envelope_of(message).sent_at,
        "open_until": message.open_until,
        "last": message.keys_until,
        "choices": asking.CHOICES,
    }
    if request.method != "POST":
        return _page(request, context)
    said = request.POST.get("days", "")
    if said != KEEP_CLOSED and said not in map(str, asking.CHOICES):
        return _page(request, {**context, "nothing": True}, 422)
    try:
        if said == KEEP_CLOSED:
            asking.decline(row, _SENDER)
            return _page(request, {"declined": True})
        return _page(request, {"granted": asking.grant(row, int(said), _SENDER)})
    except NothingAsked:
        return _page(request, {"over": True}, 404)
    except LifecycleError:
        return _page(request, {"over": True}, 410)


def _page(request: Request, context: dict[str, Any], status: int = 200) -> HttpResponse:
    response = render(request, "reading/more_time.html", context, status=status)
    # The address is the key: no page that is linked from here learns it.
    response["Referrer-Policy"] = "no-referrer"
    return response
