"""Text and tables, a page at a time: as text, as rows, or drawn. Formulas are text like everything else."""

from __future__ import annotations

import csv
import io
import textwrap
from collections.abc import Iterator

from PIL import Image, ImageDraw

from portal.reading.rendering import sheets
from portal.reading.rendering.wire import FAILED, OK, PAGES, SHOWN, Answer, Asked

MOST_BYTES = 4 * 1024 * 1024
"""So much of the beginning is shown."""
PAGE_LINES, LINE_CHARACTERS = 100, 100
LONGEST_LINE = LINE_CHARACTERS * PAGE_LINES // 2
MOST_ROWS, MOST_COLUMNS, CELL_CHARACTERS = 20_000, 60, 500
DRAWN_CELL = 40
SEPARATORS = ",;\t|"
WIDEST = 8000
"""Pixels of a drawn table, before it is made as small as every picture."""
LINE_HEIGHT, LETTER_SIZE, MARGIN = 22, 17, 60


def answer(asked: Asked, data: bytes) -> Answer:
    text = decoded(data[:MOST_BYTES])
    if asked.kind == "table":
        return _table(asked, rows_of(text))
    pages = list(_pages(text))
    if asked.want == PAGES:
        return Answer(OK, len(pages))
    if not 1 <= asked.page <= len(pages):
        return Answer(FAILED, len(pages))
    lines = pages[asked.page - 1]
    if asked.want == SHOWN:
        return Answer(OK, len(pages), data=_drawn([part for line in lines for part in _wrapped(line)], asked.mark))
    return Answer(OK, len(pages), text="\n".join(lines))


def decoded(data: bytes) -> str:
    """UTF-16 with its mark, UTF-8, else Windows-1252, which most of what is neither was written in."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data[: len(data) & ~1].decode("utf-16", "replace")
    try:
        # The last character may have been cut in two.
        return data.decode("utf-8-sig", "strict" if len(data) < MOST_BYTES else "ignore")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def rows_of(text: str) -> list[tuple[str, ...]]:
    """The rows of a table (RFC 4180), whatever separates its columns, within the bounds above."""
    first = text[:4000].splitlines()[:5]
    separator = max(SEPARATORS, key=lambda one: sum(line.count(one) for line in first))
    csv.field_size_limit(MOST_BYTES)
    found: list[tuple[str, ...]] = []
    for row in csv.reader(io.StringIO(text.replace("\0", ""), newline=""), delimiter=separator):
        found.append(tuple(cell[:CELL_CHARACTERS] for cell in row[:MOST_COLUMNS]))
        if len(found) == MOST_ROWS:
            break
    return found


def _table(asked: Asked, rows: list[tuple[str, ...]]) -> Answer:
    pages = max(1, -(-len(rows) // PAGE_LINES))
    if asked.want == PAGES:
        return Answer(OK, pages)
    if not 1 <= asked.page <= pages:
        return Answer(FAILED, pages)
    here = rows[(asked.page - 1) * PAGE_LINES : asked.page * PAGE_LINES]
    if asked.want == SHOWN:
        return Answer(OK, pages, data=_drawn(_in_columns(here), asked.mark))
    return Answer(OK, pages, rows=tuple(here))


def _in_columns(rows: list[tuple[str, ...]]) -> list[str]:
    cells = [[" ".join(cell.split()) for cell in row] for row in rows]
    count = max(map(len, cells), default=0)
    widths = [min(DRAWN_CELL, max((len(row[at]) for row in cells if at < len(row)), default=0)) for at in range(count)]
    return [
        "  ".join(textwrap.shorten(cell, width or 1, placeholder="…").ljust(width) if len(cell) > width
                  else cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        for row in cells
    ]  # fmt: skip


def _pages(text: str) -> Iterator[list[str]]:
    """Lines, so many to a page that they fit it when they are drawn."""
    here: list[str] = []
    taken = 0
    for line in _lines(text):
        height = len(_wrapped(line))
        if here and taken + height > PAGE_LINES:
            yield here
            here, taken = [], 0
        here.append(line)
        taken += height
    yield here


def _lines(text: str) -> Iterator[str]:
    for line in text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n").split("\n"):
        shown = "".join(c for c in line.expandtabs(4) if c >= " ")
        yield from (shown[at : at + LONGEST_LINE] for at in range(0, max(len(shown), 1), LONGEST_LINE))


def _wrapped(line: str) -> list[str]:
    return textwrap.wrap(line, LINE_CHARACTERS, drop_whitespace=False, replace_whitespace=False) or [""]


def _drawn(lines: list[str], mark: str) -> bytes:
    writing = sheets.font("DejaVuSansMono", LETTER_SIZE)
    width = 2 * MARGIN + max([round(writing.getlength(line)) for line in lines] + [800])
    height = 2 * MARGIN + LINE_HEIGHT * max(len(lines), 40)
    paper = Image.new("RGB", (min(width, WIDEST), height), "white")
    pen = ImageDraw.Draw(paper)
    for number, line in enumerate(lines):
        pen.text((MARGIN, MARGIN + number * LINE_HEIGHT), line, font=writing, fill="black")
    return sheets.out(paper, mark)
