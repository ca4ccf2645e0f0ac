"""TLS at the door: offered, begun cleanly, renewed without a restart."""

from __future__ import annotations

import os
import shutil
import ssl
from pathlib import Path
from uuid import UUID

import pytest

from portal.ingest.errors import CertificateUnusable
from portal.ingest.models import Spooled
from portal.ingest.smtp.certificates import Certificates
from portal.ingest.spool import open_spooled
from tests.ingest.certs import Authority
from tests.ingest.doors import MAIL, Line, RunningDoor
from tests.ingest.test_smtp import QUEUED, taken


def raw(reply: str) -> bytes:
    """A queued mail with the door's own field in front."""
    return open_spooled(Spooled.objects.get(pk=UUID(QUEUED.fullmatch(reply)[1]))).read()  # type: ignore[index]


def test_a_mail_comes_over_starttls_and_its_received_field_says_so(tls_door: RunningDoor, authority: Authority) -> None:
    with Line(tls_door.port) as line:
        assert "250-STARTTLS" in line.ask(b"EHLO client.example")
        offered = line.start_tls(authority.client())
        assert "STARTTLS" not in offered
        assert line.ask(b"STARTTLS").startswith("503")
        mail = raw(line.mail())
    assert mail.endswith(MAIL)
    head = mail[: -len(MAIL)].decode()
    assert "with ESMTPS\r\n" in head
    assert "tls TLS_" in head


def test_a_large_mail_over_tls_is_kept_byte_for_byte(tls_door: RunningDoor, authority: Authority) -> None:
    mail = b"Subject: large\r\n\r\n" + os.urandom(4_000_000).hex().encode() + b"\r\n"
    with Line(tls_door.port) as line:
        line.start_tls(authority.client())
        assert taken(line.mail(mail)) == mail
        assert taken(line.mail()) == MAIL
        line.send(b"QUIT\r\n")
        assert line.reply().startswith("221")
        assert line.hung_up()  # with TLS's own goodbye: else the client would take the end for an attack


def test_tls_from_the_first_byte(transactional_db: None, spool_folder: Path, authority: Authority) -> None:
    with RunningDoor(authority.door(), tls=True) as door:
        with Line(door.port, tls=authority.client()) as line:
            assert taken(line.mail()) == MAIL
        with Line(door.port, greet=False, before=b"EHLO plain\r\n" * 20) as line:
            assert "220" not in line.greeting
        with Line(door.port, tls=authority.client()) as line:  # still serving
            assert taken(line.mail()) == MAIL


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_versions_are_refused(tls_door: RunningDoor, authority: Authority, version: str) -> None:
    context = authority.client()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    with Line(tls_door.port) as line, pytest.raises((ssl.SSLError, ConnectionError)):
        line.start_tls(context)
    with Line(tls_door.port) as line:
        assert taken(line.mail()) == MAIL


class TestCommandsInjectedBeforeTls:
    """CVE-2011-0411: what was sent in clear must not be carried out as if it had come under TLS."""

    @pytest.mark.parametrize("injected", [b"RSET\r\n", b"EHLO evil\r\nMAIL FROM:<evil@mail.example>\r\n", b"NOO"])
    def test_what_comes_in_the_same_packet_is_forgotten(
        self, tls_door: RunningDoor, authority: Authority, injected: bytes
    ) -> None:
        with Line(tls_door.port) as line:
            line.send(b"STARTTLS\r\n" + injected)
            assert line.reply().startswith("220")
            line.file.close()
            line.socket = authority.client().wrap_socket(line.socket, server_hostname="door.example")
            line.file = line.socket.makefile("rb")
            # The first answer under TLS is the one to the first command under TLS.
            assert line.ask(b"MAIL FROM:<a@aldervalley.example>").startswith("503 5.5.1 Send EHLO")
            assert line.ask(b"EHLO client.example").startswith("250-")
            assert taken(line.mail()) == MAIL

    def test_a_transaction_in_clear_ends_with_tls(self, tls_door: RunningDoor, authority: Authority) -> None:
        with Line(tls_door.port) as line:
            line.ask(b"MAIL FROM:<evil@mail.example>")
            line.ask(b"RCPT TO:<evil@mail.example>")
            line.start_tls(authority.client())
            assert line.ask(b"DATA").startswith("503")
            assert taken(line.mail()) == MAIL


def test_a_handshake_that_breaks_off_leaves_the_door_serving(tls_door: RunningDoor) -> None:
    for garbage in (b"", b"\x16\x03\x01\xff\xff" + b"\0" * 2000, b"MAIL FROM:<>\r\n"):
        with Line(tls_door.port) as line:
            assert line.ask(b"STARTTLS").startswith("220")
            line.send(garbage)
    with Line(tls_door.port) as line:
        assert taken(line.mail()) == MAIL


def serial(port: int, context: ssl.SSLContext) -> bytes:
    with Line(port) as line:
        line.start_tls(context)
        assert isinstance(line.socket, ssl.SSLSocket)
        return line.socket.getpeercert(binary_form=True) or b""


def test_a_renewed_certificate_is_used_without_a_restart(
    transactional_db: None, spool_folder: Path, authority: Authority, tmp_path: Path, at_once: None
) -> None:
    paths = tmp_path / "door.pem", tmp_path / "door.key"

    def install(file: str) -> None:
        for made, path in zip(authority.issue(file, "door.example"), paths, strict=True):
            shutil.copy(made, path)

    install("first")
    with RunningDoor(Certificates(*paths, None)) as door:
        context = authority.client()
        first = serial(door.port, context)
        install("second")
        second = serial(door.port, context)
        assert second != first
        # One half of a renewal, and a file that is none, leave what works at work.
        paths[0].write_bytes(authority.issue("third", "door.example")[0].read_bytes())
        assert serial(door.port, context) == second
        paths[0].unlink()
        assert serial(door.port, context) == second
        install("fourth")
        assert serial(door.port, context) not in (first, second)


@pytest.mark.parametrize("broken", ["missing", "garbage", "other key"])
def test_a_certificate_that_cannot_be_used_stops_the_start(authority: Authority, tmp_path: Path, broken: str) -> None:
    certificate, key = authority.issue("one", "door.example")
    if broken == "missing":
        key = tmp_path / "nowhere.key"
    elif broken == "garbage":
        key = tmp_path / "garbage.key"
        key.write_text("no key")
    else:
        key = authority.issue("other", "door.example")[1]
    with pytest.raises(CertificateUnusable, match="LETTERLOCK_TLS_KEY"):
        Certificates(certificate, key, None)
