"""A message that came inside another one, on a page of its own."""

from __future__ import annotations

from django.http import Http404, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from branding.templatetags.words import initials, size
from portal.access.requests import Request
from portal.reading import admission, bodies, holdings, letters, marks
from portal.vault import readers
from portal.vault.models import Reader
from portal.vault.opening import Opened
from portal.vault.toc import Inner


@require_safe
@admission.content
def message(request: Request, reader: Reader, opened: Opened, number: int) -> HttpResponseBase:
    """What is inside is read under the rights of what it is inside of."""
    inner, link, rights = _inner(opened, number), readers.link_of(reader), opened.rights
    name = inner.sender.name or inner.sender.address
    context = {
        "back_url": f"/m/{link}",
        "around": _around(opened, inner, link),
        "letter": inner,
        "initials": initials(name),
        "sender": letters.shown(inner.sender) if inner.sender.address else name,
        "rights": rights,
        "address": readers.address_of(reader),
        "short_id": marks.short_id(opened.message),
        "mark_url": letters.mark_url(link, rights),
        "sent_by": opened.toc.sender.name or opened.toc.sender.address,
        "body_url": f"/m/{link}/body-{number}",
        "files": letters.file_lines(inner, link, may_download=rights.download),
        **letters.checks(opened.toc),
        "files_size": size(sum(file.size for file in letters.attached(inner))),
        "removed": inner.removed,
        "remote_pictures": inner.remote_pictures,
        **bodies.text(opened, inner.text, inner.html, whole=bodies.asks_for_all(request)),
        **holdings.of_inner(opened.toc, inner, link, may_download=rights.download),
    }
    return render(request, "reading/inner.html", context)


@require_safe
@admission.content
def body(request: Request, reader: Reader, opened: Opened, number: int) -> HttpResponseBase:
    """Its HTML as a document of its own, under the policy that holds for the message around it."""
    inner = _inner(opened, number)
    return bodies.document(request, opened, inner.html, inner.subject)


def _inner(opened: Opened, number: int) -> Inner:
    for inner in opened.toc.inner:
        if inner.number == number:
            return inner
    raise Http404


def _around(opened: Opened, inner: Inner, link: str) -> str:
    """The address of the message in which it lies; that of the mail itself for the outermost."""
    other = opened.toc.holding(inner.of)
    return letters.inner_url(link, other) if other else f"/m/{link}"
