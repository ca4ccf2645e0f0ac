"""The message page."""

from __future__ import annotations

from functools import partial

from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal.access import passkey_settings, sessions
from portal.access.requests import Request
from portal.reading import admission, bodies, letters, looking, pictures
from portal.rules.actions import ASKING
from portal.vault import readers
from portal.vault.models import Reader
from portal.vault.opening import Opened


@require_safe
def start(request: Request) -> HttpResponse:
    """The portal's root: the messages of whoever is signed in."""
    return HttpResponseRedirect("/inbox/")


@require_safe
@admission.page
def message(request: Request, reader: Reader, opened: Opened) -> HttpResponse:
    """R8. Being shown to a confirmed person is what counts as opened; a HEAD shows nothing."""
    session = request.session_row
    alone = session is None or sessions.is_for_one_message(session)
    page = letters.message_page(reader, opened, session, alone=alone, whole=bodies.asks_for_all(request))
    shown = {"pictures_shown": pictures.are_shown(request, reader, opened)}
    asks = reader.message.rule == ASKING and reader.role == Reader.Role.RECIPIENT
    decide = {"decide_url": f"/m/{readers.link_of(reader)}/decide/"} if asks else {}
    context = {**page, **passkey_settings.offer(request), **shown, **decide}
    answer = render(request, "reading/message.html", context)
    if request.method == "GET":
        looking.note(request, reader)
    return answer


@require_safe
@admission.content
def body(request: Request, reader: Reader, opened: Opened) -> HttpResponseBase:
    """The HTML body as a document of its own, for the sandboxed frame."""
    dressed = partial(pictures.body, request, reader, opened)
    return bodies.document(request, opened, opened.toc.html, opened.toc.subject, dressed)
