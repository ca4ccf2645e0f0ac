"""A person's conversations under one brand: which there are, newest first, and the message each is shown by."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Max, Q, QuerySet

from portal.audit.record import record_all
from portal.vault import readers
from portal.vault.models import Message, Reader
from portal.vault.opening import with_wraps

PAGE = 25
CLOSING_SOON = timedelta(days=7)
ALL, UNREAD, MINE, CLOSING, HIDDEN = "all", "unread", "mine", "closing", "hidden"


@dataclass(frozen=True)
class Conversation:
    """Messages of one thread that a person may know of."""

    thread: UUID
    newest: Reader
    """Of the newest message; its content is not loaded."""
    lead: Reader
    """Of the message it is shown by and leads to."""
    count: int
    unread: bool
    hidden: bool

    def __repr__(self) -> str:
        return f"Conversation({self.thread})"


@dataclass(frozen=True)
class Page:
    """Up to 25 conversations, and whether there are older ones."""

    conversations: tuple[Conversation, ...]
    more: bool


def is_open(now: datetime) -> Q:
    """What a reader can still read, in the database's words; portal.vault.readers.is_closed_to says the same."""
    lasts = Q(message__open_until=None) | Q(message__open_until__gt=now)
    return Q(withdrawn_at=None, message__state=Message.State.OPEN) & lasts


def page_of(
    mine: QuerySet[Reader], show: str, number: int, now: datetime, only: Collection[UUID] | None = None
) -> Page:
    """The page `number` (from 1) of those that `show` names, of a person's readers `mine` and of the threads `only`."""
    start = (number - 1) * PAGE
    found = list(_threads(mine, show, now, only).values_list("message__thread", flat=True)[start : start + PAGE + 1])
    return Page(tuple(_filled(mine, found[:PAGE], now)), len(found) > PAGE)


def count_unread(mine: QuerySet[Reader], now: datetime) -> int:
    """How many conversations hold something unread."""
    return _threads(mine, UNREAD, now).order_by().count()


def has_hidden(mine: QuerySet[Reader], now: datetime) -> bool:
    """Whether there is a conversation that is not in the list."""
    return _threads(mine, HIDDEN, now).exists()


def hide(mine: QuerySet[Reader], thread: UUID, until: datetime, now: datetime) -> bool:
    """Take a conversation out of the list as it was shown: what came after `until` stays. Whether there was any."""
    seen = mine.order_by().filter(message__thread=thread, message__made_at__lte=until, hidden_at=None)
    return _put(seen, "message.hidden", now)


def bring_back(mine: QuerySet[Reader], thread: UUID) -> bool:
    """Put a conversation back into the list. Whether it was out of it."""
    return _put(mine.order_by().filter(message__thread=thread, hidden_at__isnull=False), "message.brought_back", None)


def is_hidden(mine: QuerySet[Reader], thread: UUID) -> bool:
    """Whether something of a conversation is out of the list."""
    return mine.filter(message__thread=thread, hidden_at__isnull=False).exists()


@transaction.atomic
def _put(found: QuerySet[Reader], kind: str, hidden_at: datetime | None) -> bool:
    rows = list(found.values_list("pk", "message_id"))
    Reader.objects.filter(pk__in=[reader for reader, _ in rows]).update(hidden_at=hidden_at)
    record_all(kind, [(message, reader) for reader, message in rows])
    return bool(rows)


def _threads(
    mine: QuerySet[Reader], show: str, now: datetime, only: Collection[UUID] | None = None
) -> QuerySet[Any, Any]:
    """One row a conversation, newest first. Reads this person's rows alone, however many others there are."""
    if only is not None:
        mine = mine.filter(message__thread__in=only)
    rows = mine.values("message__thread").annotate(latest=Max("message__made_at"))
    kinds = {
        UNREAD: _unread(now),
        MINE: Q(role=Reader.Role.AUTHOR),
        CLOSING: is_open(now) & Q(message__open_until__lte=now + CLOSING_SOON),
    }
    # A message that came since brings a hidden conversation back, whole. What is searched for is shown, hidden or not.
    if show == HIDDEN or only is None:
        rows = rows.annotate(wanted=Count("pk", filter=Q(hidden_at=None)))
        rows = rows.filter(wanted=0) if show == HIDDEN else rows.filter(wanted__gt=0)
    if show in kinds:
        rows = rows.annotate(of_kind=Count("pk", filter=kinds[show])).filter(of_kind__gt=0)
    return rows.order_by("-latest", "message__thread")


def _unread(now: datetime) -> Q:
    return is_open(now) & Q(first_opened_at=None, role=Reader.Role.RECIPIENT)


def _filled(mine: QuerySet[Reader], threads: list[UUID], now: datetime) -> list[Conversation]:
    held: dict[UUID, list[Reader]] = {thread: [] for thread in threads}
    # Without the content: a long conversation would bring megabytes that nobody looks at.
    for reader in mine.filter(message__thread__in=threads).defer("message__container"):
        held[reader.message.thread].append(reader)
    leads = {thread: _lead(rows, now) for thread, rows in held.items() if rows}
    found = with_wraps(mine.filter(pk__in=[lead.pk for lead in leads.values()]))
    whole = {reader.pk: reader for reader in found}
    return [
        Conversation(
            thread,
            held[thread][0],
            whole[lead.pk],
            len(held[thread]),
            any(_is_unread(reader, now) for reader in held[thread]),
            all(reader.hidden_at is not None for reader in held[thread]),
        )
        for thread, lead in leads.items()
        if lead.pk in whole
    ]


def _lead(rows: list[Reader], now: datetime) -> Reader:
    """The newest that can be read and was written to this person: who wrote is what it is looked for by.

    What they wrote themselves, and what is closed, stands for a conversation that has nothing else. `rows` are newest
    first.
    """
    return min(rows, key=lambda row: (readers.is_closed_to(row, now), row.role == Reader.Role.AUTHOR))


def _is_unread(reader: Reader, now: datetime) -> bool:
    return (
        reader.first_opened_at is None
        and reader.role == Reader.Role.RECIPIENT
        and not readers.is_closed_to(reader, now)
    )
