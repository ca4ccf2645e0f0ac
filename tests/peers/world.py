"""The mail servers of everyone else: they take all mail and keep it."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage
from typing import Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.mails import until
from tests.servers import free_port


class World:
    """Listens on `port` of 127.0.0.1 while the with block runs; `taken` is (recipient, mail, its bytes)."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, EmailMessage, bytes]] = []
        self.port = free_port()

    def __enter__(self) -> Self:
        self._server = Controller(
            self,
            hostname="127.0.0.1",
            port=self.port,
            data_size_limit=0,
            enable_SMTPUTF8=True,
            server_hostname="world.example",
        )
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        raw = envelope.content
        assert isinstance(raw, bytes)
        message = email.message_from_bytes(raw, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.taken += [(recipient, message, raw) for recipient in envelope.rcpt_tos]
        return "250 2.0.0 taken"

    def find(self, recipient: str, kind: str) -> list[EmailMessage]:
        """Mail for someone by its X-Letterlock; "" is ordinary mail."""
        return [mail for to, mail, _ in self.taken if to == recipient and mail.get("X-Letterlock", "") == kind]

    def wait(self, recipient: str, kind: str, count: int = 1) -> EmailMessage:
        """The newest mail of a kind, once there are `count`."""
        until(lambda: len(self.find(recipient, kind)) >= count, 30, f"mail {kind!r} for {recipient}")
        return self.find(recipient, kind)[-1]
