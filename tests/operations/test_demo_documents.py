"""The demo's documents are real: each is read back by something that knows its format."""

from __future__ import annotations

import io
import re
import struct
import zipfile
from xml.etree import ElementTree

import pytest

from portal.operations.demo.documents import document


@pytest.mark.parametrize(
    ("name", "size"),
    [("a.pdf", 421_888), ("b.JPG", 3_774_873), ("c c.docx", 294_912), ("d.zip", 8_000_000)],
)
def test_it_is_as_large_as_asked_within_a_hundredth(name: str, size: int) -> None:
    _, data = document(name, size, "Überschrift (ü)")
    assert abs(len(data) - size) < size / 100


def test_it_refuses_a_kind_that_it_cannot_make() -> None:
    with pytest.raises(KeyError):
        document("virus.doc", 68, "Form")


def test_a_pdf_names_every_object_at_its_place() -> None:
    content_type, data = document("Versicherungsschein.pdf", 20_000, "Übersicht (2)")
    assert content_type == "application/pdf"
    start = int(data.rpartition(b"startxref\n")[2].split()[0])
    table = data[start:]
    assert table.startswith(b"xref\n0 ")
    places = [int(place) for place in re.findall(rb"(\d{10}) 00000 n", table)]
    for number, place in enumerate(places, 1):
        assert data[place:].startswith(b"%d 0 obj\n" % number)
    assert len(places) == int(table.split(b"/Size ")[1].split()[0]) - 1
    for length, begins in re.findall(rb"/Length (\d+) >>\nstream\n()", data):
        assert int(length) > 0
        assert begins == b""
    assert b"\\334bersicht \\0502\\051" in data, "letters beyond ASCII and brackets are written as WinAnsi codes"


def test_a_jpeg_is_a_whole_chain_of_segments_with_one_scan() -> None:
    content_type, data = document("scan.jpg", 200_000, "Knee")
    assert content_type == "image/jpeg"
    assert data[:2] == b"\xff\xd8"
    assert data[-2:] == b"\xff\xd9"
    place, markers = 2, []
    while data[place : place + 2] != b"\xff\xda":
        marker, length = struct.unpack_from(">xBH", data, place)
        markers.append(marker)
        place += 2 + length
    assert markers[0] == 0xE0
    assert markers.count(0xC0) == 1
    assert markers.count(0xC4) == 2
    scan = data[place + 2 + struct.unpack_from(">H", data, place + 2)[0] : -2]
    assert re.search(rb"\xff[^\x00]", scan) is None, "0xFF inside a scan is followed by zero"


def test_a_word_document_says_its_title() -> None:
    _, data = document("Plan.docx", 30_000, "Weeks 5 & 8 <new>")
    with zipfile.ZipFile(io.BytesIO(data)) as made:
        assert made.testzip() is None
        types = ElementTree.fromstring(made.read("[Content_Types].xml"))  # noqa: S314 - our own
        assert any(child.attrib.get("PartName") == "/word/document.xml" for child in types)
        words = "".join(ElementTree.fromstring(made.read("word/document.xml")).itertext())  # noqa: S314 - our own
    assert words.startswith("Weeks 5 & 8 <new>")


def test_an_archive_holds_ten_pictures() -> None:
    _, data = document("photos.zip", 500_000, "Site photos")
    with zipfile.ZipFile(io.BytesIO(data)) as made:
        assert made.testzip() is None
        assert len(made.namelist()) == 10
        assert all(made.read(name).startswith(b"\xff\xd8\xff") for name in made.namelist())
