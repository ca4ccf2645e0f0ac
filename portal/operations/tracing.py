"""What became of one mail: its state, the record in plain sentences, what left for it and who may read it.

Content-free: addresses are masked, subjects and file names are never opened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from branding.templatetags.words import size
from portal.audit.models import Entry
from portal.audit.record import timeline
from portal.delivery import queue
from portal.delivery.models import Outbound
from portal.ingest.models import Spooled
from portal.operations.wording import actor, sentence
from portal.vault import readers as directory
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
    addresses = {reader.id: (masked(directory.address_of, reader), reader.number) for reader in found}
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


def message_sentence(message: Message, opened: int, recipients: int, states: Mapping[str, int]) -> str:
    """A message's state in a few words; `states` counts its notices and answers by state."""
    if message.state == Message.State.WITHDRAWN:
        return _("Withdrawn")
    if message.state == Message.State.GONE:
        return _("Gone")
    if directory.is_closed(message, timezone.now()):
        return _("Closed")
    if states.get(S.FAILED):  # also what came back after it had left
        return _("Not delivered to %(n)d of %(all)d") % {"n": states[S.FAILED], "all": max(recipients, 1)}
    if opened and opened == recipients:
        return _("Opened")
    if opened:
        return _("Opened by %(n)d of %(all)d") % {"n": opened, "all": recipients}
    if states.get(S.DUE) or states.get(S.SENDING):
        return _("Waiting to be sent")
    return _("Delivered") if message.direction == Message.Direction.IN else _("Notice sent")


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


def spool_sentence(state: str) -> str:
    """A mail's state on its way in, in a few words."""
    words = {
        Spooled.State.RECEIVED: _("Waiting to be sealed"),
        Spooled.State.SEALED: _("Sealed"),
        Spooled.State.RELAYING: _("Being passed on, unprotected as the rules say"),
        Spooled.State.DONE: _("Passed on, unprotected as the rules say"),
        Spooled.State.HELD: _("Held"),
        Spooled.State.REFUSED: _("Refused by a rule or an administrator"),
        Spooled.State.DROPPED: _("Deleted by a rule, and nobody was told"),
    }
    return words.get(Spooled.State(state), state)


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
        found.append(Event(entry.at, entry.kind, said, who, entry.facts, actor(entry.kind), number))
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
        spooled.received_at, "message.received", f"{said} {_session(seen)}".rstrip(), "", facts, actor("door.")
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
        sentence=_mail_sentence(row),
        to=masked(queue.address_of, row),
        attempts=row.attempts,
        last_answer=row.last_answer,
        made_at=row.made_at,
        due_at=row.due_at,
        sent_at=row.sent_at,
        news=row.news,
    )


def mail_name(kind: str) -> str:
    """What a kind of outgoing mail is called on screens."""
    words = {
        K.NOTICE: _("Notice"),
        K.PASSCODE: _("Passcode"),
        K.REPLY: _("Answer"),
        K.LARGE: _("Link to an answer"),
        K.RELAY: _("Mail as it came"),
        K.TELLING: _("Word to the sender"),
        K.REPORT: _("Report to the sender"),
        K.REFUSAL: _("Refusal to its sender"),
        K.TIP: _("Word of a rule to its sender"),
        K.INVITATION: _("Sign-in link of an administrator"),
        K.PASSKEY: _("Word of a new passkey"),
        K.KEPT: _("Word of a browser that stays signed in"),
        K.NOTE: _("Note to whoever answered"),
        K.ALARM: _("Word to an administrator"),
        K.MONTHLY: _("Monthly report to an administrator"),
        K.BRAND_TEST: _("Test of a brand, to an administrator"),
        K.REQUEST: _("Request to the sender"),
        K.OPENED: _("Word to the sender that it was opened"),
        K.DIGEST: _("Word to a sender of a day's openings"),
        K.DELEGATED: _("Word to a sender of a delegate"),
        K.CORRECTED: _("Word to the sender of a corrected address"),
        K.MORE_TIME: _("Request for more time to the sender"),
        K.REOPENED: _("Word that it is open again"),
        K.REMINDER: _("Reminder"),
        K.WITHDRAWN: _("Word that it was withdrawn"),
    }
    return words.get(K(kind), kind)


def _mail_sentence(row: Outbound) -> str:
    if row.news == Outbound.News.FAILED and row.kind not in (K.TELLING, K.REPORT):
        return _("Came back: not delivered (%(status)s)") % {"status": row.heard}
    if row.news == Outbound.News.DELAYED and row.kind not in (K.TELLING, K.REPORT):
        return _("Put off by a mail server behind ours (%(status)s)") % {"status": row.heard}
    if row.state == S.DUE and row.attempts:
        return _("Not taken yet, tried again by itself")
    words = {
        S.DUE: _("Waiting"),
        S.SENDING: _("Being handed over"),
        S.SENT: _("Sent"),
        S.FAILED: _("Refused for good"),
        S.DROPPED: _("Not needed any more"),
    }
    return words.get(S(row.state), row.state)
