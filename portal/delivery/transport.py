"""The way out: the organisation's relay, or in the demo a Maildir that stands for the outside world."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol
from uuid import UUID

from django.conf import settings

from portal.delivery.letters import Prepared
from portal.delivery.outbox import Outbox
from portal.delivery.relay import SmtpRelay


class Transport(Protocol):
    """One way out, for one batch."""

    def open(self) -> None:
        """Make ready to send. Deferred when nothing can leave now."""
        ...

    def send(self, id_: UUID, mail: Prepared, keep: Callable[[], None]) -> str:
        """Hand one mail over; returns the answer's codes, like "250 2.0.0".

        `keep` is called all the time and keeps the sender's lease; what it raises stops the handing over
        before the mail is accepted.

        Raises:
            Deferred: try again later.
            Refused: never.
        """
        ...

    def close(self) -> None: ...


def transport() -> Transport:
    """The way out that the settings name."""
    chosen = settings.LETTERLOCK
    if chosen.relay_url:
        return SmtpRelay(chosen.relay_url, chosen.public_host)
    return Outbox(chosen.outbox)
