"""A name server for tests: answers from a table, over UDP and TCP, and claims DNSSEC where the test says so.

It signs nothing. What it stands for is a validating resolver on this computer, whose AD bit is what is believed.
"""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from portal.values import Resolver


@dataclass
class Zone:
    """`records` by name and type, like {("a.example", "MX"): ["10 mx.a.example."]}, texts without their quotes;
    `broken` names get SERVFAIL, `unsigned` names are never secure, and a `silent` server answers nothing."""

    records: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    secure: bool = False
    silent: bool = False
    broken: set[tuple[str, str]] = field(default_factory=set)
    unsigned: set[str] = field(default_factory=set)
    asked: list[tuple[str, str]] = field(default_factory=list)
    resolver: Resolver = field(default_factory=lambda: Resolver("127.0.0.1", 1, trusted=True))

    def answer(self, wire: bytes) -> bytes:
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name, kind = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        response = dns.message.make_response(query, recursion_available=True)
        met = {name}
        while kind != "CNAME" and (target := self.records.get((name, "CNAME"))):
            response.answer.append(dns.rrset.from_text_list(f"{name}.", 60, "IN", "CNAME", target))
            name = target[0].rstrip(".")
            met.add(name)
        if (name, kind) in self.broken:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif values := self.records.get((name, kind)):
            shown = [f'"{text}"' if kind == "TXT" and not text.startswith('"') else text for text in values]
            response.answer.append(dns.rrset.from_text_list(f"{name}.", 60, "IN", kind, shown))
        elif not any(known == name for known, _ in self.records):
            response.set_rcode(dns.rcode.NXDOMAIN)
        if self.secure and not met & self.unsigned:
            response.flags |= dns.flags.AD
        return response.to_wire()


@contextmanager
def serving(zone: Zone) -> Iterator[Zone]:
    """The zone on a free port of this computer."""

    class Datagram(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            data, line = self.request
            if not zone.silent:
                line.sendto(zone.answer(data), self.client_address)

    class Stream(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            length = int.from_bytes(self.rfile.read(2), "big")
            answer = zone.answer(self.rfile.read(length))
            self.wfile.write(len(answer).to_bytes(2, "big") + answer)

    while True:
        datagrams = socketserver.ThreadingUDPServer(("127.0.0.1", 0), Datagram)
        port = datagrams.server_address[1]
        try:
            streams = socketserver.ThreadingTCPServer(("127.0.0.1", port), Stream)
            break
        except OSError:  # the same number is taken for TCP
            datagrams.server_close()
    for server in (datagrams, streams):
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    zone.resolver = Resolver("127.0.0.1", port, trusted=True)
    try:
        yield zone
    finally:
        for server in (datagrams, streams):
            server.shutdown()
            server.server_close()
