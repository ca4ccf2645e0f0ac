"""Reads people and groups from CSV: a line for each person, or a line for each member of a group (RFC 4180)."""

from __future__ import annotations

import csv
import io
import re

from portal.directory.wanted import MOST_BYTES, BadFile, Wanted, address_or_nothing
from portal.mime.errors import BadAddress

SEPARATORS = ",;\t|"
LONGEST_CELL = 100_000
"""Characters: of a list of groups."""
_NAMES = {
    "address": "address email emailaddress mail mailaddress primarysmtpaddress userprincipalname epost adresse",
    "name": "name displayname fullname",
    "title": "title jobtitle",
    "department": "department",
    "company": "company organization organisation",
    "office": "office physicaldeliveryofficename",
    "city": "city",
    "country": "country countryorregion",
    "manager": "manager manageraddress",
    "active": "active accountenabled enabled",
    "groups": "groups memberof",
    "group": "group groupname",
    "member": "member members",
}
_COLUMNS = {alias: column for column, aliases in _NAMES.items() for alias in aliases.split()}
_OFF = frozenset({"false", "no", "0", "off", "disabled"})


def read(data: bytes) -> Wanted:
    """What the file wants. BadFile when it is no such file, or too large; a line that is wrong is told and left out."""
    if len(data) > MOST_BYTES:
        raise BadFile(f"The file has more than {MOST_BYTES // 1_000_000} MB.")
    rows = _Rows(_decoded(data))
    heading = next(rows, None) or []
    columns = [_COLUMNS.get(re.sub(r"[^a-z]", "", cell.lower()), "") for cell in heading]
    if "group" in columns and "member" in columns:
        return _members(rows, columns)
    if "address" not in columns:
        raise BadFile(
            "The first line must name the columns: address (and name, title, department, company, office, city, "
            "country, manager, active, groups), or group and member."
        )
    return _people(rows, columns)


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")  # what Excel writes on Windows
    if "\0" in text:
        raise BadFile("The file is no text. Save it as CSV (UTF-8).")
    return text


class _Rows:
    """Rows with the number of the line they end on."""

    def __init__(self, text: str) -> None:
        first = text[:4000].split("\n", 1)[0]
        separator = max(SEPARATORS, key=first.count)
        csv.field_size_limit(LONGEST_CELL)
        self._reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)

    @property
    def line(self) -> int:
        return self._reader.line_num

    def __iter__(self) -> _Rows:
        return self

    def __next__(self) -> list[str]:
        try:
            return next(self._reader)
        except csv.Error:
            raise BadFile(f"Line {self.line} is no line of a CSV file, or a cell in it is far too long.") from None


def _people(rows: _Rows, columns: list[str]) -> Wanted:
    wanted = Wanted(lists_groups="groups" in columns)
    for row in rows:
        cells = _cells(row, columns)
        if not any(cells.values()):
            continue
        manager = cells.get("manager", "")
        cells["manager"] = address_or_nothing(manager)
        if manager and not cells["manager"]:
            wanted.problem(f"Line {rows.line}: the manager is no address; left out.")
        try:
            address = wanted.person(cells["address"], cells.items(), active=cells.get("active", "").lower() not in _OFF)
        except BadAddress:
            wanted.problem(f"Line {rows.line}: there is no address that mail could be sent to; left out.")
            continue
        for name in cells.get("groups", "").split(";"):
            if name.strip():
                wanted.join(wanted.group(name), address)
    return wanted


def _members(rows: _Rows, columns: list[str]) -> Wanted:
    wanted = Wanted(lists_people=False)
    for row in rows:
        cells = _cells(row, columns)
        if not any(cells.values()):
            continue
        if not cells["group"]:
            wanted.problem(f"Line {rows.line}: there is no group; left out.")
            continue
        group = wanted.group(cells["group"])
        try:
            if cells["member"]:
                wanted.join(group, cells["member"])
        except BadAddress:
            wanted.problem(f"Line {rows.line}: the member is no address, no @domain and no group:Name; left out.")
    return wanted


def _cells(row: list[str], columns: list[str]) -> dict[str, str]:
    held = dict.fromkeys((column for column in columns if column), "")
    for column, cell in zip(columns, row, strict=False):
        if column and not held[column]:
            held[column] = cell.strip()
    return held
