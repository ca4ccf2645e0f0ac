"""Words and files that are hidden from rules where other programs read a mail in another way than this portal."""

from __future__ import annotations

import base64
import binascii
import time
from typing import Any

import pytest

from portal.ingest import knowing
from portal.mime import magic, unseen
from portal.rules.compiling import compiled
from portal.rules.deciding import decide
from portal.rules.trying import Tried
from tests.rules.test_hiding import decided

CARD = "card 4111 1111 1111 1111"
CODED = base64.b64encode(CARD.encode())
CARDS = {"if": "sensitive", "types": [{"name": "payment-card"}]}
HEAD = b"From: ada@bank.example\r\nTo: ben@mail.example\r\nSubject: Hello\r\nMIME-Version: 1.0\r\n"
MIXED = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
TWO = b"--b\r\n\r\nHello\r\n--b--\r\n--c\r\nContent-Transfer-Encoding: base64\r\n\r\n" + CODED + b"\r\n--c--\r\n"
UUENCODED = b"begin 644 list.txt\r\n" + binascii.b2a_uu(CARD.encode()) + b"`\r\nend\r\n"


def action(raw: bytes, condition: dict[str, Any] = CARDS) -> str:
    rule = {"id": "r", "name": "R", "when": [condition], "then": [{"do": "refuse", "text": "No."}]}
    return decide(knowing.tried(raw, Tried()), compiled({"format": 1, "rules": [rule]}), "relay").action


def part(head: bytes, body: bytes) -> bytes:
    return MIXED + b"--b\r\n\r\nHello\r\n--b\r\n" + head + b"\r\n\r\n" + body + b"\r\n--b--\r\n"


def alternative(*renderings: tuple[str, str]) -> bytes:
    pieces = (f"--b\r\nContent-Type: {kind}\r\n\r\n{text}\r\n" for kind, text in renderings)
    return HEAD + b"Content-Type: multipart/alternative; boundary=b\r\n\r\n" + "".join(pieces).encode() + b"--b--\r\n"


@pytest.mark.parametrize(
    "html",
    [
        "<!--> %s <!-- -->",
        "<!---> %s <!-- -->",
        "<!-- --!> %s <!-- -->",
        "<!-- <style> --> %s",
        "<p title='<style>'>%s</p>",
        "<!--[if mso]><p>%s</p><![endif]-->",
        "<script-x>%s</script-x>",
        "<title-x>%s</title-x>",
        "<svg><style><p>%s</p></style></svg>",
        "<svg><text><![CDATA[%s]]></text></svg>",
        "<xmp><!-- %s --></xmp>",
        "<template>%s</template>",
        "<img src=x alt='%s'>",
        "<input value='%s'>",
    ],
)
def test_what_a_browser_or_outlook_shows_of_html_is_looked_at(html: str) -> None:
    head = HEAD + b"Content-Type: text/html; charset=utf-8\r\n\r\n<p>Hello</p>"
    assert action(head + (html % CARD).encode()) == "refuse"
    assert action(head + (html % "word").encode()) == "relay"
    assert action(head + f"<style>/* {CARD} */</style><!-- {CARD} -->".encode()) == "relay"


TOLD = [
    HEAD.replace(b"Hello", b"Hello\r\nSubject: " + CARD.encode()) + b"\r\nHello",
    MIXED + CARD.encode() + b"\r\n--b\r\n\r\nHello\r\n--b--\r\n",
    MIXED + b"--b\r\n\r\nHello\r\n--b--\r\n" + CARD.encode(),
    HEAD + b"\r\nHello\r\n\r\n" + UUENCODED,
    HEAD + b"\r\nbegin-base64 644 list.txt\r\n" + CODED + b"\r\n====\r\n",
    alternative(("text/html", f"<p>{CARD}"), ("text/html", "<p>Hello")),
    alternative(("text/plain", "Hello"), ("text/x-amp-html", f"<p>{CARD}")),
    part(
        b"Content-Type: text/plain; charset=cp037; name=a.txt\r\nContent-Transfer-Encoding: base64",
        base64.b64encode(CARD.encode("cp037")),
    ),
]


@pytest.mark.parametrize("raw", TOLD, ids=range(len(TOLD)))
def test_what_other_programs_read_is_looked_at(raw: bytes) -> None:
    assert action(raw) == "refuse"
    card, cards = CARD.encode(), (CARD.encode(), CODED, UUENCODED, base64.b64encode(CARD.encode("cp037")))
    for found in cards:
        raw = raw.replace(found, b"Hello" if found in (card, UUENCODED) else b"SGVsbG8=")
    assert action(raw) == "relay"


def test_what_programs_write_before_the_first_part_are_no_words_of_the_mail() -> None:
    words = {"if": "text_words", "values": ["message"]}
    usual = b"This is a multi-part message in MIME format.\r\n"
    assert action(MIXED + usual + b"--b\r\n\r\nHello\r\n--b--\r\n", words) == "relay"
    assert action(MIXED + usual + b"A message\r\n--b\r\n\r\nHello\r\n--b--\r\n", words) == "refuse"


DOUBTED = [
    HEAD + b"Content-Type: multipart/mixed; boundary=b; boundary=c\r\n\r\n" + TWO,
    HEAD + b"Content-Type: multipart/mixed; boundary=c; boundary*0=b\r\n\r\n" + TWO,
    MIXED.replace(b"=b\r\n", b"=b\r\nContent-Type: multipart/mixed; boundary=c\r\n") + TWO,
    HEAD + b"Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: base64\r\n\r\n" + CODED,
    HEAD + b"Content-Transfer-Encoding: base64\r\nContent-Transfer-Encoding: 7bit\r\n\r\n" + CARD.encode(),
    HEAD + b"Content-Transfer-Encoding: base64 (x)\r\n\r\n" + CODED,
    HEAD + b'Content-Transfer-Encoding: "base64"\r\n\r\n' + CODED,
    HEAD + b"Content-Transfer-Encoding: x-uuencode\r\n\r\n" + UUENCODED,
    part(b"Content-Type: message/rfc822", b"Content-Transfer-Encoding: base64\r\n\r\n" + CODED),
    part(b"Content-Type: application/x; name=a.mht", b"Content-Transfer-Encoding: base64\r\n\r\n" + CODED),
]


@pytest.mark.parametrize("raw", DOUBTED, ids=range(len(DOUBTED)))
def test_what_two_programs_read_in_two_ways_counts_as_found(raw: bytes) -> None:
    assert action(raw) == "refuse"


def test_a_message_deeper_than_any_is_opened_counts_as_found() -> None:
    deep = HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.b64encode(b"Hello")
    for _ in range(5):
        deep = part(b"Content-Type: message/rfc822", deep)
    assert action(deep) == "refuse"
    assert action(part(b"Content-Type: message/rfc822", HEAD + b"\r\nHello")) == "relay"


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (magic.OLE + bytes(600) + CARD.encode("utf-16-le") + bytes(600), "list.xls"),
        (b"\0\1\0\0Standard Jet DB\0" + bytes(600), "list.mdb"),
        (bytes(range(256)) * 10, "list.gpg"),
        (b"GIF89a\0" + bytes(2000) + b"PK\5\6" + bytes(18), "list.zip"),
        (b"GIF89a\0\0%PDF-1.7\n" + bytes(2000), "list.pdf"),
    ],
)
@pytest.mark.parametrize("kind", ["image/png", "application/pkcs7-signature", "font/ttf"])
def test_a_file_that_is_no_picture_by_its_bytes_is_none(data: bytes, name: str, kind: str) -> None:
    assert decided(CARDS, data, kind, name) == "refuse"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(99), "image/png"),
        (b"\0\0\0\x18ftypheic" + bytes(99), "image/heic"),
        (b"RIFF\0\0\0\0WAVE" + bytes(99), "audio/wav"),
        (b"\xff\xfb\x90" + bytes(99), "audio/mpeg"),
        (b"\x30\x82\x05\x00" + bytes(99), "application/pkcs7-signature"),
    ],
)
def test_pictures_sound_and_signatures_are_readable_and_empty(data: bytes, kind: str) -> None:
    assert decided(CARDS, data, kind, "a") == "relay"


def test_text_as_notepad_saves_it_is_read_in_every_script() -> None:
    words = {"if": "file_words", "values": ["секретно"]}
    assert decided(words, "секретно".encode("utf-16"), "text/plain", "a.txt") == "refuse"
    assert decided(words, "открыто".encode("utf-16"), "text/plain", "a.txt") == "relay"


def test_a_file_of_two_names_or_by_uuencode_has_the_endings_of_both() -> None:
    endings = {"if": "file_extension", "values": ["vbs"]}
    named = b'Content-Type: application/x; name="a.vbs"\r\nContent-Disposition: attachment; filename="a.txt"'
    assert action(part(named, b"Hello"), endings) == "refuse"
    assert action(part(named.replace(b"vbs", b"txt"), b"Hello"), endings) == "relay"
    assert action(HEAD + b"\r\n" + UUENCODED.replace(b"list.txt", b"list.vbs"), endings) == "refuse"


@pytest.mark.parametrize(
    "line", [b"begin 644 a\r\n", b"--b\r\n", b"begin 644 a\r\nM\r\n", b"Content-Type: multipart/x\r\n"]
)
def test_looking_takes_linear_time(line: bytes) -> None:
    raw = MIXED + line * (2_000_000 // len(line))
    start = time.thread_time()
    unseen.look(raw)
    assert list(unseen.uuencoded(raw.decode()))[:1] in ([], [("a", None)])
    assert time.thread_time() - start < 2
