"""`/messages:bulk`: a program hands in many mails in one body, and asks later what became of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpResponse

from portal.api import strict
from portal.api.admitting import admit
from portal.api.endpoint import Call, as_json
from portal.api.errors import KindRefused, RunUnknown
from portal.api.handing import key_of
from portal.api.ids import id_of
from portal.api.shapes import Says
from portal.ingest import archive, bulk, lines, progress
from portal.ingest.models import Run

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


@dataclass(frozen=True)
class PageAsked:
    """Which of a run's items."""

    after: Annotated[int, Says("number of the last item seen", 0, 2**31 - 1)] = 0
    limit: Annotated[int, Says("items of a page", 1, MOST_PAGE)] = PAGE


@dataclass(frozen=True)
class RunShown:
    """A run: `failures` after a POST, `progress` otherwise (how many mails are in which state), `items` of a page."""

    id: UUID
    state: Annotated[str, Says("open until its body has come whole, then taken")]
    accepted: int
    refused: int
    results: Annotated[str, Says("address of its pages")]


def take(call: Call[None, None]) -> HttpResponse:
    """202 when every item is durable or refused, 200 when it was all taken before."""
    request, token = call.request, call.token
    read = READERS.get(request.content_type or "")
    if read is None:
        raise KindRefused(" or ".join(READERS))
    length = strict.length_of(request)
    opened = bulk.begin(token.owner, key_of(request))
    again = opened.state == Run.State.TAKEN
    taken = bulk.feed(opened, read(strict.chunks(request, length)), admit(token))
    failures = [_item(item) for item in progress.refused(taken, FAILURES)]
    return as_json({**_summary(taken), "failures": failures}, 200 if again else 202)


def ask(call: Call[None, None]) -> HttpResponse:
    """How far the run of this key is, also while its body still comes."""
    found = bulk.find(call.token.owner, key_of(call.request))
    if found is None:
        raise RunUnknown
    return as_json({**_summary(found), "progress": progress.states(found)})


def page(call: Call[PageAsked, None]) -> HttpResponse:
    """One run with a page of its items, by their numbers."""
    found = Run.objects.filter(pk=id_of(call), owner=call.token.owner).first()
    if found is None:
        raise RunUnknown
    items = progress.page(found, call.query.after, call.query.limit)
    whole = len(items) == call.query.limit
    following = f"{_address(found)}?after={items[-1].number}&limit={call.query.limit}" if whole else None
    shown = [_item(item) for item in items]
    return as_json({**_summary(found), "progress": progress.states(found), "items": shown, "next": following})


def _summary(found: Run) -> dict[str, Any]:
    counts = {"accepted": found.accepted, "refused": found.refused}
    return {"id": str(found.pk), "state": found.state, **counts, "results": _address(found)}


def _item(item: progress.Told) -> dict[str, Any]:
    named = {"name": item.name} if item.name else {}
    told = {"id": str(item.id), "state": item.state} if item.id else {"reason": item.reason}
    return {"number": item.number, **named, **told}


def _address(found: Run) -> str:
    return f"/api/v1/bulk/{found.pk}"
