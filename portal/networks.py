"""Where a request comes from, as limits count it, and which addresses are a stranger's to name."""

from __future__ import annotations

import functools
import ipaddress
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from portal.values import Network

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
"""All that was ever given out (RFC 4291 section 2.4). Outside of it are also what a network's own NAT64 carries
(RFC 8215), site-local addresses and those that begin with 96 zeros."""
_NOT_PUBLIC = [ipaddress.IPv4Network(network) for network in ("192.0.0.0/24", "168.63.129.16/32")]
"""Protocol assignments (RFC 6890), of which Python knows a part, and the address that Azure's own services have."""
_TEREDO = ipaddress.IPv6Network("2001::/32")
_UNIQUE_LOCAL = ipaddress.IPv6Network("fc00::/7")
_MACHINERY: list[Network] = [
    *(ipaddress.IPv4Network(name) for name in ("169.254.0.0/16", "192.0.0.0/24", "168.63.129.16", "100.100.100.200")),
    *(ipaddress.IPv6Network(name) for name in ("fd00:ec2::/32", "fd20:ce::254")),
]
"""Where a cloud tells each of its machines their passwords: the link itself (RFC 3927), Oracle's, Azure's and Alibaba's
addresses for it, and those of AWS and Google among the unique local ones."""


def is_public(address: str) -> bool:
    """Whether an IP address is one of the internet at large (RFC 6890): not private, shared (CGNAT), loopback,
    link-local, multicast or reserved, whichever way it is written.

    Teredo's (RFC 4380) never are, for what they carry is chosen by who names them.
    """
    try:
        found = carried(ipaddress.ip_address(address.partition("%")[0]))
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        unicast = found in _GLOBAL_UNICAST
    else:
        unicast = not any(found in network for network in _NOT_PUBLIC)
    return unicast and found.is_global and not found.is_multicast


def may_be_dialled(address: str, *, private: bool) -> bool:
    """Whether to connect to an address that somebody's name led to: a public one, and with `private` one within a
    network of our own or this computer. One of the link itself, or where a cloud's own services are, never is."""
    if not private or is_public(address):
        return is_public(address)
    try:
        found = carried(ipaddress.ip_address(address.partition("%")[0]))
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        ours = found in _UNIQUE_LOCAL or (found in _GLOBAL_UNICAST and found not in _TEREDO)
        if not (ours or found.is_loopback):
            return False
    return not any(found in network for network in _MACHINERY)


def carried(address: IpAddress) -> IpAddress:
    """The IPv4 address that an IPv6 one only carries: ::ffff:10.0.0.1 is reached over IPv4, the others by a gateway
    (NAT64, RFC 6052; 6to4, RFC 3056)."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def is_own(address: str) -> bool:
    """Whether an IP address is one of this computer's: only to itself does it go from the same address. Nothing is
    sent."""
    found = carried(ipaddress.ip_address(address))
    family = socket.AF_INET if found.version == 4 else socket.AF_INET6
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((str(found), 25))
        return ipaddress.ip_address(probe.getsockname()[0]) == found
    return False


@functools.lru_cache(1024)
def plain_address(text: str) -> str:
    """An address as Python writes it; an IPv4 address within IPv6 as IPv4; any other text as it is."""
    try:
        address = ipaddress.ip_address(text.strip().strip("[]").partition("%")[0])
    except ValueError:
        return text
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def client_network(environ: Mapping[str, Any], proxies: Sequence[Network]) -> str:
    """The /24 or /64 that a request comes from, as one of our TLS proxies says if it is from there."""
    peer = plain_address(str(environ.get("REMOTE_ADDR") or ""))
    forwarded = str(environ.get("HTTP_X_FORWARDED_FOR") or "").rpartition(",")[2]
    if forwarded and _is_in(peer, proxies):
        peer = plain_address(forwarded)
    return _network(peer)


def _is_in(address: str, networks: Sequence[Network]) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in networks)


@functools.lru_cache(1024)
def _network(address: str) -> str:
    try:
        version = ipaddress.ip_address(address).version
    except ValueError:
        return ""
    return str(ipaddress.ip_network(f"{address}/{24 if version == 4 else 64}", strict=False))
