"""Files that arrive in pieces, where scripts run: each piece is asked for again after a break, and none twice.

In the shape of tus 1.0 (tus.io/protocols/resumable-upload): HEAD says how much is here, PATCH goes on from there. Every
request is checked like the form itself: session, address, right, token and limits. No name stands in any address.
"""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import Http404, HttpResponse, HttpResponseBase, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from branding.templatetags.words import about_file
from portal.access.requests import Request
from portal.ids import id_of
from portal.mime.names import safe_file_name
from portal.reading import actions, admission
from portal.vault import arriving, unsent
from portal.vault.arriving import Coming
from portal.vault.errors import NotArriving, WrongPlace
from portal.vault.models import Reader, Unsent
from portal.vault.opening import Opened
from portal.writing import checking, drafts, forms
from portal.writing.failing import NOT_NOW
from portal.writing.views import begun

log = logging.getLogger(__name__)

PIECE_TYPE = "application/offset+octet-stream"
_LONGEST_NAME = 1000


@require_POST
def begin(request: Request, link: str, kind: str) -> HttpResponseBase:
    """Begin a file, or go on with the one that broke off: answers its address and how much of it is here.

    Fields: `name`, `type`, `size` in bytes, `changed`. 422 with a sentence when it cannot be taken.
    """
    return _admitted(request, link, kind, _begin)


@require_http_methods(["HEAD", "PATCH", "DELETE"])
def one(request: Request, link: str, kind: str, file: str) -> HttpResponseBase:
    """HEAD: `Upload-Offset` and `Upload-Length`. PATCH: the next piece. DELETE: take it out, arrived or not.

    404 for what is not on its way here, 409 where another piece comes next, 413 for a piece that is too large.
    """
    steps = {"HEAD": _look, "PATCH": _go_on, "DELETE": _remove}
    id_ = id_of(file)
    if id_ is None:
        raise Http404
    return _admitted(request, link, kind, steps[request.method or "HEAD"], id_)


def _admitted(request: Request, link: str, kind: str, step: Any, *arguments: UUID) -> HttpResponseBase:
    @admission.content
    def page(request: Request, reader: Reader, opened: Opened) -> HttpResponseBase:
        if not actions.may(kind, reader, opened):
            raise Http404
        try:
            answer: HttpResponseBase = step(request, reader, opened, kind, *arguments)
        except NotArriving:
            raise Http404 from None
        except NOT_NOW as error:
            log.error("a file for a draft at message %s was not kept: %s", reader.message_id, type(error).__name__)
            return _said(_("This file cannot be kept now. Try again in a few minutes."), 503)
        return answer

    answer = page(request, link)
    # To the sign-in page leads a button, not a script's request.
    return _said(_signed_out(), 403) if answer.status_code == 302 else answer


def _signed_out() -> str:
    return _(
        "You are signed out, so this file was not added. "
        "Press “Save draft”, confirm your address, and choose the file again."
    )


def _begin(request: Request, reader: Reader, opened: Opened, kind: str) -> HttpResponseBase:
    post = request.POST
    name, kind_of_file = post.get("name", "")[:_LONGEST_NAME], post.get("type", "") or "application/octet-stream"
    size, changed = post.get("size", ""), post.get("changed", "")[:40]
    if not size.isdecimal() or len(size) > 15:
        return _said("size is a number of bytes.", 400)
    name = safe_file_name(name, kind_of_file)
    row = unsent.of_reader(reader, kind)
    if row is None:
        if sentence := forms.against_file(name, int(size), []):
            return _said(sentence, 422)  # and no draft is begun for it
        row = unsent.begin(opened, reader, kind, begun(kind, reader, opened))
    with transaction.atomic():
        # One after the other: two windows must not each find the last place free.
        Unsent.objects.select_for_update().get(pk=row.pk)
        for coming in arriving.of_draft(opened, row):
            if (coming.name, coming.size, coming.changed) == (name, int(size), changed):
                return _begun(request, coming, 200)
        sentence = forms.against_file(name, int(size), drafts.files(opened, row))
        if sentence:
            return _said(sentence, 422)
        coming = arriving.begin(opened, row, name, kind_of_file[:255], int(size), changed)
    return _begun(request, coming, 201)


def _begun(request: Request, coming: Coming, status: int) -> HttpResponse:
    about = about_file(coming.name, coming.size)
    told = {"id": coming.id.hex, "name": coming.name, "about": about, "have": coming.have}
    answer = JsonResponse(told, status=status)
    answer["Location"] = f"{request.path}/{coming.id.hex}"
    return _with_offset(answer, coming)


def _look(_request: Request, reader: Reader, opened: Opened, kind: str, file: UUID) -> HttpResponseBase:
    return _with_offset(HttpResponse(status=200), arriving.find(opened, unsent.of_reader(reader, kind), file))


def _go_on(request: Request, reader: Reader, opened: Opened, kind: str, file: UUID) -> HttpResponseBase:
    start, length = request.headers.get("Upload-Offset", ""), request.headers.get("Content-Length") or "0"
    if not start.isdecimal() or len(start) > 15 or not length.isdecimal():
        return _said("Upload-Offset and Content-Length are numbers of bytes.", 400)
    if int(length) > arriving.MOST_PIECE:
        return _said(f"A piece has at most {arriving.MOST_PIECE} bytes.", 413)
    if int(length) and request.content_type != PIECE_TYPE:
        return _said(f"A piece has the type {PIECE_TYPE}.", 415)
    row = unsent.of_reader(reader, kind)
    if row is None:
        raise NotArriving
    data = request.read(int(length))
    if len(data) != int(length):
        return _said("The piece broke off.", 400)
    try:
        coming = arriving.append(opened, row, file, int(start), data)
    except WrongPlace as wrong:
        answer = _said(str(wrong), 409)
        answer["Upload-Offset"] = str(wrong.have)
        return answer
    if coming.have == coming.size and (sentence := _against(opened, row, file)):
        drafts.remove_file(reader, kind, file)
        return _said(sentence, 422)
    return _with_offset(HttpResponse(status=204), coming)


def _against(opened: Opened, row: Unsent, file: UUID) -> str:
    """Why a file that has arrived is not taken all the same."""
    return next((checking.against(kept) for kept in unsent.files_of(opened, row) if kept.id == file), "")


def _remove(_request: Request, reader: Reader, _opened: Opened, kind: str, file: UUID) -> HttpResponseBase:
    drafts.remove_file(reader, kind, file)
    return HttpResponse(status=204)


def _with_offset(answer: HttpResponse, coming: Coming) -> HttpResponse:
    answer["Upload-Offset"], answer["Upload-Length"] = str(coming.have), str(coming.size)
    return answer


def _said(sentence: str, status: int) -> JsonResponse:
    return JsonResponse({"said": sentence}, status=status)
