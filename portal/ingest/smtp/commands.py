"""The commands of a session, one after the other, from the greeting to the goodbye."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from portal import observing
from portal.ingest.connectors import address_of, listed
from portal.ingest.errors import IngestError
from portal.ingest.smtp import addressing, content, limits, login, proxy
from portal.ingest.smtp.certificates import names_of
from portal.ingest.smtp.house import House
from portal.ingest.smtp.session import BUSY, CLOSING, Reply, Session, said
from portal.ingest.smtp.wire import Flooded, Gone, LineBroken, LineTooLong, Wire
from portal.ingest.syntax import SyntaxRefused

log = logging.getLogger(__name__)

Command = Callable[[Session, str], Awaitable[str]]


async def attend(house: House, wire: Wire, *, lmtp: bool = False, tls: bool = False) -> None:
    """Speak with one client to the end. `tls` is for listeners where TLS comes before everything (RFC 8314 §3)."""
    session = Session(house, wire, lmtp=lmtp)
    try:
        if house.is_proxy(session.peer):
            session.peer = await proxy.read(wire) or session.peer
        await _admit(session, tls=tls)
    except (ConnectionError, Flooded, proxy.BadProxyHeader):
        pass  # the client is gone; what it had not finished is discarded
    except Exception as error:
        # As in a command: the loop would log the text of the error as well.
        log.error("an SMTP session failed with %s", type(error).__name__)
    finally:
        session.reset()
        if session.connector is not None:
            house.leave(session.connector)
        wire.close()
        session.gone.set_result(None)


async def _admit(session: Session, *, tls: bool) -> None:
    house = session.house
    known = listed(await house.roster.current(), address_of(session.peer))
    if not house.has_room(listed=known):
        await session.farewell(CLOSING if house.closing else BUSY)
    house.sessions.add(session)
    house.strangers += not known
    observing.count("letterlock_door_sessions", listed="yes" if known else "no")
    try:
        if tls:
            await _encrypt(session)
        await session.identify()
        await session.wire.say(f"220 {house.name} {'LMTP' if session.lmtp else 'ESMTP'} Letterlock")
        await _follow(session)
    except Reply as last:
        await session.farewell(str(last))
    finally:
        house.sessions.discard(session)
        house.strangers -= not known


async def _follow(session: Session) -> None:
    table = LMTP if session.lmtp else SMTP
    while True:
        session.wire.allow(session.patience)
        try:
            line = await session.wire.line(limits.COMMAND_BYTES)
        except LineTooLong:
            await session.say("500 5.5.2 That line is too long")
            continue
        except LineBroken:
            await session.say("500 5.5.2 End every command with <CR><LF>, with none and no NUL before (RFC 5321 2.3.8)")
            continue
        except Flooded:
            await session.farewell("500 5.5.2 That line does not end, closing")
        name, _, argument = line.partition(b" ")
        known = name.upper().decode("latin-1")
        reply = await _answer(session, table, known, argument.strip().decode("utf-8", "surrogateescape"))
        if reply:
            await session.say(reply)
        if session.wire.closed or reply.startswith("221"):
            raise Gone


async def _answer(session: Session, table: dict[str, Command], name: str, argument: str) -> str:
    command = table.get(name)
    if command is None:
        return await _unknown(session)
    if name in _IDLE:
        session.idle += 1
        if session.idle > limits.MAX_IDLE_COMMANDS:
            return "421 4.7.0 Too many commands and no mail, closing"
    if name in _AFTER_HELLO and not session.hello:
        return f"503 5.5.1 Send {'LHLO' if session.lmtp else 'EHLO'} first"
    try:
        return await command(session, argument)
    except Reply as reply:
        return str(reply)
    except SyntaxRefused:
        return f"501 5.5.4 Syntax: {_SYNTAX[name]}"
    except IngestError as refused:
        return said(refused)
    except ConnectionError:
        raise
    except Exception as error:
        # The error's text may hold bytes of the mail; its type says enough to find it.
        log.error("an SMTP command failed with %s", type(error).__name__)
        session.reset()
        if name in _WITH_CONTENT:
            await session.farewell("421 4.3.0 Something failed here; nothing was kept, try again later")
        return "451 4.3.0 Something failed here; nothing was kept, try again later"


async def _unknown(session: Session) -> str:
    session.unknown += 1
    if session.unknown >= limits.MAX_UNKNOWN:
        await session.farewell("502 5.5.1 Too many unknown commands, closing")
    return "500 5.5.1 This command is not known here"


async def _helo(session: Session, argument: str) -> str:
    if not argument:
        return "501 5.5.4 Syntax: HELO hostname"
    session.reset()
    session.hello, session.extended = argument, False
    return f"250 {session.house.name}"


async def _ehlo(session: Session, argument: str) -> str:
    if not argument:
        return f"501 5.5.4 Syntax: {'LHLO' if session.lmtp else 'EHLO'} hostname"
    session.reset()
    session.hello, session.extended = argument, True
    house = session.house
    offered = [house.name, f"SIZE {house.max_bytes}", "8BITMIME", "SMTPUTF8", "PIPELINING", "ENHANCEDSTATUSCODES"]
    offered += ["CHUNKING", "DSN"]
    if house.certificates is not None and not session.encrypted:
        offered.append("STARTTLS")
    if session.encrypted and login.offered(session):
        offered.append("AUTH PLAIN LOGIN")
    return "\r\n".join([f"250-{word}" for word in offered] + ["250 HELP"])


async def _starttls(session: Session, argument: str) -> str:
    if argument:
        return "501 5.5.4 Syntax: STARTTLS"
    if session.house.certificates is None:
        return "502 5.5.1 TLS is not offered here"
    if session.encrypted:
        return "503 5.5.1 TLS stands already"
    session.reset()
    # What was said in clear counts no more (RFC 3207 §4.2).
    session.hello, session.extended = "", False
    await _encrypt(session, "220 2.0.0 Go ahead")
    await session.identify()
    return ""


async def _encrypt(session: Session, invitation: str = "") -> None:
    certificates = session.house.certificates
    if certificates is None:
        raise Gone
    session.wire.allow(limits.HANDSHAKE_SECONDS)
    await session.wire.encrypt(certificates.context(), invitation)
    if session.wire.secured is not None:
        session.names = names_of(session.wire.secured)


async def _noop(_session: Session, _argument: str) -> str:
    return "250 2.0.0 OK"


async def _help(_session: Session, _argument: str) -> str:
    return "214 2.0.0 See RFC 5321, and docs/door.md of Letterlock"


async def _vrfy(_session: Session, _argument: str) -> str:
    return "252 2.1.5 Addresses are not looked up here; send the mail"


async def _rset(session: Session, argument: str) -> str:
    if argument:
        return "501 5.5.4 Syntax: RSET"
    session.reset()
    if session.house.closing:
        await session.farewell(CLOSING)
    return "250 2.0.0 OK"


async def _quit(_session: Session, argument: str) -> str:
    return "501 5.5.4 Syntax: QUIT" if argument else "221 2.0.0 Goodbye"


_SHARED: dict[str, Command] = {
    "NOOP": _noop,
    "QUIT": _quit,
    "HELP": _help,
    "VRFY": _vrfy,
    "RSET": _rset,
    "STARTTLS": _starttls,
    "AUTH": login.auth,
    "MAIL": addressing.mail,
    "RCPT": addressing.rcpt,
    "DATA": content.data,
    "BDAT": content.bdat,
}
SMTP: dict[str, Command] = {**_SHARED, "HELO": _helo, "EHLO": _ehlo}
LMTP: dict[str, Command] = {**_SHARED, "LHLO": _ehlo}
_AFTER_HELLO = frozenset({"AUTH", "MAIL"})
_IDLE = frozenset({"NOOP", "HELP", "VRFY", "RSET", "HELO", "EHLO", "LHLO", "MAIL"})
"""Counted until a mail is taken: MAIL as well, or MAIL and RSET could take turns for ever."""
_WITH_CONTENT = frozenset({"DATA", "BDAT", "AUTH"})
"""What follows them is no command. Where reading it broke off, the rest would be carried out: a stranger's words in a
mail, said by a mail server that is believed. So the session ends."""
_SYNTAX = {"MAIL": addressing.MAIL_SYNTAX, "RCPT": addressing.RCPT_SYNTAX}
