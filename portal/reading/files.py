"""Files and inline pictures, streamed from the vault: any range, safe names, nothing a browser would run."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from functools import partial

from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from portal.access import sessions
from portal.access.requests import Request
from portal.audit.models import Entry
from portal.audit.record import Event, record, record_each, record_hourly
from portal.mime.names import content_disposition, safe_file_name
from portal.reading import admission, archive, letters, policies, preview_pages
from portal.reading.ranges import Range, Unsatisfiable, parse
from portal.vault import readers
from portal.vault.errors import BlobsUnavailable, VaultError
from portal.vault.models import Reader
from portal.vault.opening import Opened
from portal.vault.toc import File

log = logging.getLogger(__name__)
WATCH_SECONDS = 1.0
"""How often a running download asks whether it may go on: two look-ups a second cost a download nothing."""

_PICTURES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif", b"BM": "image/bmp"}


@require_safe
@admission.content
def download(request: Request, reader: Reader, opened: Opened, number: int) -> HttpResponseBase:
    """One file. Refused without the right to download, whatever the page showed."""
    file = letters.find(opened.toc, number)
    if not opened.rights.download:
        raise Http404
    answer, whole = _stream(request, reader, opened, file)
    answer["Content-Disposition"] = content_disposition(file.name)
    _record(request, reader, number, answer, whole=whole)
    return answer


@require_safe
@admission.content
def everything(request: Request, reader: Reader, opened: Opened) -> HttpResponseBase:
    """All files of a message in one ZIP, under the same right as each of them."""
    files = letters.attached(opened.toc)
    if not opened.rights.download or not files:
        raise Http404
    for file in files:
        opened.stream(file.stream)  # what is damaged at its start or gone is said by a page, not by half a ZIP
    sent_at = timezone.localtime(opened.toc.sent_at)
    names = archive.unique((file.name, file.content_type) for file in files)
    members = [
        archive.Member(name, file.size, partial(opened.chunks, file)) for name, file in zip(names, files, strict=True)
    ]
    whole = archive.stream(members, sent_at)
    answer = StreamingHttpResponse(
        () if request.method == "HEAD" else _while_allowed(_stopping_at_damage(whole, opened), request, reader),
        content_type="application/zip",
    )
    length = archive.length(members, sent_at)
    if length is not None:
        answer["Content-Length"] = str(length)
    answer["Accept-Ranges"] = "none"
    answer["Content-Disposition"] = content_disposition(_archive_name(opened))
    if request.method == "GET":
        begun = [Event("file.downloaded", reader.message_id, reader.id, {"file": file.number}) for file in files]
        record_each(begun)
    return policies.under(policies.FILE, answer)


@require_safe
@admission.content
def original(request: Request, reader: Reader, opened: Opened) -> HttpResponseBase:
    """The mail as it was received, offered when it could not be read as MIME."""
    if not opened.rights.download or opened.toc.readable:
        raise Http404
    file = File(0, "message.eml", "message/rfc822", opened.toc.original_size, "original", b"")
    answer, whole = _stream(request, reader, opened, file)
    answer["Content-Disposition"] = content_disposition(file.name)
    _record(request, reader, file.number, answer, whole=whole)
    return answer


@require_safe
@admission.content
def inline(request: Request, reader: Reader, opened: Opened, number: int) -> HttpResponseBase:
    """A picture that the body shows; only what begins like a raster picture is one, whatever it calls itself.

    In protected view it is drawn anew, as every page of a file is: the original stays here (docs/previews.md).
    """
    file = letters.find(opened.toc, number)
    if not opened.rights.download:
        if file in letters.every_listed(opened.toc):
            raise Http404
        return preview_pages.of(reader, opened, file, kind="picture", shown=request.method == "GET")
    start = b"".join(opened.chunks(file, 0, min(file.size, 16)))
    kind = next((kind for magic, kind in _PICTURES.items() if start.startswith(magic)), "")
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        kind = "image/webp"
    if not kind or not (file.content_id or file.inline):
        raise Http404
    answer, _whole = _stream(request, reader, opened, file)
    answer["Content-Type"] = kind
    if request.method == "GET" and file in letters.every_listed(opened.toc):
        record_hourly("file.previewed", message=reader.message_id, reader=reader.id, file=file.number)
    return answer


def _record(request: Request, reader: Reader, number: int, answer: HttpResponseBase, *, whole: bool) -> None:
    """That a download began. A part from the middle goes on with one; where none was begun it is one itself, or nobody
    would know of all but the first byte."""
    if request.method != "GET" or answer.status_code not in (200, 206):
        return
    begun = Entry.objects.filter(message=reader.message_id, kind="file.downloaded", reader=reader.id)
    if whole or not begun.filter(facts__file=number).exists():
        record("file.downloaded", message=reader.message_id, reader=reader.id, file=number)


def _archive_name(opened: Opened) -> str:
    return safe_file_name(f"{opened.toc.subject.strip() or _('Files')}.zip", "application/zip")


def _stream(request: Request, reader: Reader, opened: Opened, file: File) -> tuple[HttpResponseBase, bool]:
    """The answer with its bytes, and whether it begins at the beginning."""
    try:
        wanted = parse(request.headers.get("Range", ""), file.size)
    except Unsatisfiable:
        refused = HttpResponse(status=416, headers={"Content-Range": f"bytes */{file.size}"})
        return policies.under(policies.FILE, refused), False
    span = wanted or Range(0, file.size)
    chunks = opened.chunks(file, span.start, span.length)  # opens the stream: a damaged one fails before the headers
    answer = StreamingHttpResponse(
        () if request.method == "HEAD" else _while_allowed(_stopping_at_damage(chunks, opened), request, reader),
        status=206 if wanted else 200,
        content_type="application/octet-stream" if file.content_type.startswith("text/html") else file.content_type,
    )
    answer["Content-Length"] = str(span.length)
    answer["Accept-Ranges"] = "bytes"
    if wanted:
        answer["Content-Range"] = f"bytes {span.start}-{span.start + span.length - 1}/{file.size}"
    return policies.under(policies.FILE, answer), span.start == 0


def _while_allowed(chunks: Iterator[bytes], request: Request, reader: Reader) -> Iterator[bytes]:
    """The bytes until the session is ended, the message closes to its reader or they may not download it any more: a
    running download gets no more then than what WATCH_SECONDS let pass, and a chunk. The length was announced, so the
    browser sees that it broke off."""
    session = request.session_row
    watched = time.monotonic()
    for chunk in chunks:
        if time.monotonic() - watched >= WATCH_SECONDS:
            watched = time.monotonic()
            if session is None or not sessions.still_lasts(session.pk):
                log.info("message %s: a download stops, for its session was ended", reader.message_id)
                raise ConnectionAbortedError("the session was ended; the download stops here")
            if not readers.may_still_download(reader):
                log.info("message %s: a download stops, for its reader may not go on", reader.message_id)
                raise ConnectionAbortedError("the reader may not download it any more; the download stops here")
        yield chunk


def _stopping_at_damage(chunks: Iterator[bytes], opened: Opened) -> Iterator[bytes]:
    """The bytes up to the first bad chunk. The length was announced, so what stops there is visibly incomplete."""
    try:
        yield from chunks
    except BlobsUnavailable as error:
        log.error("message %s: a download stops: %s", opened.message.id, error)
        raise ConnectionAbortedError("the blob store does not answer; the download stops here") from None
    except VaultError as error:
        log.error("message %s is damaged: %s", opened.message.id, error)
        reason = type(error).__name__
        record("message.damaged", message=opened.message.id, reason=reason, posted=opened.posted)
        raise ConnectionAbortedError("the stored file is damaged; the download stops here") from None
