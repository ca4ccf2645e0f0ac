"""Tables as files: CSV (RFC 4180) or JSON, streamed, and nothing in them is a formula to a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from django.http import StreamingHttpResponse

from portal.console.trace_search import cell

TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


def download(name: str, form: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> StreamingHttpResponse:
    """`form` is a key of TYPES; `name` what the file is called, without an ending."""
    lines = _json(columns, rows) if form == "json" else _csv(columns, rows)
    answer = StreamingHttpResponse(lines, content_type=TYPES[form])
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([cell(_plain(value)) for value in row])
        yield out.getvalue()
        out.seek(0)
        out.truncate()
    yield out.getvalue()


def _json(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    before = "["
    for row in rows:
        shown = {name: _plain(value) for name, value in zip(columns, row, strict=True)}
        yield before + json.dumps(shown, default=str, ensure_ascii=False)
        before = ",\n"
    yield "[]" if before == "[" else "]"


def _plain(value: object) -> object:
    """Moments and days as ISO 8601; None as nothing."""
    return value.isoformat() if isinstance(value, date) else "" if value is None else value
