"""The TLS proxy's file: Caddy takes it, keeps the Host, says how the request came, and keeps the inside inside."""

from __future__ import annotations

import http.client
import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests import parts
from tests.servers import ROOT, free_port, listens, wait_for

FILE = ROOT / "deploy" / "caddy" / "Caddyfile"


class Echo(BaseHTTPRequestHandler):
    """Answers with the headers that came."""

    def do_GET(self) -> None:
        body = json.dumps(dict(self.headers)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Caddy with the file as it is, for plain http on this computer: TLS itself needs a name that others can reach."""
    parts.need("caddy")
    behind, port = HTTPServer(("127.0.0.1", 0), Echo), free_port()
    threading.Thread(target=behind.serve_forever, daemon=True).start()
    home: Path = tmp_path_factory.mktemp("caddy")
    caddy = subprocess.Popen(
        ["caddy", "run", "--config", FILE, "--adapter", "caddyfile"], stderr=(home / "log").open("wb"),
        env={
            "LETTERLOCK_HOST": f"http://localhost:{port}", "LETTERLOCK_WEB": f"127.0.0.1:{behind.server_port}",
            "HOME": str(home), "PATH": parts.PATH,
        },
    )  # fmt: skip
    try:
        wait_for(lambda: listens(port), 20, f"Caddy did not start, see {home / 'log'}")
        yield port
    finally:
        caddy.terminate()
        caddy.wait(120)
        behind.shutdown()
        behind.server_close()


def ask(port: int, path: str, **headers: str) -> tuple[int, bytes]:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    line.request("GET", path, headers={"Host": f"localhost:{port}", **headers})
    answer = line.getresponse()
    found = answer.status, answer.read()
    line.close()
    return found


@pytest.mark.servers
def test_the_portal_learns_who_asked_for_what_and_a_client_cannot_say_otherwise(proxy: int) -> None:
    lies = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    status, body = ask(proxy, "/m/abc", **lies)
    seen = json.loads(body)
    assert (status, seen["Host"], seen["X-Forwarded-Proto"]) == (200, f"localhost:{proxy}", "http")
    assert seen["X-Forwarded-For"] == "127.0.0.1"
    ids = [json.loads(ask(proxy, "/", **{"X-Request-Id": "chosen-by-a-stranger"})[1])["X-Request-Id"] for _ in range(2)]
    assert len({"chosen-by-a-stranger", *ids}) == 3


@pytest.mark.servers
@pytest.mark.parametrize(
    "path", ["/metrics", "/healthz", "/readyz", "/livez", "/%68ealthz", "/./healthz", "/m/../healthz"]
)
def test_counters_and_health_are_not_for_strangers(proxy: int, path: str) -> None:
    assert ask(proxy, path) == (404, b"")


def test_caddy_takes_its_file() -> None:
    parts.need("caddy")
    done = subprocess.run(
        ["caddy", "adapt", "--validate", "--config", FILE],
        env={"LETTERLOCK_HOST": "secure.example.org", "HOME": "/tmp", "PATH": parts.PATH},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert '"secure.example.org"' in done.stdout and '"web:8000"' in done.stdout
