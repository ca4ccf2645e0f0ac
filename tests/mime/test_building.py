"""Mail that is built is right for other programs, and no value starts a header of its own."""

import email
import email.policy
import os
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.mime import building
from portal.mime.addresses import Mailbox
from portal.mime.building import (
    Attachment,
    Heads,
    Picture,
    alternative,
    new_message_id,
)
from portal.mime.editing import without_headers
from portal.mime.errors import BadAddress, BadHeader, LimitExceeded
from portal.mime.reading import read

HEADS = Heads(
    from_=Mailbox("Alder Valley Clinic", "portal@alder.example"),
    to=(Mailbox("Ünal Örs", "u@b.example"),),
    subject="Protected message from Jonas Berg",
    date=datetime(2026, 12, 17, 10, 0, tzinfo=timezone(timedelta(hours=1))),
    message_id="a@alder.example",
)


def parsed(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert not any(part.defects for part in message.walk())
    return message


def well_formed(raw: bytes) -> None:
    assert b"\r" not in raw.replace(b"\r\n", b"") and b"\n" not in raw.replace(b"\r\n", b"")
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998


def test_a_notice_is_text_first_then_html() -> None:
    raw = alternative(HEADS, "Open it:\nhttps://x.example/m/abc\n", "<p>Öffnen</p>")
    well_formed(raw)
    message = parsed(raw)
    assert message.get_content_type() == "multipart/alternative"
    text, html = message.iter_parts()
    assert text.get_content().replace("\r\n", "\n").strip() == "Open it:\nhttps://x.example/m/abc"
    assert html.get_content().strip() == "<p>Öffnen</p>"
    assert b"\r\nhttps://x.example/m/abc\r\n" in raw
    assert message["From"] == "Alder Valley Clinic <portal@alder.example>"
    assert message["To"] == "Ünal Örs <u@b.example>"
    assert message["Date"] == "Thu, 17 Dec 2026 09:00:00 +0000" and message["Message-ID"] == "<a@alder.example>"
    assert message["MIME-Version"] == "1.0" and "Reply-To" not in message and "References" not in message


def test_every_head_is_written_and_read_again() -> None:
    heads = replace(
        HEADS,
        to=tuple(Mailbox("", f"someone.with.a.name.{number}@b.example") for number in range(20)),
        subject="Über " + "sehr lange Wörter 文字 " * 20 + "Ende",
        in_reply_to="<z@b.example>",
        references=("<y@b.example>", "z@b.example"),
        reply_to=Mailbox('Berg, "Jonas"', "j@b.example"),
        extra=(("X-Letterlock", "reply"), ("Auto-Submitted", "auto-generated")),
    )
    raw = alternative(heads, "x", "y")
    well_formed(raw)
    assert all(len(line) <= 78 for line in raw.split(b"\r\n\r\n")[0].split(b"\r\n"))
    letter = read(raw)
    assert letter.subject == heads.subject
    assert letter.to == heads.to and letter.reply_to == (Mailbox('Berg, "Jonas', "j@b.example"),)
    assert letter.in_reply_to == "<z@b.example>" and letter.references == ("<y@b.example>", "<z@b.example>")
    assert ("X-Letterlock", "reply") in letter.headers and ("Auto-Submitted", "auto-generated") in letter.headers


def test_pictures_travel_with_the_html() -> None:
    raw = alternative(HEADS, "x", '<img src="cid:logo@x">', (Picture("logo@x", "image/png", b"\x89PNG" * 100),))
    well_formed(raw)
    letter = read(raw)
    assert letter.parts[0].inline and letter.parts[0].data == b"\x89PNG" * 100
    assert parsed(raw).get_body(("html",)) is not None


EVIL = [
    "x\r\nBcc: e@evil.example",
    "x\nBcc: e@evil.example",
    "x\rBcc: e",
    "x\r\n\r\nbody",
    "x\0y",
    "=?utf-8?q?x=0D=0ABcc:e?=",
]


@pytest.mark.parametrize("value", [*EVIL, "x\u2028Bcc: e", "x\x85Bcc: e", " \r\n ", "", "a" * 2000, "\ud800"])
def test_no_value_starts_a_header_of_its_own(value: str) -> None:
    heads = replace(
        HEADS,
        from_=Mailbox(value, "portal@alder.example"),
        to=(Mailbox(value, "u@b.example"),),
        subject=value,
        reply_to=Mailbox(value, "r@b.example"),
        extra=(("X-Note", value),),
    )
    raw = alternative(heads, value, value)
    well_formed(raw)
    names = [name for name, _ in read(raw).headers]
    assert names == [
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "Reply-To",
        "X-Note",
        "MIME-Version",
        "Content-Type",
    ]
    assert email.message_from_bytes(raw).keys() == names
    assert read(raw).sender is not None


@pytest.mark.parametrize("value", EVIL)
def test_ids_header_names_and_addresses_with_line_ends_are_refused(value: str) -> None:
    for heads in (
        replace(HEADS, message_id=value),
        replace(HEADS, in_reply_to=value),
        replace(HEADS, references=(value,)),
        replace(HEADS, extra=((value, "x"),)),
    ):
        if "\0" in value or "\r" in value or "\n" in value:
            with pytest.raises(BadHeader):
                alternative(heads, "", "")
    with pytest.raises(BadAddress):
        alternative(replace(HEADS, to=(Mailbox("", f"u@b.example{value}"),)), "", "")
    with pytest.raises(BadAddress):
        building.letter(replace(HEADS, from_=Mailbox("", f"{value}@b.example")), "", "")


@pytest.mark.parametrize(
    ("address", "written"),
    [('"jonas"@b.example', "jonas@b.example"), ('"jonas berg"@b.example', '"jonas berg"@b.example'),
     ("Jonas@B.example", "Jonas@b.example"), ("jonas@bücher.example", "jonas@xn--bcher-kva.example")],
)  # fmt: skip
def test_an_address_is_written_with_quotes_where_it_needs_them_and_its_domain_in_ascii(
    address: str, written: str
) -> None:
    raw = alternative(replace(HEADS, to=(Mailbox("", address),)), "", "")
    assert f"\r\nTo: {written}\r\n".encode() in raw


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=120), st.text(max_size=120), st.text(max_size=400))
def test_any_words_survive_the_way_through_a_mail(name: str, subject: str, text: str) -> None:
    heads = replace(HEADS, from_=Mailbox(name, "portal@alder.example"), subject=subject)
    raw = alternative(heads, text, text)
    well_formed(raw)
    letter = read(raw)
    if text.isprintable() and subject.isprintable():
        assert letter.text == text and " ".join(letter.subject.split()) == " ".join(subject.split())
    assert len(letter.headers) == 7


@pytest.mark.parametrize("text", ["x" * 5000, "ü" * 3000, "ü " * 3000 + "\n", "a\n.\nFrom b\n--=_x\n", "文" * 2000, ""])
def test_long_lines_are_encoded(text: str) -> None:
    raw = alternative(HEADS, text, text)
    well_formed(raw)
    assert read(raw).text == text and read(raw).html == text.replace("\n", "\r\n")


def test_files_are_streamed_whole() -> None:
    content = os.urandom(100_003)
    chunks = [content[:1], content[1:58], content[58:60_000], b"", content[60_000:]]
    files = [
        Attachment("Über 文件 mit sehr langem Namen " * 4 + ".pdf", "application/pdf", chunks),
        Attachment('../a"b\r\nX: y.txt', "text/plain\r\nX: y", [b"two"]),
        Attachment("empty.bin", "application/octet-stream", []),
    ]
    raw = b"".join(building.letter(HEADS, "Grüße\n", "", files))
    well_formed(raw)
    parsed(raw)
    letter = read(raw)
    assert letter.text == "Grüße\n"
    assert [part.data for part in letter.parts] == [content, b"two", b""]
    assert letter.parts[0].name.startswith("Über 文件") and letter.parts[0].name.endswith(".pdf")
    assert letter.parts[1].content_type == "application/octet-stream" and letter.parts[1].name == "a_b X_ y.txt"


@pytest.mark.parametrize("kind", ["multipart/mixed", "Multipart/X", "multipart/alternative"])
def test_a_file_whose_uploader_calls_it_a_multipart_stays_a_file(kind: str) -> None:
    """Else it would be read as parts that are not there, by us and by what looks for viruses in it."""
    raw = b"".join(building.letter(HEADS, "Hello", "", [Attachment("list.exe", kind, [b"MZ\x90\0" * 99])]))
    found = read(raw)
    assert found.readable
    assert [(part.name, part.data) for part in found.parts] == [("list.exe", b"MZ\x90\0" * 99)]


def test_a_large_file_is_streamed_in_constant_memory() -> None:
    chunk = os.urandom(1 << 16)

    def chunks() -> Iterator[bytes]:
        for _ in range(60):
            yield chunk

    tracemalloc.start()
    total = sum(len(piece) for piece in building.letter(HEADS, "x", "", [Attachment("a.bin", "x/y", chunks())]))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total > 60 * (1 << 16) * 4 // 3 and peak < 2 << 20


RAW = (
    b"Received: x\r\nX-Letterlock-Protect: v=1;\r\n until=2026\r\n\t;fwd=0\r\nSubject: s\r\n"
    b"x-letterlock-protect : v=2\r\nTo: a@b\r\n\r\nX-Letterlock-Protect: in the body stays\r\n"
)
KEPT = b"Received: x\r\nSubject: s\r\nTo: a@b\r\n\r\nX-Letterlock-Protect: in the body stays\r\n"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 20, 10_000])
@pytest.mark.parametrize("line_end", [b"\r\n", b"\n"])
def test_headers_are_dropped_with_their_folds_and_the_rest_stays_byte_for_byte(size: int, line_end: bytes) -> None:
    raw, kept = RAW.replace(b"\r\n", line_end), KEPT.replace(b"\r\n", line_end)
    chunks = (raw[start : start + size] for start in range(0, len(raw), size))
    assert b"".join(without_headers(chunks, ["X-Letterlock-Protect", "x-other"])) == kept


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([b"A: x", b"B: y", b" f", b"", b"text", b"\r", b"A"]), max_size=12), st.integers(1, 30))
def test_dropping_headers_does_not_depend_on_the_chunks(lines: list[bytes], size: int) -> None:
    raw = b"\n".join(lines)
    chunks = [raw[start : start + size] for start in range(0, len(raw), size)]
    assert b"".join(without_headers(chunks, ["a"])) == b"".join(without_headers([raw], ["a"]))
    assert b"".join(without_headers(chunks, ["z"])) == raw


def test_the_rest_of_a_stream_is_passed_on_without_being_held() -> None:
    body = [b"A: x\r\n\r\n", *[b"z" * 1000] * 5]
    passed = list(without_headers(iter(body), ["a"]))
    assert passed[1:] == body[1:] and passed[0] == b"\r\n"


def test_an_endless_header_line_is_refused() -> None:
    with pytest.raises(LimitExceeded):
        list(without_headers([b"A: " + b"x" * 100_000] * 4, ["b"]))


def test_message_ids_are_fresh_and_hosts_checked() -> None:
    first, second = new_message_id("alder.example"), new_message_id("alder.example")
    assert first != second and first.startswith("<") and first.endswith("@alder.example>")
    for host in ("", "a b", "a\r\nb", "a@b", "a>"):
        with pytest.raises(BadHeader):
            new_message_id(host)


def test_dates_are_written_in_utc() -> None:
    heads = replace(HEADS, date=datetime(2026, 1, 1, tzinfo=UTC))
    assert b"\r\nDate: Thu, 01 Jan 2026 00:00:00 +0000\r\n" in alternative(heads, "", "")


def test_no_repr_shows_what_a_mail_holds() -> None:
    shown = f"{HEADS!r} {Picture('c@x', 'image/png', b'secret')!r} {Attachment('secret', 'x/y', [b'secret'])!r}"
    assert "secret" not in shown and "Jonas" not in shown and "alder" not in shown
