"""Files that are hidden from rules: under a name for something else, behind many others, or one archive deeper."""

from __future__ import annotations

import io
import zipfile
from email.message import EmailMessage
from typing import Any

import pytest

from portal.ingest import knowing
from portal.rules import contents
from portal.rules.compiling import compiled
from portal.rules.deciding import decide
from portal.rules.trying import Tried

CARDS = b"name,card\r\nAda,4111 1111 1111 1111\r\n"
PROGRAM = b"MZ\x90\0" + bytes(60)


def zipped(files: dict[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in files.items():
            package.writestr(name, data)
    return held.getvalue()


def decided(condition: dict[str, Any], data: bytes, kind: str, name: str = "list.csv") -> str:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "ada@bank.example", "ben@mail.example", "Files"
    mail.set_content("See the file.")
    maintype, _, subtype = kind.partition("/")
    mail.add_attachment(data, maintype=maintype, subtype=subtype, filename=name)
    rule = {"id": "r", "name": "R", "when": [condition], "then": [{"do": "refuse", "text": "No."}]}
    rules = compiled({"format": 1, "rules": [rule]})
    return decide(knowing.tried(mail.as_bytes(), Tried()), rules, "relay").action


@pytest.mark.parametrize(
    "kind",
    [
        "image/x-list",
        "image/svg+xml",
        "audio/mpeg",
        "font/ttf",
        "application/pgp-signature",
        "application/pkcs7-signature",
    ],
)
def test_a_list_that_is_called_a_picture_or_a_signature_is_read(kind: str) -> None:
    cards = {"if": "sensitive", "types": [{"name": "payment-card"}]}
    assert decided(cards, CARDS, kind) == "refuse"
    assert decided(cards, b"GIF89a," + CARDS, "image/gif") == "refuse"
    assert decided(cards, b"GIF89a\1\0\1\0\0\0\0;", "image/gif", "logo.gif") == "relay"
    assert decided(cards, b"-----BEGIN PGP SIGNATURE-----\r\nabc\r\n", "application/pgp-signature", "s.asc") == "relay"


@pytest.mark.parametrize(
    "condition",
    [
        {"if": "file_is", "values": ["executable"]},
        {"if": "file_extension", "values": ["exe"]},
        {"if": "file_name_patterns", "values": ["^setup"]},
        {"if": "file_type", "values": ["application/vnd.microsoft.portable-executable"]},
    ],
)
@pytest.mark.parametrize("before", [201, 1001])
def test_a_program_behind_very_many_files_counts_as_found(condition: dict[str, Any], before: int) -> None:
    many = {f"{number}.txt": b"" for number in range(before)}
    assert decided(condition, zipped({**many, "setup.exe": PROGRAM}), "application/zip", "all.zip") == "refuse"
    assert decided(condition, zipped({"a.txt": b"words"}), "application/zip", "all.zip") == "relay"


def test_a_program_one_archive_deeper_or_in_a_damaged_one_counts_as_found() -> None:
    programs = {"if": "file_is", "values": ["executable"]}
    inner = zipped({"setup.exe": PROGRAM})
    assert decided(programs, zipped({"inner.bin": inner}), "application/zip", "a.zip") == "refuse"
    assert decided(programs, inner[:-30], "application/zip", "a.zip") == "refuse"
    document = zipped({"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w/>"})
    assert decided(programs, zipped({"letter.docx": document}), "application/zip", "a.zip") == "relay"


def test_numbers_that_there_was_no_time_to_look_through_count_as_found(monkeypatch: pytest.MonkeyPatch) -> None:
    cards = {"if": "sensitive", "types": [{"name": "payment-card"}]}
    # Without a word beside them none of these is sure enough.
    numbers = b"".join(b"4000 0000 0000 %03d3\r\n" % (10 * number) for number in range(100)) * 10
    assert decided(cards, numbers, "text/plain", "list.txt") == "relay"
    monkeypatch.setattr(contents, "SCAN_SECONDS", 0.0)
    assert decided(cards, numbers, "text/plain", "list.txt") == "refuse"
