"""The record for programs: its entries, its signed head, proofs, and the whole of it as a file."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse, StreamingHttpResponse

from portal.api.endpoint import Call
from portal.api.errors import NothingHere
from portal.api.handing import by
from portal.api.shapes import LARGEST, Says, write
from portal.audit import exporting, merkle, proving
from portal.audit.errors import NothingSigned
from portal.audit.finding import between
from portal.audit.models import Entry, Head, Leaf
from portal.audit.record import plain, record
from portal.operations import record_keeping

NDJSON = "application/x-ndjson"
TYPES = {"jsonl": NDJSON, "csv": "text/csv; charset=utf-8", "cef": "text/plain; charset=utf-8"}
PAGE, MOST_PAGE = 500, 2000


class Form(Enum):
    JSONL = "jsonl"
    CSV = "csv"
    CEF = "cef"


@dataclass(frozen=True)
class EntriesAsked:
    """Which entries, the oldest first."""

    after: Annotated[int, Says("id of the last entry seen", 0, LARGEST)] = 0
    kind: Annotated[str | None, Says("like message.opened", 3, 40, r"^[a-z]+\.[a-z_]+$")] = None
    message: UUID | None = None
    since: Annotated[datetime | None, Says("then or later")] = None
    until: Annotated[datetime | None, Says("before then")] = None
    limit: Annotated[int, Says("entries of a page", 1, MOST_PAGE)] = PAGE


@dataclass(frozen=True)
class ProofAsked:
    """Of which entry, in a tree of which size."""

    entry: Annotated[int, Says("its id", 1, LARGEST)]
    size: Annotated[int | None, Says("of the head you hold; else the newest", 1, LARGEST)] = None


@dataclass(frozen=True)
class ConsistencyAsked:
    """Between which sizes."""

    old: Annotated[int, Says("size of the head you kept", 1, LARGEST)]
    size: Annotated[int | None, Says("of the later head; else the newest", 1, LARGEST)] = None


@dataclass(frozen=True)
class ExportAsked:
    """What and how."""

    format: Annotated[Form, Says("JSON Lines prove themselves (tools/verify_audit.py)")] = Form.JSONL
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class HeadShown:
    """A signed tree head (C2SP checkpoint) and the key that verifies it."""

    size: Annotated[int, Says("entries it holds")]
    at: datetime
    note: Annotated[str, Says("the signed text; keep it elsewhere, and later rewriting shows")]
    key: str


@dataclass(frozen=True)
class Proof:
    """An entry's place in the tree, with what its leaf is made of (docs/audit.md)."""

    entry: dict[str, Any]
    salt: Annotated[str | None, Says("hexadecimal; null when who and how were erased")]
    sealed: Annotated[str | None, Says("the commitment instead, then")]
    index: int
    size: int
    proof: Annotated[tuple[str, ...], Says("base64, RFC 9162 section 2.1.3")]


@dataclass(frozen=True)
class Consistency:
    """That the later tree begins with the earlier one."""

    old: int
    size: int
    proof: Annotated[tuple[str, ...], Says("base64, RFC 9162 section 2.1.4")]


def entries(call: Call[EntriesAsked, None]) -> HttpResponse:
    """A page of entries, one a line; the header Link names the next page while there is one."""
    asked = call.query
    found = Entry.objects.filter(id__gt=asked.after).order_by("id")
    if asked.kind is not None:
        found = found.filter(kind=asked.kind)
    if asked.message is not None:
        found = found.filter(message=asked.message)
    rows = list(between(found, asked.since, asked.until)[: asked.limit + 1])
    shown = rows[: asked.limit]
    answer = HttpResponse("".join(f"{_line(row)}\n" for row in shown), NDJSON)
    if len(rows) > asked.limit:
        named = {name: value for name, value in write(asked).items() if value is not None}
        query = urlencode({**named, "after": shown[-1].id})
        answer.headers["Link"] = f'</api/v1/audit/entries?{query}>; rel="next"'
    return answer


def head(_: Call[None, None]) -> HeadShown:
    """The newest signed head."""
    newest = _newest()
    return HeadShown(newest.size, newest.at, newest.note, record_keeping.key_line())


def proof(call: Call[ProofAsked, None]) -> Proof:
    """That an entry is in the tree of a head."""
    asked = call.query
    size = _size(asked.size)
    entry = Entry.objects.filter(pk=asked.entry).first()
    index = Leaf.objects.filter(entry=asked.entry).values_list("index", flat=True).first()
    if entry is None or index is None or index >= size:
        raise NothingHere
    return Proof(
        entry=plain(entry),
        salt=None if entry.sealed else bytes(entry.salt or b"").hex(),
        sealed=bytes(entry.sealed).hex() if entry.sealed else None,
        index=index,
        size=size,
        proof=_encoded(merkle.inclusion_proof(index, size, proving.Stored().range)),
    )


def consistency(call: Call[ConsistencyAsked, None]) -> Consistency:
    """That nothing before a head that was kept was changed."""
    asked = call.query
    size = _size(asked.size)
    if asked.old > size:
        raise NothingHere
    return Consistency(asked.old, size, _encoded(proving.consistency(asked.old, size)))


def export(call: Call[ExportAsked, None]) -> HttpResponse | StreamingHttpResponse:
    """All signed entries of a time as a file, in pieces as it is made. The record says that it was exported."""
    asked, form = call.query, call.query.format.value
    try:
        pieces = exporting.pieces(form, record_keeping.key_line(), asked.since, asked.until)
    except NothingSigned:
        raise NothingHere from None
    if call.request.method == "HEAD":
        return HttpResponse(b"", TYPES[form])
    record("audit.exported", format=form, **by(call.token).facts())
    answer = StreamingHttpResponse((text.encode() for _, text in pieces), TYPES[form])
    answer.headers["Content-Disposition"] = f'attachment; filename="record.{form}"'
    return answer


def _newest() -> Head:
    newest = Head.objects.order_by("-size").first()
    if newest is None:
        raise NothingHere  # for a second or two after the very first start
    return newest


def _size(asked: int | None) -> int:
    newest = _newest().size
    if asked is not None and asked > newest:
        raise NothingHere
    return asked or newest


def _line(entry: Entry) -> str:
    return json.dumps(plain(entry), separators=(",", ":"), ensure_ascii=False)


def _encoded(hashes: list[bytes]) -> tuple[str, ...]:
    return tuple(b64encode(hash_).decode() for hash_ in hashes)
