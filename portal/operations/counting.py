"""What entries of the record count for: a pure sum over a batch, with what the batch's messages were sealed as."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from math import floor, log2
from typing import Any, NamedTuple
from uuid import UUID

from django.utils import timezone

from portal.audit.models import Entry
from portal.vault.models import Message, Reader

STEPS = 4
"""Classes of waiting a doubling: a median is right to a tenth."""
SHORTEST = 15.0
"""Seconds; all that is opened sooner is one class."""


class Kind(StrEnum):
    """What is counted."""

    CAME = "came"
    """Mails that were decided on, by action."""
    SEALED = "sealed"
    """Protected messages, by why: user, rule, default, or "" when it is not known."""
    ANSWERS = "answers"
    """Messages that were written here."""
    TEMPLATE = "template"
    """Protected messages by rights template, "" for none."""
    RECIPIENTS = "recipients"
    """Of protected messages, on the day of the message."""
    OPENED = "opened"
    """Of those, who has opened theirs; on the day of the message, however much later it was."""
    WAIT = "wait"
    """The same by how long it took, a class of `wait_class`."""
    DELIVERED = "delivered"
    """Notices: `sent` when a server took one, `bounced` when it did not or a report says so later."""
    PASSCODE = "passcode"
    """At a message: asked, sent, wrong, right, read (opened after it)."""
    ANYWHERE = "anywhere"
    """The same of all passcodes, those of the start page as well; no `read`."""
    CONFIRMED = "confirmed"
    """By method."""
    DEVICE = "device"
    LANGUAGE = "language"
    FAILED = "failed"
    """What did not let someone in: passcode, code, provider, factor, passkey, throttled."""
    DID = "did"
    """What readers did: opened, previewed, downloaded, replied, forwarded."""
    INCIDENT = "incident"
    """What rules had people inside told of, by its severity: low, medium, high, or "" for none."""
    BYTES = "bytes"
    """Sealed bytes: `kept` and `gone`."""


class Key(NamedTuple):
    """A row of portal.operations.models.Tally."""

    day: date
    kind: str
    brand: str
    word: str


@dataclass(frozen=True)
class Made:
    """What a message was sealed as."""

    entry: int
    at: datetime
    brand: str
    inward: bool
    size: int


FAILURES = {
    "recipient.passcode_failed": "passcode",
    "recipient.code_refused": "code",
    "recipient.sign_in_refused": "provider",
    "recipient.factor_failed": "factor",
    "recipient.passkey_refused": "passkey",
    "recipient.throttled": "throttled",
}
DEEDS = {
    "message.opened": "opened",
    "file.previewed": "previewed",
    "file.downloaded": "downloaded",
    "message.replied": "replied",
    "message.forwarded": "forwarded",
}
PASSCODES = {
    "recipient.passcode_asked": "asked",
    "recipient.passcode_sent": "sent",
    "recipient.passcode_failed": "wrong",
}


def counted(entries: Sequence[Entry]) -> Counter[Key]:
    """What these entries add to the counts."""
    about = _About(entries)
    total: Counter[Key] = Counter()
    for entry in entries:
        for kind, word, number, day in _of(entry, about):
            made = about.made.get(entry.message) if entry.message else None
            # Before it is sealed a mail has no brand, whenever this is counted.
            brand = made.brand if made and made.entry <= entry.pk else str(entry.facts.get("brand", ""))
            total[Key(day, kind.value, brand[:50], word[:100])] += number
    return total


def wait_class(seconds: float) -> int:
    """The class of a time to open; class n begins at `class_begins(n)` seconds."""
    return 0 if seconds < SHORTEST else 1 + floor(STEPS * log2(seconds / SHORTEST))


def class_begins(number: int) -> float:
    return 0.0 if number <= 0 else SHORTEST * float(2 ** ((number - 1) / STEPS))


Counts = list[tuple[Kind, str, int, date]]


def _of(entry: Entry, about: _About) -> Counts:
    write = _WRITERS.get(entry.kind)
    day = timezone.localdate(entry.at)
    found = write(entry, about, day) if write else []
    if (word := FAILURES.get(entry.kind)) is not None:
        found.append((Kind.FAILED, word, 1, day))
    if (word := DEEDS.get(entry.kind)) is not None and not about.by_author(entry):
        found.append((Kind.DID, word, 1, day))
    if (word := PASSCODES.get(entry.kind)) is not None:
        found += _passcode(entry, word, day)
    return found


def _passcode(entry: Entry, word: str, day: date) -> Counts:
    found: Counts = [(Kind.ANYWHERE, word, 1, day)]
    return found + ([(Kind.PASSCODE, word, 1, day)] if entry.message else [])


def _accepted(entry: Entry, about: _About, day: date) -> Counts:
    return [(Kind.CAME, str(entry.facts.get("action", "")), 1, day)]


def _sealed(entry: Entry, about: _About, day: date) -> Counts:
    facts, made = entry.facts, about.made.get(entry.message)
    found: Counts = [(Kind.BYTES, "kept", _number(facts, "size"), day)]
    if made is not None and made.inward:
        return [*found, (Kind.ANSWERS, "", 1, day)]
    recipients = _number(facts, "recipients") if "recipients" in facts else max(0, _number(facts, "readers") - 1)
    return [
        *found,
        (Kind.SEALED, str(facts.get("method", "")), 1, day),
        (Kind.TEMPLATE, str(facts.get("template", "")), 1, day),
        (Kind.RECIPIENTS, "", recipients, day),
    ]


def _opened(entry: Entry, about: _About, day: date) -> Counts:
    made = about.made.get(entry.message)
    found: Counts = [(Kind.PASSCODE, "read", 1, day)] if entry.pk in about.read else []
    if made is None or made.inward or not entry.facts.get("first") or about.by_author(entry):
        return found
    sealed = timezone.localdate(made.at)
    waited = str(wait_class((entry.at - made.at).total_seconds()))
    return [*found, (Kind.OPENED, "", 1, sealed), (Kind.WAIT, waited, 1, sealed)]


def _bounced(entry: Entry, about: _About, day: date) -> Counts:
    """Of notices alone; entries of old do not say which mail it was, for there were no others."""
    return [(Kind.DELIVERED, "bounced", 1, day)] if entry.facts.get("mail", "notice") == "notice" else []


def _confirmed(entry: Entry, about: _About, day: date) -> Counts:
    facts = entry.facts
    method = str(facts.get("method", ""))
    found: Counts = [(Kind.CONFIRMED, method, 1, day)]
    found += [
        (kind, str(facts[name]), 1, day)
        for kind, name in ((Kind.DEVICE, "device"), (Kind.LANGUAGE, "language"))
        if facts.get(name)
    ]
    return found + (_passcode(entry, "right", day) if method == "passcode" else [])


def _erased(entry: Entry, about: _About, day: date) -> Counts:
    """The whole message; one reader's keys free nothing, nor does what was let go before."""
    made = about.made.get(entry.message)
    if entry.reader is not None or made is None or entry.pk in about.after_it_left:
        return []
    return [(Kind.BYTES, "gone", made.size, day)]


_Writer = Callable[[Entry, "_About", date], Counts]
_WRITERS: Mapping[str, _Writer] = {
    "message.accepted": _accepted,
    "message.sealed": _sealed,
    "message.opened": _opened,
    "message.erased": _erased,
    "message.let_go": _erased,
    "recipient.confirmed": _confirmed,
    "wrapper.delivered": lambda entry, about, day: [(Kind.DELIVERED, "sent", 1, day)],
    "wrapper.bounced": _bounced,
    "incident.reported": lambda entry, about, day: [(Kind.INCIDENT, str(entry.facts.get("severity") or ""), 1, day)],
}


class _About:
    """What the entries of a batch need to know of others."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        messages = {entry.message for entry in entries if entry.message is not None}
        self.made = _made(messages)
        opened = [entry for entry in entries if entry.kind == "message.opened"]
        self._authors = set(
            Reader.objects.filter(
                pk__in={entry.reader for entry in opened if entry.reader}, role=Reader.Role.AUTHOR
            ).values_list("pk", flat=True)
        )
        self.read = _read_after_passcode(opened)
        self.after_it_left = _after_it_left(entries)

    def by_author(self, entry: Entry) -> bool:
        return bool(entry.facts.get("author")) or entry.reader in self._authors


def _made(messages: Collection[UUID]) -> dict[UUID | None, Made]:
    rows = Entry.objects.filter(message__in=messages, kind="message.sealed").values_list("pk", "message", "at", "facts")
    # What was sealed before its entry told more is asked of the vault, as long as that has it.
    old = [message for _, message, _, facts in rows if message is not None and "brand" not in facts]
    vault: dict[UUID | None, tuple[str, str]] = {
        pk: (slug, direction)
        for pk, slug, direction in Message.objects.filter(pk__in=old).values_list("pk", "brand__slug", "direction")
    }
    found: dict[UUID | None, Made] = {}
    for pk, message, at, facts in rows:
        slug, direction = vault.get(message, (str(facts.get("brand", "")), str(facts.get("direction", ""))))
        found[message] = Made(pk, at, slug, direction == Message.Direction.IN, _number(facts, "size"))
    return found


def _read_after_passcode(opened: Sequence[Entry]) -> set[int]:
    """Those openings that are the first of their reader since they typed a passcode."""
    messages = {entry.message for entry in opened if entry.message}
    kinds = ("message.opened", "recipient.confirmed")
    rows = Entry.objects.filter(message__in=messages, kind__in=kinds, reader__isnull=False).order_by("id")
    typed: set[UUID | None] = set()
    found = set()
    for pk, kind, reader, facts in rows.values_list("pk", "kind", "reader", "facts"):
        if kind == "recipient.confirmed" and facts.get("method") == "passcode":
            typed.add(reader)
        elif kind == "message.opened" and reader in typed:
            typed.discard(reader)
            found.add(pk)
    return found


def _after_it_left(entries: Sequence[Entry]) -> set[int]:
    """Ends of messages whose bytes were freed before."""
    ends = [entry for entry in entries if entry.kind in ("message.erased", "message.let_go") and not entry.reader]
    rows = Entry.objects.filter(
        message__in={entry.message for entry in ends}, kind__in=("message.erased", "message.let_go"), reader=None
    )
    first: dict[UUID | None, int] = {}
    for pk, message in rows.order_by("id").values_list("pk", "message"):
        first.setdefault(message, pk)
    return {entry.pk for entry in ends if first.get(entry.message) != entry.pk}


def _number(facts: Mapping[str, Any], name: str) -> int:
    found = facts.get(name)
    return found if isinstance(found, int) else 0
