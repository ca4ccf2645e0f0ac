"""The overview's figures: of the last 30 days, and of what waits now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, Q
from django.utils import timezone

from portal.audit.models import Entry
from portal.delivery.models import Outbound
from portal.ingest import states
from portal.ingest.models import Spooled
from portal.vault.models import Message, Reader

DAYS = 30


@dataclass(frozen=True)
class Figures:
    """Numbers of mails, messages and readers; all but `waiting`, `held` and `leaving` are of the last 30 days."""

    messages: int
    answers: int
    readers: int
    opened: int
    """Readers who have opened theirs."""
    waiting: int
    """Mails that are not sealed or passed on yet."""
    held: int
    leaving: int
    """Mails that are to leave and have not yet."""
    notices_sent: int
    notices_failed: int
    passcodes_sent: int
    confirmed: int

    @property
    def opened_percent(self) -> int:
        return round(100 * self.opened / self.readers) if self.readers else 0


def figures() -> Figures:
    """Counted now."""
    since = timezone.now() - timedelta(days=DAYS)
    messages = Message.objects.filter(made_at__gte=since).aggregate(
        all=Count("pk"), answers=Count("pk", filter=Q(direction=Message.Direction.IN))
    )
    readers = Reader.objects.filter(
        role=Reader.Role.RECIPIENT, message__made_at__gte=since, message__direction=Message.Direction.OUT
    ).aggregate(all=Count("pk"), opened=Count("pk", filter=Q(first_opened_at__isnull=False)))
    spooled = Spooled.objects.exclude(state__in=states.FINAL).aggregate(
        waiting=Count("pk", filter=~Q(state=Spooled.State.HELD)), held=Count("pk", filter=Q(state=Spooled.State.HELD))
    )
    outbound = Outbound.objects.aggregate(
        leaving=Count("pk", filter=Q(state__in=[Outbound.State.DUE, Outbound.State.SENDING])),
        sent=Count("pk", filter=Q(kind=Outbound.Kind.NOTICE, state=Outbound.State.SENT, sent_at__gte=since)),
        failed=Count(
            "pk",
            filter=Q(kind=Outbound.Kind.NOTICE, made_at__gte=since)
            & (Q(state=Outbound.State.FAILED) | Q(news=Outbound.News.FAILED)),
        ),
    )
    return Figures(
        messages=messages["all"] - messages["answers"],
        answers=messages["answers"],
        readers=readers["all"],
        opened=readers["opened"],
        waiting=spooled["waiting"],
        held=spooled["held"],
        leaving=outbound["leaving"],
        notices_sent=outbound["sent"],
        notices_failed=outbound["failed"],
        passcodes_sent=_recorded("recipient.passcode_sent", timedelta(days=DAYS)),
        confirmed=_recorded("recipient.confirmed", timedelta(days=DAYS)),
    )


def held() -> int:
    """How many mails are held now."""
    return Spooled.objects.filter(state=Spooled.State.HELD).count()


def _recorded(kind: str, within: timedelta) -> int:
    return Entry.objects.filter(kind=kind, at__gte=timezone.now() - within).count()
