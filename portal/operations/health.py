"""Is all well: web, door, workers, database and keys, each with a sentence when it is not."""

from __future__ import annotations

import ipaddress
import logging
import socket
import threading
import time
from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError, connection

from portal.configuration import Address
from portal.keys.errors import KeysError
from portal.keys.service import keys
from portal.operations import heartbeats

OK = "ok"
CACHE_SECONDS = 1.0
DOOR_SECONDS = 1.0
log = logging.getLogger(__name__)

_lock = threading.Lock()
_last: tuple[float, dict[str, str]] | None = None


def check() -> dict[str, str]:
    """ "ok" or a sentence for each part. At most a second old; many askers cause one check."""
    global _last
    with _lock:
        if _last is None or time.monotonic() - _last[0] > CACHE_SECONDS:
            _last = (time.monotonic(), check_now())
        return dict(_last[1])


def check_now() -> dict[str, str]:
    """The same, asked afresh."""
    found = {"web": OK, "door": door(settings.LETTERLOCK.smtp), "database": database()}
    # Without the database the heartbeats cannot be read, and a second sentence about them would only mislead.
    found["worker"] = worker() if found["database"] == OK else "Not known while the database cannot be reached."
    found["keys"] = key_service()
    return found


def door(address: Address) -> str:
    """Connects and waits for the greeting (RFC 5321 section 3.1: 220), one second in all."""
    missing = f"The SMTP door on {address} (LETTERLOCK_SMTP) does not answer. Start it: manage.py door."
    until = time.monotonic() + DOOR_SECONDS
    try:
        with socket.create_connection((reachable(address.host), address.port), timeout=DOOR_SECONDS) as line:
            if _is_proxy(line.getsockname()[0]):
                line.sendall(b"PROXY UNKNOWN\r\n")  # the door greets nobody from there without such a header
            greeting = b""
            while b"\n" not in greeting and len(greeting) < 1024:
                line.settimeout(max(0.01, until - time.monotonic()))
                received = line.recv(1024)
                if not received:
                    break
                greeting += received
            if greeting.startswith(b"220"):
                line.sendall(b"QUIT\r\n")
                return OK
    except OSError:
        return missing
    return f"The SMTP door on {address} (LETTERLOCK_SMTP) greets with something else than 220. See its log."


def _is_proxy(own: str) -> bool:
    address = ipaddress.ip_address(own.partition("%")[0])
    return any(address in network for network in settings.LETTERLOCK.proxy_networks)


def worker() -> str:
    """Whether each queue's worker was heard of in the last 30 s."""
    late = heartbeats.late()
    if not late:
        return OK
    return f"No worker has taken a wake-up for {' or '.join(late)} in the last 30 seconds. Start it: manage.py worker."


def database() -> str:
    """A query that reads no table and writes nothing."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    except (DatabaseError, OSError):
        return "The database (LETTERLOCK_DATABASE_URL) cannot be reached. Start it or mend the setting."
    return OK


def key_service() -> str:
    """Whether the root key opens the keyring now."""
    try:
        keys().health()
    except KeysError as error:
        return str(error)
    return OK


def reachable(host: str) -> str:
    """Where to knock when a server listens on every address."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 # compared, not listened on


def quietly(question: Callable[[], dict[str, str]]) -> dict[str, str]:
    """An answer even when a check itself fails: the health page must name what is wrong, not fail."""
    try:
        return question()
    except Exception:
        log.exception("The health check failed.")
        return {"web": "The health check itself failed. See the log."}
