"""The recipients' mail host: takes what the portal sends, well or badly, and lets each recipient read it."""

from __future__ import annotations

import email
import email.policy
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

from tests.delivery import relays
from tests.mails import Mailbox
from tests.peers.relay import Relay


class Mailhost:
    """An SMTP server behind a network that can fail. `url` is a LETTERLOCK_RELAY_URL."""

    def __init__(self, server: relays.Relay, network: Relay) -> None:
        self._server = server
        self.network = network
        self._read: list[tuple[str, str, EmailMessage]] = []
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.network.port}"

    def refuse(self, address: str) -> None:
        """For good, from now on."""
        self._server.answers[address] = "550 5.1.1 No such person"

    def busy(self) -> None:
        """4yz for everybody."""
        self._server.answers["RCPT"] = "451 4.3.2 Too busy"

    def tarpit(self, seconds: float) -> None:
        """Waits so long before it says that it has a mail."""
        self._server.before_accepting = lambda: time.sleep(seconds)

    def well(self) -> None:
        """Takes everything at once again, but for whom it refuses for good."""
        self._server.answers.pop("RCPT", None)
        self._server.before_accepting = lambda: None
        self.network.well()

    def all(self) -> list[tuple[str, str, EmailMessage]]:
        """Recipient, kind (X-Letterlock, or "") and mail of all that was taken, oldest first."""
        with self._lock:
            for taken in self._server.taken[len(self._read) :]:
                (recipient,) = taken.recipients
                read = email.message_from_bytes(taken.data, policy=email.policy.default)
                self._read.append((recipient, str(read.get("X-Letterlock", "")), read))  # type: ignore[arg-type]
            return list(self._read)

    def mailbox(self, address: str) -> Mailbox:
        return _Mailbox(self, address)


class _Mailbox(Mailbox):
    """One recipient's, read from the host and not from a folder."""

    def __init__(self, host: Mailhost, address: str) -> None:
        super().__init__(Path(), address)
        self._host = host

    def mails(self, kind: str | None = None) -> list[EmailMessage]:
        return [
            read for recipient, found, read in self._host.all() if recipient == self._address and kind in (None, found)
        ]


@contextmanager
def mailhost() -> Iterator[Mailhost]:
    """One on a free port, in threads of this process."""
    with relays.running() as server, Relay(int(server.url.rpartition(":")[2])) as network:
        yield Mailhost(server, network)
