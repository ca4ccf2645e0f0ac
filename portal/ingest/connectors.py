"""Connectors: what a client has to show to hand mail in, and what it may do then."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from portal.mime.addresses import domain_of
from portal.mime.errors import BadAddress
from portal.values import Network

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
BUILT_IN = "networks"
"""The name of the connector that LETTERLOCK_NETWORKS makes."""


@dataclass(frozen=True)
class Connector:
    """One way in. Of networks, certificate and login, whatever it names must hold, and it names at least one."""

    name: str
    networks: tuple[Network, ...] = ()
    certificate: str = ""
    """A DNS name that the client's certificate must have in its subjectAltName, in lower case."""
    login: str = ""
    password: str = field(default="", repr=False)
    """As Django's hashers keep it; "" when none is set yet."""
    domains: tuple[str, ...] = ()
    """Sender domains it may use, in ASCII; all when empty."""
    tls_required: bool = False
    max_sessions: int = 0
    """At once, in all door processes of a host; 0 for no limit of its own."""
    max_hourly: int = 0
    """Recipients that it may name in an hour, at all doors together; 0 for no limit."""
    header: str = ""
    """The customer header that its mail must carry, which shows only when the mail comes; "" for none."""
    digests: tuple[str, ...] = field(default=(), repr=False)
    """Of the values that count, SHA-256 in hex, the newest first."""

    def holds(self, address: IpAddress | None) -> bool:
        """Whether its networks allow this address."""
        return not self.networks or any(address in network for network in self.networks if address is not None)

    def may_send_as(self, sender: str) -> bool:
        """Whether an envelope sender is one of its own. A bounce (`<>`) has no sender and always may."""
        if not sender or not self.domains:
            return True
        try:
            return domain_of(sender) in self.domains
        except BadAddress:
            return False

    def nearness(self, address: IpAddress | None) -> tuple[bool, bool, bool, int]:
        """How much it asks for: what asks for more fits better."""
        fitting = [n.prefixlen + (96 if n.version == 4 else 0) for n in self.networks if address and address in n]
        return bool(self.login), bool(self.certificate), bool(self.header), max(fitting, default=-1)


@dataclass(frozen=True)
class Shown:
    """What a client has shown of itself so far."""

    address: IpAddress | None
    names: frozenset[str] = frozenset()
    """DNS names of its verified certificate, in lower case."""
    login: str = ""


@lru_cache(maxsize=1024)
def address_of(peer: str) -> IpAddress | None:
    """An IP address; an IPv4 client of a socket that listens on both families has one like ::ffff:192.0.2.1."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def match(connectors: Iterable[Connector], shown: Shown) -> Connector | None:
    """The connector a client comes by: of those whose every condition holds, the one that asks for most."""
    fitting = [
        connector
        for connector in connectors
        if connector.holds(shown.address)
        and connector.certificate in ("", *shown.names)
        and connector.login in ("", shown.login)
    ]
    if len(fitting) < 2:
        return fitting[0] if fitting else None
    # One of equal conditions is as good as the other; by name, so that it is always the same.
    fitting.sort(key=lambda connector: connector.name)
    return max(fitting, key=lambda connector: connector.nearness(shown.address), default=None)


def listed(connectors: Iterable[Connector], address: IpAddress | None) -> bool:
    """Whether a connector names a network that this address lies in."""
    return any(connector.networks and connector.holds(address) for connector in connectors)


def could_log_in(connectors: Iterable[Connector], shown: Shown) -> bool:
    """Whether a login would make a connector fit that does not yet."""
    return any(
        connector.login and connector.holds(shown.address) and connector.certificate in ("", *shown.names)
        for connector in connectors
    )


def could_show_certificate(connectors: Iterable[Connector], shown: Shown) -> bool:
    """Whether a client certificate would."""
    return any(connector.certificate and connector.holds(shown.address) for connector in connectors)
