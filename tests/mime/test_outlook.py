"""winmail.dat and .msg files are opened into what they hold, and broken ones refused without harm."""

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.mime import magic, mapi, msg, rtf, tnef
from portal.mime.errors import NotReadable
from portal.mime.mapi import Item, as_mail
from portal.mime.reading import read
from tests.mime import outlook
from tests.mime.outlook import SENT, File, Message

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(5000)
WHOLE = Message(
    subject="Übung 日",
    text="Guten Tag",
    html='<p>Grüße <img src="cid:p1@x"></p>'.encode(),
    files=[
        File("Brief für Sie.pdf", b"%PDF-1.7" * 900, "application/pdf"),
        File("p1.png", PICTURE, "image/png", "p1@x"),
        File("Inner", b"", inside=Message(subject="Inner one", files=[File("a.txt", b"inner file", "text/plain")])),
    ],
)
FORMS = {"TNEF": (outlook.tnef, tnef.read), ".msg": (outlook.msg, msg.read)}


@pytest.mark.parametrize(("write", "open_"), FORMS.values(), ids=list(FORMS))
def test_a_message_of_outlook_becomes_mail_with_all_that_it_holds(write, open_) -> None:  # type: ignore[no-untyped-def]
    letter = read(as_mail(open_(write(WHOLE))))
    assert letter.subject == "Übung 日"
    assert letter.sender is not None
    assert (letter.sender.name, letter.sender.address) == ("Dr Maya Lindqvist", "maya@aldervalley.example")
    assert [box.address for box in letter.to] == ["jonas.berg@mail.example"]
    assert letter.date == SENT
    assert letter.text == "Guten Tag"
    assert letter.html == '<p>Grüße <img src="cid:p1@x"></p>'
    assert [(part.name, part.content_type, part.inline) for part in letter.parts] == [
        ("Brief für Sie.pdf", "application/pdf", False),
        ("p1.png", "image/png", True),
        ("Inner one.eml", "message/rfc822", False),
    ]
    assert letter.parts[0].data == b"%PDF-1.7" * 900
    assert letter.parts[1].data == PICTURE
    inner = read(letter.parts[2].data)
    assert inner.subject == "Inner one"
    assert [part.data for part in inner.parts] == [b"inner file"]


@pytest.mark.parametrize(("write", "open_"), FORMS.values(), ids=list(FORMS))
def test_what_is_cut_short_or_changed_is_refused_or_read_but_never_harms(write, open_) -> None:  # type: ignore[no-untyped-def]
    whole = write(WHOLE)
    chance = random.Random(7)
    outcomes = set()
    for _ in range(150):
        broken = bytearray(whole[: chance.choice([len(whole), chance.randrange(len(whole))])])
        for _ in range(chance.randrange(8)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        try:
            outcomes.add(type(open_(bytes(broken))))
        except NotReadable:
            outcomes.add(NotReadable)
    assert outcomes == {Item, NotReadable}


def test_messages_within_messages_are_opened_so_deep_and_no_deeper() -> None:
    message = Message(subject="0")
    for number in range(1, 8):
        message = Message(subject=str(number), files=[File("in", b"", inside=message)])
    for write, open_ in FORMS.values():
        item, depth = open_(write(message)), 0
        while item.files and isinstance(item.files[0][1], Item):
            item, depth = item.files[0][1], depth + 1
        assert depth == mapi.DEEPEST


def test_too_large_a_file_is_not_opened() -> None:
    for sign, (_, open_) in zip((tnef.SIGNATURE, magic.OLE), FORMS.values(), strict=True):
        with pytest.raises(NotReadable):
            open_(sign + bytes(mapi.LARGEST))


RTF_HTML = rb"""{\rtf1\ansi\ansicpg1252\fromhtml1 \deff0{\fonttbl{\f0\fswiss Arial;}{\f1\fcharset204 Times;}}
{\colortbl\red0\green0\blue0;}{\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 Gr\'fc\'dfe \u8364? \f1\'cf\f0
{\*\htmltag84 &amp;}\htmlrtf &\htmlrtf0 {\*\htmltag72 </p>}\htmlrtf \par}\htmlrtf0 {\*\mhtmltag <b>}}"""


def test_html_in_rtf_is_found() -> None:
    found = rtf.read(outlook.packed(RTF_HTML))
    assert found.text == ""
    assert found.html.strip() == "<p>Grüße € П&amp;</p>"


def test_rtf_without_html_is_shown_as_its_text() -> None:
    source = rb"{\rtf1\ansi{\fonttbl{\f0 Arial;}}{\*\generator x;}{\info{\title no}}"
    source += rb"Hello\par \b Wor\b0 ld\tab\u-10179?\u-8704? \{\}}"
    assert rtf.read(outlook.compressed(source)).text == "Hello\nWorld\t😀 {}"


def test_rtf_refers_back_into_what_it_is_writing() -> None:
    # "a", then three letters from where that "a" went: each is copied from the one before.
    packed = outlook.struct.pack("<II4sI", 99, 4, b"LZFu", 0) + bytes((0b10, ord("a"), 207 >> 4, (207 & 15) << 4 | 1))
    assert rtf.unpack(packed) == b"aaaa"


def test_an_unreadable_or_huge_rtf_gives_nothing() -> None:
    assert rtf.read(b"") == rtf.Found("", "")
    assert rtf.read(outlook.packed(b"x" * (rtf.LARGEST + 1))) == rtf.Found("", "")
    assert rtf.read(outlook.compressed(RTF_HTML)[:40]) == rtf.Found("", "")


WORDS = rb"{ } \ \par \'e9 \u8364? \* \f1 x \uc9 \htmltag \fromhtml1 \htmlrtf \fcharset204 \bin9".split()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=40))
def test_any_rtf_is_read(pieces: list[bytes]) -> None:
    assert isinstance(rtf.read(outlook.packed(b"".join(pieces))), rtf.Found)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_behind_the_signature_are_refused_or_read(data: bytes) -> None:
    for sign, (_, open_) in zip((tnef.SIGNATURE, magic.OLE), FORMS.values(), strict=True):
        try:
            assert isinstance(open_(sign + data), Item)
        except NotReadable:
            continue


def test_hostile_sizes_cost_little() -> None:
    start = time.process_time()
    rtf.read(outlook.packed(b"{" * (rtf.LARGEST // 4)))
    many = outlook.struct.pack("<I", 20_000) + outlook.struct.pack("<HHI", 0x101E, 1, 0xFFFFFFFF)
    with pytest.raises(NotReadable):
        tnef.read(tnef.SIGNATURE + b"\0\0" + outlook._attribute(1, 0x00069003, many))
    assert time.process_time() - start < 4
