"""`POST /api/v1/messages:bulk`: a program hands in many mails in one body, and asks later what became of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.urls import reverse

from portal.api import tokens
from portal.api.admitting import admit
from portal.api.errors import BodyCut, BulkTypeRefused, LengthMissing, MethodRefused, PageRefused, RunUnknown
from portal.api.models import Token
from portal.api.problems import problem
from portal.api.scopes import Scope
from portal.ingest import archive, bulk, lines, progress
from portal.ingest.errors import NotTaken, RunBusy, SpoolUnavailable
from portal.ingest.models import Run
from portal.keys.errors import KeysError

_CHUNK = 256 * 1024
PAGE, MOST_PAGE = 1000, 5000
FAILURES = 100
"""Refused items that the answer to a POST names; all are in the run's pages."""
READERS: dict[str, Callable[[Iterable[bytes]], Iterator[bulk.Offered]]] = {
    "application/x-ndjson": lines.lines,
    "application/ndjson": lines.lines,
    "application/jsonl": lines.lines,
    "application/zip": archive.members,
    "application/x-zip-compressed": archive.members,
}


@tokens.required(Scope.MESSAGES_SEND)
def messages(request: HttpRequest, token: Token) -> HttpResponse:
    """POST takes the body in; GET says how far the run of the same key is, also while its body still comes."""
    return _answered(lambda: _take(request, token) if request.method == "POST" else _ask(request, token))


@tokens.required(Scope.MESSAGES_SEND)
def run(request: HttpRequest, token: Token, id_: UUID) -> HttpResponse:
    """One run with a page of its items, by their numbers: `?after=` the last number seen, `?limit=`."""
    return _answered(lambda: _page(request, token, id_))


def _answered(work: Callable[[], HttpResponse]) -> HttpResponse:
    try:
        return work()
    except (NotTaken, RunBusy, SpoolUnavailable) as refused:
        return problem(refused.status, refused.title, str(refused))
    except KeysError:
        unavailable = SpoolUnavailable("the keys are away")
    return problem(unavailable.status, unavailable.title, str(unavailable))


def _take(request: HttpRequest, token: Token) -> HttpResponse:
    read = READERS.get(request.content_type or "")
    if read is None:
        raise BulkTypeRefused
    length = request.headers.get("Content-Length", "")
    # Without a length, a body that was cut would look like one that has ended.
    if not (length.isascii() and length.isdigit()):
        raise LengthMissing
    opened = bulk.begin(token.owner, _key(request))
    again = opened.state == Run.State.TAKEN
    taken = bulk.feed(opened, read(_chunks(request, int(length))), admit(token))
    failures = [_item(item) for item in progress.refused(taken, FAILURES)]
    return JsonResponse({**_summary(taken), "failures": failures}, status=200 if again else 202)


def _ask(request: HttpRequest, token: Token) -> HttpResponse:
    if request.method != "GET":
        raise MethodRefused("GET, POST")
    found = bulk.find(token.owner, _key(request))
    if found is None:
        raise RunUnknown
    return JsonResponse({**_summary(found), "progress": progress.states(found)})


def _page(request: HttpRequest, token: Token, id_: UUID) -> HttpResponse:
    if request.method != "GET":
        raise MethodRefused("GET")
    found = Run.objects.filter(pk=id_, owner=token.owner).first()
    if found is None:
        raise RunUnknown
    after, limit = _number(request, "after", 0, 2**31 - 1), _number(request, "limit", PAGE, MOST_PAGE)
    items = progress.page(found, after, limit)
    following = f"{_address(found)}?after={items[-1].number}&limit={limit}" if len(items) == limit else None
    return JsonResponse(
        {
            **_summary(found),
            "progress": progress.states(found),
            "items": [_item(item) for item in items],
            "next": following,
        }
    )


def _summary(found: Run) -> dict[str, Any]:
    counts = {"accepted": found.accepted, "refused": found.refused}
    return {"id": str(found.pk), "state": found.state, **counts, "results": _address(found)}


def _item(item: progress.Told) -> dict[str, Any]:
    named = {"name": item.name} if item.name else {}
    told = {"id": str(item.id), "state": item.state} if item.id else {"reason": item.reason}
    return {"number": item.number, **named, **told}


def _address(found: Run) -> str:
    return reverse("api-bulk-run", args=[found.pk])


def _key(request: HttpRequest) -> str:
    """The header's value, with or without the quotation marks that a structured field has (RFC 9651)."""
    value = request.headers.get("Idempotency-Key", "").strip()
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value


def _number(request: HttpRequest, name: str, default: int, most: int) -> int:
    text = request.GET.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 11 and (name == "after" or int(text))):
        raise PageRefused
    return min(int(text), most)


def _chunks(request: HttpRequest, length: int) -> Iterator[bytes]:
    """The body as it comes: it is never whole in memory and never in a temporary file."""
    received = 0
    try:
        while chunk := request.read(_CHUNK):
            received += len(chunk)
            yield chunk
    except UnreadablePostError:
        raise BodyCut from None
    if received != length:
        raise BodyCut
