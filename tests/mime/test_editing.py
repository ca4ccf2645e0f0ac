"""Changes to a mail's bytes: only what was asked for differs, whatever the mail looks like."""

from __future__ import annotations

import pytest

from portal.mime.editing import Change, changed
from portal.mime.reading import read

RAW = b"From: a@b.example\r\nSubject: =?utf-8?q?Stra=C3=9Fe?=\r\n folded\r\nX-Old: 1\r\n 2\r\n\r\nBody \xff\r\n"


def applied(raw: bytes, size: int = 5, **change: object) -> bytes:
    """In small pieces, as a spool file is read."""
    return b"".join(changed([raw[at : at + size] for at in range(0, len(raw), size)], Change(**change)))  # type: ignore[arg-type]


def test_nothing_asked_for_changes_nothing() -> None:
    assert applied(RAW) == RAW


def test_a_header_is_added_in_front_and_a_folded_one_removed_whole() -> None:
    found = applied(RAW, add=(("X-New", "Grüße"),), remove=("x-old",))
    assert found == b"X-New: =?utf-8?b?R3LDvMOfZQ==?=\r\n" + RAW.replace(b"X-Old: 1\r\n 2\r\n", b"")


def test_a_prefix_stands_before_the_subject_once() -> None:
    once = applied(RAW, prefix="[External] ")
    assert read(once).subject == "[External] Straße folded"
    assert applied(once, prefix="[External] ") == once
    assert read(applied(b"From: a@b.example\r\n\r\nx", prefix="[External] ")).subject == "[External]"


@pytest.mark.parametrize("line", [b"", b"From a@b Mon Nov 23\r\n"])
def test_no_value_begins_a_header_of_its_own(line: bytes) -> None:
    found = applied(line + RAW, add=(("X-New", "a\r\nBcc: evil@mail.example"),), prefix="x\r\nBcc: evil@mail.example ")
    assert found.startswith(line)
    assert "bcc" not in {name.lower() for name, _ in read(found).headers}


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        (RAW, b"Body \xff\r\n"),
        (b"Subject: x\r\n\r\n", b""),
        (b"Subject: x\nContent-Type: text/html\n\n<p>y</p>", b"<p>y</p>"),
        (b"\xef\xbb\xbfjunk\r\nSubject: x\r\n", b"junk\r\nSubject: x\r\n"),
    ],
    ids=["8bit", "empty", "bare", "junk"],
)
def test_a_text_stands_beside_the_body_which_stays_byte_for_byte(raw: bytes, body: bytes) -> None:
    found = applied(raw, before=("Before.",), behind=("Behind.",))
    before, _, rest = found.partition(b"Before.")
    middle, mark, _ = rest.partition(b"Behind.")
    assert (bool(before), bool(mark), body in middle) == (True, True, True)


def test_a_signed_mail_is_a_message_inside() -> None:
    found = applied(RAW, behind=("Behind.",), wraps=True)
    assert RAW in found
    letter = read(found)
    assert letter.subject == "Straße folded"
    assert [part.content_type for part in letter.parts] == ["message/rfc822"]
