"""Documents in RTF: all that Word shows of them is read, and what other programs have put in is told."""

from __future__ import annotations

import random
import time

import pytest

from portal.mime import rtftext
from portal.mime.gathering import Read
from tests.mime.oldoffice import CARD


def read(body: bytes, most: int = 1 << 20, seconds: float = 60.0) -> Read:
    head = rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}{\f1\fcharset204 Times;}}{\stylesheet{Normal;}}"
    return rtftext.read(head + body + b"}", most, time.monotonic() + seconds)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (rb"{\b 4111} 1111 \'31\'31\'31\'31 1\u49?\u49?\u49?", CARD),
        (rb"Gr\'f6\'dfe \u8364? {\f1 \'cf} \u-10179?\u-8704?", "Größe € П 😀"),
        (rb"a\par b\tab c\cell d\row e\~f\_g", "a\nb\tc\td\ne\xa0f\u2011g"),
        (rb"body{\footnote note}{\header top}{\*\annotation remark}", "body\nnote\n\ntop\n\nremark"),
        (rb"{\shp{\*\shpinst{\sp{\sn x}{\sv 16777215}}{\shptxt in a box}}}", "in a box"),
        (rb"{\field{\*\fldinst HYPERLINK a.example}{\fldrslt shown}}", "HYPERLINK a.example\n\nshown"),
        (b"a{\\pict\\bin6 }}}}{{}b{\\*\\themedata 504b}c", "abc"),
        (rb"{\*\something new}", "new"),
    ],
)
def test_what_is_shown_is_read(body: bytes, text: str) -> None:
    found = read(body)
    assert found.text.strip() == text
    assert not (found.partly or found.truncated or found.locked)


def test_properties_are_read_and_its_own_ones_too() -> None:
    own = rb"{\*\userprops{\propname MSIP_Label_1_Enabled}\proptype30{\staticval true}}"
    found = read(rb"{\info{\title Pl\'e4ne}{\author Ada}{\*\company Bank}}" + own)
    assert found.properties == {"title": "Pläne", "creator": "Ada", "company": "Bank", "msip_label_1_enabled": "true"}
    assert not found.text.strip()


def test_what_another_program_has_put_in_is_told_and_what_shows_in_its_place_is_read() -> None:
    found = read(rb"{\object\objemb{\*\objclass Package}{\*\objdata 0105}{\result shown}}")
    assert found.partly
    assert found.text.strip() == "shown"


def test_rtf_is_known_by_its_bytes_as_word_knows_it() -> None:
    assert all(rtftext.is_rtf(data) for data in (b"{\\rtf1 a}", b"{\\rt a}", b"\r\n {\\rtf1 a}"))
    assert not rtftext.is_rtf(b"text {\\rtf1 a}")


def test_more_than_is_wanted_or_longer_than_there_is_time_is_told_as_cut() -> None:
    assert read(b"words", most=3).text == "wor"
    assert read(b"words", most=3).truncated
    assert read(b"words", seconds=-1).truncated


def test_any_bytes_are_read_in_little_time() -> None:
    dice = random.Random(53)
    pieces = [
        b"{",
        b"}",
        b"\\'",
        b"\\u",
        b"\\bin9 ",
        b"\\*",
        b"\\",
        b"{\\title ",
        b"{\\pict",
        b"\\uc9 ",
        b"e1",
        b"\xff",
        b"-1 ",
    ]
    started = time.process_time()
    for _ in range(100):
        read(b"".join(dice.choices(pieces, k=200)))
    for piece in pieces:
        read(piece * 20_000)
    assert time.process_time() - started < 5
