"""What waits too long, what is held, and what was refused for good."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils import timezone

from portal.delivery.models import Outbound
from portal.ingest.models import Spooled
from portal.operations.doctor.finding import Finding, notice, well, wrong
from portal.operations.standing import MOST, lateness, number

PATIENCE = {"passcode": (15, 60), "notice": (120, 900), "seal": (120, 900), "bulk": (3600, 86400)}
"""Seconds that work of a queue may be overdue before it is noticed, and before it is wrong."""


def late() -> Iterator[Finding]:
    for queue, (overdue, oldest) in lateness(timezone.now()).items():
        patient, most = PATIENCE[queue]
        check = f"queue {queue}"
        if overdue <= patient:
            yield well(check, f"Nothing is overdue; the oldest has waited {_long(oldest)}." if oldest else "Empty.")
            continue
        blame = wrong if overdue > most else notice
        yield blame(
            check,
            f"Work is overdue by {_long(overdue)}; the oldest has waited {_long(oldest)}.",
            "Someone waits for it.",
            f"See if a worker runs (manage.py worker --queues {queue}) and what its log says; if all work, add one.",
        )


def held() -> Iterator[Finding]:
    many = number(Spooled.objects.filter(state=Spooled.State.HELD))
    if not many:
        yield well("held mail", "None.")
        return
    yield wrong(
        "held mail",
        f"{_many(many)} cannot go on without you.",
        "Their senders believe that they are on their way.",
        "Read why by manage.py held or in the console, mend it, and let them try again: manage.py release --all.",
    )


def refused() -> Iterator[Finding]:
    many = number(Outbound.objects.filter(state=Outbound.State.FAILED))
    if not many:
        yield well("refused mail", "The relay refused none for good.")
        return
    yield notice(
        "refused mail",
        f"{_many(many)} refused for good by the relay or its receiver.",
        "Their recipients know of nothing.",
        "See them at /admin/ or by manage.py trace ID; most are addresses with a typing mistake.",
    )


def _many(count: int) -> str:
    return "1 mail" if count == 1 else f"{'at least ' if count >= MOST else ''}{count:,} mails"


def _long(seconds: float) -> str:
    for size, word in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {word}"
    return f"{seconds:.0f} seconds"
