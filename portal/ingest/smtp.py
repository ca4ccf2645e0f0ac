"""The door: SMTP for the organisation's own mail servers (RFC 5321). Says 250 only for mail that is durable.

aiosmtpd leads the dialogue; reading DATA is ours, because aiosmtpd keeps every line of a mail in memory.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from asyncio import StreamReader
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import aiosmtpd.smtp
from aiosmtpd.smtp import SMTP
from django.conf import settings

from portal import observing
from portal.ingest.committing import Committer
from portal.ingest.data import DataDecoder
from portal.ingest.errors import (
    BareLineEnd,
    IngestError,
    NotTaken,
    SpoolUnavailable,
    TooLarge,
    TooManyRecipients,
)
from portal.ingest.intake import Intake, check_address
from portal.ingest.spool import Envelope
from portal.ingest.syntax import Path, SyntaxRefused, parse_path
from portal.mime.addresses import normalise

log = logging.getLogger(__name__)
# aiosmtpd logs commands, and with them addresses, or words of a mail whose DATA was refused (P2).
aiosmtpd.smtp.log.disabled = True

COMMAND_SECONDS = 300.0
DATA_SECONDS = 600.0
STRANGER_SECONDS = 30.0
COMMAND_BYTES = 1500
"""Longest command line: 512 (RFC 5321 §4.5.3.1.4), longer paths for UTF-8 (RFC 6531 §3.4) and parameters."""
READ_BYTES = 256 * 1024
THREAD_FROM_BYTES = 64 * 1024
"""Up to here a mail is sealed in memory on the loop; from here a thread seals and writes: the disk may be slow."""
MAX_SESSIONS = 1000
MAX_STRANGERS = 50
"""Sessions from networks that are not listed; they can keep no listed one out."""
MAX_ERRORS = 20
_BUSY_REPLY = "421 4.3.2 Too many sessions, try again later"
_CLOSING_REPLY = "421 4.3.2 The service is closing, try again soon"


class House:
    """What all sessions of a door share."""

    def __init__(self, committer: Committer) -> None:
        configuration = settings.LETTERLOCK
        self.committer = committer
        self.pool = ThreadPoolExecutor(4, thread_name_prefix="seal")
        self.name = configuration.public_host
        self.networks = configuration.networks
        self.max_bytes: int = configuration.max_message_bytes
        self.max_recipients: int = configuration.max_recipients
        self.sessions: set[Door] = set()
        self.strangers = 0
        self.closing = False
        self.prototype: dict[str, Any] = {}

    def listed(self, host: str) -> bool:
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        # An IPv4 client of a socket that listens on both families has an address like ::ffff:192.0.2.1.
        address = getattr(address, "ipv4_mapped", None) or address
        return any(address in network for network in self.networks)


class Door(SMTP):
    """One session."""

    command_size_limit = COMMAND_BYTES
    # aiosmtpd keeps this in the class, shared by all sessions, and lets it grow with every EHLO.
    command_size_limits: dict[str, int] = defaultdict(lambda: COMMAND_BYTES)

    def __init__(self, house: House, loop: asyncio.AbstractEventLoop) -> None:
        if not house.prototype:
            # aiosmtpd searches all of its attributes for commands in every session (1 ms); here that is done once.
            super().__init__(
                _Handler(), data_size_limit=house.max_bytes, enable_SMTPUTF8=True, hostname=house.name,
                ident="ESMTP Letterlock", timeout=COMMAND_SECONDS, loop=loop,
            )  # fmt: skip
            house.prototype.update(vars(self))
        self.__dict__.update(house.prototype)
        asyncio.StreamReaderProtocol.__init__(
            self, StreamReader(limit=READ_BYTES, loop=loop), client_connected_cb=self._cb_client_connected, loop=loop
        )
        self._smtp_methods = {name: getattr(self, f"smtp_{name}") for name in _COMMANDS}
        self.house = house
        self.listed = False
        self.errors = 0
        self.sender: str | None = None
        self.recipients: dict[str, str] = {}
        self.expected_size = 0
        self.utf8 = False
        self._sealing: Future[None] | None = None
        self.gone: asyncio.Future[None] = loop.create_future()

    # ------------------------------------------------------------------------------------- life of a session

    async def _handle_client(self) -> None:
        house = self.house
        try:
            self.listed = house.listed(self._peer_host())
            observing.count("letterlock_door_sessions", listed="yes" if self.listed else "no")
            if not self._admitted():
                await self._farewell(_CLOSING_REPLY if house.closing else _BUSY_REPLY)
                return
            house.sessions.add(self)
            house.strangers += not self.listed
            try:
                if not self.listed:
                    self._timeout_duration = STRANGER_SECONDS
                    self._reset_timeout()
                await super()._handle_client()
            finally:
                house.sessions.discard(self)
                house.strangers -= not self.listed
        except ConnectionError:
            pass  # the client is gone; what it had not finished is discarded where it was begun
        finally:
            if not self.gone.done():
                self.gone.set_result(None)

    def _admitted(self) -> bool:
        if self.house.closing:
            return False
        if not self.listed:
            return self.house.strangers < MAX_STRANGERS
        return len(self.house.sessions) - self.house.strangers < MAX_SESSIONS

    def _peer_host(self) -> str:
        peer: object = self.session.peer if self.session is not None else None
        return peer[0].partition("%")[0] if isinstance(peer, tuple) else ""

    def _timeout_cb(self) -> None:
        if self.transport is not None:
            self._writer.write(b"421 4.4.2 Nothing came for too long, closing\r\n")
            self.transport.close()

    async def _farewell(self, reply: str) -> None:
        await self.push(reply)
        if self.transport is not None:
            self.transport.close()

    async def push(self, status: str | bytes) -> None:
        """Send a reply; a session that makes too many errors ends."""
        reply = status.encode("ascii", "replace") if isinstance(status, str) else status
        self._writer.write(reply + b"\r\n")
        observing.count("letterlock_door_replies", code=f"{reply[:1].decode()}xx")
        if reply[:1] == b"5":
            self.errors += 1
            if self.errors >= MAX_ERRORS:
                self._writer.write(b"421 4.7.0 Too many errors, closing\r\n")
                if self.transport is not None:
                    self.transport.close()
        await self._writer.drain()

    async def leave(self) -> None:
        """End this session now if it is idle; one with an open transaction ends after it."""
        if self.sender is None and self.transport is not None:
            await self._farewell(_CLOSING_REPLY)

    def _set_rset_state(self) -> None:
        super()._set_rset_state()  # type: ignore[no-untyped-call]
        self.sender, self.recipients, self.expected_size, self.utf8 = None, {}, 0, False

    async def _end_transaction(self, reply: str) -> None:
        self._set_rset_state()
        self._reset_timeout()
        await self.push(reply)
        if self.house.closing:
            await self._farewell(_CLOSING_REPLY)

    # ---------------------------------------------------------------------------------------------- commands

    async def smtp_EHLO(self, hostname: str | None) -> None:
        if not hostname:
            await self.push("501 5.5.4 Syntax: EHLO hostname")
            return
        self._set_rset_state()
        if self.session is not None:
            self.session.extended_smtp = True
            self.session.host_name = hostname
        offered = (
            self.house.name,
            f"SIZE {self.house.max_bytes}",
            "8BITMIME",
            "SMTPUTF8",
            "PIPELINING",
            "ENHANCEDSTATUSCODES",
        )
        lines = [f"250-{word}" for word in offered] + ["250 HELP"]
        await self.push("\r\n".join(lines))

    async def smtp_MAIL(self, argument: str | None) -> None:
        if await self.check_helo_needed():
            return
        if not self.listed:
            # Here and not in the greeting: Postfix takes a 5xx greeting for a passing fault and tries for days
            # (smtp_skip_5xx_greeting), while a refused MAIL goes back to its sender at once, with this reason.
            await self.push(
                f"550 5.7.1 Mail from {self._peer_host()} is not taken: LETTERLOCK_NETWORKS does not list it"
            )
            return
        if self.sender is not None:
            await self.push("503 5.5.1 A transaction is open: send RSET first")
            return
        try:
            path = parse_path(argument, "FROM:")
            self._check_parameters(path)
            self.sender = self._address(path.address) if path.address else ""
        except _Reply as reply:
            await self.push(str(reply))
        except SyntaxRefused:
            await self.push("501 5.5.4 Syntax: MAIL FROM:<address> [SIZE=n] [BODY=8BITMIME] [SMTPUTF8]")
        except IngestError as refused:
            await self.push(_reply(refused))
        else:
            await self.push("250 2.1.0 OK")

    def _check_parameters(self, path: Path) -> None:
        parameters = dict(path.parameters)
        if parameters.pop("BODY", "7BIT").upper() not in ("7BIT", "8BITMIME"):
            raise _Reply("501 5.5.4 BODY must be 7BIT or 8BITMIME")
        self.utf8 = "SMTPUTF8" in parameters
        if parameters.pop("SMTPUTF8", ""):
            raise SyntaxRefused
        size = parameters.pop("SIZE", "0")
        if not (size.isascii() and size.isdigit() and len(size) <= 20):
            raise SyntaxRefused
        self.expected_size = int(size)
        if parameters:
            raise _Reply("555 5.5.4 A parameter of MAIL is not known here")
        if self.expected_size > self.house.max_bytes:
            raise TooLarge(self.house.max_bytes)

    async def smtp_RCPT(self, argument: str | None) -> None:
        if await self.check_helo_needed():
            return
        if self.sender is None:
            await self.push("503 5.5.1 Send MAIL first")
            return
        try:
            path = parse_path(argument, "TO:")
            if path.parameters:
                raise _Reply("555 5.5.4 A parameter of RCPT is not known here")
            address = self._address(path.address)
            if len(self.recipients) >= self.house.max_recipients:
                raise TooManyRecipients(self.house.max_recipients)
            self.recipients.setdefault(normalise(address), address)
        except _Reply as reply:
            await self.push(str(reply))
        except SyntaxRefused:
            await self.push("501 5.5.4 Syntax: RCPT TO:<address>")
        except IngestError as refused:
            await self.push(_reply(refused))
        else:
            await self.push("250 2.1.5 OK")

    def _address(self, address: str) -> str:
        if not address.isascii() and not self.utf8:
            raise _Reply("553 5.6.7 An address with other letters than ASCII needs MAIL with SMTPUTF8")
        return check_address(address)

    async def smtp_VRFY(self, _argument: str | None) -> None:
        await self.push("252 2.1.5 Addresses are not looked up here; send the mail")

    async def smtp_RSET(self, argument: str | None) -> None:
        if argument:
            await self.push("501 5.5.4 Syntax: RSET")
            return
        await self._end_transaction("250 2.0.0 OK")

    async def smtp_DATA(self, argument: str | None) -> None:
        if await self.check_helo_needed():
            return
        if argument:
            await self.push("501 5.5.4 Syntax: DATA")
        elif self.sender is None:
            await self.push("503 5.5.1 Send MAIL first")
        elif not self.recipients:
            await self.push("554 5.5.1 No valid recipients")
        else:
            await self._end_transaction(await self._take_mail())

    # -------------------------------------------------------------------------------------------------- DATA

    async def _take_mail(self) -> str:
        """Read one mail to its end and make it durable; returns the reply."""
        envelope = self._envelope()
        intake = Intake(lambda _header: envelope, self.expected_size)
        self._sealing = None
        try:
            await self.push("354 End data with <CR><LF>.<CR><LF>")
            refused = await self._read_data(intake)
            if refused is not None:
                return _reply(refused)
            # From here the mail is the committer's, and it is kept even if this connection breaks before the 250:
            # its sender will send it again, which RFC 5321 §4.5.3.2.6 prefers to losing it.
            spooled = await asyncio.wrap_future(self.house.committer.submit(intake.finish()), loop=self.loop)
        except IngestError as error:
            return _reply(error)
        finally:
            self._after_sealing(intake.discard)
        return f"250 2.0.0 queued as {spooled}"

    async def _read_data(self, intake: Intake) -> IngestError | None:
        """Feed the mail to `intake`. A mail that is refused midway is read to its end all the same: only then does the
        client listen (RFC 5321 §4.1.1.4). That has an end too: past twice the limit the session is closed."""
        decoder = DataDecoder()
        refused: IngestError | None = None
        received = 0
        while not decoder.ended:
            self._reset_timeout(DATA_SECONDS)
            chunk = await self._reader.read(READ_BYTES)
            if not chunk:
                raise ConnectionResetError
            received += len(chunk)
            mail = decoder.feed(chunk)
            if refused is None:
                try:
                    if decoder.bare:
                        raise BareLineEnd
                    await self._seal(intake, mail)
                except IngestError as error:
                    refused = error
                    intake.discard()
            elif received > 2 * self.house.max_bytes + READ_BYTES:
                await self._farewell(_reply(refused))
                raise ConnectionResetError
        self._unread(decoder.rest)
        return refused

    async def _seal(self, intake: Intake, mail: bytes) -> None:
        if intake.size + len(mail) <= THREAD_FROM_BYTES:
            intake.feed(mail)
        else:
            self._sealing = self.house.pool.submit(intake.feed, mail)
            await asyncio.wrap_future(self._sealing, loop=self.loop)

    def _after_sealing(self, action: Callable[[], None]) -> None:
        """When the connection breaks, a thread may still be at work on the mail; the action comes after it."""
        if self._sealing is None:
            action()
        else:
            self._sealing.add_done_callback(lambda _: action())

    def _unread(self, data: bytes) -> None:
        """Give back what the client has sent after its mail: with PIPELINING, its next commands."""
        self._reader._buffer[:0] = data  # type: ignore[attr-defined]

    def _envelope(self) -> Envelope:
        hello = (self.session and self.session.host_name) or ""
        return Envelope(
            sender=self.sender or "",
            recipients=tuple(self.recipients.values()),
            source="smtp",
            trusted=self.listed,
            peer=self._peer_host(),
            hello=hello.encode("ascii", "replace").decode("ascii"),
        )


_COMMANDS = ("HELO", "EHLO", "NOOP", "QUIT", "HELP", "VRFY", "RSET", "MAIL", "RCPT", "DATA")
"""The whole list: aiosmtpd's AUTH, STARTTLS and EXPN are left out."""


class _Handler:
    """What aiosmtpd asks for beside the session itself."""

    async def handle_exception(self, error: Exception) -> str:
        # The error's text may hold bytes of the mail; its type says enough to find it.
        log.error("an SMTP session failed with %s", type(error).__name__)
        return "451 4.3.0 Something failed here; nothing was kept, try again later"


class _Reply(Exception):
    """A reply that ends a command; its text is the whole line."""


def _reply(error: IngestError) -> str:
    code = error.smtp if isinstance(error, NotTaken | SpoolUnavailable) else SpoolUnavailable.smtp
    return f"{code} {error}".replace("\N{HORIZONTAL ELLIPSIS}", "...")[:500]
