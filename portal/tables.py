"""Rows as a CSV or JSON file that is written while it is read, so that a long list needs no memory."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from django.http import StreamingHttpResponse

TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
Row = Sequence[object]


def download(name: str, form: str, columns: Sequence[str], rows: Iterable[Row]) -> StreamingHttpResponse:
    """The file `name`.csv or .json, by `form`, which is one of TYPES. Nothing on the way keeps it."""
    write = {"csv": csv_pieces, "json": json_pieces}[form]
    answer = StreamingHttpResponse(write(columns, rows), content_type=TYPES[form])
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


def csv_pieces(columns: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    """RFC 4180, a line a piece, the names of the columns first."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([cell(value) for value in row])
        yield out.getvalue()
        out.seek(0)
        out.truncate()
    yield out.getvalue()


def json_pieces(columns: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    """One array with an object a row."""
    before = "["
    for row in rows:
        yield before + json.dumps(dict(zip(columns, row, strict=True)), default=_plain, ensure_ascii=False)
        before = ",\n"
    yield "[]" if before == "[" else "]"


def cell(value: object) -> str:
    """A value in CSV. An apostrophe before what a spreadsheet would take for a formula: whoever wrote the value must
    not make the reader's program work for them."""
    written = "" if value is None else _plain(value)
    return f"'{written}" if written.startswith(_FORMULA) else written


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
