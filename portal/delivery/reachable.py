"""Where mail may go when a stranger's DNS names the place: to the public internet, and into no network of ours."""

from __future__ import annotations

import ipaddress
import socket
from contextlib import suppress

from django.conf import settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def is_reachable(address: str) -> bool:
    """Whether a stranger's name may lead there. A server of our own network trusts whoever is in it, and would be
    brought what the stranger chose; one with our own address would bring it back to us.

    What LETTERLOCK_MX_NETWORKS names is reachable all the same, and on a portal for this computer alone its loopback.
    """
    try:
        found = _within(ipaddress.ip_address(address))
    except ValueError:
        return False
    if any(found in network for network in settings.LETTERLOCK.mx_networks):
        return True
    if settings.LETTERLOCK.loopback and found.is_loopback:
        return True
    return found.is_global and not found.is_multicast and not _is_ours(found)


def _within(address: Address) -> Address:
    """The IPv4 address that an IPv6 one only carries: ::ffff:10.0.0.1 is reached over IPv4, the others by a gateway."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:  # RFC 6052
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _is_ours(address: Address) -> bool:
    """Whether it is one of this computer's: only to itself does it go from the same address. Nothing is sent."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((str(address), 25))
        return ipaddress.ip_address(probe.getsockname()[0]) == address
    return False
