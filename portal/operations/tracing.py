"""What became of one mail: its state, the record in plain sentences, what left for it and who may read it.

Content-free: addresses are masked, subjects and file names are never opened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from branding.templatetags.words import size
from portal.audit.models import Entry
from portal.audit.record import timeline
from portal.delivery import queue
from portal.delivery.models import Outbound
from portal.ingest.models import Spooled
from portal.operations.states import mail_name, mail_sentence, message_sentence, spool_sentence
from portal.operations.wording import actor, sentence
from portal.vault import readers
from portal.vault.masking import masked
from portal.vault.models import Message, Reader

SHOWN = 500
"""Entries, mails and readers of one mail that are shown; a mail has at most some thousand readers."""
MACHINE = timedelta(seconds=60)
K = Outbound.Kind
S = Outbound.State


@dataclass(frozen=True)
class Event:
    """One entry of the record. `who` is the masked address of the reader it speaks of, or "" (`reader` is their number
    in the message, or None), `actor` who did it, and `facts` hold nothing that a person wrote."""

    at: datetime
    kind: str
    sentence: str
    who: str
    facts: Mapping[str, Any]
    actor: str = ""
    reader: int | None = None


@dataclass(frozen=True)
class Mail:
    """One mail that left, or is to leave."""

    id: UUID
    kind: str
    what: str
    state: str
    sentence: str
    to: str
    attempts: int
    last_answer: str
    made_at: datetime
    due_at: datetime
    sent_at: datetime | None
    news: str
    """What was heard of it after it had left: "failed", "delayed", "delivered" …, or ""."""


@dataclass(frozen=True)
class MayRead:
    """One who may read the message."""

    number: int
    role: str
    address: str
    first_opened_at: datetime | None


@dataclass(frozen=True)
class Trace:
    """`state` is that of the pipeline, or of the message once there is one."""

    id: UUID
    state: str
    sentence: str
    held: bool
    received_at: datetime | None
    size: int | None
    """Bytes as received; None when only the message is left."""
    recipients: int
    attempts: int
    last_error: str
    brand: str
    rule: str
    open_until: datetime | None
    events: tuple[Event, ...]
    mails: tuple[Mail, ...]
    readers: tuple[MayRead, ...]
    approval: bool = False
    """It waits until an administrator approves it."""

    @property
    def reference(self) -> str:
        """By which people name it (portal.vault.reference)."""
        return self.id.hex[-8:]


def trace(id_: UUID, only: int | None = None) -> Trace | None:
    """Everything about the mail with this id, the one of the door's 250 answer; None when nothing is known of it.

    `only` is the number of one reader in the message: then events and mails are those about them, and about nobody.
    """
    spooled = Spooled.objects.filter(pk=id_).first()
    message = Message.objects.select_related("brand").defer("container").filter(pk=id_).first()
    entries = list(timeline(id_)[:SHOWN])
    if spooled is None and message is None and not entries:
        return None
    outbound = list(Outbound.objects.filter(message=id_).order_by("made_at", "pk")[:SHOWN])
    found = list(message.readers.order_by("number")[:SHOWN]) if message else []
    addresses = {reader.id: (masked(readers.address_of, reader), reader.number) for reader in found}
    chosen = next((reader.id for reader in found if reader.number == only), None)
    if chosen is not None:
        entries = [entry for entry in entries if entry.reader in (None, chosen)]
    recipients = sum(reader.role == Reader.Role.RECIPIENT for reader in found)
    return Trace(
        id=id_,
        state=_state(spooled, message),
        sentence=_state_sentence(spooled, message, found, outbound),
        held=spooled is not None and spooled.state == Spooled.State.HELD,
        approval=spooled is not None and spooled.state == Spooled.State.HELD and spooled.approval == "asked",
        received_at=spooled.received_at if spooled else message.made_at if message else None,
        size=spooled.size if spooled else None,
        recipients=recipients or (spooled.recipients if spooled else 0),
        attempts=spooled.attempts if spooled else 0,
        last_error=spooled.last_error if spooled else "",
        brand=message.brand.name if message else "",
        rule=message.rule if message else _rule(entries),
        open_until=message.open_until if message else None,
        events=tuple(_events(spooled, entries, addresses)),
        mails=tuple(_mail(row) for row in outbound if chosen is None or row.reader_id in (None, chosen)),
        readers=tuple(MayRead(r.number, r.role, addresses[r.id][0], r.first_opened_at) for r in found),
    )


# ------------------------------------------------------------------------------------------------------- states


def _state(spooled: Spooled | None, message: Message | None) -> str:
    if message is not None:
        return message.state
    return spooled.state if spooled else "unknown"


def _state_sentence(
    spooled: Spooled | None, message: Message | None, found: Sequence[Reader], outbound: Sequence[Outbound]
) -> str:
    if message is not None:
        told = [reader for reader in found if reader.role == Reader.Role.RECIPIENT]
        states: dict[str, int] = {}
        for row in outbound:
            if row.kind in (K.NOTICE, K.REPLY):
                state = S.FAILED if row.news == Outbound.News.FAILED else row.state
                states[state] = states.get(state, 0) + 1
        return message_sentence(message, sum(r.first_opened_at is not None for r in told), len(told), states)
    return spool_sentence(spooled.state) if spooled else _("Only the record is left of this mail")


# ------------------------------------------------------------------------------------------------------- events


def _events(
    spooled: Spooled | None, entries: Sequence[Entry], addresses: Mapping[UUID, tuple[str, int]]
) -> list[Event]:
    found = []
    pressed = _pressed_by_machines(entries)
    for entry in entries:
        who, number = addresses.get(entry.reader or UUID(int=0), ("", None))
        said = sentence(entry.kind, entry.facts)
        if entry.pk in pressed:
            said += " " + _("It was asked for within seconds of the notice and never typed: this looks like a scanner.")
        found.append(Event(entry.at, entry.kind, said, who, entry.facts, actor(entry.kind, entry.facts), number))
    if spooled is not None:
        found.insert(0, _received(spooled, entries))
    return found


def _received(spooled: Spooled, entries: Sequence[Entry]) -> Event:
    """The door's own event; what it saw of the session stands in the entry that the rules wrote."""
    kept: Mapping[str, Any] = next((entry.facts for entry in entries if entry.kind == "message.accepted"), {})
    seen = {name: kept[name] for name in ("source", "host", "tls", "proof") if kept.get(name)}
    facts = {"size": spooled.size, **seen}
    said = _("Received by the door, %(size)s.") % {"size": size(spooled.size)}
    if seen.get("host"):
        said = _("Received from %(host)s, %(size)s.") % {"host": seen["host"], "size": size(spooled.size)}
    return Event(
        spooled.received_at, "message.received", f"{said} {_session(seen)}".rstrip(), "", facts, actor("door.", facts)
    )


def _session(seen: Mapping[str, Any]) -> str:
    if seen.get("source") != "smtp":
        return ""
    secured = _("Encrypted with %(tls)s.") % {"tls": seen["tls"]} if seen.get("tls") else _("Not encrypted.")
    proofs = {
        "login": _("Known by its login."),
        "certificate": _("Known by its certificate."),
        "network": _("Known by its address."),
    }
    return f"{secured} {proofs.get(str(seen.get('proof')), '')}".rstrip()


def _pressed_by_machines(entries: Sequence[Entry]) -> set[int]:
    """Passcode mails that a machine asked for, as far as that can be told: within a minute of the notice, and then
    nobody typed anything. It is read off the record, for a mere look at a link writes nothing anywhere (decision 0026).
    """
    told: dict[UUID | None, datetime] = {}
    found: dict[UUID | None, set[int]] = {}
    for entry in entries:
        if entry.kind == "wrapper.delivered":
            told.setdefault(entry.reader, entry.at)
        elif entry.kind == "recipient.passcode_sent" and entry.reader in told:
            if entry.at - told[entry.reader] <= MACHINE:
                found.setdefault(entry.reader, set()).add(entry.pk)
        elif entry.kind in ("recipient.confirmed", "recipient.passcode_failed"):
            found.pop(entry.reader, None)
    return {pk for pks in found.values() for pk in pks}


def _rule(entries: Sequence[Entry]) -> str:
    return next((str(entry.facts.get("rule", "")) for entry in entries if entry.kind == "message.accepted"), "")


# -------------------------------------------------------------------------------------------- mails and addresses


def _mail(row: Outbound) -> Mail:
    return Mail(
        id=row.id,
        kind=row.kind,
        what=mail_name(row.kind),
        state=row.state,
        sentence=mail_sentence(row),
        to=masked(queue.address_of, row),
        attempts=row.attempts,
        last_answer=row.last_answer,
        made_at=row.made_at,
        due_at=row.due_at,
        sent_at=row.sent_at,
        news=row.news,
    )
