"""The doctor: each fault is seen with what to do, and well again when it is done; what is not checked is not green."""

from __future__ import annotations

import os
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.conf import settings
from django.utils import timezone

from portal.audit.record import record
from portal.configuration import Configuration
from portal.delivery.models import Outbound
from portal.ingest.models import Spooled
from portal.keys.keyring import FolderKeyring
from portal.keys.provider import LocalFile
from portal.keys.service import KeyService
from portal.operations import heartbeats
from portal.operations.doctor import clock, configured, disk, examining, keyring, memory, parts, queues, transport
from portal.operations.doctor.finding import Finding, State, unknown
from portal.operations.keycopies import BACKED_UP
from portal.reading import sandbox
from portal.reading.rendering import office
from portal.values import Address
from tests import parts as peers
from tests.servers import free_port

WELL, NOTICE, WRONG = State.WELL, State.NOTICE, State.WRONG


def one(found: Iterator[Finding], check: str = "") -> Finding:
    """The one finding, or the one of that name; whatever is not well says what to do."""
    findings = list(found)
    assert all(finding.fix and finding.why for finding in findings if finding.state is not WELL)
    (only,) = [finding for finding in findings if not check or finding.check == check]
    return only


def configuration(**changes: object) -> Configuration:
    return replace(settings.LETTERLOCK, **changes)  # type: ignore[arg-type]


def test_a_finding_without_a_fix_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="what to do"):
        Finding("disk", WRONG, "It is full.", "No mail is taken in.")
    assert unknown("disk", "nobody says.", "Look.").state is NOTICE


# ------------------------------------------------------------------------------------------------------- settings


def test_a_mistyped_setting_is_named_with_the_one_that_was_meant() -> None:
    found = one(configured.unknown_names({"LETTERLOCK_RELAY_ULR": "x", "LETTERLOCK_DATA": "y", "HOME": "/"}))
    assert (found.check, found.state) == ("LETTERLOCK_RELAY_ULR", NOTICE)
    assert "LETTERLOCK_RELAY_URL" in found.fix
    assert one(configured.unknown_names({"LETTERLOCK_RELAY_URL": "x"})).state is WELL


@pytest.mark.parametrize(
    ("networks", "state"),
    [
        ("0.0.0.0/0", WRONG),
        ("127.0.0.1 ::/0", WRONG),
        ("203.0.0.0/8", NOTICE),
        ("10.0.0.0/8", WELL),
        ("192.0.2.25", WELL),
    ],
)
def test_networks_that_let_strangers_in_are_seen(networks: str, state: State) -> None:
    from portal.configuration import read

    assert one(configured.who_may_hand_in(read({"LETTERLOCK_NETWORKS": networks}))).state is state


def test_figures_for_everyone_and_missing_domains_are_noticed() -> None:
    assert one(configured.figures(configuration(metrics=Address("0.0.0.0", 9464)))).state is NOTICE
    assert one(configured.figures(configuration(metrics=Address("127.0.0.1", 9464)))).state is WELL
    assert one(configured.whose_domains(configuration(inside_domains=()))).state is NOTICE
    assert one(configured.whose_domains(configuration(inside_domains=("a.example",)))).state is WELL


# ------------------------------------------------------------------------------------------------------------ TLS


class Certificates:
    """An authority that this process believes, and certificates for localhost."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
        self.root = folder / "root.pem"
        made = self._make(self.name, 365, authority=True)
        self.root.write_bytes(made.public_bytes(serialization.Encoding.PEM))

    def context(self, days: int, name: str = "localhost") -> ssl.SSLContext:
        place = self.folder / f"{name}-{days}.pem"
        made = self._make(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), days, host=name)
        key = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        place.write_bytes(made.public_bytes(serialization.Encoding.PEM) + key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(place)
        return context

    def _make(self, name: x509.Name, days: int, *, host: str = "", authority: bool = False) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self.name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=100))
            .not_valid_after(now + timedelta(days=days, hours=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if host:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        return builder.sign(self.key, hashes.SHA256())


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@contextmanager
def tls_server(context: ssl.SSLContext) -> Iterator[int]:
    """Shakes hands and closes, on a free port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        while True:
            try:
                line, _ = listener.accept()
            except OSError:
                return
            try:
                context.wrap_socket(line, server_side=True).close()
            except OSError:
                line.close()

    threading.Thread(target=run, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@pytest.mark.parametrize(
    ("days", "name", "believed", "state"),
    [
        (60, "localhost", True, WELL),
        (15, "localhost", True, NOTICE),
        (3, "localhost", True, WRONG),
        (-2, "localhost", True, WRONG),
        (60, "elsewhere.example", True, WRONG),
        (60, "localhost", False, WRONG),
    ],
)
def test_the_certificate_of_the_pages(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch, days: int, name: str, believed: bool, state: State
) -> None:
    if believed:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificates.root))
    with tls_server(certificates.context(days, name)) as port:
        assert one(transport.of_pages(configuration(public_url=f"https://localhost:{port}"))).state is state


def test_pages_that_do_not_answer_are_wrong() -> None:
    assert one(transport.of_pages(configuration(public_url=f"https://localhost:{free_port()}"))).state is WRONG


@pytest.mark.parametrize(
    ("days", "believed", "state"), [(60, True, WELL), (60, False, NOTICE), (3, True, WRONG), (None, False, WELL)]
)
def test_the_certificate_of_relay_and_door(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch, days: int | None, believed: bool, state: State
) -> None:
    if believed:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificates.root))
    port = free_port()
    context = certificates.context(days) if days is not None else None
    server = Controller(object(), "127.0.0.1", port, tls_context=context, server_hostname="mail.example")
    server.start()
    try:
        relay = configuration(relay_url=f"smtp://localhost:{port}")
        assert one(transport.of_relay(relay)).state is state
        assert one(transport.of_door(configuration(smtp=Address("127.0.0.1", port)))).state is state
        if days is None:  # in clear over a network
            assert one(transport.of_door(configuration(smtp=Address("0.0.0.0", port)))).state is NOTICE
    finally:
        server.stop()


def test_a_relay_with_tls_from_the_first_byte(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    with tls_server(certificates.context(60)) as port:
        relay = configuration(relay_url=f"smtps://localhost:{port}")
        assert one(transport.of_relay(relay)).state is NOTICE
        monkeypatch.setenv("SSL_CERT_FILE", str(certificates.root))
        assert one(transport.of_relay(relay)).state is WELL
    assert one(transport.of_relay(relay)).state is WRONG


def test_a_relay_or_door_that_does_not_answer_is_wrong() -> None:
    port = free_port()
    assert one(transport.of_relay(configuration(relay_url=f"smtp://127.0.0.1:{port}"))).state is WRONG
    assert one(transport.of_door(configuration(smtp=Address("127.0.0.1", port)))).state is WRONG
    assert one(transport.of_relay(configuration(relay_url=""))).state is WELL


# ---------------------------------------------------------------------------------------------- keys and database


@pytest.mark.django_db
def test_a_keyring_without_a_fresh_backup_is_seen() -> None:
    assert one(keyring.backups()).state is NOTICE
    made = record(BACKED_UP, size=1)
    assert one(keyring.backups()).state is WELL
    made.at = timezone.now() - timedelta(days=8)
    made.save()
    assert one(keyring.backups()).state is WRONG


def test_keys_ahead_and_the_root_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert one(keyring.service()).state is WELL
    # Of its own: other tests destroy this process's keys of days to come.
    root = LocalFile.create(tmp_path / "root.key")
    service = KeyService.initialise(root, FolderKeyring(tmp_path / "keyring", root))
    monkeypatch.setattr("portal.operations.standing.keys", lambda: service)
    assert one(keyring.ahead()).state is WRONG
    service.prepare(datetime.now(UTC).date(), {None})
    assert one(keyring.ahead()).state is WELL


@pytest.mark.parametrize(("days", "state"), [(8, WELL), (7, WELL), (3, NOTICE), (0, WRONG), (-1, WRONG)])
def test_too_few_keys_ahead_are_seen(days: int, state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "keys_ahead", lambda _now: days)
    assert one(keyring.ahead()).state is state


def mail_waiting(**changes: object) -> Spooled:
    now = timezone.now()
    values = {"door_key": "2026-01-01", "size": 1, "recipients": 1, "received_at": now, "due_at": now, **changes}
    return Spooled.objects.create(**values)


@pytest.mark.django_db
def test_a_queue_that_is_late_is_seen() -> None:
    assert all(finding.state is WELL for finding in queues.late())
    hour_ago = timezone.now() - timedelta(hours=1)
    mail = mail_waiting(due_at=hour_ago, received_at=hour_ago)
    found = one(queues.late(), "queue seal")
    assert found.state is WRONG
    assert "--queues seal" in found.fix
    mail.due_at = timezone.now() - timedelta(minutes=5)
    mail.save()
    assert one(queues.late(), "queue seal").state is NOTICE
    mail.delete()
    assert one(queues.late(), "queue seal").state is WELL


@pytest.mark.django_db
def test_a_passcode_may_wait_only_seconds() -> None:
    late = timezone.now() - timedelta(seconds=30)
    row = Outbound.objects.create(kind="passcode", address=b"x", due_at=late)
    assert one(queues.late(), "queue passcode").state is NOTICE
    Outbound.objects.filter(pk=row.pk).update(due_at=late - timedelta(minutes=2))
    assert one(queues.late(), "queue passcode").state is WRONG


@pytest.mark.django_db
def test_held_and_refused_mail_is_counted() -> None:
    assert one(queues.held()).state is WELL
    assert one(queues.refused()).state is WELL
    mail_waiting(state="held")
    Outbound.objects.create(kind="notice", state="failed", address=b"x", due_at=timezone.now())
    assert (one(queues.held()).state, one(queues.refused()).state) == (WRONG, NOTICE)
    assert one(queues.held()).seen.startswith("1 mail ")


@pytest.mark.django_db
def test_a_worker_that_is_silent_is_seen() -> None:
    heartbeats.forget()
    assert one(parts.workers()).state is WRONG
    for queue in heartbeats.QUEUES:
        heartbeats.beat(queue)
    assert one(parts.workers()).state is WELL


@pytest.mark.django_db
def test_the_database_and_its_tables() -> None:
    assert one(parts.database()).state is WELL
    assert one(parts.tables()).state is WELL


def test_previews_without_their_sandbox_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "_seen", threading.Event())
    monkeypatch.setattr(sandbox, "_looked", 0.0)
    monkeypatch.setenv("PATH", "/nowhere")
    found = one(parts.previews())
    assert (found.state, "apt-get install bubblewrap" in found.fix) == (NOTICE, True)
    monkeypatch.undo()
    monkeypatch.setattr(sandbox, "_looked", 0.0)
    peers.need("bwrap", "libreoffice")
    assert one(parts.previews()).state is WELL
    monkeypatch.setattr(office, "PROGRAM", "/nowhere/soffice.bin")
    found = one(parts.previews())
    assert (found.state, "libreoffice-writer-nogui" in found.fix) == (NOTICE, True)


# ---------------------------------------------------------------------------------------------------------- clock


@pytest.mark.parametrize(
    ("apart", "state"), [(0, WELL), (-1.5, WELL), (10, NOTICE), (-10, NOTICE), (3600, WRONG), (-3600, WRONG)]
)
def test_clocks_that_disagree(apart: float, state: State) -> None:
    assert clock.judged("clock", apart).state is state


@pytest.mark.parametrize(("second", "ahead"), [(0, 0.0), (7, 0.0), (9, 0.0), (-3, -3.0), (12, 3.0)])
def test_how_long_an_answer_took_is_no_difference_between_clocks(second: int, ahead: float) -> None:
    asked = timezone.now()
    answered = asked + timedelta(seconds=9)
    assert clock.apart(asked + timedelta(seconds=second), asked, answered) == ahead


def test_a_public_address_without_a_clock_is_not_green() -> None:
    found = one(clock.public(configuration(public_url=f"http://127.0.0.1:{free_port()}")))
    assert found.state is NOTICE
    assert found.seen.startswith("Could not be checked")


# ----------------------------------------------------------------------------------------------- disk and memory


def test_a_disk_that_takes_long_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "SLOW_SECONDS", 600.0)  # whatever else writes to this machine's
    assert one(disk.durable(configuration())).state is WELL
    monkeypatch.setattr(disk, "SLOW_SECONDS", -1.0)
    assert one(disk.durable(configuration())).state is NOTICE


def test_little_room_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "LEAST_BYTES", 0)
    monkeypatch.setattr(disk, "LITTLE", 1.1)
    assert one(disk.space(configuration())).state is NOTICE
    monkeypatch.setattr(disk, "LEAST_BYTES", 1 << 60)
    assert one(disk.space(configuration())).state is WRONG


def test_a_folder_that_takes_no_file_is_seen(tmp_path: Path) -> None:
    assert one(disk.durable(configuration(data=tmp_path / "gone"))).state is WRONG
    assert list(tmp_path.iterdir()) == []


def test_files_that_others_may_read_are_seen_and_the_fix_closes_them(tmp_path: Path) -> None:
    import subprocess

    data, key, ring = tmp_path / "data", tmp_path / "data" / "root.key", tmp_path / "data" / "keyring"
    data.mkdir(mode=0o700)
    ring.mkdir(mode=0o700)
    key.write_bytes(b"x")
    key.chmod(0o644)
    here = configuration(data=data, key_url=f"file:{key}", keyring_url=f"file://{ring}")
    found = one(disk.permissions(here), "permissions of root.key")
    assert found.state is WRONG
    subprocess.run(found.fix.split(), check=True)
    assert all(finding.state is WELL for finding in disk.permissions(here))
    ring.chmod(0o755)
    assert one(disk.permissions(here), "permissions of keyring").fix == f"chmod 700 {ring}"
    key.unlink()
    assert one(disk.permissions(here), "permissions of root.key").state is WRONG


@pytest.mark.parametrize(
    ("device", "uuid", "state"),
    [
        ("/dev/sda2", "", NOTICE),
        ("/dev/zram0", "", WELL),
        ("/dev/dm-3", "CRYPT-PLAIN-swap", WELL),
        ("/dev/dm-3", "LVM-x", NOTICE),
    ],
)
def test_swap_in_clear_is_noticed(tmp_path: Path, device: str, uuid: str, state: State) -> None:
    (tmp_path / "swaps").write_text(f"Filename Type Size Used Priority\n{device} partition 1 0 -2\n")
    dm = tmp_path / "block" / "dm-3" / "dm"
    dm.mkdir(parents=True)
    (dm / "uuid").write_text(uuid)
    assert one(memory.swap(tmp_path, tmp_path)).state is state


def test_no_swap_is_well_and_an_unreadable_list_is_not_green(tmp_path: Path) -> None:
    assert one(memory.swap(tmp_path / "none", tmp_path)).state is NOTICE
    (tmp_path / "swaps").write_text("Filename Type Size Used Priority\n")
    assert one(memory.swap(tmp_path, tmp_path)).state is WELL


def test_no_process_leaves_a_core_file() -> None:
    assert one(memory.core_files()).state is WELL  # every process that loads Letterlock sees to it


# ------------------------------------------------------------------------------------------------------- the whole


def test_a_check_that_breaks_is_a_finding_and_tells_nothing_foreign() -> None:
    def broken() -> Iterator[Finding]:
        raise OSError(5, "postgresql://user:canary@host")
        yield

    (found,) = examining.all_of("disk", [broken])
    assert found.state is NOTICE
    assert "OSError" in found.seen
    assert "canary" not in str(found)
    assert os.strerror(5) not in found.seen
