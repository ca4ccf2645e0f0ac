"""Messages and invitations are found in files to a bounded number, depth and size, whatever the bytes."""

import logging
import time

import pytest
from asn1crypto import cms
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.mime import inside
from portal.mime.inside import DEEPEST, MOST_EVENTS, MOST_MESSAGES, look
from portal.mime.reading import read
from portal.mime.unpacking import attempt
from tests.mime import outlook
from tests.mime.test_calendars import NOON, ics


def holding(*parts: tuple[str, bytes], head: str = "Subject: x") -> bytes:
    """A mail of these parts, each of a type and its bytes as they are."""
    written = b"".join(b"--b\r\nContent-Type: %b\r\n\r\n%b\r\n" % (kind.encode(), data) for kind, data in parts)
    return head.encode() + b"\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + written + b"--b--\r\n"


def signed(data: bytes) -> bytes:
    """Opaque signed-data without any signer (RFC 5652 §5)."""
    held = {"content_type": "data", "content": data}
    content = {"version": "v1", "digest_algorithms": [], "encap_content_info": held, "signer_infos": []}
    return bytes(cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(content)}).dump())


def test_numbers_of_parts_go_on_from_the_mail_around_them() -> None:
    eml = holding(("text/plain", b"body"), ("application/pdf", b"p1"), ("application/pdf", b"p2"))
    eml = eml.replace(b"=b", b"=c").replace(b"--b", b"--c")
    raw = holding(("text/plain", b"x"), ("message/rfc822", eml), ("application/zip", b"z"))
    (inner,) = look(read(raw)).messages
    assert (inner.number, inner.of) == (1, 1)
    assert [(part.number, part.data) for part in inner.letter.parts] == [(3, b"p1"), (4, b"p2")]


def test_so_many_messages_are_opened_and_no_more() -> None:
    raw = holding(*[("message/rfc822", b"Subject: %d\r\n\r\nx" % number) for number in range(MOST_MESSAGES + 5)])
    found = look(read(raw))
    assert len(found.messages) == MOST_MESSAGES
    assert len(read(raw).parts) == MOST_MESSAGES + 5


def test_messages_are_opened_so_deep_and_no_deeper() -> None:
    raw = b"Subject: 0\r\n\r\nx"
    for number in range(10):
        raw = b"Subject: %d\r\nContent-Type: message/rfc822\r\n\r\n%b" % (number, raw)
    assert len(look(read(raw)).messages) == DEEPEST


def test_messages_are_opened_to_a_size_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inside, "LARGEST", 150)
    raw = holding(*[("message/rfc822", b"Subject: x\r\n\r\n" + b"y" * 80)] * 3)
    assert len(look(read(raw)).messages) == 1


def test_events_are_counted_and_those_alike_are_one() -> None:
    many = [("text/calendar", ics(NOON, f"SUMMARY:{number}")) for number in range(MOST_EVENTS + 5)]
    assert len(look(read(holding(*many))).events) == MOST_EVENTS
    assert len(look(read(holding(*many[:1] * 3))).events) == 1


def test_signatures_and_winmail_within_each_other_end() -> None:
    inner = b"Content-Type: text/plain\r\n\r\nWords"
    for _ in range(6):
        inner = (
            b"Content-Type: application/pkcs7-mime; name=smime.p7m\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
            + signed(inner)
        )
    letter = read(inner)
    assert letter.protections == ("smime-signed",)
    assert letter.text is None
    assert [part.name for part in letter.parts] == ["smime.p7m"]


def test_signed_content_in_very_many_pieces_is_left_as_a_file() -> None:
    whole = signed(b"x" * 100)
    pieces = whole.replace(b"x" * 100, b"\x04\x01x" * 500_000)
    start = time.process_time()
    letter = read(b"Content-Type: application/pkcs7-mime; name=smime.p7m\r\n\r\n" + pieces)
    assert [part.name for part in letter.parts] == ["smime.p7m"]
    assert time.process_time() - start < 2


def test_a_letter_that_is_winmail_alone_has_its_body_and_files() -> None:
    held = outlook.Message(text="", rtf=outlook.packed(rb"{\rtf1 Rich words}"), files=[outlook.File("a.pdf", b"p")])
    letter = read(b"Content-Type: application/ms-tnef; name=winmail.dat\r\n\r\n" + outlook.tnef(held))
    assert letter.text == "Rich words"
    assert [(part.name, part.data) for part in letter.parts] == [("a.pdf", b"p")]


def test_text_of_the_mail_counts_more_than_that_of_winmail() -> None:
    held = outlook.Message(text="Of Outlook")
    letter = read(holding(("text/plain", b"Of the mail"), ("application/ms-tnef", outlook.tnef(held))))
    assert letter.text == "Of the mail"
    assert letter.parts == ()  # it held nothing else


def test_what_goes_wrong_is_logged_without_a_word_of_it(caplog: pytest.LogCaptureFixture) -> None:
    def fails() -> None:
        raise ValueError("secret words of the mail")

    with caplog.at_level(logging.INFO):
        assert attempt(fails, "calendar file") is None
    assert caplog.messages == ["a part was not read as calendar file: ValueError"]


WHOLE = signed(b"Content-Type: text/plain\r\n\r\nWords")


KINDS = [
    "application/pkcs7-mime",
    "application/ms-tnef",
    "text/calendar",
    "message/rfc822",
    "application/vnd.ms-outlook",
]


def test_a_winmail_dat_in_which_nothing_is_found_stays_a_file() -> None:
    whole = outlook.tnef(outlook.Message())
    letter = read(holding(("application/ms-tnef", whole[:27] + b"\x1f\x04" + whole[29:])))
    assert [part.content_type for part in letter.parts] == ["application/ms-tnef"]


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(WHOLE)), st.binary(max_size=8), st.sampled_from(KINDS))
def test_any_bytes_are_a_file_or_what_they_hold(place: int, junk: bytes, kind: str) -> None:
    for start in (WHOLE, outlook.tnef(outlook.Message()), b""):
        letter = read(holding((kind, start[:place] + junk + start[place + 2 :])))
        assert letter.parts or letter.protections or letter.text is not None or letter.html is not None
        look(letter)
