"""MAIL and RCPT: who sends to whom, and what the sender asks to be told (RFC 5321, 1870, 6152, 6531, 3461, 4954)."""

from __future__ import annotations

import re

from portal.ingest import connectors
from portal.ingest.errors import TooLarge, TooManyRecipients
from portal.ingest.intake import check_address
from portal.ingest.mailboxes import reader_of
from portal.ingest.smtp.session import Reply, Session, Transaction
from portal.ingest.syntax import Path, SyntaxRefused, is_xtext, parse_path
from portal.mime.addresses import normalise
from portal.mime.dsn import Dsn

MAIL_SYNTAX = "MAIL FROM:<address> [SIZE=n] [BODY=8BITMIME] [SMTPUTF8] [RET=FULL|HDRS] [ENVID=name]"
RCPT_SYNTAX = "RCPT TO:<address> [NOTIFY=NEVER|SUCCESS,FAILURE,DELAY] [ORCPT=type;address]"
_MAX_ENVELOPE_ID = 100
_MAX_ORIGINAL_RECIPIENT = 500
_ADDRESS_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,39}")


async def mail(session: Session, argument: str) -> str:
    if session.transaction is not None:
        return "503 5.5.1 A transaction is open: send RSET first"
    await session.identify()
    connector = session.connector
    if connector is None:
        return _not_taken(session)
    if connector.tls_required and not session.encrypted:
        return "530 5.7.0 Send STARTTLS first: this connector takes mail over TLS only"
    path = parse_path(argument, "FROM:")
    transaction = _opened(session, path)
    if path.address:
        transaction.sender = _address(path.address, utf8=transaction.utf8)
    if not connector.may_send_as(transaction.sender):
        return f"550 5.7.1 The connector {connector.name} may not send as this domain: add it with manage.py connector"
    session.transaction = transaction
    return "250 2.1.0 OK"


def _not_taken(session: Session) -> str:
    """Here and not in the greeting: Postfix takes a 5xx greeting for a passing fault and tries for days
    (smtp_skip_5xx_greeting), while a refused MAIL goes back to its sender at once, with this reason."""
    known = session.house.roster.connectors
    if not session.login and connectors.could_log_in(known, session.shown):
        return "530 5.7.0 Log in first" if session.encrypted else "530 5.7.0 Send STARTTLS and log in first"
    if not session.encrypted and connectors.could_show_certificate(known, session.shown):
        return "530 5.7.0 Send STARTTLS and show your certificate first"
    return f"550 5.7.1 Mail from {session.peer} is not taken: neither LETTERLOCK_NETWORKS nor a connector lists it"


def _opened(session: Session, path: Path) -> Transaction:
    parameters = dict(path.parameters)
    if parameters.pop("BODY", "7BIT").upper() not in ("7BIT", "8BITMIME"):
        raise Reply("501 5.5.4 BODY must be 7BIT or 8BITMIME")
    utf8 = "SMTPUTF8" in parameters
    if parameters.pop("SMTPUTF8", ""):
        raise SyntaxRefused
    size = parameters.pop("SIZE", "0")
    if not (size.isascii() and size.isdigit() and len(size) <= 20):
        raise SyntaxRefused
    returned = parameters.pop("RET", None)
    if returned is not None and returned.upper() not in ("FULL", "HDRS"):
        raise Reply("501 5.5.4 RET must be FULL or HDRS")
    envelope_id = parameters.pop("ENVID", None)
    if envelope_id is not None and not (is_xtext(envelope_id) and 0 < len(envelope_id) <= _MAX_ENVELOPE_ID):
        raise Reply("501 5.5.4 ENVID must be xtext of at most 100 characters")
    # Whom the client takes for the author (RFC 4954 §5): here only the connector says what it may do.
    if not is_xtext(parameters.pop("AUTH", "<>").removeprefix("<").removesuffix(">")):
        raise SyntaxRefused
    if parameters:
        raise Reply("555 5.5.4 A parameter of MAIL is not known here")
    if int(size) > session.house.max_bytes:
        raise TooLarge(session.house.max_bytes)
    return Transaction("", int(size), utf8, (returned or "").upper(), envelope_id or "")


async def rcpt(session: Session, argument: str) -> str:
    transaction = session.transaction
    if transaction is None:
        return "503 5.5.1 Send MAIL first"
    if transaction.incoming is not None:
        return "503 5.5.1 The mail has begun: send RSET first"
    path = parse_path(argument, "TO:")
    dsn = _dsn(transaction, dict(path.parameters))
    address = _recipient(path.address, utf8=transaction.utf8)
    if len(transaction.recipients) >= session.house.max_recipients:
        raise TooManyRecipients(session.house.max_recipients)
    if session.connector is not None and not await session.house.allowance.take(session.connector):
        raise Reply("450 4.7.1 This connector has named as many recipients as it may in an hour, try again later")
    transaction.recipients.setdefault(normalise(address), (address, dsn))
    transaction.answers += 1
    return "250 2.1.5 OK"


def _dsn(transaction: Transaction, parameters: dict[str, str]) -> Dsn:
    notify = parameters.pop("NOTIFY", None)
    original = parameters.pop("ORCPT", None)
    if parameters:
        raise Reply("555 5.5.4 A parameter of RCPT is not known here")
    if notify is not None:
        notify = notify.upper()
        words = notify.split(",")
        if notify != "NEVER" and (len(set(words)) != len(words) or not {*words} <= {"SUCCESS", "FAILURE", "DELAY"}):
            raise Reply("501 5.5.4 NOTIFY must be NEVER, or of SUCCESS, FAILURE and DELAY with commas between")
    if original is not None:
        kind, semicolon, address = original.partition(";")
        usable = semicolon and address and _ADDRESS_TYPE.fullmatch(kind) and is_xtext(address)
        if not usable or len(original) > _MAX_ORIGINAL_RECIPIENT:
            raise Reply("501 5.5.4 ORCPT must be a type, a semicolon and an address in xtext")
    return Dsn(notify or "", original or "", transaction.returned, transaction.envelope_id)


def _recipient(address: str, *, utf8: bool) -> str:
    if address.lower() == "postmaster":  # the one address without a domain (RFC 5321 section 4.1.1.3)
        return reader_of(address)
    return reader_of(_address(address, utf8=utf8))


def _address(address: str, *, utf8: bool) -> str:
    if not address.isascii() and not utf8:
        raise Reply("553 5.6.7 An address with other letters than ASCII needs MAIL with SMTPUTF8")
    return check_address(address)
