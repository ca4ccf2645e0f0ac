"""`manage.py ingest`: mail from files, checked as at the door."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from portal.ingest.models import Spooled
from portal.ingest.spool import Envelope, open_spooled
from tests.ingest.doors import FROM, MAIL, TO

pytestmark = pytest.mark.django_db


def ingest(*arguments: str | Path) -> tuple[list[UUID], str, bool]:
    """Ids printed, what was said of errors, and whether all went well."""
    out, err = StringIO(), StringIO()
    try:
        call_command("ingest", *map(str, arguments), stdout=out, stderr=err)
    except CommandError as error:
        err.write(str(error))
        status = error.returncode
    else:
        status = 0
    return [UUID(line) for line in out.getvalue().splitlines()], err.getvalue(), status == 0


def opened(id_: UUID) -> tuple[Envelope, bytes]:
    found = open_spooled(Spooled.objects.get(pk=id_))
    return found.envelope, found.read()


@pytest.fixture
def eml(tmp_path: Path, spool_folder: Path) -> Path:
    path = tmp_path / "letter.eml"
    path.write_bytes(MAIL)
    return path


def test_it_prints_an_id_for_each_file(eml: Path) -> None:
    ids, said, well = ingest(eml, eml)
    assert (len(set(ids)), said, well) == (2, "", True)
    envelope, mail = opened(ids[0])
    assert mail == MAIL
    assert (envelope.sender, envelope.recipients, envelope.source, envelope.trusted) == (FROM, (TO,), "command", True)


def test_addresses_may_be_given_beside_the_mail(eml: Path) -> None:
    ids, _, _ = ingest(
        eml, "--from", "desk@aldervalley.example", "--to", "a@b.example", "c@d.example", "--to", "e@f.example"
    )
    envelope, _ = opened(ids[0])
    assert envelope.sender == "desk@aldervalley.example"
    assert envelope.recipients == ("a@b.example", "c@d.example", "e@f.example")


def test_all_of_to_cc_and_bcc_receive_it_and_nobody_sees_bcc(tmp_path: Path, spool_folder: Path) -> None:
    path = tmp_path / "letter.eml"
    path.write_bytes(
        b'From: "Lindqvist, Maya" <maya@aldervalley.example>\r\nSender: desk@aldervalley.example\r\n'
        b"To: =?utf-8?q?J=C3=B6?= <jo@mail.example>,\r\n\tJO@mail.example\r\nCc: team: a@b.example, c@d.example;\r\n"
        b"bcc: secret@mail.example,\r\n other@mail.example\r\nSubject: x\r\n\r\nBcc: in the body stays\r\n"
    )
    ids, _, _ = ingest(path)
    envelope, mail = opened(ids[0])
    assert envelope.sender == "desk@aldervalley.example"
    assert envelope.recipients == (
        "jo@mail.example", "a@b.example", "c@d.example", "secret@mail.example", "other@mail.example",
    )  # fmt: skip
    assert b"secret" not in mail
    assert b"other@" not in mail
    assert mail.endswith(b"Cc: team: a@b.example, c@d.example;\r\nSubject: x\r\n\r\nBcc: in the body stays\r\n")


def test_the_line_ends_of_a_file_become_those_of_mail(tmp_path: Path, spool_folder: Path) -> None:
    path = tmp_path / "letter.eml"
    path.write_bytes(MAIL.replace(b"\r\n", b"\n") + b"old\rmac\r" + b"\n.\nMAIL FROM:<x@y>\n")
    ids, _, _ = ingest(path)
    assert opened(ids[0])[1] == MAIL + b"old\r\nmac\r\n.\r\nMAIL FROM:<x@y>\r\n"


def test_each_file_that_fails_is_named_with_the_reason_and_the_others_are_taken(tmp_path: Path, eml: Path) -> None:
    nobody = tmp_path / "nobody.eml"
    nobody.write_bytes(b"From: a@b.example\r\nTo: undisclosed-recipients:;\r\n\r\n")
    trigger = tmp_path / "trigger.eml"
    trigger.write_bytes(b"X-Letterlock-Protect: v=7\r\n" + MAIL)
    parts = tmp_path / "parts.eml"
    parts.write_bytes(b'Content-Type: multipart/mixed; boundary="b"\r\n' + MAIL + b"--b\r\n\r\nx\r\n" * 1001)
    ids, said, well = ingest(nobody, eml, trigger, parts, tmp_path / "missing.eml")
    assert (len(ids), well) == (1, False)
    assert "nobody.eml: No valid recipients" in said
    assert "trigger.eml: The header X-Letterlock-Protect must say v=1" in said
    assert "parts.eml: The message has more than 1,000 parts" in said
    assert "missing.eml: The file cannot be read (No such file or directory)." in said
    assert "4 of 5 files were not taken." in said
    assert Spooled.objects.count() == 1


@pytest.mark.parametrize(
    "given", ["nodomain", "a b@c.example", "a\x07@b.example", "x" * 320 + "@b.example", "<a@b.example>"]
)
def test_an_address_that_is_none_is_refused(eml: Path, given: str) -> None:
    _, said, well = ingest(eml, "--to", given)
    assert not well
    assert "not a mail address" in said
    assert given not in said
    assert not Spooled.objects.exists()


def test_a_mail_without_sender_needs_one_given(tmp_path: Path, spool_folder: Path) -> None:
    path = tmp_path / "letter.eml"
    path.write_bytes(b"To: a@b.example\r\n\r\nx\r\n")
    assert "names no sender" in ingest(path)[1]
    ids, _, well = ingest(path, "--from", "")
    assert well
    assert opened(ids[0])[0].sender == ""
