"""The pipeline's state machine: every state, event and transition of a spooled mail, and the only way to change one.

The picture in docs/pipeline.md is made from this table (scripts/pipeline.py); nothing else writes the column `state`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from portal.ingest.errors import IllegalMove, Overtaken
from portal.ingest.models import Spooled

S = Spooled.State


@dataclass(frozen=True)
class Transition:
    """One allowed step: in state `source`, `event` leads to `target`."""

    event: str
    source: str
    target: str
    why: str


TRANSITIONS = (
    Transition("seal", S.RECEIVED, S.SEALED, "a rule asks for protection: message, wraps and notices are rows now"),
    Transition("relay", S.RECEIVED, S.RELAYING, "it needs no protection: a mail to each recipient is a row now"),
    Transition("reject", S.RECEIVED, S.REFUSED, "a rule refuses it; its sender is told why"),
    Transition("delete", S.RECEIVED, S.DROPPED, "a rule that an owner published deletes it; the record says which"),
    Transition("drop", S.SEALED, S.DONE, "the spool file is removed"),
    Transition("drop", S.RELAYING, S.DONE, "the relay took it for everyone, and the spool file is removed"),
    Transition(
        "hold",
        S.RECEIVED,
        S.HELD,
        "a rule asks for approval, it cannot be read or sealed, or it ended its worker",
    ),
    Transition("hold", S.SEALED, S.HELD, "removing its spool file ended its worker each time"),
    Transition("hold", S.RELAYING, S.HELD, "the relay refused it for at least one recipient"),
    Transition("release", S.HELD, S.RECEIVED, "an administrator lets it try again from the beginning"),
    Transition("release-sealed", S.HELD, S.SEALED, "the same, and its message is in the vault already"),
    Transition("release-relaying", S.HELD, S.RELAYING, "the same, and it goes only to those who do not have it yet"),
    Transition("refuse", S.HELD, S.REFUSED, "an administrator ends it; its sender is told why"),
)
_TARGETS = {(step.event, step.source): step.target for step in TRANSITIONS}

MEANINGS = {
    S.RECEIVED: "answered 250, sealed to the door key, waiting to be read and decided on",
    S.SEALED: "in the vault, its notices are queued; the spool file is still there",
    S.RELAYING: "needs no protection and waits for the relay to take it",
    S.HELD: "cannot go on by itself; `manage.py held` lists it with the reason",
    S.DONE: "nothing is left to do",
    S.REFUSED: "ended by a rule or an administrator",
    S.DROPPED: "deleted by a rule, and nobody was told",
}
WORKING = (S.SEALED, S.RECEIVED, S.RELAYING)
"""States in which the pipeline has something to do, in the order in which it does it: what is nearly done first."""
FINAL = (S.DONE, S.REFUSED, S.DROPPED)
"""Nothing leads on from these."""


def move(row: Spooled, event: str, *, lease: bool = True, **changes: object) -> None:
    """Write the step that `event` leads to, with other columns, and let go of the row; in the caller's transaction.

    With `lease` only the worker that holds the row's lease may: one that ran out may have given it to another.

    Raises:
        IllegalMove: the table has no such step; nothing is written.
        Overtaken: the row is no longer in that state, or in other hands; nothing is written.
    """
    target = target_of(event, row.state)
    held = Spooled.objects.filter(pk=row.pk, state=row.state)
    if lease:
        held = held.filter(leased_by=row.leased_by)
    if not held.update(**{"state": target, "leased_until": None, "last_error": "", **changes}):
        raise Overtaken
    row.state = target


def move_all(rows: list[Spooled], event: str) -> None:
    """The same for rows of one state and one lease, all or none. Raises IllegalMove, Overtaken."""
    first = rows[0]
    target = target_of(event, first.state)
    held = Spooled.objects.filter(pk__in=[row.pk for row in rows], state=first.state, leased_by=first.leased_by)
    ended: dict[str, object] = {"leased_until": None} if target in FINAL else {}
    if held.update(state=target, last_error="", unfinished=0, **ended) != len(rows):
        raise Overtaken
    for row in rows:
        row.state = target


def target_of(event: str, source: str) -> str:
    """The state that `event` leads to from `source`. Raises IllegalMove."""
    try:
        return _TARGETS[event, source]
    except KeyError:
        raise IllegalMove(event, source) from None


def later(row: Spooled, delay: timedelta, **changes: object) -> None:
    """Stay in this state and be due again after `delay`; nothing happens when another worker has the row."""
    held = Spooled.objects.filter(pk=row.pk, state=row.state, leased_by=row.leased_by)
    held.update(**{"due_at": timezone.now() + delay, "leased_until": None, **changes})
