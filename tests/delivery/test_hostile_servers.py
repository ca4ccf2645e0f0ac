"""Mail servers of strangers: none keeps a sender longer than it may, fills its memory, or leads it to this computer."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from uuid import uuid4

import pytest
from django.conf import settings as django_settings

from portal.delivery import direct, hop, relay, sending, sts
from portal.delivery.errors import Deferred, Refused
from portal.delivery.hop import Peer
from portal.delivery.letters import Prepared
from portal.delivery.reachable import is_reachable
from portal.delivery.relay import SmtpRelay
from portal.delivery.tls import Demand, Level
from tests.delivery import relays
from tests.peers import dns

MAIL = Prepared.whole("maya@aldervalley.example", "jonas@mail.example", b"Subject: x\r\n\r\nbody\r\n")
GREETS = ("220 mx", "250 mx")


@contextmanager
def endless(*steps: str, piece: bytes, pause: float = 0.0):
    """A server that follows the steps and then says `piece` for as long as anybody listens; gives url and pieces."""
    listening = socket.create_server(("127.0.0.1", 0))
    said: list[int] = []

    def serve() -> None:
        connection, _ = listening.accept()
        with connection, connection.makefile("rb") as lines:
            try:
                for step in steps:
                    connection.sendall(step.encode() + b"\r\n")
                    lines.readline()
                while True:
                    connection.sendall(piece)
                    said.append(len(piece))
                    time.sleep(pause)
            except OSError:
                return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"smtp://127.0.0.1:{listening.getsockname()[1]}", said
    finally:
        listening.close()
        thread.join(120)
        assert not thread.is_alive()


def send(url: str) -> None:
    way = SmtpRelay(hop.relay_at(url), "portal.example")
    try:
        way.send(uuid4(), MAIL, lambda: None)
    finally:
        way.close()


@pytest.mark.parametrize("steps", [(), ("220 mx",), GREETS, (*GREETS, "250 OK")])
def test_a_reply_without_end_is_cut_off_before_it_fills_the_memory(steps):
    with endless(*steps, piece=b"250-again and again\r\n" * 500) as (url, said), pytest.raises(Deferred):
        send(url)
    assert sum(said) < 16 * 1024 * 1024, "what the kernel's buffers hold"


def test_a_line_without_end_is_cut_off():
    with endless("220 mx", piece=b"x" * 10_000) as (url, _), pytest.raises(Deferred):
        send(url)


@pytest.mark.parametrize("piece", [b"250-x\r\n", b"x"])
def test_a_reply_that_comes_drop_by_drop_ends_within_the_lease(monkeypatch, piece):
    monkeypatch.setattr(hop, "_BEGUN_SECONDS", 0.3)
    with endless(*GREETS, piece=piece, pause=0.02) as (url, said):
        before = time.monotonic()
        with pytest.raises(Deferred):
            send(url)
    assert time.monotonic() - before < 5
    assert len(said) > 3


def test_a_mail_ends_though_each_answer_comes_in_time(monkeypatch):
    monkeypatch.setattr(relay, "MAIL_SECONDS", -1)
    with relays.running() as running:
        with pytest.raises(Deferred) as deferred:
            send(running.url)
        assert (deferred.value.answer, running.taken) == ("timed out", [])


def test_hundreds_of_addresses_that_never_answer_are_not_all_tried(monkeypatch):
    tried: list[str] = []

    def away(place, timeout):
        tried.append(place[0])
        raise TimeoutError

    monkeypatch.setattr(hop, "OPEN_SECONDS", -1)
    monkeypatch.setattr(hop.socket, "create_connection", away)
    many = tuple(f"192.0.2.{number}" for number in range(200))
    with pytest.raises(Deferred):
        hop.connect(Peer("mx.example", 25, Demand(Level.OPPORTUNISTIC), many), "portal.example", lambda *_: None)
    assert tried == []


# ------------------------------------------------------------------------------------------------ pointing at us


@pytest.mark.parametrize(
    "address",
    [
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:0.0.0.0", "::1", "::", "fe80::1", "ff02::1",
        "169.254.169.254", "fd00::1", "10.1.2.3", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "2002:7f00:1::", "no address",
    ],
)  # fmt: skip
def test_no_spelling_of_an_address_leads_a_public_portal_to_itself_or_its_neighbours(settings, address):
    settings.LETTERLOCK = replace(django_settings.LETTERLOCK, public_url="https://secure.aldervalley.example")
    assert not is_reachable(address)
    for well in ("1.1.1.1", "2606:4700::1111", "64:ff9b::1.1.1.1"):
        assert is_reachable(well)


def test_an_mta_sts_host_that_points_here_is_not_asked(settings, monkeypatch):
    records = {
        ("mta-sts.partner.example", "A"): ["127.0.0.1"],
        ("mta-sts.partner.example", "AAAA"): ["::ffff:127.0.0.1"],
    }
    knocked = []
    monkeypatch.setattr(sts, "_get", lambda host, address: knocked.append(address) or b"")
    with dns.serving(dns.Zone(records)) as zone:
        settings.LETTERLOCK = replace(
            django_settings.LETTERLOCK, dns=(zone.resolver,), public_url="https://secure.aldervalley.example"
        )
        with pytest.raises(sts.PolicyUnusable):
            sts.fetch("partner.example", "1")
    assert knocked == []


@pytest.mark.parametrize("literal", ["[127.0.0.1]", "[ipv6:::1]", "[ipv6:::ffff:127.0.0.1]"])
def test_an_address_in_place_of_a_domain_leads_nowhere_here(settings, literal):
    settings.LETTERLOCK = replace(django_settings.LETTERLOCK, public_url="https://secure.aldervalley.example")
    with pytest.raises(Refused):
        direct.Direct(literal, "", "portal.example").open()


def test_a_name_that_a_library_cannot_handle_defers_its_mail(monkeypatch):
    class Odd:
        def open(self):
            raise UnicodeError

    assert isinstance(sending._opened(Odd()), Deferred)


def test_what_somebody_puts_behind_the_answer_to_starttls_counts_for_nothing(tmp_path):
    """RFC 3207 section 4.2; the mirror of CVE-2011-0411, on the client's side."""
    context = relays.tls_context(tmp_path)
    listening = socket.create_server(("127.0.0.1", 0))
    heard: list[bytes] = []

    def serve() -> None:
        connection, _ = listening.accept()
        with connection, connection.makefile("rb") as lines:
            connection.sendall(b"220 mx\r\n")
            lines.readline()
            connection.sendall(b"250-mx\r\n250 STARTTLS\r\n")
            lines.readline()
            connection.sendall(b"220 go ahead\r\n250-evil\r\n250 AUTH PLAIN\r\n")
            with context.wrap_socket(connection, server_side=True) as tls, tls.makefile("rb") as inside:
                heard.append(inside.readline())
                tls.sendall(b"250-mx\r\n250 8BITMIME\r\n")
                inside.readline()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    peer = Peer("127.0.0.1", listening.getsockname()[1], Demand(Level.REQUIRED))
    smtp = hop.connect(peer, "portal.example", lambda policy, result: None)
    offered = set(smtp.esmtp_features)
    smtp.close()
    listening.close()
    thread.join(120)
    assert heard == [b"ehlo portal.example\r\n"]
    assert offered == {"8bitmime"}
