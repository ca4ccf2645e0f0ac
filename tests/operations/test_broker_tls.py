"""A broker over TLS: it is spoken to only when it proves its name, and nothing is said to it before, nor in clear."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery
from kombu.exceptions import OperationalError
from redis import Redis as Client

from portal import celery
from tests import parts
from tests.ingest.certs import Authority
from tests.servers import ROOT, free_port, listens, wait_for

FIRST_WORD = {"rediss": b"AUTH", "amqps": b"AMQP"}
SCHEMES = pytest.mark.parametrize("scheme", sorted(FIRST_WORD))


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """One that is known to this process."""
    made = Authority(tmp_path / "authority")
    monkeypatch.setenv("SSL_CERT_FILE", str(made.bundle))
    return made


class Listener:
    """Takes connections over TLS, says nothing, and keeps the first bytes that came inside and outside of TLS."""

    def __init__(self, authority: Authority, *names: str) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*authority.issue("broker", *names))
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.heard: list[bytes] = []
        self.raw: list[bytes] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._socket.accept()
            except OSError:
                return
            line.settimeout(20)
            with line, contextlib.suppress(OSError):
                self.raw.append(line.recv(512, socket.MSG_PEEK))
                with self._context.wrap_socket(line, server_side=True) as tls:
                    self.heard.append(tls.recv(512))

    def close(self) -> None:
        # Closing alone would leave the thread in accept().
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(120)


@contextlib.contextmanager
def listening(authority: Authority, *names: str) -> Iterator[Listener]:
    made = Listener(authority, *names)
    try:
        yield made
    finally:
        made.close()


def call(scheme: str, port: int) -> None:
    """Connect as the product does; that nobody answers in the end is not what is asked here."""
    app = Celery(set_as_current=False)
    app.conf.update(celery._broker(f"{scheme}://portal:geheim@localhost:{port}/"), broker_connection_timeout=10)
    with contextlib.suppress(OperationalError), app.connection_for_write() as connection:
        connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0)


@SCHEMES
def test_one_that_proves_its_name_is_spoken_to(scheme: str, authority: Authority) -> None:
    with listening(authority, "localhost") as listener:
        call(scheme, listener.port)
    assert FIRST_WORD[scheme] in listener.heard[0]


@SCHEMES
def test_one_with_another_name_hears_nothing(scheme: str, authority: Authority) -> None:
    with listening(authority, "elsewhere.example") as listener:
        call(scheme, listener.port)
    assert listener.raw, "nobody called"
    assert not any(listener.heard)


@SCHEMES
def test_one_of_a_strange_authority_hears_nothing_and_nothing_is_said_in_clear(
    scheme: str, authority: Authority, tmp_path: Path
) -> None:
    with listening(Authority(tmp_path / "strange"), "localhost") as listener:
        call(scheme, listener.port)
    assert listener.raw, "nobody called"
    assert all(first.startswith(b"\x16\x03") for first in listener.raw), "not the beginning of TLS (RFC 8446 §5.1)"
    assert not any(listener.heard)


@pytest.mark.servers
def test_a_real_redis_takes_a_wake_up_over_tls(authority: Authority, tmp_path: Path) -> None:
    parts.need("redis")
    program, port = parts.program("redis-server"), free_port()
    assert program is not None
    certificate, key = authority.issue("redis", "localhost")
    server = subprocess.Popen(
        [program, "--port", "0", "--tls-port", str(port), "--bind", "127.0.0.1", "--save", "", "--tls-auth-clients",
         "no", "--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", authority.bundle,
         "--requirepass", "geheim"],
        cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(lambda: listens(port), 30, "Redis did not start")
        url = f"rediss://:geheim@localhost:{port}/0"
        environment = {**os.environ, "LETTERLOCK_BROKER_URL": url, "LETTERLOCK_DATA": str(tmp_path)}
        ring = "import django; django.setup(); from portal.celery import PROCESS, ring; ring(PROCESS)"
        done = subprocess.run([sys.executable, "-c", ring], cwd=ROOT, env=environment, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        with Client.from_url(url, ssl_ca_certs=str(authority.bundle)) as client:
            assert client.llen("seal") == 1
    finally:
        server.terminate()
        server.wait(120)
