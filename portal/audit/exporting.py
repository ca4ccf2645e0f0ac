"""The record as a file: JSON Lines that prove themselves (tools/verify_audit.py), CSV, or CEF for a SIEM."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, TextIO

from portal.audit import merkle, record
from portal.audit.errors import NothingSigned
from portal.audit.models import Entry, Head, Leaf
from portal.audit.proving import Stored

FORMAT = "letterlock-audit-1"
FORMATS = ("jsonl", "csv", "cef")
_STEP = 1000
_PIECE = 200
_COLUMNS = ("id", "at", "kind", "message", "reader", "facts")
_CEF_VERSION = "CEF:0|Letterlock|Letterlock|1"


def export(out: TextIO, form: str, key_line: str, since: datetime | None, until: datetime | None) -> int:
    """Write all entries of a time in order. Returns how many. NothingSigned when nothing was signed yet."""
    number = 0
    for count, text in pieces(form, key_line, since, until):
        out.write(text)
        number += count
    return number


def pieces(form: str, key_line: str, since: datetime | None, until: datetime | None) -> Iterator[tuple[int, str]]:
    """The same in pieces of text, each with how many entries it holds, in constant memory.

    NothingSigned at once when nothing was signed yet. The JSON Lines begin with the newest signed head and its key;
    each line after it holds an entry, the salt of its leaf, its place, and the hashes that prove it in the tree of that
    head. Entries newer than the head are left out.
    """
    head = Head.objects.order_by("-size").first()
    if head is None:
        raise NothingSigned
    return _pieces(form, key_line, head, since, until)


def _pieces(
    form: str, key_line: str, head: Head, since: datetime | None, until: datetime | None
) -> Iterator[tuple[int, str]]:
    out = io.StringIO()
    write = _WRITERS[form](out, head, key_line)
    number = 0
    for index, entry in _entries(head.size, since, until):
        write(index, entry)
        number += 1
        if number == _PIECE:
            yield number, out.getvalue()
            out.seek(0)
            out.truncate()
            number = 0
    yield number, out.getvalue()


def _entries(size: int, since: datetime | None, until: datetime | None) -> Iterator[tuple[int, Entry]]:
    for start in range(0, size, _STEP):
        places = dict(
            Leaf.objects.filter(index__gte=start, index__lt=min(size, start + _STEP)).values_list("entry", "index")
        )
        chosen = Entry.objects.filter(id__in=places)
        if since:
            chosen = chosen.filter(at__gte=since)
        if until:
            chosen = chosen.filter(at__lt=until)
        yield from sorted(((places[entry.id], entry) for entry in chosen), key=lambda pair: pair[0])


def _jsonl(out: TextIO, head: Head, key_line: str) -> Callable[[int, Entry], None]:
    stored = Stored()

    def line(value: dict[str, Any]) -> None:
        out.write(json.dumps(value, separators=(",", ":"), ensure_ascii=False) + "\n")

    def write(index: int, entry: Entry) -> None:
        proof = merkle.inclusion_proof(index, head.size, stored.range)
        proved = {"sealed": bytes(entry.sealed).hex()} if entry.sealed else {"salt": bytes(entry.salt or b"").hex()}
        encoded = [base64.b64encode(hash_).decode() for hash_ in proof]
        line(record.plain(entry) | proved | {"index": index, "proof": encoded})

    line({"format": FORMAT, "key": key_line, "head": head.note})
    return write


def _csv(out: TextIO, _head: Head, _key_line: str) -> Callable[[int, Entry], None]:
    writer = csv.writer(out, lineterminator="\r\n")  # RFC 4180
    writer.writerow(_COLUMNS)

    def write(_: int, entry: Entry) -> None:
        plain = record.plain(entry)
        writer.writerow(["" if value is None else value for value in (*list(plain.values())[:-1], _json(plain))])

    return write


def _json(plain: dict[str, Any]) -> str:
    return json.dumps(plain["facts"], sort_keys=True, ensure_ascii=False)


def _cef(out: TextIO, _head: Head, _key_line: str) -> Callable[[int, Entry], None]:
    """One line an entry: ArcSight's Common Event Format, with `\\`, `=` and line ends escaped."""

    def write(_: int, entry: Entry) -> None:
        plain = record.plain(entry)
        extension = {
            "rt": str(int(entry.at.timestamp() * 1000)),
            "externalId": str(entry.id),
            "cs1Label": "message",
            "cs1": plain["message"] or "",
            "cs2Label": "reader",
            "cs2": plain["reader"] or "",
            "msg": _json(plain),
        }
        fields = " ".join(f"{name}={_escaped(value, '=')}" for name, value in extension.items() if value)
        kind = _escaped(entry.kind, "|")
        out.write(f"{_CEF_VERSION}|{kind}|{kind}|{_severity(entry.kind)}|{fields}\n")

    return write


_WRITERS: dict[str, Callable[[TextIO, Head, str], Callable[[int, Entry], None]]] = {
    "jsonl": _jsonl,
    "csv": _csv,
    "cef": _cef,
}
_GRAVE = ("damaged", "refused", "throttled", "ceiling_reached", "password_failed", "destroyed", "erased", "recovered")


def _escaped(text: str, mark: str) -> str:
    text = text.replace("\\", "\\\\").replace(mark, f"\\{mark}")
    return text.replace("\r", "\\r").replace("\n", "\\n")


def _severity(kind: str) -> int:
    """0 to 10: 6 for what someone should look at, 2 for the rest."""
    return 6 if kind.endswith(_GRAVE) else 2
