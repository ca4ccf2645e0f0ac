"""Door processes that share the ports, as an operator runs them."""

from __future__ import annotations

import os
import re
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ingest.certs import Authority
from tests.ingest.doors import Installation, Line
from tests.servers import MANAGE, free_port, wait_for

pytestmark = pytest.mark.servers
OFFICE, MOST = "127.0.0.2", 3


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Installation:
    certificate, key = authority.issue("processes", "door.example")
    made = Installation(
        tmp_path_factory.mktemp("installation") / "data",
        LETTERLOCK_DOOR_PROCESSES="2",
        LETTERLOCK_TLS_CERTIFICATE=str(certificate),
        LETTERLOCK_TLS_KEY=str(key),
        LETTERLOCK_SMTPS=f"127.0.0.1:{free_port()}",
        LETTERLOCK_LMTP=f"127.0.0.1:{free_port()}",
    )
    made.manage("connector", "add", "office", "--networks", OFFICE, "--max-sessions", str(MOST))
    return made


@pytest.fixture(scope="module")
def doors(installation: Installation) -> Iterator[subprocess.Popen[bytes]]:
    process = installation.door()
    wait_for(lambda: listening(installation.port) == 2, 20, "two doors do not listen")
    yield process
    process.terminate()
    assert process.wait(120) == 0
    assert listening(installation.port) == 0


def listening(port: int) -> int:
    """How many sockets listen on a port of 127.0.0.1."""
    found = re.findall(
        rf"^ *\d+: 0100007F:{port:04X} 00000000:0000 0A ", Path("/proc/net/tcp").read_text(), re.MULTILINE
    )
    return len(found)


def port(installation: Installation, setting: str) -> int:
    return int(installation.environment[setting].rpartition(":")[2])


def elsewhere(installation: Installation) -> Installation:
    """The same on ports of its own."""
    second = Installation.__new__(Installation)
    second.__dict__.update(installation.__dict__)
    second.port = free_port()
    ports = {name: f"127.0.0.1:{free_port()}" for name in ("LETTERLOCK_SMTPS", "LETTERLOCK_LMTP")}
    second.environment = {**installation.environment, **ports, "LETTERLOCK_SMTP": f"127.0.0.1:{second.port}"}
    return second


def children(process: subprocess.Popen[bytes]) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def test_they_take_mail_on_every_port(
    installation: Installation, doors: subprocess.Popen[bytes], authority: Authority
) -> None:
    lines = [Line(installation.port) for _ in range(8)]
    assert all(line.mail().startswith("250 2.0.0 queued") for line in lines)
    for line in lines:
        line.close()
    ports = {
        name: int(installation.environment[name].rpartition(":")[2]) for name in ("LETTERLOCK_SMTPS", "LETTERLOCK_LMTP")
    }
    with Line(ports["LETTERLOCK_SMTPS"], tls=authority.client()) as line:
        assert line.mail().startswith("250 2.0.0 queued")
    with Line(port(installation, "LETTERLOCK_LMTP"), greet=False) as line:
        assert line.ask(b"LHLO x").startswith("250")
        assert line.mail().startswith("250 2.0.0 queued")


def test_one_that_dies_is_started_again_and_the_other_serves_meanwhile(
    installation: Installation, doors: subprocess.Popen[bytes]
) -> None:
    one, other = children(doors)
    os.kill(one, signal.SIGKILL)
    wait_for(lambda: listening(installation.port) == 1 or one not in children(doors), 10, "it did not die")
    with Line(installation.port) as line:
        assert line.mail().startswith("250 2.0.0 queued")
    wait_for(lambda: listening(installation.port) == 2, 20, "it was not started again")
    assert other in children(doors)
    assert one not in children(doors)


def test_a_connector_has_so_many_sessions_in_all_of_them_also_when_one_was_killed(
    installation: Installation, doors: subprocess.Popen[bytes]
) -> None:
    """The kernel spreads connections: of a dozen each process is given some."""
    open_ones = [office(installation) for _ in range(12)]
    let_in = [line for line, greeting in open_ones if greeting.startswith(b"220")]
    assert len(let_in) == MOST
    one, _ = children(doors)
    os.kill(one, signal.SIGKILL)
    wait_for(lambda: listening(installation.port) == 2 and one not in children(doors), 20, "it was not started again")
    left = sum(answers(line) for line in let_in)
    again = [office(installation) for _ in range(12)]
    new = sum(greeting.startswith(b"220") for _, greeting in again)
    assert new == MOST - left, "what died with it is not counted, and what lives is"
    for line, _ in (*open_ones, *again):
        line.close()


def office(installation: Installation) -> tuple[socket.socket, bytes]:
    """A session from the office's address, and what it was greeted with."""
    line = socket.create_connection(("127.0.0.1", installation.port), timeout=20, source_address=(OFFICE, 0))
    return line, line.recv(200)


def answers(line: socket.socket) -> bool:
    try:
        line.sendall(b"NOOP\r\n")
        return line.recv(200).startswith(b"250")
    except ConnectionError:
        return False


def test_sighup_reads_the_certificate_again(
    installation: Installation, doors: subprocess.Popen[bytes], authority: Authority
) -> None:
    context = authority.client()

    def shown() -> bytes:
        with Line(installation.port) as line:
            line.start_tls(context)
            assert isinstance(line.socket, ssl.SSLSocket)
            return line.socket.getpeercert(binary_form=True) or b""

    before = shown()
    authority.issue("processes", "door.example")
    doors.send_signal(signal.SIGHUP)
    wait_for(lambda: {shown() for _ in range(6)}.isdisjoint({before}), 10, "the new certificate is not shown")
    assert doors.poll() is None


def test_no_door_outlives_its_supervisor(installation: Installation, doors: subprocess.Popen[bytes]) -> None:
    second = elsewhere(installation)
    process = second.door()
    wait_for(lambda: listening(second.port) == 2, 20, "two doors do not listen")
    process.kill()
    process.wait()
    wait_for(lambda: listening(second.port) == 0, 15, "a door outlived its supervisor")


def test_a_port_that_others_have_is_named_with_its_setting(installation: Installation) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        done = subprocess.run(
            [sys.executable, str(MANAGE), "door", "--processes", "2"],
            env={**elsewhere(installation).environment, "LETTERLOCK_LMTP": address}, capture_output=True, text=True,
        )  # fmt: skip
    assert done.returncode == 1
    assert address in done.stderr
    assert "LETTERLOCK_LMTP" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_tree_does_not_share_the_ports_of_the_first(
    installation: Installation, doors: subprocess.Popen[bytes]
) -> None:
    done = installation.manage("door", check=False)
    assert done.returncode == 1
    assert "LETTERLOCK_SMTP" in done.stderr
    assert listening(installation.port) == 2


def test_a_certificate_that_cannot_be_read_stops_the_start(installation: Installation, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(MANAGE), "door"],
        env={**installation.environment, "LETTERLOCK_TLS_KEY": str(tmp_path / "none")}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert "LETTERLOCK_TLS_KEY" in done.stderr
    assert "Traceback" not in done.stderr
