"""Lists as files: nothing in them runs, and nothing of them is lost."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime

import pytest

from portal import tables

COLUMNS = ("name", "at", "number")
ROWS = [("Zoë, “quoted”\nand on two lines", datetime(2026, 3, 4, 5, 6, tzinfo=UTC), 7), ("", None, 0)]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_what_a_spreadsheet_would_run_is_text_in_an_export(text: str) -> None:
    assert tables.cell(text) == f"'{text}"


def test_a_csv_file_reads_back_as_its_rows() -> None:
    head, *lines = csv.reader(io.StringIO("".join(tables.csv_pieces(COLUMNS, ROWS)), newline=""))
    assert tuple(head) == COLUMNS
    assert lines == [[ROWS[0][0], "2026-03-04T05:06:00+00:00", "7"], ["", "", "0"]]


def test_a_json_file_is_an_array_of_objects_also_when_there_is_nothing() -> None:
    first, second = json.loads("".join(tables.json_pieces(COLUMNS, ROWS)))
    assert first == {"name": ROWS[0][0], "at": "2026-03-04T05:06:00+00:00", "number": 7}
    assert second == {"name": "", "at": None, "number": 0}
    assert json.loads("".join(tables.json_pieces(COLUMNS, []))) == []
