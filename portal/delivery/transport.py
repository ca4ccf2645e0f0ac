"""The way out: the organisation's relay, the domains' own servers, or in the demo a Maildir for the outside world."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol
from uuid import UUID

from django.conf import settings

from portal.delivery.direct import Direct
from portal.delivery.hop import Note, Peer, relay_at
from portal.delivery.letters import DIRECT, Prepared
from portal.delivery.outbox import Outbox
from portal.delivery.relay import SmtpRelay
from portal.delivery.tls import PUBLISHED, Level, floor_of, policy_for


class Transport(Protocol):
    """One way out, for one batch."""

    @property
    def tells(self) -> bool:
        """Whether what a sender wants to be told goes with the mail (DSN, RFC 3461)."""
        ...

    @property
    def facts(self) -> dict[str, str]:
        """To whom the last mail was handed and how well protected (portal.delivery.hop.facts)."""
        ...

    def open(self) -> None:
        """Make ready to send. Deferred when nothing can leave now, Refused when nothing ever can."""
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


def is_direct() -> bool:
    """Whether mail goes to the domains' own servers; else there is one way for all."""
    return bool(settings.LETTERLOCK.relay_url == DIRECT)


def transport(
    domain: str,
    asked: str = "",
    note: Note = lambda policy, result: None,
    ask: Callable[[Callable[[], Any]], Any] = lambda call: call(),
) -> Transport:
    """The way for mail to a domain that asks for at least this protection (portal.delivery.tls).

    `note` is told how TLS went, `ask` has the database's part done by whoever may (Desk.ask).
    """
    chosen = settings.LETTERLOCK
    if is_direct():
        return Direct(domain, asked, chosen.public_host, note, ask)
    if chosen.relay_url:
        return SmtpRelay(_raised(relay_at(chosen.relay_url), domain, asked), chosen.public_host, note)
    return Outbox(chosen.outbox)


def key(domain: str, asked: str) -> str:
    """What mails must have in common to go out over one connection."""
    if is_direct():
        return f"{domain} {asked}"
    return hop_level(domain, asked).name


def hop_level(domain: str, asked: str) -> Level:
    """What the way to the relay must have for mail to a domain; what lies behind the relay is its own to protect."""
    word = policy_for(domain, asked)
    if word == PUBLISHED:
        return floor_of(asked)
    return floor_of(word)


def _raised(peer: Peer, domain: str, asked: str) -> Peer:
    level = hop_level(domain, asked)
    if peer.local or level.value <= peer.demand.level.value:
        return peer
    return replace(peer, demand=replace(peer.demand, level=level))
