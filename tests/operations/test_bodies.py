"""A request that is cut off or too slow is refused, and takes nothing from others."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import http.client
import io
import ipaddress
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.http import UnreadablePostError

from portal.networks import client_network
from portal.operations import body_watch
from portal.operations.bodies import whole_bodies
from portal.operations.body_reading import PIECE_SECONDS, Places, WholeBody
from tests.servers import Portal, wait_for

# Else each worker would have a portal of its own, and half a minute of silence.
pytestmark = pytest.mark.servers
READ = 422
"""What a form without an address is answered, once all of it was read."""
HERE = "127.0.0.1"
BOUNDARY = b"letterlockboundary"
FORM = (
    b"--" + BOUNDARY + b'\r\nContent-Disposition: form-data; name="text"\r\n\r\nhello\r\n'
    b"--" + BOUNDARY + b'\r\nContent-Disposition: form-data; name="more"\r\n\r\n' + b"x" * 200_000 + b"\r\n"
    b"--" + BOUNDARY + b"--\r\n"
)


def request_with(body: bytes, announced: int) -> WSGIRequest:
    """What Django makes of a body as our web server hands it on."""
    seen: list[WSGIRequest] = []
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "CONTENT_TYPE": f"multipart/form-data; boundary={BOUNDARY.decode()}",
        "CONTENT_LENGTH": str(announced),
        "wsgi.input": io.BytesIO(body),
    }
    whole_bodies(lambda given, start: seen.append(WSGIRequest(given)))(environ, print)
    return seen[0]


def test_a_whole_form_is_read() -> None:
    request = request_with(FORM, len(FORM))
    assert request.POST["text"] == "hello"
    assert len(request.POST["more"]) == 200_000


@pytest.mark.parametrize("kept", [0, 10, 100, 150_000, len(FORM) - 1])
def test_a_form_that_ends_early_is_refused(kept: int) -> None:
    request = request_with(FORM[:kept], len(FORM))
    with pytest.raises(UnreadablePostError):
        assert request.POST


def test_a_body_that_ends_early_is_refused_when_read_in_pieces() -> None:
    request = request_with(b"x" * 100_000, 200_000)
    assert len(request.read(65536)) == 65536
    with pytest.raises(UnreadablePostError):
        request.read(65536)


def test_a_body_that_ends_early_is_refused_when_read_at_once() -> None:
    request = request_with(b"x" * 100_000, 200_000)
    with pytest.raises(UnreadablePostError):
        assert request.body


def test_a_line_is_read_with_its_end_and_the_rest_stays() -> None:
    body = WholeBody(io.BytesIO(b"one\ntwo\nthree"), 13)
    assert [body.readline(), body.readline(2), body.read(3), body.readline(), body.readline()] == [
        b"one\n", b"tw", b"o\nt", b"hree", b"",
    ]  # fmt: skip


OWN_PROXIES = "127.0.0.0/8 ::1"


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxies", "network"),
    [
        ("192.0.2.77", "", OWN_PROXIES, "192.0.2.0/24"),
        ("2001:db8:1:2:3::9", "", OWN_PROXIES, "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.77", "", OWN_PROXIES, "192.0.2.0/24"),
        ("127.0.0.1", "203.0.113.9, 198.51.100.4", OWN_PROXIES, "198.51.100.0/24"),
        ("::1", "2001:db8::1", OWN_PROXIES, "2001:db8::/64"),
        ("127.0.0.1", "198.51.100.4", "", "127.0.0.0/24"),
        ("192.0.2.77", "198.51.100.4", OWN_PROXIES, "192.0.2.0/24"),
        ("10.3.0.9", "198.51.100.4", "10.3.0.0/16", "198.51.100.0/24"),
        ("10.4.0.9", "198.51.100.4", "10.3.0.0/16", "10.4.0.0/24"),
        ("127.0.0.1", "nobody", OWN_PROXIES, ""),
    ],
)
def test_only_our_own_proxies_are_believed(peer: str, forwarded: str, proxies: str, network: str) -> None:
    environ = {"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": forwarded}
    assert client_network(environ, [ipaddress.ip_network(word) for word in proxies.split()]) == network


def test_one_network_cannot_take_the_places_of_another_nor_two_take_all_threads() -> None:
    places = Places(12)
    bodies = [WholeBody(io.BytesIO(), 1) for _ in range(14)]
    assert [places.take(body, "a") for body in bodies[:9]] == [True] * 8 + [False]
    assert [places.take(body, "b") for body in bodies[9:]] == [True] * 4 + [False]
    places.leave(bodies[0])
    assert places.take(bodies[13], "b")


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    with Portal(tmp_path_factory.mktemp("bodies") / "data", LETTERLOCK_DEMO="off") as running:
        yield running


def ask(
    portal: Portal, method: str, path: str, body: bytes | None = None, *, source: str = HERE
) -> tuple[int, dict[str, str], float]:
    """Status, headers and the seconds that they took. Each `source` is a client in another network."""
    line = http.client.HTTPConnection("127.0.0.1", portal.http_port, timeout=15, source_address=(source, 0))
    begun = time.monotonic()
    try:
        line.request(method, path, body=body)
        answer = line.getresponse()
        answer.read()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, time.monotonic() - begun
    finally:
        line.close()


def begun_body(portal: Portal, length: int, headers: bytes = b"", source: str = HERE) -> socket.socket:
    """A connection on which one byte of a longer body was sent; its token is looked for in the body."""
    headers += b"Content-Type: application/x-www-form-urlencoded\r\nCookie: %s\r\n" % token_of(portal)[0].encode()
    line = socket.create_connection(("127.0.0.1", portal.http_port), timeout=40, source_address=(source, 0))
    line.sendall(b"POST /m/ HTTP/1.1\r\nHost: localhost\r\n%sContent-Length: %d\r\n\r\nx" % (headers, length))
    return line


def answered(line: socket.socket) -> int:
    """The status of an answer, read until the connection is closed."""
    seen = b""
    while piece := line.recv(65536):
        seen += piece
    line.close()
    return int(seen.split()[1])


@functools.cache
def token_of(portal: Portal) -> tuple[str, str]:
    """The cookie of a form and the token in it."""
    line = http.client.HTTPConnection("127.0.0.1", portal.http_port, timeout=10)
    line.request("GET", "/m/")
    answer = line.getresponse()
    page = answer.read().decode()
    line.close()
    cookie = str(answer.headers["Set-Cookie"]).partition(";")[0]
    return cookie, page.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]


def posts_work(portal: Portal, source: str = HERE) -> bool:
    """An old form is refused with 403, so the body was taken."""
    return ask(portal, "POST", "/m/", b"a=b", source=source)[0] == 403


PROMPT = 4
"""Seconds that an answer may take on a busy machine; who had to wait for the silent ones would wait for twenty."""


def assert_only_bodies_have_to_wait(portal: Portal, source: str = HERE) -> None:
    for path in ("/healthz", "/m/", "/healthz"):
        status, _, seconds = ask(portal, "GET", path, source=source)
        assert (status, seconds < PROMPT) == (200, True)
    refused = wait_for(
        lambda: (got := ask(portal, "POST", "/m/", b"a=b", source=source))[0] == 503 and got, 3, "A body found a place"
    )
    _, headers, seconds = refused
    assert (headers["retry-after"], seconds < PROMPT) == ("5", True)


@pytest.mark.parametrize("length", [1000, 1_000_000])
def test_clients_that_send_one_byte_take_no_page_from_others(portal: Portal, length: int) -> None:
    stuck = [begun_body(portal, length) for _ in range(40)]
    assert_only_bodies_have_to_wait(portal)
    begun = time.monotonic()
    for line in stuck:
        line.close()
    wait_for(lambda: posts_work(portal), 15, "Bodies are still refused")
    assert time.monotonic() - begun < PIECE_SECONDS - 2, "who has gone is not waited for"


def silent_clients(portal: Portal, source: str, headers: bytes) -> None:
    stuck = [begun_body(portal, 1000, headers, source) for _ in range(40)]
    assert_only_bodies_have_to_wait(portal, source)
    begun = time.monotonic()
    if headers:
        wait_for(lambda: posts_work(portal, source), 32, "Bodies are still refused")
    else:
        statuses = [answered(line) for line in stuck]
        assert set(statuses) <= {400, 408, 503}
        assert 4 <= statuses.count(408) + statuses.count(400) <= 8
    assert time.monotonic() - begun < 32
    assert posts_work(portal, source)
    assert ask(portal, "GET", "/healthz", source=source)[0] == 200


def sent_slowly(portal: Portal, size: int, rate: int, source: str = HERE) -> int:
    """The status of a form with a file, sent at `rate` bytes a second; its token stands behind the file."""
    line = http.client.HTTPConnection("127.0.0.1", portal.http_port, timeout=10, source_address=(source, 0))
    cookie, token = token_of(portal)
    part = b"--" + BOUNDARY + b'\r\nContent-Disposition: form-data; name="'
    head = part + b'file"; filename="a.bin"\r\n\r\n'
    tail = b"\r\n" + part + b'csrfmiddlewaretoken"\r\n\r\n' + token.encode() + b"\r\n--" + BOUNDARY + b"--\r\n"

    def pieces() -> Iterator[bytes]:
        yield head
        for _ in range(0, size, rate // 10):
            yield b"x" * (rate // 10)
            time.sleep(0.1)
        yield tail

    length = len(head) + -(-size // (rate // 10)) * (rate // 10) + len(tail)
    kind = f"multipart/form-data; boundary={BOUNDARY.decode()}"
    headers = {"Cookie": cookie, "Content-Type": kind, "Content-Length": str(length)}
    line.request("POST", "/m/", body=pieces(), headers=headers)
    status = line.getresponse().status
    line.close()
    return status


def test_a_slow_but_honest_upload_passes(portal: Portal) -> None:
    assert sent_slowly(portal, 5_000_000, 1_000_000) == READ


def trickle(portal: Portal, source: str) -> None:
    with ThreadPoolExecutor(1) as pool, begun_body(portal, 1_000_000, source=source) as line:
        honest = pool.submit(sent_slowly, portal, 6_000_000, 200_000, source)
        begun = time.monotonic()
        with contextlib.suppress(ConnectionError):
            while time.monotonic() - begun < 35:
                line.sendall(b"x")
                time.sleep(1)
        assert 15 < time.monotonic() - begun < 33
        assert honest.result(40) == READ
    assert posts_work(portal, source)


@pytest.fixture(scope="module")
def at_once(portal: Portal) -> Iterator[dict[str, Future[None]]]:
    """What takes half a minute each, from networks of their own; two at a time, for that leaves places for both."""
    token_of(portal)
    with ThreadPoolExecutor(2) as pool:
        yield {
            "trickle": pool.submit(trickle, portal, "127.0.3.1"),
            "silent": pool.submit(silent_clients, portal, "127.0.1.1", b""),
            "asking first": pool.submit(silent_clients, portal, "127.0.2.1", b"Expect: 100-continue\r\n"),
        }


@pytest.mark.parametrize("how", ["silent", "asking first"])
def test_clients_that_stay_silent_are_sent_away(at_once: dict[str, Future[None]], how: str) -> None:
    at_once[how].result(60)


def test_a_trickle_is_cut_and_the_honest_upload_beside_it_is_not(at_once: dict[str, Future[None]]) -> None:
    at_once["trickle"].result(80)


def test_looking_for_connections_drops_no_lock_of_the_database(tmp_path: Path) -> None:
    """A process loses all its locks on a file when it closes any descriptor of it, and SQLite its safety with them."""
    file = tmp_path / "database"
    other = "import fcntl, sys; f = open(sys.argv[1], 'r+b'); fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB)"
    with file.open("w+b") as held, socket.create_server(("127.0.0.1", 0)) as server:
        fcntl.lockf(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with socket.create_connection(server.getsockname()) as line:
            assert any(found.descriptor == line.fileno() for found, _ in body_watch._lines())
        tried = subprocess.run([sys.executable, "-c", other, str(file)], capture_output=True)
        assert b"BlockingIOError" in tried.stderr
