"""Any mail is read, and what is in it comes out whole."""

import base64
import os
import time
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.mime import structure
from portal.mime.addresses import Mailbox
from portal.mime.fields import read_headers
from portal.mime.reading import Letter, read


def crlf(text: str, encoding: str = "utf-8") -> bytes:
    return text.replace("\n", "\r\n").encode(encoding)


def usual() -> tuple[bytes, bytes]:
    mail = EmailMessage()
    mail["From"] = "Jonas Berg <jonas.berg@mail.example>"
    mail["To"] = '"Örs, Ünal" <u@b.example>, o@c.example'
    mail["Cc"] = "Karin <k@c.example>"
    mail["Reply-To"] = "desk@mail.example"
    mail["Subject"] = "Ihre Unterlagen für Donnerstag, ganz ausführlich und über eine Zeile hinaus"
    mail["Date"] = "Thu, 17 Dec 2026 10:00:00 +0100"
    mail["Message-ID"] = "<a@mail.example>"
    mail["In-Reply-To"] = "<z@mail.example>"
    mail["References"] = "<y@mail.example> <z@mail.example>"
    mail.set_content("Grüße\nJonas\n")
    mail.add_alternative('<p>Grüße <img src="cid:logo@x"></p>', subtype="html")
    content = os.urandom(5000)
    mail.get_payload()[1].add_related(b"\x89PNG", "image", "png", cid="<logo@x>")  # type: ignore[index,union-attr]
    mail.add_attachment(content, maintype="application", subtype="pdf", filename="Über.pdf")
    return mail.as_bytes().replace(b"\n", b"\r\n"), content


def one_part(header: str, body: bytes) -> Letter:
    return read(crlf(header) + b"\r\n\r\n" + body)


def mixed(*parts: str, boundary: str = "b") -> bytes:
    inner = "".join(f"--{boundary}\n{part}\n" for part in parts)
    return crlf(f"Subject: x\nContent-Type: multipart/mixed; boundary={boundary}\n\n{inner}--{boundary}--\n")


@pytest.mark.parametrize("fast", [True, False])
def test_it_reads_the_usual_mail_by_either_way(fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not fast:
        monkeypatch.setattr(structure, "_FAST_COPIES", -1)
    raw, content = usual()
    letter = read(raw)
    assert letter.readable and letter.damage == ""
    assert letter.subject == "Ihre Unterlagen für Donnerstag, ganz ausführlich und über eine Zeile hinaus"
    assert letter.sender == Mailbox("Jonas Berg", "jonas.berg@mail.example")
    assert letter.to == (Mailbox("Örs, Ünal", "u@b.example"), Mailbox("", "o@c.example"))
    assert letter.cc == (Mailbox("Karin", "k@c.example"),)
    assert letter.reply_to == (Mailbox("", "desk@mail.example"),)
    assert letter.date == datetime(2026, 12, 17, 9, tzinfo=UTC)
    assert letter.message_id == "<a@mail.example>" and letter.in_reply_to == "<z@mail.example>"
    assert letter.references == ("<y@mail.example>", "<z@mail.example>")
    assert [name for name, _ in letter.headers][:3] == ["From", "To", "Cc"]
    assert letter.text == "Grüße\nJonas\n"
    assert letter.html is not None and "Grüße" in letter.html
    picture, file = letter.parts
    assert (picture.number, picture.content_type, picture.content_id) == (1, "image/png", "logo@x")
    assert picture.inline and picture.data == b"\x89PNG"
    assert (file.number, file.name, file.content_type, file.inline) == (2, "Über.pdf", "application/pdf", False)
    assert file.data == content


def test_neither_repr_shows_content() -> None:
    letter = read(usual()[0])
    shown = repr(letter) + repr(letter.parts) + repr(letter.sender)
    assert not any(word in shown for word in ("Unterlagen", "jonas", "Berg", "Über", "Grüße"))


def test_line_feeds_alone_are_enough() -> None:
    raw, content = usual()
    letter = read(raw.replace(b"\r\n", b"\n"))
    assert letter.readable and letter.parts[1].data == content and letter.text == "Grüße\nJonas\n"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"", ""),
        (b"hello\r\nworld", "hello\nworld"),
        (b"\r\nhello", "hello"),
        (b"Subject: x\r\n\r\n", ""),
        (b"Subject: x", ""),
        (b"Subject: x\r\n\r\na\0b\0", "ab"),
        (b"\0\0\0", ""),
    ],
)
def test_mail_without_header_or_body_is_text(raw: bytes, text: str) -> None:
    letter = read(raw)
    assert letter.text == text and letter.sender is None and letter.date is None and letter.parts == ()


def test_nul_bytes_vanish_from_headers() -> None:
    assert read(b"Subject: a\0b\r\nFrom: N\0 <a@b.example>\r\n\r\nx").subject == "ab"


def test_the_first_of_two_from_fields_counts() -> None:
    letter = read(b"From: a@good.example\r\nFrom: b@evil.example\r\nSubject: 1\r\nSubject: 2\r\n\r\nx")
    assert letter.sender == Mailbox("", "a@good.example") and letter.subject == "1"
    assert [value for name, value in letter.headers if name == "From"] == ["a@good.example", "b@evil.example"]


@pytest.mark.parametrize(
    "header",
    ["Content-Type: multipart/mixed; boundary=wrong", "Content-Type: multipart/mixed", "Content-Type: multipart/x;;="],
)
def test_a_wrong_or_missing_boundary_shows_the_body_as_text(header: str) -> None:
    letter = one_part(f"Subject: s\n{header}", b"--b\r\n\r\nthe words\r\n--b--\r\n")
    assert not letter.readable and letter.damage and "the words" not in letter.damage
    assert letter.text is not None and "the words" in letter.text and letter.subject == "s"


def test_a_missing_last_boundary_loses_nothing() -> None:
    raw = mixed("Content-Type: text/plain\n\nwords", "Content-Type: application/pdf\n\nfile")
    letter = read(raw.removesuffix(b"--b--\r\n"))
    assert letter.readable and letter.text == "words" and letter.parts[0].data.strip() == b"file"


@pytest.mark.parametrize(
    ("encoded", "content"),
    [
        ("aGVs bG8*\n=", b"hello"),
        ("aGVsbG8", b"hello"),
        ("aGVsbG8=\naGVsbG8=", b"hellohello"),
        ("aGVsbG8=\naGVsbG8", b"hellohello"),
        ("a", b"a"),
        ("!!!", b"!!!"),
    ],
)
def test_bad_base64_gives_what_it_can(encoded: str, content: bytes) -> None:
    part = f"Content-Type: application/pdf\nContent-Transfer-Encoding: base64\n\n{encoded}"
    letter = read(mixed("\nwords", part))
    assert letter.text == "words" and letter.parts[0].data == content


def test_bad_quoted_printable_stays_as_written() -> None:
    letter = one_part("Content-Transfer-Encoding: quoted-printable", b"a=ZZ b=\r\nc=C3=BC =")
    assert letter.text is not None and letter.text.startswith("a=ZZ bcü")


def test_uuencode_is_left_as_text() -> None:
    body = b"begin 644 x.exe\r\n#0V%T\r\n`\r\nend\r\n"
    assert one_part("Content-Type: text/plain", body).text == body.decode().replace("\r\n", "\n")
    assert one_part("Content-Transfer-Encoding: x-uuencode", body).text == body.decode().replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("charset", "data", "text"),
    [
        ("utf-8", "grün".encode(), "grün"),
        ("utf-8", "grün".encode("cp1252"), "grün"),
        ("iso-8859-1", "grün €".encode("cp1252"), "grün €"),
        ("iso-8859-1", "grün".encode(), "grün"),
        ("us-ascii", "grün".encode(), "grün"),
        ("x-unheard-of", "grün".encode("latin-1"), "grün"),
        ("utf-7", b"gr+APw-n", "grün"),
        ("cp037", "words".encode("cp037"), "words"),
        ("gb2312", "汉字".encode("gb18030"), "汉字"),
        ("shift_jis", "日本①".encode("cp932"), "日本①"),
        ("utf-16", "grün".encode("utf-16"), "grün"),
        ("hex", b"6869", "6869"),
        ("rot13", b"uv", "uv"),
        ("unicode_escape", b"\\x41", "\\x41"),
        ("idna", b"xn--a", "xn--a"),
        ("../../etc/passwd", b"x", "x"),
        ("", b"\xef\xbb\xbfx", "x"),
    ],
)
def test_charsets_that_are_right_unknown_or_lying(charset: str, data: bytes, text: str) -> None:
    assert one_part(f'Content-Type: text/plain; charset="{charset}"', data).text == text


def test_script_hidden_in_utf_7_is_seen_by_the_cleaner_because_it_is_decoded_first() -> None:
    letter = one_part("Content-Type: text/html; charset=utf-7", b"+ADw-script+AD4-x+ADw-/script+AD4-")
    assert letter.html == "<script>x</script>"


def test_html_may_declare_its_charset_itself() -> None:
    body = '<meta http-equiv="Content-Type" content="text/html; charset=koi8-r">слово'.encode("koi8-r")
    assert (one_part("Content-Type: text/html", body).html or "").endswith("слово")


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_headers_in_8_bits_are_read(encoding: str) -> None:
    letter = read(crlf("Subject: Grüße\nFrom: Jürgen <j@b.example>\n\nx", encoding))
    assert letter.subject == "Grüße" and letter.sender == Mailbox("Jürgen", "j@b.example")


@pytest.mark.parametrize(
    ("value", "subject"),
    [
        ("=?utf-8?q?gr=C3=BCn?=", "grün"),
        ("=?utf-8?b?Z3LDvG4=?= =?utf-8?b?IGJsYXU=?=", "grün blau"),
        ("=?utf-8?b?Z3LD?=\n =?utf-8?b?vG4=?=", "grün"),
        ("=?utf-8?q?gr=C3?= =?utf-8?q?=BCn?=", "grün"),
        ("=?iso-8859-1*de?q?gr=FCn?= word =?utf-8?q?_x?=", "grün word  x"),
        ("=?utf-8?q?a=0D=0ABcc:_x@y?=", "a  Bcc: x@y"),
        ("=?utf-8?b?!!!?= =?x?y?z?= =?", " =?x?y?z?= =?"),
        ("a\n b\n\tc", "a b c"),
    ],
)
def test_encoded_words_are_read_and_stay_on_one_line(value: str, subject: str) -> None:
    assert read(crlf(f"Subject: {value}\nTo: a@b.example\n\nx")).subject == subject


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize(
    ("parameter", "name"),
    [
        ('attachment; filename="../../etc/passwd.pdf"', "passwd.pdf"),
        ('attachment; filename="..\\\\..\\\\boot.pdf"', "boot.pdf"),
        ("attachment; filename=con.pdf", "_con.pdf"),
        ("attachment; filename*0*=utf-8''%C3%9Cb;\n filename*1=er; filename*2*=%20x.pdf", "Über x.pdf"),
        ("attachment; filename*=utf-8''invoice%E2%80%AEfdp.exe", "invoicefdp.exe"),
        ('attachment; filename="=?utf-8?q?=C3=9Cber.pdf?="', "Über.pdf"),
        ("attachment; filename*=utf-8''a%0D%0Ab%00.pdf", "a b.pdf"),
        ("attachment", "file.pdf"),
    ],
)
def test_file_names_are_safe_however_they_are_written(
    parameter: str, name: str, fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not fast:
        monkeypatch.setattr(structure, "_FAST_COPIES", -1)
    letter = read(mixed("\nx", f"Content-Type: application/pdf\nContent-Disposition: {parameter}\n\ndata"))
    assert letter.parts[0].name == name and letter.parts[0].data.strip() == b"data"


def test_a_forwarded_message_is_one_file_with_its_bytes() -> None:
    inner = "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= a/b\nContent-Type: multipart/mixed; boundary=i\n\n--i\n\nin\n--i--\n"
    letter = read(mixed("\nsee below", f"Content-Type: message/rfc822\n\n{inner}"))
    assert letter.text == "see below" and len(letter.parts) == 1
    part = letter.parts[0]
    assert part.name == "Grüße a_b.eml" and part.content_type == "message/rfc822"
    assert read(part.data).subject == "Grüße a/b"


def test_messages_inside_messages_do_not_multiply_memory() -> None:
    raw = b"Content-Type: message/rfc822\r\n\r\n" * 250 + b"Subject: x\r\n\r\n" + b"y\r\n" * 700_000
    start = time.thread_time()
    letter = read(raw)
    assert time.thread_time() - start < 2
    assert len(letter.parts) == 1 and len(letter.parts[0].data) == len(raw) - 32


def test_too_many_parts_are_shown_as_text() -> None:
    whole = read(mixed(*["\nx"] * 1000))
    assert whole.readable and whole.text is not None and whole.text.count("x") == 1000
    letter = read(mixed(*["\nx"] * 1001))
    assert not letter.readable and letter.parts == () and letter.subject == "x"
    assert "1,000 parts" in letter.damage and "--b" in (letter.text or "")


@pytest.mark.parametrize(("levels", "readable"), [(20, True), (21, False), (300, False)])
def test_nesting_beyond_20_levels_is_shown_as_text(levels: int, readable: bool) -> None:
    opened = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(levels))
    letter = read(crlf(opened + "\nwords"))
    assert letter.readable is readable and "words" in (letter.text or "")


def test_pieces_of_body_are_joined_in_order() -> None:
    letter = read(mixed("\none", "Content-Type: application/pdf\n\nf", "Content-Type: text/html\n\n<b>two</b>", "\n3"))
    assert letter.html == '<p dir="auto">one</p>\n<b>two</b>\n<p dir="auto">3</p>'
    assert letter.text is not None and letter.text.split() == ["one", "two", "3"]
    assert [part.content_type for part in letter.parts] == ["application/pdf"]


def test_a_text_file_is_a_file_and_not_body() -> None:
    letter = read(mixed("\nbody", "Content-Type: text/plain\nContent-Disposition: attachment; filename=n.txt\n\nfile"))
    assert letter.text == "body" and letter.parts[0].name == "n.txt"


def test_a_mail_that_is_one_file_has_no_text() -> None:
    letter = one_part("Content-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64", b"aGk=")
    assert letter.text is None and letter.html is None and letter.parts[0].data == b"hi"


def test_a_picture_that_the_text_does_not_show_is_a_file() -> None:
    html = 'Content-Type: text/html\n\n<img src="cid:a">'
    picture = "Content-Type: image/{}\nContent-ID: <{}>\nContent-Disposition: inline\n\nx"
    letter = read(mixed(html, picture.format("png", "a"), picture.format("png", "b"), picture.format("svg+xml", "a")))
    assert [part.inline for part in letter.parts] == [True, False, False]


@pytest.mark.parametrize(
    ("date", "year"),
    [
        ("Thu, 17 Dec 2026 10:00:00 +0100", 2026),
        ("17 Dec 26 10:00 GMT", 2026),
        ("Thu, 31 Dec 9999 23:59:59 -1200", None),
        ("Thu, 01 Jan 0000 00:00:00 +0000", None),
        ("Thu, 01 Jan 0001 00:00:00 +1200", None),
        ("Thu, 99 Dec 2026 10:00:00 +0100", None),
        ("Thu, 17 Dec 2026 23:59:60 +9999", 2026),
        ("tomorrow", None),
        ("1" * 5000, None),
    ],
)
def test_dates_are_aware_or_absent(date: str, year: int | None) -> None:
    found = read(crlf(f"Date: {date}\n\nx")).date
    assert (found.year if found else None) == year
    assert found is None or found.utcoffset() is not None


@pytest.mark.parametrize("zone", ["-0500", "+0530", "-0330", "+1400", "-0000", "+0000", "-1200 (far west)"])
def test_dates_are_the_moments_that_the_standard_library_reads(zone: str) -> None:
    for day in ("Thu, 17 Dec 2026 22:10:45", "1 jan 2026 01:05", "28 FEB 1970 00:00:00"):
        found = read(crlf(f"Date: {day} {zone}\n\nx")).date
        assert found == parsedate_to_datetime(f"{day} {zone}").astimezone(UTC)


def test_long_lines_and_headers_are_read() -> None:
    raw = b"Subject: " + b"s" * 65536 + b"\r\nTo: " + b"a@b.example, " * 5000 + b"\r\n\r\n" + b"x" * (1 << 20)
    letter = read(raw)
    assert len(letter.subject) == 65536 and len(letter.to) == 5000 and len(letter.text or "") == 1 << 20


def test_flowed_text_is_joined() -> None:
    letter = one_part("Content-Type: text/plain; format=flowed", b"one \r\ntwo\r\n> a \r\n> b\r\n-- \r\nme\r\n")
    assert letter.text == "one two\n> a b\n-- \nme\n"


def test_more_than_100_mib_is_read_although_the_fast_parser_refuses_it() -> None:
    piece = os.urandom(57 * 20_000)
    content, encoded = piece * 72, base64.encodebytes(piece) * 72
    head = mixed("\nwords").removesuffix(b"--b--\r\n")
    raw = (
        head + b"--b\r\nContent-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n\r\n" + encoded + b"--b--"
    )
    assert len(raw) > 100 << 20
    letter = read(raw)
    assert letter.text == "words" and letter.parts[0].data == content


def test_header_blocks_alone_are_read() -> None:
    block = b"X-Letterlock-Protect : v=1\r\nSubject: =?utf-8?q?gr=C3=BCn?=\r\n x\r\nSubject: two\r\nbad\r\n"
    assert read_headers(block) == (("X-Letterlock-Protect", "v=1"), ("Subject", "grün x"), ("Subject", "two"))


ODD = st.sampled_from(
    [
        b"Content-Type: multipart/mixed; boundary=b",
        b"Content-Type: multipart/alternative; boundary=c",
        b"Content-Type: message/rfc822",
        b"Content-Type: text/html; charset=utf-7",
        b"Content-Type: =?",
        b"Content-Transfer-Encoding: base64",
        b"Content-Transfer-Encoding: quoted-printable",
        b"--b",
        b"--b--",
        b"--c",
        b"--c--",
        b"",
        b" ",
        b"=",
        b"aGk",
        b"Subject: =?utf-8?b?/w==?=",
        b'From: "a',
        b"To: (((<a@b>,,;:",
        b"\0",
        b"\xff",
        b"Content-Disposition: attachment; filename*9=x; filename*0*=%",
        b"Date: Mon",
        b"References: <<<>",
        b"\r",
        b"Content-Type: text/plain; format=flowed; charset=\xff",
        b"cid:x",
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(ODD, st.sampled_from([b"\r\n", b"\n", b"\r", b""])), max_size=30))
def test_reading_never_raises_on_odd_mail(lines: list[tuple[bytes, bytes]]) -> None:
    letter = read(b"".join(line + end for line, end in lines))
    assert letter.readable or letter.damage
    assert "\n" not in letter.subject and all("\n" not in value for _, value in letter.headers)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_reading_never_raises_on_any_bytes(raw: bytes) -> None:
    letter = read(raw)
    assert isinstance(letter, Letter)
    assert letter.text is not None or letter.html is not None or letter.parts
