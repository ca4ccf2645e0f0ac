"""What became of one mail: its state, the record in plain sentences, what left for it and who may read it.

Content-free: addresses are masked, subjects and file names are never opened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from branding.templatetags.words import size
from portal.audit.models import Entry
from portal.audit.record import timeline
from portal.delivery import queue
from portal.delivery.models import Outbound
from portal.ingest.models import Spooled
from portal.keys.errors import KeysError
from portal.mime.addresses import mask
from portal.vault import readers as directory
from portal.vault.models import Message, Reader

SHOWN = 500
"""Entries, mails and readers of one mail that are shown; a mail has at most some thousand readers."""
K = Outbound.Kind
S = Outbound.State


@dataclass(frozen=True)
class Event:
    """One entry of the record. `who` is the masked address of the reader it speaks of, or ""."""

    at: datetime
    kind: str
    sentence: str
    who: str
    facts: Mapping[str, Any]


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
    open_until: datetime | None
    events: tuple[Event, ...]
    mails: tuple[Mail, ...]
    readers: tuple[MayRead, ...]


def trace(id_: UUID) -> Trace | None:
    """Everything about the mail with this id, the one of the door's 250 answer; None when nothing is known of it."""
    spooled = Spooled.objects.filter(pk=id_).first()
    message = Message.objects.select_related("brand").defer("container").filter(pk=id_).first()
    entries = list(timeline(id_)[:SHOWN])
    if spooled is None and message is None and not entries:
        return None
    outbound = list(Outbound.objects.filter(message=id_).order_by("made_at", "pk")[:SHOWN])
    found = list(message.readers.order_by("number")[:SHOWN]) if message else []
    addresses = {reader.id: _masked(directory.address_of, reader) for reader in found}
    recipients = sum(reader.role == Reader.Role.RECIPIENT for reader in found)
    return Trace(
        id=id_,
        state=_state(spooled, message),
        sentence=_state_sentence(spooled, message, found, outbound),
        held=spooled is not None and spooled.state == Spooled.State.HELD,
        received_at=spooled.received_at if spooled else message.made_at if message else None,
        size=spooled.size if spooled else None,
        recipients=recipients or (spooled.recipients if spooled else 0),
        attempts=spooled.attempts if spooled else 0,
        last_error=spooled.last_error if spooled else "",
        brand=message.brand.name if message else "",
        open_until=message.open_until if message else None,
        events=tuple(_events(spooled, entries, addresses)),
        mails=tuple(_mail(row) for row in outbound),
        readers=tuple(MayRead(r.role, addresses[r.id], r.first_opened_at) for r in found),
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
        Spooled.State.REFUSED: _("Refused by an administrator"),
    }
    return words.get(Spooled.State(state), state)


# ------------------------------------------------------------------------------------------------------- events


def _events(spooled: Spooled | None, entries: Sequence[Entry], addresses: Mapping[UUID, str]) -> list[Event]:
    found = [
        Event(
            entry.at,
            entry.kind,
            sentence(entry.kind, entry.facts),
            addresses.get(entry.reader or UUID(int=0), ""),
            entry.facts,
        )
        for entry in entries
    ]
    if spooled is not None:
        told = _("Received by the door, %(size)s.") % {"size": size(spooled.size)}
        found.insert(0, Event(spooled.received_at, "message.received", told, "", {"size": spooled.size}))
    return found


def sentence(kind: str, facts: Mapping[str, Any]) -> str:
    """An entry of the record in words; `facts` hold no content by contract."""
    write = _SENTENCES.get(kind)
    try:
        return write(facts) if write else f"{kind}."
    except (KeyError, TypeError, ValueError):
        return f"{kind}."


def _accepted(facts: Mapping[str, Any]) -> str:
    if facts["action"] == "relay":
        return _("No rule asks for protection: passed on as it is.")
    if facts["rule"] == "default":
        return _("No rule spoke of it: protected, as is usual here.")
    return _("The rule “%(rule)s” asks for protection.") % facts


def _sealed(facts: Mapping[str, Any]) -> str:
    number = int(facts["readers"])
    return ngettext("Sealed for %(n)d reader.", "Sealed for %(n)d readers.", number) % {"n": number}


def _opened(facts: Mapping[str, Any]) -> str:
    return _("Opened for the first time.") if facts.get("first") else _("Opened again.")


def _replied(facts: Mapping[str, Any]) -> str:
    number = int(facts["files"])
    if not number:
        return _("Answered.")
    return ngettext("Answered, with %(n)d file.", "Answered, with %(n)d files.", number) % {"n": number}


def _forwarded(facts: Mapping[str, Any]) -> str:
    number, there = int(facts["people"]), str(facts["answer"])
    said = ngettext("Forwarded to %(n)d address (%(there)s).", "Forwarded to %(n)d addresses (%(there)s).", number)
    return said % {"n": number, "there": there}


def _not_now(facts: Mapping[str, Any]) -> str:
    return _("The mail server did not take a mail yet (%(answer)s). It is tried again by itself.") % facts


def _came_back(facts: Mapping[str, Any]) -> str:
    if facts.get("reported"):
        return _("A mail came back: it was not delivered (%(answer)s).") % facts
    return _("The mail server refused a mail for good (%(answer)s).") % facts


def _failed_code(facts: Mapping[str, Any]) -> str:
    left = int(facts["left"])
    return ngettext("Wrong passcode, %(n)d try left.", "Wrong passcode, %(n)d tries left.", left) % {"n": left}


def _confirmed(facts: Mapping[str, Any]) -> str:
    if facts.get("provider"):
        return _("Confirmed by signing in at %(provider)s.") % facts
    return _("Confirmed by %(method)s.") % facts


def _fixed(text: Callable[[], str]) -> Callable[[Mapping[str, Any]], str]:
    return lambda facts: text()


def _filled(text: Callable[[], str]) -> Callable[[Mapping[str, Any]], str]:
    return lambda facts: text() % facts


_SENTENCES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "message.accepted": _accepted,
    "message.sealed": _sealed,
    "message.held": _filled(lambda: _("Held: %(reason)s")),
    "message.refused": lambda facts: (
        _("An administrator refused it; its sender is told why.")
        if facts["told"]
        else _("An administrator refused it; its sender could not be told.")
    ),
    "refusal.delivered": _fixed(lambda: _("The mail server took the mail that tells its sender.")),
    "message.released": _fixed(lambda: _("An administrator let it try again.")),
    "message.withdrawn": _fixed(lambda: _("Withdrawn: no longer open, and destroyed when the time to undo is over.")),
    "message.withdrawal_undone": _fixed(lambda: _("The withdrawal was undone.")),
    "message.date_changed": _fixed(lambda: _("Given another date to close.")),
    "message.hold_set": _fixed(lambda: _("A legal hold was put on it.")),
    "message.hold_lifted": _fixed(lambda: _("The legal hold was lifted.")),
    "message.erased": _fixed(lambda: _("Its keys are destroyed; nothing opens it any more, no backup either.")),
    "message.share_recovered": _fixed(lambda: _("A reader’s message code was recovered with the recovery key.")),
    "message.escrow_written": _fixed(lambda: _("A reader’s message code was taken out, sealed to the recovery key.")),
    "message.damaged": _filled(lambda: _("Found damaged (%(reason)s); nothing of it was shown.")),
    "message.opened": _opened,
    "message.replied": _replied,
    "message.written": _fixed(lambda: _("Written to the organisation on its page, from a proved address.")),
    "message.forwarded": _forwarded,
    "reply.delivered": _filled(lambda: _("Answer handed to the mail server: %(answer)s.")),
    "message.relayed": _filled(lambda: _("Handed to the mail server: %(answer)s.")),
    "wrapper.queued": _fixed(lambda: _("A notice is ready to be sent.")),
    "wrapper.delivered": _filled(lambda: _("Notice handed to the mail server: %(answer)s.")),
    "wrapper.deferred": _not_now,
    "wrapper.bounced": _came_back,
    "wrapper.answered": _fixed(lambda: _("An automatic answer to a mail came and was passed on to the sender.")),
    "sender.told": _filled(lambda: _("The sender was told that a mail waits or did not arrive: %(answer)s.")),
    "recipient.passcode_sent": _fixed(lambda: _("Passcode sent.")),
    "recipient.passcode_failed": _failed_code,
    "recipient.code_refused": _fixed(lambda: _("Wrong message code.")),
    "recipient.factor_proved": _filled(lambda: _("Confirmed in one more way (%(factor)s).")),
    "recipient.factor_failed": _filled(lambda: _("A second proof was wrong (%(factor)s).")),
    "message.phrase_set": _fixed(lambda: _("A new phrase was agreed with a reader.")),
    "recipient.throttled": _fixed(lambda: _("Too many tries: further ones are refused for a while.")),
    "recipient.confirmed": _confirmed,
    "recipient.sign_in_refused": _filled(lambda: _("Signing in at %(provider)s proved nothing: %(reason)s.")),
    "file.downloaded": _filled(lambda: _("File %(file)d downloaded.")),
    "file.previewed": _filled(lambda: _("File %(file)d looked at here.")),
}


# -------------------------------------------------------------------------------------------- mails and addresses


def _mail(row: Outbound) -> Mail:
    return Mail(
        id=row.id,
        kind=row.kind,
        what=mail_name(row.kind),
        state=row.state,
        sentence=_mail_sentence(row),
        to=_masked(queue.address_of, row),
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
        K.RELAY: _("Mail as it came"),
        K.TELLING: _("Word to the sender"),
        K.REPORT: _("Report to the sender"),
        K.REFUSAL: _("Refusal to its sender"),
        K.INVITATION: _("Sign-in link of an administrator"),
        K.PASSKEY: _("Word of a new passkey"),
        K.KEPT: _("Word of a browser that stays signed in"),
        K.NOTE: _("Note to whoever answered"),
        K.ALARM: _("Word to an administrator"),
        K.REQUEST: _("Request to the sender"),
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


def _masked(address_of: Callable[[Any], str], row: Reader | Outbound) -> str:
    """The address behind a mask; without the key service it is hidden altogether."""
    try:
        return mask(address_of(row))
    except (KeysError, ValueError):
        return _("(hidden: the keys are away)")
