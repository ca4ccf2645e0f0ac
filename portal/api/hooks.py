"""Webhooks as a program sees them: which there are, what each was told, and telling it again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Count, Q

from portal.api import telling, webhooks
from portal.api.endpoint import Call
from portal.api.errors import NothingHere
from portal.api.handing import by
from portal.api.ids import CURSOR, cursor, id_of, place_of
from portal.api.models import Delivery, Webhook
from portal.api.shapes import Says, write

PAGE, MOST_PAGE = 50, 200


class State(Enum):
    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True)
class Hook:
    """An address that is told what is recorded."""

    id: UUID
    name: str
    on: bool
    url: Annotated[str, Says("without its query, which may carry a password")]
    events: Annotated[tuple[str, ...], Says("kinds, or families like message.*; none is all")]
    private: Annotated[bool, Says("it may lie in a network of your own")]
    made_at: datetime
    waiting: int
    failed: Annotated[int, Says("given up")]


@dataclass(frozen=True)
class Hooks:
    webhooks: tuple[Hook, ...]


@dataclass(frozen=True)
class DeliveriesAsked:
    """Which deliveries, the newest first."""

    state: State | None = None
    cursor: Annotated[str | None, Says("from `next` of the page before", 1, 60, CURSOR)] = None
    limit: Annotated[int, Says("deliveries of a page", 1, MOST_PAGE)] = PAGE


@dataclass(frozen=True)
class Sent:
    """What a webhook was told of one entry of the record."""

    id: Annotated[UUID, Says("the header webhook-id is msg_ with it, without hyphens")]
    entry: Annotated[int | None, Says("null for a test")]
    state: State
    tries: int
    answer: Annotated[str, Says("what came of the last try")]
    made_at: datetime
    due_at: datetime


@dataclass(frozen=True)
class Deliveries:
    deliveries: tuple[Sent, ...]
    next: str | None


@dataclass(frozen=True)
class Redeliver:
    """Which."""

    delivery: Annotated[UUID | None, Says("without it, all that were given up")] = None


@dataclass(frozen=True)
class Again:
    deliveries: Annotated[int, Says("how many will be sent once more")]


def list_(_: Call[None, None]) -> Hooks:
    """All, by name; never a secret."""
    states = Delivery.State
    waiting = Count("deliveries", filter=Q(deliveries__state=states.WAITING))
    failed = Count("deliveries", filter=Q(deliveries__state=states.FAILED))
    found = Webhook.objects.annotate(waiting=waiting, failed=failed).order_by("name")
    return Hooks(
        tuple(
            Hook(
                hook.id, hook.name, hook.on, webhooks.where(hook).url.partition("?")[0], tuple(hook.events),
                hook.private, hook.made_at, hook.waiting, hook.failed,
            )
            for hook in found
        )
    )  # fmt: skip


def deliveries(call: Call[DeliveriesAsked, None]) -> Deliveries:
    """What one was told, or is to be."""
    asked, hook = call.query, _hook(call)
    found = hook.deliveries.order_by("-made_at", "-pk")
    if asked.state is not None:
        found = found.filter(state=asked.state.value)
    if asked.cursor is not None:
        at, id_ = place_of(asked.cursor)
        found = found.filter(Q(made_at=at, pk__lt=id_) | Q(made_at__lt=at))
    rows = list(found[: asked.limit + 1])
    following = None
    if len(rows) > asked.limit:
        last = rows[asked.limit - 1]
        named = {name: value for name, value in write(asked).items() if value is not None}
        query = urlencode({**named, "cursor": cursor(last.made_at, last.pk)})
        following = f"/api/v1/webhooks/{hook.pk}/deliveries?{query}"
    return Deliveries(tuple(_sent(row) for row in rows[: asked.limit]), following)


def redeliver(call: Call[None, Redeliver]) -> Again:
    """Send one again, or all that were given up."""
    hook, asked = _hook(call), call.body
    chosen = hook.deliveries.filter(entry__isnull=False)
    rows = chosen.filter(pk=asked.delivery) if asked.delivery else chosen.filter(state=Delivery.State.FAILED)
    if asked.delivery and not rows.exists():
        raise NothingHere
    return Again(telling.again(hook, rows, by(call.token)))


def _hook(call: Call[DeliveriesAsked, None] | Call[None, Redeliver]) -> Webhook:
    found = Webhook.objects.filter(pk=id_of(call)).first()
    if found is None:
        raise NothingHere
    return found


def _sent(row: Delivery) -> Sent:
    return Sent(row.pk, row.entry, State(row.state), row.tries, row.answer, row.made_at, row.due_at)
