"""MTA-STS (RFC 8461): a domain's own word, fetched over HTTPS, on which mail servers it has and that TLS must hold."""

from __future__ import annotations

import http.client
import os
import re
import socket
import ssl
import threading
from dataclasses import dataclass

from portal.delivery import resolving
from portal.delivery.errors import Deferred, DeliveryError
from portal.delivery.reachable import is_reachable

PORT = 443
MOST_BYTES = 64 * 1024
SECONDS = 20.0
_MOST_ADDRESSES = 4
_MOST_AGE = 31_557_600  # section 3.2
_TEXT_PLAIN = re.compile(r"text/plain\s*(?:;|$)", re.IGNORECASE)


@dataclass(frozen=True)
class StsPolicy:
    """What a domain publishes. `id` is that of its TXT record when the policy was fetched; `max_age` in seconds."""

    id: str
    mode: str
    """enforce, testing or none."""
    mx: tuple[str, ...]
    max_age: int

    def allows(self, host: str) -> bool:
        """Whether a mail server is one of the domain's (section 4.1): a star stands for exactly one label."""
        name = host.lower().rstrip(".")
        return any(
            name == pattern or (pattern.startswith("*.") and name.partition(".")[2] == pattern[2:])
            for pattern in self.mx
        )


class PolicyUnusable(DeliveryError):
    """The domain announces a policy that cannot be had; `result` in the words of RFC 8460 section 4.3.2.2."""

    def __init__(self, result: str) -> None:
        super().__init__("A domain announces an MTA-STS policy that cannot be fetched. Nothing needs to be done here.")
        self.result = result


def fetch(domain: str, id_: str) -> StsPolicy:
    """Fetch https://mta-sts.DOMAIN/.well-known/mta-sts.txt (section 3.3). Raises PolicyUnusable."""
    host = f"mta-sts.{domain}"
    try:
        found = resolving.addresses_of(resolving.Host(host, 0))
    except Deferred:
        raise PolicyUnusable("sts-policy-fetch-error") from None
    for address in [one for one in found.addresses if is_reachable(one)][:_MOST_ADDRESSES]:
        try:
            return parse(_get(host, address), id_)
        except ssl.SSLError:
            raise PolicyUnusable("sts-webpki-invalid") from None
        except (OSError, http.client.HTTPException, ValueError):  # the last: a name that TLS cannot ask for
            continue
    raise PolicyUnusable("sts-policy-fetch-error")


def _get(host: str, address: str) -> bytes:
    """The policy's bytes; a redirect, another type or too much of it is an error (sections 3.2 and 3.3)."""
    with socket.create_connection((address, PORT), timeout=SECONDS) as line:
        # A server that gives a byte now and then would never meet a time-out for one read.
        cut = socket.socket(fileno=os.dup(line.fileno()))
        timer = threading.Timer(SECONDS, cut.shutdown, [socket.SHUT_RDWR])
        timer.daemon = True
        timer.start()
        try:
            with ssl.create_default_context().wrap_socket(line, server_hostname=host) as secure:
                return _answer(host, secure)
        finally:
            timer.cancel()
            cut.close()


def _answer(host: str, secure: ssl.SSLSocket) -> bytes:
    secure.sendall(f"GET /.well-known/mta-sts.txt HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    response = http.client.HTTPResponse(secure)
    response.begin()
    if response.status != 200 or not _TEXT_PLAIN.match(response.getheader("Content-Type", "")):
        raise PolicyUnusable("sts-policy-fetch-error")
    body = response.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        raise PolicyUnusable("sts-policy-invalid")
    return body


def parse(body: bytes, id_: str) -> StsPolicy:
    """A policy file (section 3.2); unknown fields are passed over. Raises PolicyUnusable."""
    fields: dict[str, str] = {}
    mx: list[str] = []
    for line in body.decode("utf-8", "replace").splitlines():
        name, colon, value = line.partition(":")
        if not colon:
            continue
        name, value = name.strip(), value.strip()
        if name == "mx":
            mx.append(value.lower().rstrip("."))
        else:
            fields.setdefault(name, value)
    mode, age = fields.get("mode", ""), fields.get("max_age", "")
    well = fields.get("version") == "STSv1" and mode in ("enforce", "testing", "none") and age.isdecimal()
    if not well or len(age) > 10 or len(mx) > 100 or (mode != "none" and not mx):
        raise PolicyUnusable("sts-policy-invalid")
    return StsPolicy(id_, mode, tuple(mx), min(int(age), _MOST_AGE))
