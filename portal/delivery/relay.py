"""Handing mail to a mail server by SMTP (RFC 5321), streamed, without ever keeping what it says in words."""

from __future__ import annotations

import re
import select
import smtplib
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from uuid import UUID

from portal.delivery.errors import Deferred, DeliveryError, Refused
from portal.delivery.hop import Note, Peer, codes, connect, facts
from portal.delivery.letters import Prepared
from portal.delivery.wire import dotted
from portal.hostnames import ascii_name

REPLY_SECONDS, DATA_SECONDS, FINAL_SECONDS = 300, 180, 600
"""Patience with a reply, with a piece of the mail, and with the answer to all of it (RFC 5321 section 4.5.3.2)."""
UNCLEAR = "no answer to the whole mail"
"""The relay may have it: trying again is right (RFC 5321 section 4.5.4.1), and may deliver it twice (RFC 1047)."""
MAIL_SECONDS = 720
"""For one mail in all: a server that uses up each of these patiences, or takes a byte now and then, ends here."""
_LISTEN_SECONDS, _GOODBYE_SECONDS = 0.5, 5
"""The first: the lease is looked after this often, a quarter of the shortest one that can be set."""
_NOTIFY = re.compile(r"NEVER|(?:SUCCESS|FAILURE|DELAY)(?:,(?:SUCCESS|FAILURE|DELAY)){0,2}")
_XTEXT = re.compile(r"[!-~]{1,500}")
_ABOUT_US = frozenset({530, 534, 535, 538})
"""The relay wants TLS or a login of us: no mail is at fault, so none may fail by it."""
Keep = Callable[[], None]


class SmtpRelay:
    """One connection to one mail server, made when first needed and used for many mails."""

    def __init__(self, peer: Peer, own_name: str, note: Note = lambda policy, result: None) -> None:
        self._peer = peer
        self._own_name = own_name
        self._note = note
        self._smtp: smtplib.SMTP | None = None
        self._closed: Deferred | None = None

    def __repr__(self) -> str:
        return "SmtpRelay(…)"

    def open(self) -> None:
        """Connect, encrypt, log in. Deferred when the relay cannot be talked to; then all of the batch waits."""
        self._ready()

    @property
    def tells(self) -> bool:
        """Whether it passes on what a sender wants to be told (DSN, RFC 3461)."""
        return self._smtp is not None and self._smtp.has_extn("dsn")

    @property
    def facts(self) -> dict[str, str]:
        """Of the connection, for the record (portal.delivery.hop)."""
        return facts(self._smtp)

    def calls_itself(self, name: str) -> bool:
        """Whether the other side introduced itself by this name: then it is we ourselves."""
        words = (self._smtp.ehlo_resp or b"").split() if self._smtp else []
        return bool(words) and words[0].decode("ascii", "replace").lower() == name

    def send(self, id_: UUID, mail: Prepared, keep: Keep) -> str:
        """Hand one mail over (see Transport.send)."""
        try:
            return _transaction(self._ready(), mail, _until(time.monotonic() + MAIL_SECONDS, keep))
        except _EightBit:
            self._drop()
            raise Refused("554 5.6.3") from None
        except (Refused, Deferred) as error:
            if error.answer.startswith("421") or error.answer == UNCLEAR:
                self._drop()
            raise
        except TimeoutError:
            self._drop()
            raise Deferred("timed out") from None
        except (smtplib.SMTPException, OSError):
            self._drop()
            raise Deferred("connection lost") from None
        except BaseException:
            # Anything may have stopped us in the middle of DATA: without its end mark the relay forgets the mail.
            self._drop()
            raise

    def close(self) -> None:
        """Say goodbye; a relay that is gone already is no error."""
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            try:
                if smtp.sock is not None:
                    smtp.sock.settimeout(_GOODBYE_SECONDS)
                smtp.quit()
            except (smtplib.SMTPException, OSError):
                smtp.close()

    def _drop(self) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            smtp.close()

    def _ready(self) -> smtplib.SMTP:
        """The open connection, cleared of the mail before; a new one when it has gone."""
        if self._smtp is not None:
            try:
                if self._smtp.rset()[0] == 250:
                    return self._smtp
            except (smtplib.SMTPException, OSError):
                pass
            self._drop()
        if self._closed:
            raise self._closed
        try:
            self._smtp = connect(self._peer, self._own_name, self._note)
        except Deferred as error:
            self._closed = error
            raise
        if self._smtp.sock is not None:
            self._smtp.sock.settimeout(DATA_SECONDS)
        return self._smtp


def _until(end: float, keep: Keep) -> Keep:
    def going_on() -> None:
        keep()
        if time.monotonic() > end:
            raise TimeoutError

    return going_on


def _transaction(smtp: smtplib.SMTP, mail: Prepared, keep: Keep) -> str:
    options = _options(smtp, mail)
    # In UTF-8 only after SMTPUTF8 was asked for (RFC 6531 section 3.4); RSET before the next mail sets it back.
    smtp.command_encoding = "utf-8" if "SMTPUTF8" in options else "ascii"
    sender = " ".join([f"FROM:<{_with_ascii_domain(_returns_to(smtp, mail))}>", *options])
    recipient = " ".join([f"TO:<{_with_ascii_domain(mail.recipient)}>", *_asked_of_recipient(smtp, mail)])
    _must(_command(smtp, keep, "MAIL", sender), 250)
    _must(_command(smtp, keep, "RCPT", recipient), 250, 251)
    _must(_command(smtp, keep, "DATA"), 354)
    data: Iterable[bytes] = mail.data if smtp.has_extn("8bitmime") else _seven_bit(mail.data)
    for piece in dotted(data):
        keep()
        smtp.send(piece)
    try:
        return _must(_reply(smtp, keep, FINAL_SECONDS), 250)
    except (smtplib.SMTPException, OSError):
        raise Deferred(UNCLEAR) from None


def _options(smtp: smtplib.SMTP, mail: Prepared) -> list[str]:
    options = []
    if mail.size and smtp.has_extn("size"):
        limit = smtp.esmtp_features["size"].strip()
        if limit.isdecimal() and 0 < int(limit) < mail.size:
            raise Refused("552 5.3.4")
        options.append(f"SIZE={mail.size}")
    if smtp.has_extn("8bitmime"):
        options.append("BODY=8BITMIME")
    named = (mail.envelope_sender, mail.recipient)
    if mail.utf8 or not all(_with_ascii_domain(address).isascii() for address in named):
        if not smtp.has_extn("smtputf8"):
            raise Refused("553 5.6.7")
        options.append("SMTPUTF8")
    if mail.require_tls and isinstance(smtp.sock, ssl.SSLSocket) and smtp.has_extn("requiretls"):
        options.append("REQUIRETLS")
    if mail.dsn and smtp.has_extn("dsn"):
        if mail.dsn.returned in ("FULL", "HDRS"):
            options.append(f"RET={mail.dsn.returned}")
        if _XTEXT.fullmatch(mail.dsn.envelope_id):
            options.append(f"ENVID={mail.dsn.envelope_id}")
    return options


def _asked_of_recipient(smtp: smtplib.SMTP, mail: Prepared) -> list[str]:
    """NOTIFY and ORCPT as they came, where they are understood (RFC 3461 section 5.2.1)."""
    if not mail.dsn or not smtp.has_extn("dsn"):
        return []
    asked = [f"NOTIFY={mail.dsn.notify}"] if _NOTIFY.fullmatch(mail.dsn.notify) else []
    # The value's own syntax was checked when it came; here only that it stays one word of the command.
    return asked + ([f"ORCPT={mail.dsn.original_recipient}"] if _XTEXT.fullmatch(mail.dsn.original_recipient) else [])


def _returns_to(smtp: smtplib.SMTP, mail: Prepared) -> str:
    """The null sender where NOTIFY=NEVER cannot be said: nothing comes back then (RFC 3461 section 5.2.2)."""
    never = mail.dsn is not None and mail.dsn.notify == "NEVER" and not smtp.has_extn("dsn")
    return "" if never else mail.envelope_sender


def _with_ascii_domain(address: str) -> str:
    """The address with its domain in ASCII, which every relay takes (RFC 5890, RFC 6531 section 3.2). A relay that read
    it by older rules could take another domain for it (portal.hostnames)."""
    local, at, domain = address.rpartition("@")
    if domain.isascii():
        return address
    try:
        return f"{local}{at}{ascii_name(domain)}"
    except ValueError:
        return address


def _seven_bit(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """RFC 6152 section 3: such a relay must get no 8-bit text, and rewriting the mail would break its signatures."""
    for chunk in chunks:
        if not chunk.isascii():
            raise _EightBit
        yield chunk


class _EightBit(DeliveryError):
    """Seen in the middle of DATA: the connection must go, for an end mark would make the relay keep what it has."""


def _command(smtp: smtplib.SMTP, keep: Keep, name: str, arguments: str = "") -> tuple[int, bytes]:
    smtp.putcmd(name, arguments)
    return _reply(smtp, keep, REPLY_SECONDS)


def _reply(smtp: smtplib.SMTP, keep: Keep, patience: float) -> tuple[int, bytes]:
    """Wait for an answer, keeping the lease meanwhile: nobody else may send what this relay may have."""
    until = time.monotonic() + patience
    connection = smtp.sock
    if connection is None:
        raise smtplib.SMTPServerDisconnected
    while time.monotonic() < until:
        keep()
        decrypted = isinstance(connection, ssl.SSLSocket) and connection.pending()
        if decrypted or select.select([connection], [], [], _LISTEN_SECONDS)[0]:
            return smtp.getreply()
    raise TimeoutError


def _must(reply: tuple[int, bytes], *wanted: int) -> str:
    """The codes of a wanted answer; else Refused for 5yz and Deferred for the rest (RFC 5321 section 4.2.1)."""
    code, text = reply
    if code in wanted:
        return codes(code, text)
    if code == -1:
        raise smtplib.SMTPServerDisconnected
    if 500 <= code < 600 and code not in _ABOUT_US:
        raise Refused(codes(code, text))
    raise Deferred(codes(code, text))
