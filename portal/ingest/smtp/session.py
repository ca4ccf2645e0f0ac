"""One session: what is known of the client, and the mail it is about to hand over."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from portal import observing
from portal.ingest.connectors import Connector, Shown, address_of, match
from portal.ingest.data import LineCheck
from portal.ingest.errors import IngestError, NotTaken, SpoolUnavailable
from portal.ingest.smtp import limits
from portal.ingest.smtp.house import House
from portal.ingest.smtp.incoming import Incoming
from portal.ingest.smtp.wire import Gone, Wire
from portal.mime.dsn import Dsn

CLOSING = "421 4.3.2 The service is closing, try again soon"
BUSY = "421 4.3.2 Too many sessions, try again later"


class Reply(Exception):
    """A reply that ends a command; its text is the whole line."""


@dataclass
class Transaction:
    """From MAIL to the end of a mail (RFC 5321 §4.1.1)."""

    sender: str
    expected_size: int
    utf8: bool
    returned: str = ""
    envelope_id: str = ""
    recipients: dict[str, tuple[str, Dsn]] = field(default_factory=dict)
    """By their comparing form."""
    answers: int = 0
    """RCPT commands that were answered 250: LMTP owes each an answer (RFC 2033 §4.2)."""
    incoming: Incoming | None = None
    """The mail, once its first byte is asked for."""
    lines: LineCheck = field(default_factory=LineCheck)
    """Line ends of a mail that comes in chunks."""
    failed: bool = False
    """A chunk was refused; there is nothing to add to (RFC 3030 §2)."""


class Session:
    """Everything that commands read and change."""

    def __init__(self, house: House, wire: Wire, *, lmtp: bool) -> None:
        self.house = house
        self.wire = wire
        self.lmtp = lmtp
        self.peer = wire.peer
        self.login = ""
        self.names: frozenset[str] = frozenset()
        self.connector: Connector | None = None
        self.hello = ""
        self.extended = False
        self.transaction: Transaction | None = None
        self.errors = self.unknown = self.idle = self.login_failures = 0
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def connector_name(self) -> str:
        return self.connector.name if self.connector is not None else ""

    @property
    def encrypted(self) -> bool:
        return self.wire.secured is not None

    @property
    def cipher(self) -> str:
        """The name of the cipher suite; "" in clear."""
        found = self.wire.secured.cipher() if self.wire.secured is not None else None
        return found[0] if found else ""

    @property
    def tls_version(self) -> str:
        """Like TLSv1.3; "" in clear."""
        return (self.wire.secured.version() or "") if self.wire.secured is not None else ""

    @property
    def proof(self) -> str:
        """What the client showed of all that its connector asks for, the strongest first; "" without a connector."""
        if self.connector is None:
            return ""
        if self.connector.login:
            return "login"
        return "certificate" if self.connector.certificate else "network"

    @property
    def patience(self) -> float:
        """Seconds for the next command."""
        if self.transaction is not None and self.transaction.incoming is not None:
            # Chunks of one byte each would else be a way around what one mail may take.
            return min(limits.COMMAND_SECONDS, self.transaction.incoming.seconds_left)
        return limits.STRANGER_SECONDS if self.connector is None else limits.COMMAND_SECONDS

    @property
    def protocol(self) -> str:
        """As a Received header names it (RFC 3848; RFC 6531 §4.3)."""
        utf8 = self.transaction is not None and self.transaction.utf8
        name = "LMTP" if self.lmtp else "SMTP" if utf8 or not self.extended else "ESMTP"
        secured = self.extended or self.lmtp
        return ("UTF8" if utf8 else "") + name + "S" * (self.encrypted and secured) + "A" * bool(self.login)

    @property
    def shown(self) -> Shown:
        return Shown(address_of(self.peer), self.names, self.login)

    async def identify(self) -> None:
        """Find the connector that fits what the client has shown by now.

        Raises Reply when that one has all the sessions it may have.
        """
        found = match(await self.house.roster.current(), self.shown)
        before, self.connector = self.connector, None
        if before is not None:
            self.house.leave(before)
        if found is not None:
            if not self.house.enter(found):
                raise Reply(BUSY)
            self.connector = found

    async def say(self, reply: str) -> None:
        """Send a reply; a session that makes too many errors ends."""
        observing.count("letterlock_door_replies", code=f"{reply[:1]}xx")
        await self.wire.say(reply)
        if reply.startswith("5"):
            self.errors += 1
            if self.errors >= limits.MAX_ERRORS:
                await self.farewell("421 4.7.0 Too many errors, closing")
        elif reply.startswith("421"):
            self.wire.close()

    async def farewell(self, reply: str) -> None:
        """Say the last word. Always raises Gone."""
        observing.count("letterlock_door_replies", code=f"{reply[:1]}xx")
        await self.wire.say(reply)
        self.wire.close()
        raise Gone

    def leave(self) -> None:
        """The door closes: end this session now if it is idle; one with an open transaction ends after it."""
        if self.transaction is None:
            self.wire.last_word(CLOSING)

    def reset(self) -> None:
        """Forget the open transaction and what has come of its mail."""
        transaction, self.transaction = self.transaction, None
        if transaction is not None and transaction.incoming is not None:
            transaction.incoming.discard()


def said(error: IngestError) -> str:
    """The reply that tells an error of this room."""
    code = error.smtp if isinstance(error, NotTaken | SpoolUnavailable) else SpoolUnavailable.smtp
    return f"{code} {error}".replace("\N{HORIZONTAL ELLIPSIS}", "...")[:500]
