"""Whether a host has a certificate that browsers take, by a look at it as a browser would look."""

from __future__ import annotations

import socket
import ssl
import threading
import time

from django.conf import settings
from django.utils.translation import gettext as _

from portal.dialling import connected
from portal.networks import may_be_dialled

SECONDS = 5.0
PORT = 443


def needed() -> bool:
    """Without https, on this computer alone, nobody sees a certificate."""
    return settings.LETTERLOCK.https


def problem(host: str) -> str:
    """Why a browser would warn or find nothing, as a sentence; "" when it would show the page. At most five seconds."""
    if not needed():
        return ""
    until = time.monotonic() + SECONDS
    addresses = [address for address in _addresses(host, until) if may_be_dialled(address, private=True)]
    if not addresses:
        return _("{host} is not found in the DNS.").format(host=host)
    try:
        with connected(host, addresses, _port(), tls=True, until=until):
            return ""
    except ssl.SSLCertVerificationError as error:
        said = (error.verify_message or "")[:120].rstrip(".")
        return _("{host} has a certificate that browsers do not take: {reason}.").format(host=host, reason=said)
    except (OSError, ssl.SSLError):
        return _("{host} does not answer at port {port}.").format(host=host, port=_port())


def _port() -> int:
    place = settings.LETTERLOCK.public_url.partition("://")[2]
    _host, colon, port = place.rpartition(":")
    return int(port) if colon and port.isdecimal() else PORT


def _addresses(host: str, until: float) -> list[str]:
    """What the system's own resolver says, which has no time-out of its own: it is left to itself after ours."""
    found: list[str] = []

    def ask() -> None:
        try:
            found.extend(str(one[4][0]) for one in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError):
            return

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(max(0.1, until - time.monotonic()))
    return list(dict.fromkeys(found))
