"""Pictures of the internet, fetched by us in a reader's place: from public addresses only, and telling nothing of them.

The address comes from the sealed message, never from a browser. The name is looked up here, every address it leads to
is looked at, and the connection goes to one of those (no DNS rebinding). A redirect is treated like the first address.
"""

from __future__ import annotations

import http.client
import ipaddress
import re
import ssl
import time
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from portal import dialling
from portal.delivery import resolving
from portal.delivery.errors import Deferred
from portal.networks import is_own, is_public

MOST_BYTES = 5 * 1024 * 1024
SECONDS = 8.0
"""For a picture with all its redirects."""
MOST_REDIRECTS = 3
_DNS_SECONDS = 2.0
_PORTS = {"https": 443, "http": 80}
_MOVED = frozenset({301, 302, 303, 307, 308})
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})+")
_CONTROL = re.compile(r"[\x00-\x20\x7f\\]")
_SENT = {"User-Agent": "Mozilla/5.0", "Accept": "image/webp,image/png,image/jpeg,image/gif", "Connection": "close"}
"""All that the other side is told: no cookie, no Referer, and nothing that names the portal or its version."""


class Unfetched(Exception):
    """There is no such picture to be had; the text says why in words of ours, without any address."""


@dataclass(frozen=True)
class Reach:
    """How far it may go. Whoever runs it on this computer alone, as tests do, may let it go nearer."""

    ports: frozenset[int] = frozenset(_PORTS.values())
    private: bool = False


INTERNET = Reach()


def fetch(address: str) -> bytes:
    """The bytes of what may be a picture. Raises Unfetched."""
    until = time.monotonic() + SECONDS
    for _hop in range(1 + MOST_REDIRECTS):
        parts = _checked(address)
        found = _asked(parts, until)
        if isinstance(found, bytes):
            return found
        try:
            target = urljoin(parts.geturl(), found)
        except ValueError:
            raise Unfetched("its address cannot be read") from None
        if parts.scheme == "https" and not target.lower().startswith("https:"):
            raise Unfetched("it leads from TLS into the clear")
        address = target
    raise Unfetched("it leads on too often")


def _checked(address: str) -> SplitResult:
    """The address in parts that hold ASCII alone. Raises Unfetched."""
    try:
        parts = urlsplit(address.strip())
        host = (parts.hostname or "").rstrip(".")
        if not host.isascii():
            host = host.encode("idna").decode("ascii")
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except (ValueError, UnicodeError):
        raise Unfetched("its address cannot be read") from None
    if parts.scheme not in _PORTS or port not in INTERNET.ports:
        raise Unfetched("it is not on the web's own ports")
    if parts.username is not None or parts.password is not None or not (_NAME.fullmatch(host) or _literal(host)):
        raise Unfetched("its address is not a plain one")
    place = f"[{host}]" if ":" in host else host
    path, query = (quote(part, safe="/%:@!$&'()*+,;=~?-._") for part in (parts.path or "/", parts.query))
    if _CONTROL.search(path + query):
        raise Unfetched("its address is not a plain one")
    netloc = place if port == _PORTS[parts.scheme] else f"{place}:{port}"
    return SplitResult(parts.scheme, netloc, path, query, "")


def _literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return "%" not in host


def _asked(parts: SplitResult, until: float) -> bytes | str:
    """The bytes, or where it says they are. Raises Unfetched."""
    host, tls = parts.hostname or "", parts.scheme == "https"
    port = parts.port or _PORTS[parts.scheme]
    try:
        with dialling.connected(host, _addresses(host), port, tls=tls, until=until) as line:
            connection = http.client.HTTPConnection(host, port)
            connection.sock = line
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            connection.putrequest("GET", target, skip_host=True, skip_accept_encoding=True)
            for name, value in (("Host", parts.netloc), *_SENT.items()):
                connection.putheader(name, value)
            connection.endheaders()
            return _answer(connection.getresponse())
    except ssl.SSLError:
        raise Unfetched("its certificate is not accepted") from None
    except (OSError, http.client.HTTPException, ValueError):
        raise Unfetched("its server gave no answer that could be read in time") from None


def _answer(response: http.client.HTTPResponse) -> bytes | str:
    if response.status in _MOVED:
        return response.headers.get("Location", "")
    if response.status != 200:
        raise Unfetched("its server does not have it")
    if (response.length or 0) > MOST_BYTES:
        raise Unfetched("it is too large")
    data = response.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise Unfetched("it is too large")
    return data


def _addresses(host: str) -> tuple[str, ...]:
    """Where the name leads, once everything it leads to was looked at. Raises Unfetched."""
    if _literal(host):
        found: tuple[str, ...] = (host,)
    else:
        try:
            found = resolving.addresses_of(resolving.Host(host, 0), seconds=_DNS_SECONDS).addresses
        except Deferred:
            raise Unfetched("its name is not known now") from None
    if not found:
        raise Unfetched("there is no such name")
    if not INTERNET.private and not all(is_public(one) and not is_own(one) for one in found):
        raise Unfetched("its name leads to an address that is not public")
    return found
