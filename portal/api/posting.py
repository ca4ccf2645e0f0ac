"""One POST to a webhook: bounded in time, no redirect followed, and no address of the own network unless allowed."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from portal import dialling
from portal.networks import may_be_dialled

SECONDS = 10.0
_MOST_ANSWER = 4096
NEVER = "its name leads to a link-local address or to a cloud's own services"
_PORTS = {"https": 443, "http": 80}


class NotPosted(Exception):
    """No answer came; the text is one of a few and names no address."""


def post(url: str, body: bytes, headers: Mapping[str, str], *, private: bool) -> int:
    """The status that came back; what stands in the answer is not read. NotPosted when none came."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    until = time.monotonic() + SECONDS
    try:
        found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        addresses = [address for address in found if may_be_dialled(address, private=private)]
        if not addresses:
            raise NotPosted(NEVER if private else "its name leads into a private network")
        with dialling.connected(host, addresses, port, tls=parts.scheme == "https", until=until) as line:
            connection = http.client.HTTPConnection(host, port)
            connection.sock = line
            sent = {"Content-Type": "application/json", "Connection": "close", "User-Agent": "Letterlock", **headers}
            connection.request("POST", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), body, sent)
            response = connection.getresponse()
            response.read(_MOST_ANSWER)
            return response.status
    except ssl.SSLError:
        raise NotPosted("its certificate is not accepted") from None
    except OSError:
        raise NotPosted("it did not answer in time") from None
    except (http.client.HTTPException, ValueError):
        raise NotPosted("it did not answer as HTTP says") from None
