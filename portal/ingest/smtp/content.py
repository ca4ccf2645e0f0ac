"""DATA and BDAT: the bytes of one mail, in constant memory, and the answers after them (RFC 5321, 3030, 2033)."""

from __future__ import annotations

import logging
from dataclasses import replace

from portal.delivery import verp
from portal.ingest import customer
from portal.ingest.connectors import Connector
from portal.ingest.data import DataDecoder
from portal.ingest.errors import BareLineEnd, CustomerHeaderRefused, IngestError, MailLoop, TooLarge
from portal.ingest.received import Trace
from portal.ingest.smtp.house import House
from portal.ingest.smtp.incoming import Incoming
from portal.ingest.smtp.session import CLOSING, Session, Transaction, said
from portal.ingest.smtp.wire import Pace
from portal.ingest.spool import Envelope
from portal.mime.dsn import Dsn

log = logging.getLogger(__name__)


async def data(session: Session, argument: str) -> str:
    transaction = session.transaction
    if argument:
        return "501 5.5.4 Syntax: DATA"
    if transaction is None:
        return "503 5.5.1 Send MAIL first"
    if transaction.incoming is not None:
        return "503 5.5.1 The mail has begun with BDAT: go on with BDAT, or send RSET"
    if not transaction.recipients:
        return _nobody(session)
    incoming = transaction.incoming = _begin(session, transaction)
    await session.say("354 End data with <CR><LF>.<CR><LF>")
    await _read_data(session, incoming)
    return await finish(session)


async def _read_data(session: Session, incoming: Incoming) -> None:
    """Feed the mail to `incoming`. A mail that is refused midway is read to its end all the same: only then does the
    client listen (RFC 5321 §4.1.1.4). That has an end too: past twice the limit the session is closed."""
    decoder = DataDecoder()
    while not decoder.ended:
        mail = decoder.feed(await incoming.piece())
        if decoder.bare:
            incoming.refuse(BareLineEnd())
        await incoming.take(mail)
        if incoming.hopeless and incoming.refused is not None:
            await session.farewell(said(incoming.refused))
    session.wire.unread(decoder.rest)


async def bdat(session: Session, argument: str) -> str:
    """One chunk. Its bytes are read whatever the answer is: left unread, they would be taken for commands."""
    size, last = _chunk(argument)
    if size is None:
        await session.farewell("501 5.5.4 Syntax: BDAT length [LAST]; what follows cannot be told from it, closing")
        return ""
    transaction = session.transaction
    if transaction is None or transaction.failed:
        refusal = "503 5.5.1 The mail was refused: send RSET first" if transaction else "503 5.5.1 Send MAIL first"
        return await _skip(session, size, refusal)
    if not transaction.recipients:
        return await _skip(session, size, _nobody(session))
    incoming = transaction.incoming = transaction.incoming or _begin(session, transaction)
    if incoming.received + size > 2 * session.house.max_bytes:
        await session.farewell(said(TooLarge(session.house.max_bytes)))
    left = size
    while left:
        piece = await incoming.piece(left)
        left -= len(piece)
        transaction.lines.feed(piece)
        if transaction.lines.bare:
            incoming.refuse(BareLineEnd())
        await incoming.take(piece)
    if last:
        transaction.lines.feed(b"", final=True)
        if transaction.lines.bare:
            incoming.refuse(BareLineEnd())
        return await finish(session)
    if incoming.refused is not None:
        # The rest of this mail is answered 503 until RSET (RFC 3030 §2).
        transaction.failed = True
        return said(incoming.refused)
    return f"250 2.0.0 {size} octets received"


def _chunk(argument: str) -> tuple[int | None, bool]:
    size, _, last = argument.partition(" ")
    if not (size.isascii() and size.isdigit() and len(size) <= 15) or last.upper() not in ("", "LAST"):
        return None, False
    return int(size), bool(last)


async def _skip(session: Session, size: int, reply: str) -> str:
    """Read a chunk that nobody wants; one that is larger than any mail ends the session instead."""
    if size > 2 * session.house.max_bytes:
        await session.farewell(reply)
    pace = Pace(session.wire)
    while pace.received < size:
        await pace.piece(size - pace.received)
    return reply


async def finish(session: Session) -> str:
    """The whole mail is here: make it durable and answer, by LMTP once for every recipient (RFC 2033 §4.2)."""
    transaction = session.transaction
    if transaction is None or transaction.incoming is None:
        raise ValueError("no mail has begun")
    try:
        reply = f"250 2.0.0 queued as {await transaction.incoming.commit()}"
        session.idle = 0
    except IngestError as error:
        if isinstance(error, MailLoop):
            log.error("a mail by connector %s was refused: it goes round in a circle", session.connector_name)
            session.house.roster.note("message.looped")
        reply = said(error)
    session.reset()
    if session.lmtp:
        for _ in range(transaction.answers - 1):
            await session.wire.say(reply)
    if session.house.closing:
        await session.say(reply)
        await session.farewell(CLOSING)
    return reply


def _nobody(session: Session) -> str:
    return ("503" if session.lmtp else "554") + " 5.5.1 No valid recipients"


def _begin(session: Session, transaction: Transaction) -> Incoming:
    hello = session.hello.encode("ascii", "replace").decode("ascii")
    wishes = tuple(dsn for _, dsn in transaction.recipients.values())
    envelope = Envelope(
        sender=transaction.sender,
        recipients=tuple(address for address, _ in transaction.recipients.values()),
        source="smtp",
        trusted=session.connector is not None,
        peer=session.peer,
        hello=hello,
        connector=session.connector_name,
        domains=session.connector.domains if session.connector is not None else (),
        dsn=wishes if any(wish != Dsn() for wish in wishes) else (),
        tls=session.tls_version,
        proof=session.proof,
    )
    trace = Trace(session.house.name, hello, session.peer, session.protocol, session.cipher)
    house, connector = session.house, session.connector

    def addressed(block: bytes) -> Envelope:
        return envelope if connector is None else _of_customer(house, connector, envelope, block)

    hide = house.roster.customer_headers()
    return Incoming(house, session.wire, addressed, trace, transaction.expected_size, hide)


def _of_customer(house: House, connector: Connector, envelope: Envelope, block: bytes) -> Envelope:
    """The envelope of a mail that shows its connector's customer header, if it has one. Raises CustomerHeaderRefused.

    Bounces of the portal's mail come from the same shared addresses, from strangers' mailboxes and without the header.
    They are taken, but as nobody's: only a true bounce address makes the pipeline believe them.
    """
    fault = customer.fault(block, connector.header, connector.digests) if connector.header else ""
    if not fault:
        return envelope
    domains = house.roster.bounce_domains
    if not envelope.sender and all(verp.domain_of_form(to) in domains for to in envelope.recipients):
        return replace(envelope, trusted=False, connector="", domains=(), proof="")
    log.warning("a mail by connector %s was refused: its customer header %s", connector.name, fault)
    raise CustomerHeaderRefused(connector.name, connector.header, fault)
