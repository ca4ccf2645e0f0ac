"""The PROXY header that a load balancer puts before a connection, versions 1 and 2 (haproxy's proxy-protocol.txt).

Read only from networks in LETTERLOCK_PROXY_NETWORKS, and there it must come: it names whatever address one likes.
"""

from __future__ import annotations

import ipaddress

from portal.ingest.smtp import limits
from portal.ingest.smtp.wire import Flooded, LineBroken, LineTooLong, Wire

_SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
_LONGEST_LINE = 105
_LONGEST_BLOCK = 4096
"""Addresses and extensions of version 2; the longest that load balancers send is a few hundred bytes."""


class BadProxyHeader(Exception):
    """What came first is no PROXY header. Stays inside this package."""


async def read(wire: Wire) -> str:
    """The client's address that the header names; "" when it speaks of the balancer's own connection.

    Raises BadProxyHeader, Gone.
    """
    wire.allow(limits.PROXY_SECONDS)
    first = await wire.exactly(1)
    wire.unread(first)
    if first == _SIGNATURE[:1]:
        return await _version_2(wire)
    try:
        line = await wire.line(_LONGEST_LINE)
    except (LineTooLong, LineBroken, Flooded):
        raise BadProxyHeader from None
    return _version_1(line)


def _version_1(line: bytes) -> str:
    try:
        words = line.decode("ascii").split(" ")
    except UnicodeDecodeError:
        raise BadProxyHeader from None
    if words[:2] == ["PROXY", "UNKNOWN"]:
        return ""
    if len(words) != 6 or words[0] != "PROXY" or words[1] not in ("TCP4", "TCP6"):
        raise BadProxyHeader
    if not all(word.isdigit() and int(word) < 65536 for word in words[4:]):
        raise BadProxyHeader
    return _address(words[2], 4 if words[1] == "TCP4" else 6)


async def _version_2(wire: Wire) -> str:
    head = await wire.exactly(16)
    length = int.from_bytes(head[14:16], "big")
    if head[:12] != _SIGNATURE or head[12] >> 4 != 2 or length > _LONGEST_BLOCK:
        raise BadProxyHeader
    block = await wire.exactly(length)
    command, family = head[12] & 0x0F, head[13] >> 4
    if command == 0:  # LOCAL: a health check of the balancer
        return ""
    sizes = {1: 4, 2: 16}
    if command != 1 or (family in sizes and len(block) < 2 * sizes[family] + 4):
        raise BadProxyHeader
    return str(ipaddress.ip_address(block[: sizes[family]])) if family in sizes else ""


def _address(text: str, version: int) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise BadProxyHeader from None
    # A zone may be any text, and this one would stand in replies and in the Received header.
    if address.version != version or "%" in text:
        raise BadProxyHeader
    return str(address)
