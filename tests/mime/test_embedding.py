"""What lies in documents is read by what it is: wherever Office puts words, and documents within documents."""

from __future__ import annotations

import io
import struct
import time
import zipfile
import zlib
from collections.abc import Callable

import pytest

from portal.mime import embedding, packages
from portal.mime.gathering import Read
from tests.mime import oldoffice, outlook
from tests.mime.oldoffice import sample
from tests.mime.outlook import Folder

WORDS = "Haemoglobin 142"
MACROS = outlook.compound({"PROJECT": b"ID=1", "VBA": {"dir": b"\1\2"}})
"""Of every document with macros (MS-OVBA section 2.2.1)."""


def zipped(files: dict[str, str | bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as packed:
        for name, data in files.items():
            packed.writestr(name, data)
    return made.getvalue()


def office(files: dict[str, str | bytes]) -> bytes:
    return zipped({"[Content_Types].xml": "<Types/>", **files})


def read(data: bytes) -> Read:
    if not data.startswith(b"PK"):
        return embedding.of_compound(data, 1 << 20, time.monotonic() + 60)
    with packages.opened(data) as package:
        return embedding.of_package(package, 1 << 20, time.monotonic() + 60)


def in_doc(held: Folder) -> bytes:
    return outlook.compound({**oldoffice.streams(sample("letter.doc")), "ObjectPool": {"_1": held}})


def packaged(data: bytes) -> bytes:
    """As Windows' Packager puts a file in."""
    head = b"\2\0a.txt\0C:\\a.txt\0" + struct.pack("<IIII", 0x30000, 4, 0, len(data))
    return struct.pack("<I", len(head) + len(data)) + head + data


def in_ppt(data: bytes) -> bytes:
    held = oldoffice.streams(sample("talk.ppt"))
    before = held["PowerPoint Document"]
    assert isinstance(before, bytes)
    squeezed = struct.pack("<I", len(data)) + zlib.compress(data)
    held["PowerPoint Document"] = before + struct.pack("<HHI", 0x10, 0x1011, len(squeezed)) + squeezed
    return outlook.compound(held)


INNER = office({"word/document.xml": f"<w><p>{WORDS}</p></w>"})
DOC = oldoffice.doc([(WORDS, True)])
READ: dict[str, Callable[[], bytes]] = {
    **{
        f"with macros, or a template: {name}": lambda name=name: office(  # type: ignore[misc]
            {name: f"<a><p>{WORDS}</p></a>", f"{name.partition('/')[0]}/vbaProject.bin": MACROS}
        )
        for name in (
            "word/document.xml",
            "word/glossary/document.xml",
            "ppt/slides/slide1.xml",
            "ppt/notesMasters/n.xml",
        )
    },
    "a body by another name": lambda: office({"word/document2.xml": f"<a>{WORDS}</a>"}),
    "a body elsewhere": lambda: office({"else/where.dat": f"<a>{WORDS}</a>"}),
    "a diagram": lambda: office({"ppt/diagrams/data1.xml": f"<a><t>{WORDS}</t></a>"}),
    "a chart": lambda: office({"word/charts/chart1.xml": f"<c><v>{WORDS}</v></c>"}),
    "a box of an old version": lambda: office({"xl/drawings/vml.vml": f"<x><br><font>{WORDS}</font></x>"}),
    "a drawing": lambda: office({"word/media/a.svg": f"<!DOCTYPE svg><svg><text>{WORDS}</text></svg>"}),
    "a piece of HTML": lambda: office({"word/a.htm": f"<html><p>{WORDS}<br></html>"}),
    "a piece of RTF": lambda: office({"word/a.rtf": b"{\\rtf1 Haemoglobin {\\b 1}42}"}),
    "a file beside it": lambda: office({"word/document.xml": "<a/>", "secret.txt": WORDS}),
    "a property of a sheet": lambda: office({"xl/customProperty1.bin": WORDS.encode("utf-16-le")}),
    "a pivot table": lambda: office({"xl/pivotCache/r1.xml": f'<r><s v="{WORDS}"/><n v="7"/></r>'}),
    "today's in today's": lambda: office({"ppt/embeddings/a.xlsx": INNER}),
    "old in today's": lambda: office({"word/embeddings/oleObject1.bin": DOC}),
    "a chart in OpenDocument": lambda: zipped(
        {"META-INF/manifest.xml": "<m/>", "content.xml": "<a/>", "Object 1/content.xml": f"<a>{WORDS}</a>"}
    ),
    "today's in old": lambda: in_doc({"Package": INNER}),
    "a file in old": lambda: in_doc({"\1Ole10Native": packaged(WORDS.encode())}),
    "old in slides": lambda: in_ppt(DOC),
    "a chart of LibreOffice in slides": lambda: in_ppt(outlook.compound({"package_stream": INNER})),
}


@pytest.mark.parametrize("made", READ.values(), ids=list(READ))
def test_it_is_read(made: Callable[[], bytes]) -> None:
    found = read(made())
    assert WORDS in found.text
    assert not (found.partly or found.truncated or found.locked)


NO_WORDS: dict[str, Callable[[], bytes]] = {
    "macros": lambda: in_ppt(MACROS),
    "a formula": lambda: office({"word/embeddings/oleObject1.bin": outlook.compound({"Equation Native": b"\1\2"})}),
    "pictures, fonts, printers": lambda: office(
        {"word/media/a.png": b"\x89PNG\r\n\x1a\n\0", "word/fonts/a.odttf": b"\1\2", "xl/printerSettings/a1.bin": b"\1"}
    ),
}


@pytest.mark.parametrize("made", NO_WORDS.values(), ids=list(NO_WORDS))
def test_it_has_no_words_and_is_read_all_the_same(made: Callable[[], bytes]) -> None:
    assert not read(made()).partly


def nested(depth: int) -> bytes:
    return office({"word/embeddings/a.docx": nested(depth - 1)}) if depth else INNER


PARTLY: dict[str, Callable[[], bytes]] = {
    "a binary workbook": lambda: office({"xl/workbook.bin": b"\x83\1\0", "xl/worksheets/sheet1.bin": b"\x81\1\0"}),
    "a PDF file": lambda: office({"word/embeddings/a.bin": b"%PDF-1.7\nwords"}),
    "a PDF file in old": lambda: in_doc({"CONTENTS": b"%PDF-1.7\n"}),
    "an archive": lambda: office({"word/embeddings/a.bin": zipped({"a.txt": "words"})}),
    "a locked document": lambda: office({"a.bin": oldoffice.doc([("x", False)], flags=0x0100)}),
    "a damaged document": lambda: office({"a.bin": DOC[:700]}),
    "a program": lambda: in_doc({"\1Ole10Native": packaged(b"MZ\0\1")}),
    "pages that are drawn": lambda: office({"1.fpage": '<FixedPage><Glyphs UnicodeString="a"/></FixedPage>'}),
    "a page with its pictures": lambda: office({"word/a.mht": "MIME-Version: 1.0\n\nSGFlbW8="}),
    "four deep": lambda: nested(embedding.DEEPEST + 1),
}


@pytest.mark.parametrize("made", PARTLY.values(), ids=list(PARTLY))
def test_it_is_told_that_not_all_was_read(made: Callable[[], bytes]) -> None:
    assert read(made()).partly


def test_three_deep_is_read() -> None:
    found = read(nested(embedding.DEEPEST))
    assert WORDS in found.text
    assert not found.partly
