"""AUTH PLAIN and LOGIN, over TLS only (RFC 4954, RFC 4616)."""

from __future__ import annotations

import asyncio
import base64
import binascii

from django.contrib.auth.hashers import check_password

from portal.ingest.connectors import Connector, Shown, match
from portal.ingest.smtp import limits
from portal.ingest.smtp.house import House
from portal.ingest.smtp.session import Reply, Session
from portal.ingest.smtp.wire import LineBroken, LineTooLong

REFUSED = "535 5.7.8 Name or password is not right"
_TOO_MANY = "454 4.7.0 Too many failed logins from your address, try again later"
_NO_SUCH_HASH = "!"
"""No password fits it, and Django's hashers take as long to say so as for one that exists."""


async def auth(session: Session, argument: str) -> str:
    if not offered(session):
        return "502 5.5.1 No login is offered here"
    if not session.encrypted:
        return "538 5.7.11 Send STARTTLS first: a password must not go in clear"
    if session.login or session.transaction is not None:
        return "503 5.5.1 A login comes before MAIL, and once"
    mechanism, _, initial = argument.partition(" ")
    if mechanism.upper() == "PLAIN":
        name, password = await _plain(session, initial)
    elif mechanism.upper() == "LOGIN":
        name, password = await _login(session, initial)
    else:
        return "504 5.5.4 Only PLAIN and LOGIN are offered"
    return await _check(session, name, password)


def offered(session: Session) -> bool:
    """Whether a login could help anyone here."""
    known = session.house.roster.connectors
    return session.house.certificates is not None and any(connector.login for connector in known)


async def _plain(session: Session, initial: str) -> tuple[str, str]:
    words = _decoded(initial or await _ask(session, "")).split("\0")
    if len(words) != 3 or words[0] not in ("", words[1]):
        raise Reply("501 5.5.2 PLAIN needs a name and a password with NUL between (RFC 4616)")
    return words[1], words[2]


async def _login(session: Session, initial: str) -> tuple[str, str]:
    name = _decoded(initial or await _ask(session, "Username:"))
    return name, _decoded(await _ask(session, "Password:"))


async def _ask(session: Session, question: str) -> str:
    await session.wire.say("334 " + base64.b64encode(question.encode()).decode())
    try:
        answer = await session.wire.line(limits.LOGIN_BYTES)
    except (LineTooLong, LineBroken):
        raise Reply("500 5.5.6 That line is too long or broken") from None
    if answer == b"*":
        raise Reply("501 5.7.0 Login cancelled")
    return answer.decode("ascii", "replace")


def _decoded(text: str) -> str:
    try:
        return "" if text == "=" else base64.b64decode(text, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        raise Reply("501 5.5.2 That is not base64") from None


async def _check(session: Session, name: str, password: str) -> str:
    house, peer = session.house, session.peer
    if house.logins.made(peer) >= limits.MAX_PEER_FAILURES:
        return _TOO_MANY
    known = await house.roster.current()
    claimed = next((one for one in known if one.login and one.login == name), None)
    session.wire.allow(limits.COMMAND_SECONDS)
    # An unknown name costs the same time and gets the same words, and so does a known one from a network that is not
    # its own: nothing here tells which names exist.
    fits = await asyncio.get_running_loop().run_in_executor(
        house.hashing, _fits, house, peer, password, (claimed.password if claimed else "") or _NO_SUCH_HASH
    )
    if fits is None:
        return _TOO_MANY
    if not fits or claimed is None or not _would_fit(known, session, name):
        if fits:
            house.logins.take(peer, limits.MAX_PEER_FAILURES)
        return await _failed(session)
    session.login = name
    await session.identify()
    return "235 2.7.0 Welcome"


def _fits(house: House, peer: str, password: str, known: str) -> bool | None:
    """Whether it is the password; None where too many from this address were wrong.

    Counted before it is looked at: of many sessions that wait here at once no more are than of one after the other.
    """
    if not house.logins.take(peer, limits.MAX_PEER_FAILURES):
        return None
    if fits := check_password(password, known):
        house.logins.give_back(peer)
    return fits


def _would_fit(known: tuple[Connector, ...], session: Session, name: str) -> bool:
    found = match(known, Shown(session.shown.address, session.names, name))
    return found is not None and found.login == name


async def _failed(session: Session) -> str:
    session.login_failures += 1
    if session.login_failures >= limits.MAX_LOGIN_FAILURES:
        await session.wire.say(REFUSED)
        await session.farewell("421 4.7.0 Too many failed logins, closing")
    return REFUSED
