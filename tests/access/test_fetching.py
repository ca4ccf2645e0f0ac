"""What is asked of a provider ends in time, at a size, and in no network of our own."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.access.oidc import fetching
from portal.access.oidc.fetching import Unreachable
from tests.peers.authority import Authority


@contextlib.contextmanager
def server(*pieces: bytes, every: float = 0) -> Iterator[str]:
    """Takes one connection and says the pieces, with a pause after each; then stays silent until it is left."""
    listening = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve() -> None:
        with contextlib.suppress(OSError):
            line, _ = listening.accept()
            with line:
                line.recv(65536)
                for piece in pieces:
                    line.sendall(piece)
                    over.wait(every)
                over.wait(10)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/x"
    finally:
        over.set()
        listening.close()
        thread.join(5)


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "url",
    [
        "http://login.example.org/",
        "ftp://login.example.org/",
        "https://",
        "https:///x",
        "//login.example.org",
        "https://user@login.example.org/",
        "https://user:word@login.example.org/",
        "https://login.example.org:0/",
        "https://login.example.org:99999/",
        "https://login.example.org/#x",
        "https://login.example.org/ x",
        "https://login.example.org/\r\nHost: evil.example",
        "https://lögin.example.org/",
        "https://login.example.org;script-src/",
        "https://login.example.org,evil/",
        "http://10.0.0.1/",
        "http://localhost.evil.example/",
    ],
)
@pytest.mark.parametrize("private", [False, True])
def test_only_https_is_taken_for_an_address(url: str, private: bool) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        fetching.checked(url, private=private)


def test_plain_http_is_for_this_computer_and_where_it_was_allowed() -> None:
    assert fetching.checked("http://localhost:9/x", private=True).port == 9
    with pytest.raises(ValueError, match="https"):
        fetching.checked("http://localhost:9/x", private=False)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
     "::1", "fe80::1%eth0", "fd00::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "::", "ff02::1", "64:ff9b::a00:1",
     "64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808", "2002:a00:1::1", "2002:7f00:1::", "2001:0:808:808::1", "::10.0.0.1"],
)  # fmt: skip
def test_a_name_that_leads_into_the_own_network_is_not_reached(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def found(*_: object, **__: object) -> list[object]:
        return [(0, 0, 0, "", (address, 443))]

    def reached(*_: object, **__: object) -> None:
        raise AssertionError("It was connected to.")

    monkeypatch.setattr(socket, "getaddrinfo", found)
    monkeypatch.setattr(socket, "create_connection", reached)
    with pytest.raises(Unreachable, match="not public"):
        fetching.fetch("https://login.example.org/", private=False)


def test_a_link_local_address_is_not_reached_even_where_the_own_network_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", ("169.254.169.254", 443))])
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("It was connected to."))
    with pytest.raises(Unreachable, match="not public"):
        fetching.fetch("https://login.example.org/", private=True)


def test_the_address_that_was_looked_at_is_the_one_that_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that says a public address first and a private one next (DNS rebinding) gains nothing."""
    to: list[object] = []

    def connected(address: object, **_: object) -> None:
        to.append(address)
        raise OSError

    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", ("10.0.0.1", 443)), (0, 0, 0, "", ("1.1.1.1", 443))]
    )
    monkeypatch.setattr(socket, "create_connection", connected)
    with pytest.raises(Unreachable):
        fetching.fetch("https://login.example.org/", private=False)
    assert to == [("1.1.1.1", 443)]


def test_where_the_first_address_is_dead_the_next_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    with server(HEAD + b"Content-Length: 2\r\n\r\n{}") as url:
        port = int(url.rpartition(":")[2].partition("/")[0])
        found = [(0, 0, 0, "", (address, port)) for address in ("fd00::2", "127.0.0.1")]
        monkeypatch.setattr(socket, "getaddrinfo", _only_for("login.localhost", found))
        assert fetching.fetch(f"http://login.localhost:{port}/", private=True).status == 200


def _only_for(name: str, found: list[object]) -> object:
    real = socket.getaddrinfo
    return lambda host, *more, **named: found if host == name else real(host, *more, **named)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (HEAD + b"Content-Length: 2\r\n\r\n[]", "no JSON object"),
        (HEAD + b"Content-Length: 5\r\n\r\n<xml>", "not JSON"),
        (HEAD + b"Content-Length: 200000\r\n\r\n" + b"[" * 200_000, "not JSON"),
        (HEAD + b"Content-Length: 300000\r\n\r\n" + b" " * 300_000, "too large"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 2\r\n\r\n{}", "redirect"),
        (b"220 mail.example ESMTP\r\n", "did not answer as HTTP says"),
        (HEAD + b"X: " + b"x" * 70_000 + b"\r\n\r\n{}", "did not answer as HTTP says"),
        (HEAD + b"x: 1\r\n" * 200 + b"\r\n{}", "did not answer as HTTP says"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_an_answer_that_is_none_is_refused(answer: bytes, said: str) -> None:
    with server(answer) as url, pytest.raises(Unreachable, match=said):
        fetching.fetch(url, private=True)


def test_an_answer_is_read_with_its_status() -> None:
    with server(b'HTTP/1.1 400 Bad\r\nContent-Length: 11\r\n\r\n{"error":1}') as url:
        answer = fetching.fetch(url, private=True)
    assert (answer.status, answer.document) == (400, {"error": 1})
    assert "error" not in repr(answer)


@pytest.mark.parametrize(
    "pieces", [(), (HEAD, *[b"X: y\r\n"] * 90), (HEAD + b"Content-Length: 90\r\n\r\n", *[b" "] * 90)]
)
def test_who_gives_a_little_now_and_then_is_left_in_time(
    pieces: tuple[bytes, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "SECONDS", 0.3)
    began = time.monotonic()
    with server(*pieces, every=0.11) as url, pytest.raises(Unreachable):
        fetching.fetch(url, private=True)
    assert time.monotonic() - began < 8, "each would take ten seconds"


def test_only_a_certificate_of_someone_known_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = Authority(tmp_path)
    _, context = authority.server("localhost")
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for _ in range(2):
            with contextlib.suppress(OSError), context.wrap_socket(listening.accept()[0], server_side=True) as line:
                line.recv(65536)
                line.sendall(HEAD + b'Content-Length: 8\r\n\r\n{"a": 1}')

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    url = f"https://localhost:{listening.getsockname()[1]}/"
    with listening:
        with pytest.raises(Unreachable, match="certificate"):
            fetching.fetch(url, private=True)
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
        assert fetching.fetch(url, private=True).document == {"a": 1}
    thread.join(5)
