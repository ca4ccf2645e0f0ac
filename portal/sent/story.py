"""What became of a message for each of its recipients, in order, as the record has it.

“Opened” is what a confirmed reader was shown: nothing that a mail scanner does is counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from portal.access import sessions
from portal.audit.models import Entry
from portal.delivery import telling
from portal.delivery.models import Outbound
from portal.ids import id_of
from portal.lifecycle import undoable
from portal.lifecycle.actors import OF_SENDER, Who

_MOST = 20_000
"""Entries that are read of one message."""
_KINDS = frozenset({
    "wrapper.delivered", "wrapper.bounced", "wrapper.deferred", "recipient.confirmed", "message.opened",
    "file.downloaded", "message.replied", "message.forwarded", "message.resent", "recipient.reminded",
})  # fmt: skip


@dataclass(frozen=True, repr=False)
class Step:
    """One thing that happened. `kind` is a word of the template's; `name` a file's name or a provider's, or "" and
    `number` the file's."""

    kind: str
    at: datetime
    name: str = ""
    number: int = 0


@dataclass
class Story:
    """Of one recipient. `trouble` says why their mail did not arrive, and what can be done."""

    steps: list[Step] = field(default_factory=list)
    trouble: telling.Words | None = None
    files: set[int] = field(default_factory=set)
    _confirmed: Mapping[str, Any] | None = None

    def take(self, entry: Entry, names: Mapping[int, str]) -> None:
        """One more entry; of what happens again and again the first alone is a step."""
        facts: Mapping[str, Any] = entry.facts if isinstance(entry.facts, dict) else {}
        match entry.kind:
            case "recipient.confirmed":
                self._confirmed = facts
            case "message.opened" if not any(step.kind.startswith("opened") for step in self.steps):
                self.steps.append(self._opened(entry.at, facts.get("method")))
            case "file.downloaded":
                self._downloaded(entry.at, facts.get("file"), names)
            case "wrapper.delivered" | "wrapper.bounced" | "message.replied" | "message.forwarded" | "message.resent":
                self.steps.append(Step(entry.kind.partition(".")[2], entry.at))
            case "recipient.reminded":
                self.steps.append(Step("reminded", entry.at))
            case "wrapper.deferred" if not self.steps or self.steps[-1].kind != "deferred":
                self.steps.append(Step("deferred", entry.at))

    def _opened(self, at: datetime, method: object) -> Step:
        # Without an entry of its own they were signed in already, by another message; then the method alone is known.
        facts = self._confirmed or {"method": method}
        if facts.get("provider"):
            return Step("opened_with", at, str(facts["provider"]).replace("-", " ").capitalize())
        kinds = {sessions.PASSKEY: "opened_by_passkey", sessions.PASSCODE: "opened_by_passcode"}
        return Step(kinds.get(str(facts.get("method")), "opened"), at)

    def _downloaded(self, at: datetime, number: object, names: Mapping[int, str]) -> None:
        if isinstance(number, int) and number not in self.files:
            self.files.add(number)
            self.steps.append(Step("downloaded", at, names.get(number, ""), number))


def of(message: UUID, names: Mapping[int, str]) -> dict[UUID, Story]:
    """By the rows of its readers; `names` are those of its files, as far as they may be shown."""
    found: dict[UUID, Story] = defaultdict(Story)
    entries = Entry.objects.filter(message=message, kind__in=_KINDS, reader__isnull=False).order_by("id")
    for entry in entries.only("at", "kind", "reader", "facts")[:_MOST]:
        if entry.reader is not None:
            found[entry.reader].take(entry, names)
    for row in _newest_notices(message):
        if row.reader_id and (row.state == Outbound.State.FAILED or row.news == Outbound.News.FAILED):
            found[row.reader_id].trouble = telling.explained(row.heard or row.last_answer, timezone.now() - row.made_at)
    return dict(found)


def _newest_notices(message: UUID) -> list[Outbound]:
    """One for each reader: a mail that was sent again and arrived is no trouble any more."""
    notices = Outbound.objects.filter(message=message, kind=Outbound.Kind.NOTICE, reader__isnull=False)
    return list({row.reader_id: row for row in notices.order_by("made_at", "pk")}.values())


@dataclass(frozen=True)
class Change:
    """What was done to a message. `by` is `you`, `sender`, `delegate` (whose row is `who`), or `them` for anybody else;
    `reader` of one recipient alone."""

    kind: str
    at: datetime
    by: str
    who: UUID | None
    reader: UUID | None


_CHANGES = (
    "message.withdrawn", undoable.AGAIN, "message.withdrawal_undone", "message.date_changed",
    "message.rights_changed", "message.readdressed", "message.added",
)  # fmt: skip


def changes(message: UUID, me: str) -> list[Change]:
    """Oldest first; `me` is the row of whoever looks."""
    entries = Entry.objects.filter(message=message, kind__in=_CHANGES).order_by("id")
    return [_change(entry, me) for entry in entries[:200]]


def _change(entry: Entry, me: str) -> Change:
    row, by = str(entry.facts.get("by", "")), str(entry.facts.get("who", ""))
    who = id_of(row) if by == Who.DELEGATE else None
    said = "you" if row == me else by if by in OF_SENDER else "them"
    return Change(entry.kind.partition(".")[2], entry.at, said, who, entry.reader)
