"""What comes after the session's end, or where its message is closed: kept as a draft, or shown again, never lost.

It is kept only if the browser holds the token of a session that has just run out, and that was this very reader's: who
sits there now may be another, but reads nothing by it, and what they write over stays beside it. Of everyone else
nothing is kept; they see what they sent, and can send it again once they have proved who they are.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import DatabaseError
from django.http import HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.access import cookies, levels, sessions, shares
from portal.access.requests import Request
from portal.keys.errors import KeysError
from portal.reading import actions
from portal.vault import readers, unsent
from portal.vault.errors import VaultError
from portal.vault.models import Reader
from portal.vault.opening import open_message
from portal.writing import drafts, forms

log = logging.getLogger(__name__)

AFTER = timedelta(hours=1)
"""How long after a session's longest time its row still speaks for anyone; it is tidied away about then."""


def keep(request: Request, link: str, kind: str) -> bool:
    """Keep what was posted as a draft if it can be tied to the reader of this link; whether it was."""
    reader = _just_signed_out(request, link)
    if reader is None:
        return False
    try:
        opened = open_message(reader, shares.kept(request))
        if not actions.may(kind, reader, opened):
            return False
        there = drafts.files(opened, unsent.of_reader(reader, kind))
        written = forms.read(request, kind, reader, opened, there)
        kept = not written.faults and drafts.save(reader, opened, kind, written) is not None
    except (OSError, DatabaseError, KeysError, VaultError) as error:
        log.error("a late draft at message %s was not kept: %s", reader.message_id, type(error).__name__)
        return False
    if kept:
        request.session_ended = f"{request.session_ended} {_('Your draft is saved.')}"
    return kept


def _just_signed_out(request: Request, link: str) -> Reader | None:
    """The reader of this link, if the session that ran out in this browser would have opened the message."""
    if request.person is not None or not request.session_ended:
        return None
    now, row = timezone.now(), sessions.of_token(cookies.read(request, cookies.SESSION), request.brand)
    reader = readers.by_link(link)
    if row is None or reader is None or reader.message.brand_id != request.brand.pk or now > row.ends_at + AFTER:
        return None
    if not sessions.opens(row, reader) or readers.is_closed_to(reader, now):
        return None
    try:
        return reader if levels.is_enough(row, reader) else None
    except VaultError:
        return None


def said(*, kept: bool) -> JsonResponse:
    """What the script that saves by itself shows then."""
    sentence = (
        _("You are signed out. Your draft is saved.")
        if kept
        else _("This cannot be saved now. What you wrote stays on this page: open the message in another tab.")
    )
    return JsonResponse({"said": sentence}, status=403)


def shown_again(request: Request, link: str, refusal: HttpResponseBase) -> HttpResponseBase:
    """What was written, in the place of a page that would lose it. Nothing is told of the message."""
    text = request.POST.get("message", "")
    # A link that leads nowhere is answered like any other such; an answer that leads on is followed.
    if not text.strip() or refusal.status_code in (303, 404):
        return refusal
    names = [(name, value) for name in ("subject", "to", "original") for value in request.POST.getlist(name)]
    return _not_sent(request, link, text, names, refusal)


def shown_over(request: Request, link: str, words: unsent.Words, refusal: HttpResponseBase) -> HttpResponse:
    """The same for words that waited at a message which is closed meanwhile."""
    return _not_sent(request, link, words.text, [], refusal)


def _not_sent(
    request: Request, link: str, text: str, hidden: list[tuple[str, str]], refusal: HttpResponseBase
) -> HttpResponse:
    context = {
        "note": request.session_ended,
        "message_url": f"/m/{link}",
        "action_url": request.path,
        "message_value": text,
        "hidden": hidden,
        "over": refusal.status_code == 410,
    }
    answer = render(request, "writing/not_sent.html", context, status=max(refusal.status_code, 403))
    for name, morsel in refusal.cookies.items():
        answer.cookies[name] = morsel  # the way back to this form, for whoever proves the address next
    return answer
