"""Is all well, and may requests come here: each part asked within a time limit, once a second however many ask."""

from __future__ import annotations

import ipaddress
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from portal import viruses
from portal.audit import checking, sequencing
from portal.celery import app
from portal.ingest import spoolbucket
from portal.ingest.spoolfolder import folder as spool_folder
from portal.keys.errors import KeysError
from portal.keys.service import keys
from portal.operations import heartbeats
from portal.values import Address
from portal.vault.blobs import store
from portal.vault.errors import BlobsUnavailable, VaultError

OK = "ok"
AUDIT_LATE = timedelta(minutes=2)
CACHE_SECONDS = 1.0
DOOR_SECONDS = 1.0
PART_SECONDS = 6.0
"""For all parts together; the key service's guard needs up to 4.2 to say why it has no answer (two tries of 2 s)."""
SLOW = "No answer within {seconds:.0f} seconds. What it depends on hangs, or this host is overloaded."
_UNKNOWN = "Not known while the database cannot be reached."
log = logging.getLogger(__name__)
Question = Callable[[], str]


def check() -> dict[str, str]:
    """ "ok" or a sentence for each part, for /healthz."""
    return {**_ALL.answers(), **(_SCANNER.answers() if viruses.is_on() else {})}


def ready() -> dict[str, str]:
    """ "ok" or a sentence for each thing that this process needs to serve, for /readyz."""
    return _NEEDED.answers()


@dataclass
class Panel:
    """Questions asked together, each in a thread of its own; a question that still hangs is not asked again."""

    questions: Mapping[str, Question]
    lock: threading.Lock = field(default_factory=threading.Lock)
    last: tuple[float, dict[str, str]] | None = None
    hanging: dict[str, threading.Thread] = field(default_factory=dict)

    def answers(self) -> dict[str, str]:
        """At most a second old; many askers cause one round of questions, and wait for it."""
        with self.lock:
            if self.last is None or time.monotonic() - self.last[0] > CACHE_SECONDS:
                found = self.ask()
                self.last = (time.monotonic(), found)
            return dict(self.last[1])

    def ask(self) -> dict[str, str]:
        """The same, asked afresh."""
        found: dict[str, str] = {}
        for name in self.questions:
            if name not in self.hanging:
                self.hanging[name] = threading.Thread(target=self._one, args=(name, found), name="health", daemon=True)
                self.hanging[name].start()
        until = time.monotonic() + PART_SECONDS
        for name, thread in list(self.hanging.items()):
            thread.join(max(0.0, until - time.monotonic()))
            if not thread.is_alive():
                del self.hanging[name]
        slow = SLOW.format(seconds=PART_SECONDS)
        return {name: found.get(name, slow) for name in self.questions}

    def _one(self, name: str, found: dict[str, str]) -> None:
        try:
            found[name] = self.questions[name]()
        except Exception as error:
            # The health page must name what is wrong, not fail; a foreign text may hold an address with its password.
            log.error("The health check of %s failed with %s.", name, type(error).__name__)
            found[name] = f"The check itself failed with {type(error).__name__}. See the log."
        finally:
            connection.close()


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
    try:
        late = heartbeats.late()
    except (DatabaseError, OSError):
        # A second sentence about the database would only mislead.
        return _UNKNOWN
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


def migrated() -> str:
    """Whether the database's tables are as this version needs; those of a newer one are no fault (rolling upgrade)."""
    try:
        lacking = pending()
    except (DatabaseError, OSError):
        return _UNKNOWN
    return f"{lacking} migrations are not applied. Run: manage.py prepare." if lacking else OK


def pending() -> int:
    """How many migrations the database lacks. DatabaseError or OSError where it cannot be asked."""
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def key_service() -> str:
    """Whether the root key opens the keyring now."""
    try:
        keys().health()
    except KeysError as error:
        return str(error)
    return OK


def audit() -> str:
    """Whether what was recorded is signed within seconds, as the audit log promises."""
    try:
        waits, last = sequencing.behind(timezone.now()), checking.newest()
    except (DatabaseError, OSError):
        return _UNKNOWN
    if last is not None and last.faults:
        return f"The record was changed: {last.faults[0]} See Record, or manage.py audit verify."
    if waits is None or waits < AUDIT_LATE:
        return OK
    return f"What was recorded is not signed since {waits.total_seconds() / 60:.0f} minutes. Is manage.py beat running?"


def blobs() -> str:
    """Whether the store of large messages can be reached."""
    try:
        store().health()
    except (VaultError, OSError) as error:
        return str(error) if isinstance(error, VaultError) else "The blob store (LETTERLOCK_BLOB_URL) cannot be used."
    return OK


def scanner() -> str:
    """Whether the virus scanner answers. That its signatures are old stops nothing; the doctor says so."""
    try:
        viruses.version()
    except viruses.ScannerError as error:
        return str(error)
    return OK


def broker() -> str:
    """Whether wake-ups can be handed over. The sweeper's go the same way, so without it mail and passcodes wait."""
    kind = urlsplit(settings.LETTERLOCK.broker_url).scheme
    if kind == "filesystem":
        path = settings.LETTERLOCK.broker_url.removeprefix("filesystem://")
        well = not os.path.exists(path) or os.access(path, os.R_OK | os.W_OK | os.X_OK)  # noqa: PTH110 # a plain string
        return OK if well else "The broker's folder (LETTERLOCK_BROKER_URL) cannot be written."
    try:
        with app.connection(connect_timeout=1) as line:
            line.ensure_connection(max_retries=1, interval_start=0, timeout=2)
    except Exception:  # each broker's client has errors of its own, whose texts hold the address
        return "The broker (LETTERLOCK_BROKER_URL) cannot be reached. Start it or mend the setting; mail waits."
    return OK


def spool() -> str:
    """Whether mail can be taken in: the spool folder takes a file, or the spool's bucket answers."""
    try:
        if store := spoolbucket.bucket():
            store.health()
            return OK
        place = spool_folder()
        # Process ids are the same in every container, and several may share the folder.
        probe = place / f".ready-{secrets.token_hex(8)}"
        descriptor = os.open(probe, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            probe.unlink()
            os.write(descriptor, b"ready")
        finally:
            os.close(descriptor)
    except BlobsUnavailable as error:
        return str(error)
    except OSError as error:
        return f"The spool folder cannot be written ({os.strerror(error.errno or 0)}). Make room, or mend its rights."
    return OK


def reachable(host: str) -> str:
    """Where to knock when a server listens on every address."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 # compared, not listened on


_ALL = Panel(
    {
        "web": lambda: OK,
        "door": lambda: door(settings.LETTERLOCK.smtp),
        "database": database,
        "worker": worker,
        "keys": key_service,
        "storage": blobs,
        "audit": audit,
    }
)
_SCANNER = Panel({"scanner": scanner})
"""Asked only where there is one."""
_NEEDED = Panel(
    {
        "database": database,
        "migrations": migrated,
        "keys": key_service,
        "broker": broker,
        "storage": blobs,
        "spool": spool,
    }
)
