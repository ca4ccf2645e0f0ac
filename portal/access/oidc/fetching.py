"""One request to a provider, bounded in time and size: no redirect followed, no address of the own network reached."""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit

from portal import dialling
from portal.networks import may_be_dialled
from portal.values import is_loopback

MOST_BYTES = 256 * 1024
"""Google's keys and discovery take 4 KB together, Microsoft's keys 20 KB."""
SECONDS = 5.0
"""For the whole of one request once the name is looked up: a web worker waits meanwhile, and so does a person."""
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")
"""Nothing that would end a directive where the host stands in a Content-Security-Policy."""
_PORTS = {"https": 443, "http": 80}


class Unreachable(Exception):
    """No usable answer came; the text says what was wrong and names no address. Always caught in this package."""


class Silent(Unreachable):
    """Nothing came at all, or not in time: what a person sends cannot bring that about."""


@dataclass(frozen=True)
class Answer:
    """A status and the JSON object that came with it, which may hold tokens."""

    status: int
    document: dict[str, Any] = field(repr=False)


def checked(url: str, *, private: bool) -> SplitResult:
    """A provider's address in its parts. ValueError unless it is https, or http to this computer where `private`."""
    parts = urlsplit(url)
    host, port = parts.hostname, parts.port  # ValueError for a port that is none
    plain = parts.scheme == "http" and private and is_loopback(host or "")
    if not host or not _HOST.fullmatch(host) or port == 0 or (parts.scheme != "https" and not plain):
        raise ValueError("it must be https")
    if parts.username is not None or parts.password is not None or parts.fragment or not url.isascii():
        raise ValueError("it must be a plain address")
    if any(character <= " " or character == "\x7f" for character in url):
        raise ValueError("it must be a plain address")
    return parts


def fetch(url: str, *, private: bool, form: str | None = None, headers: Mapping[str, str] | None = None) -> Answer:
    """GET, or POST with a form; whatever status comes, the body must be a JSON object. Raises Unreachable.

    `private` lets it reach addresses that are not public. Without it, a provider whose name or whose documents lead
    into the own network (SSRF) is not reached at all.
    """
    try:
        parts = checked(url, private=private)
        with _connected(parts, private=private) as line:
            return _asked(line, parts, form, headers or {})
    except ssl.SSLError:
        raise Unreachable("its certificate is not accepted") from None
    except OSError:
        raise Silent("it did not answer in time") from None
    except (http.client.HTTPException, ValueError):
        raise Unreachable("it did not answer as HTTP says") from None


def _asked(line: socket.socket, parts: SplitResult, form: str | None, headers: Mapping[str, str]) -> Answer:
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or _PORTS[parts.scheme])
    connection.sock = line
    sent = {"Accept": "application/json", "Connection": "close", "User-Agent": "Letterlock", **headers}
    if form is not None:
        sent["Content-Type"] = "application/x-www-form-urlencoded"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection.request("GET" if form is None else "POST", path, form, sent)
    response = connection.getresponse()
    body = response.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        raise Unreachable("its answer is too large")
    if 300 <= response.status < 400:
        raise Unreachable("it answers with a redirect, which is not followed")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise Unreachable("its answer is not JSON") from None
    if not isinstance(document, dict):
        raise Unreachable("its answer is no JSON object")
    return Answer(response.status, document)


@contextmanager
def _connected(parts: SplitResult, *, private: bool) -> Iterator[socket.socket]:
    """A connection to an address that was looked at: the name is not asked for again, so it cannot change between."""
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    found = [entry[4][0] for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    addresses = [str(address) for address in found if may_be_dialled(str(address), private=private)]
    if not addresses:
        raise Unreachable("its name leads to addresses that are not public")
    until = time.monotonic() + SECONDS
    with dialling.connected(host, addresses, port, tls=parts.scheme == "https", until=until) as line:
        yield line
