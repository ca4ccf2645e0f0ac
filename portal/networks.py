"""Where a request comes from, as limits count it: an IPv4 /24 or an IPv6 /64."""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from portal.values import Network


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
