"""A mark for every organisation: readable initials, a valid picture, the same for pages and mails."""

from __future__ import annotations

import struct
import zlib
from xml.etree import ElementTree

import pytest

from branding.mark import STROKES, initials, png, svg
from branding.palette import palette


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Alder Valley Clinic", "AC"),
        ("Dr Maya Lindqvist", "ML"),
        ("jonas.berg@mail.example", "JB"),
        ("office@littlefirm.example", "O"),
        ("Otto Weiß", "OW"),
        ("مدرسة النخيل", "ما"),
        ("Dr", "D"),
        ("", ""),
        ("@", ""),
    ],
)
def test_initials_are_those_a_person_would_write(name: str, letters: str) -> None:
    assert initials(name) == letters


def _pixels(picture: bytes) -> tuple[int, int, list[bytes]]:
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    at, data, head = 8, b"", (0, 0)
    while at < len(picture):
        (length,), kind = struct.unpack(">I", picture[at : at + 4]), picture[at + 4 : at + 8]
        body = picture[at + 8 : at + 8 + length]
        assert struct.unpack(">I", picture[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + body)
        if kind == b"IHDR":
            head = struct.unpack(">II", body[:8])
        data += body if kind == b"IDAT" else b""
        at += 12 + length
    raw, (width, height) = zlib.decompress(data), head
    return width, height, [raw[row * (4 * width + 1) + 1 : (row + 1) * (4 * width + 1)] for row in range(height)]


def test_the_mail_s_picture_is_a_small_png_with_round_corners_and_ink_on_the_brand_colour() -> None:
    picture = png("AV", "#14594f")
    width, height, rows = _pixels(picture)
    assert (width, height) == (72, 72)
    assert len(picture) < 8 * 1024
    assert rows[0][3] == 0, "the corner is see-through"
    colours = {row[4 * x : 4 * x + 4] for row in rows for x in range(width)}
    assert bytes.fromhex("14594fff") in colours
    assert bytes.fromhex("ffffffff") in colours


def test_letters_without_strokes_become_a_lock_in_mails_and_text_on_pages() -> None:
    assert png("ما", "#8a2f52") == png("", "#8a2f52")
    assert "ما</text>" in svg("ما", "#8a2f52")


@pytest.mark.parametrize("letter", sorted(STROKES))
def test_each_letter_stays_on_its_tile(letter: str) -> None:
    picture = svg(f"{letter}W", "#e8a33d")
    root = ElementTree.fromstring(picture)  # noqa: S314 - our own picture
    drawn = root.find("{http://www.w3.org/2000/svg}path")
    assert drawn is not None
    assert drawn.attrib["stroke"] == palette("#e8a33d").light.on_accent
    numbers = [float(word.strip("ML")) for word in drawn.attrib["d"].split()]
    assert min(numbers) > 4
    assert max(numbers) < 30


def test_a_name_cannot_write_markup_into_the_picture() -> None:
    drawn = ElementTree.fromstring(svg("<script>&", "#14594f"))  # noqa: S314 - our own picture
    assert "".join(drawn.itertext()) == "<script>&"
    assert not drawn.findall(".//{*}script")
