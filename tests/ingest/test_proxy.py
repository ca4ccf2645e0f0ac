"""PROXY headers: believed from the networks that may send them, and from nobody else."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from portal.ingest.models import Spooled
from portal.ingest.spool import open_spooled
from portal.operations import health
from portal.values import Address
from tests.ingest.certs import Authority
from tests.ingest.doors import MAIL, Line, RunningDoor
from tests.ingest.test_smtp import QUEUED, configure, taken

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def version_2(client: str, *, command: int = 1, more: bytes = b"") -> bytes:
    family, kind = (socket.AF_INET6, 0x21) if ":" in client else (socket.AF_INET, 0x11)
    address = socket.inet_pton(family, client)
    block = address * 2 + b"\x30\x39\x00\x19" + more
    return SIGNATURE + bytes((0x20 | command, kind)) + len(block).to_bytes(2, "big") + block


@pytest.fixture
def door(transactional_db: None, spool_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningDoor]:
    """A door that believes loopback and takes mail from two networks that are elsewhere."""
    configure(
        monkeypatch,
        proxy_networks=(ipaddress.ip_network("127.0.0.0/8"),),
        networks=(ipaddress.ip_network("192.0.2.0/24"), ipaddress.ip_network("2001:db8::/32")),
    )
    with RunningDoor() as running:
        yield running


@pytest.mark.parametrize(
    ("header", "peer"),
    [
        (b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 25\r\n", "192.0.2.7"),
        (b"PROXY TCP6 2001:db8::7 2001:db8::1 56324 25\r\n", "2001:db8::7"),
        (version_2("192.0.2.7"), "192.0.2.7"),
        (version_2("2001:db8::7", more=b"\x03\x00\x04\0\0\0\0"), "2001:db8::7"),
    ],
    ids=["1 IPv4", "1 IPv6", "2 IPv4", "2 IPv6 with an extension"],
)
def test_the_address_it_names_is_the_client(door: RunningDoor, header: bytes, peer: str) -> None:
    # Everything in one packet: what follows the header is not lost.
    with Line(door.port, before=header, greet=True) as line:
        reply = line.mail()
    opened = open_spooled(Spooled.objects.get(pk=UUID(QUEUED.fullmatch(reply)[1])))  # type: ignore[index]
    assert opened.envelope.peer == peer
    assert (f"([IPv6:{peer}])" if ":" in peer else f"([{peer}])").encode() in opened.read()


def test_the_health_page_knows_how_to_ask(door: RunningDoor) -> None:
    assert health.door(Address("127.0.0.1", door.port)) == health.OK


@pytest.mark.parametrize(
    "header",
    [
        b"PROXY TCP4 203.0.113.9 198.51.100.1 56324 25\r\n",
        version_2("203.0.113.9"),
        b"PROXY UNKNOWN\r\n",
        b"PROXY UNKNOWN ffff:f...f:ffff 1 2 3\r\n",
        version_2("192.0.2.7", command=0),
    ],
    ids=["1 other", "2 other", "unknown", "unknown with more", "local"],
)
def test_an_address_that_no_connector_lists_is_refused(door: RunningDoor, header: bytes) -> None:
    with Line(door.port, before=header) as line:
        assert line.ask(b"MAIL FROM:<>").startswith("550 5.7.1")


@pytest.mark.parametrize(
    "header",
    [
        b"EHLO client.example\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 56324\r\n",
        b"PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 99999 25\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 1 25\n",
        b"PROXY " + b"x" * 200 + b"\r\n",
        b"PROXY TCP6 2001:db8::7%a](b\tc 2001:db8::1 1 25\r\n",
        b"PROXY TCP4 192.0.2.7\xff 198.51.100.1 1 25\r\n",
        SIGNATURE + b"\x31\x11\x00\x0c" + b"\0" * 12,
        SIGNATURE + b"\x21\x11\x00\x04" + b"\0" * 4,
        SIGNATURE + b"\x21\x11\xff\xff" + b"\0" * 64,
        b"\r\n\r\n\0\r\nQUIX\n" + b"\x21\x11\x00\x0c" + b"\0" * 12,
    ],
)
def test_without_a_good_header_there_is_no_session(door: RunningDoor, header: bytes) -> None:
    with Line(door.port, before=header, greet=False) as line:
        assert line.greeting == ""


def test_it_is_never_believed_from_others(
    transactional_db: None, spool_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(monkeypatch, networks=(ipaddress.ip_network("192.0.2.0/24"),))
    with RunningDoor() as door:
        for header in (b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 25\r\n", version_2("192.0.2.7")):
            with Line(door.port, greet=False) as line:
                line.send(header)
                assert line.reply().startswith("500")
                line.ask(b"RSET"), line.ask(b"EHLO client.example")
            with Line(door.port) as line:
                assert line.ask(b"MAIL FROM:<>").startswith("550 5.7.1")


def test_it_comes_before_tls(
    transactional_db: None, spool_folder: Path, monkeypatch: pytest.MonkeyPatch, authority: Authority
) -> None:
    configure(
        monkeypatch,
        proxy_networks=(ipaddress.ip_network("127.0.0.0/8"),),
        networks=(ipaddress.ip_network("192.0.2.0/24"),),
    )
    with RunningDoor(authority.door(), tls=True) as door:
        header = b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 465\r\n"
        with Line(door.port, before=header, tls=authority.client()) as line:
            assert taken(line.mail()) == MAIL
