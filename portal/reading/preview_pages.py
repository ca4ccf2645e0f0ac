"""R9: a file a page at a time, as pictures and as text, under the same checks as a download (docs/previews.md)."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from portal.access.requests import Request
from portal.audit.record import record_hourly
from portal.reading import admission, letters, marks, policies, previews
from portal.reading.rendering import wire
from portal.reading.rendering.wire import Answer
from portal.vault import readers
from portal.vault.models import Reader
from portal.vault.opening import Opened
from portal.vault.toc import File

AGAIN_SECONDS = 3
PATIENT_SECONDS = 15.0
PICTURE_SECONDS = 20.0
"""How long a picture's request waits for an office file that another process of the portal has made already."""


@require_safe
@admission.content
def preview(request: Request, reader: Reader, opened: Opened, number: int, page: int = 1) -> HttpResponseBase:
    """One page of a file: its picture, or as text what is text and may be downloaded anyway."""
    kind = previews.kind_of(letters.find(opened.toc, number))
    as_text = kind in ("text", "table") and opened.rights.download and not opened.rights.watermark
    return _page(request, reader, opened, number, page, as_text=as_text, layer=False)


@require_safe
@admission.content
def text(request: Request, reader: Reader, opened: Opened, number: int, page: int) -> HttpResponseBase:
    """The words of one page, for whom a picture says nothing."""
    if previews.kind_of(letters.find(opened.toc, number)) == "picture":
        raise Http404
    return _page(request, reader, opened, number, page, as_text=True, layer=True)


@require_safe
@admission.content
def picture(request: Request, reader: Reader, opened: Opened, number: int, page: int) -> HttpResponseBase:
    """One page of a file as a picture, with the reader's mark where the message asks for it."""
    return of(reader, opened, letters.find(opened.toc, number), page=page, shown=request.method == "GET")


@require_safe
@admission.content
def mark(request: Request, reader: Reader, opened: Opened) -> HttpResponseBase:
    """The mark as a picture of its own, for what is printed."""
    if not opened.rights.watermark or not opened.rights.print:
        raise Http404
    drawn = marks.svg(marks.line(readers.address_of(reader), opened.message, timezone.now()))
    return policies.under(policies.FILE, HttpResponse(drawn, content_type="image/svg+xml; charset=utf-8"))


def of(
    reader: Reader, opened: Opened, file: File, *, page: int = 1, kind: str = "", shown: bool = True
) -> HttpResponseBase:
    """A page of a file as WebP; 503 for a while when it cannot be made now, 404 when it never can.

    `kind` is of a picture in the text, whose name may not tell it. For a request that shows nothing, nothing is made
    nor recorded.
    """
    if not shown:
        return policies.under(policies.FILE, HttpResponse(content_type="image/webp"))
    want = wire.INLINE if kind else wire.SHOWN
    try:
        answer = previews.render(
            reader, opened, file, want, page=page, mark=_mark(reader, opened), kind=kind, seconds=PICTURE_SECONDS
        )
    except previews.Busy:
        return HttpResponse(status=503, headers={"Retry-After": str(AGAIN_SECONDS)}, content_type="text/plain")
    if answer.state != wire.OK or not answer.data:
        raise Http404
    if not kind:
        _record(reader, file)
    return policies.under(policies.FILE, HttpResponse(answer.data, content_type="image/webp"))


def _page(
    request: Request, reader: Reader, opened: Opened, number: int, page: int, *, as_text: bool, layer: bool
) -> HttpResponseBase:
    """R9 in all its states. `layer`: the text is there instead of a picture."""
    file = letters.find(opened.toc, number)
    if request.method == "HEAD":
        return HttpResponse()
    try:
        want = wire.TEXT if as_text else wire.PAGES
        patience = PATIENT_SECONDS if "again" in request.GET else previews.SOON_SECONDS
        answer = previews.render(reader, opened, file, want, page=page, seconds=patience)
        state = answer.state
    except previews.Busy:
        answer, state = Answer(wire.FAILED), "preparing"
    if answer.pages and not 1 <= page <= answer.pages:
        raise Http404
    if state == wire.OK and as_text:
        _record(reader, file)  # of what is shown as a picture, the picture's own request is recorded
    context = _context(reader, opened, file, answer, page, layer=layer)
    shown = render(request, "reading/preview.html", {**context, "state": state, "as_text": as_text, "layer": layer})
    if state == "preparing":
        # Looks again without a script. The second look waits longer, so that a screen reader is not interrupted often.
        shown["Refresh"] = f"{AGAIN_SECONDS}; url={request.path}?again=1"
    return shown


def _context(reader: Reader, opened: Opened, file: File, answer: Answer, page: int, *, layer: bool) -> dict[str, Any]:
    link, rights, toc = readers.link_of(reader), opened.rights, opened.toc
    preview_url, behind = letters.preview_url(link, file), "/text" if layer else ""
    kind, inner = previews.kind_of(file), toc.holding(file.number)
    return {
        "back_url": letters.inner_url(link, inner) if inner else f"/m/{link}",
        "subject": (inner or toc).subject or _("(no subject)"),
        "sender": letters.shown(toc.sender),
        "name": file.name,
        "rights": rights,
        "download_url": letters.file_url(link, file) if rights.download else "",
        "page": page,
        "pages": answer.pages,
        "earlier_url": f"{preview_url}/{page - 1}{behind}" if page > 1 else "",
        "later_url": f"{preview_url}/{page + 1}{behind}" if page < answer.pages else "",
        "picture_url": f"{preview_url}/{page}/picture",
        "page_url": f"{preview_url}/{page}",
        "text_url": f"{preview_url}/{page}/text" if kind != "picture" else "",
        "words": answer.text,
        "rows": answer.rows,
        "cut": kind == "office" and answer.pages >= previews.OFFICE_PAGES,
        "mark": _mark(reader, opened) if layer else "",
        "mark_url": letters.mark_url(link, rights),
    }


def _mark(reader: Reader, opened: Opened) -> str:
    return marks.line(readers.address_of(reader), opened.message, timezone.now()) if opened.rights.watermark else ""


def _record(reader: Reader, file: File) -> None:
    record_hourly("file.previewed", message=reader.message_id, reader=reader.id, file=file.number)
