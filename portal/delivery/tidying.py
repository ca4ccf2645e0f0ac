"""Rows of mail that has left or was dropped, removed when nobody asks for them any more."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from portal.delivery import lanes, refusing, results
from portal.delivery.models import Outbound
from portal.vault import departing
from portal.vault.models import Message

PASSCODES_KEPT = timedelta(days=2)
COPY_KEPT = timedelta(hours=24)
"""So long the link in a notice with a file works as well: phones often show but a preview of the file (M2)."""
_BATCH = 500


def tidy(now: datetime) -> None:
    """Remove what has had its time."""
    forget_old_passcodes(now)
    let_go_of_what_left(now)
    results.forget_old(now.date())
    lanes.forget_idle()
    refusing.forget_old(now)


def forget_old_passcodes(now: datetime) -> int:
    """Remove the rows of passcode mails long past; whoever types addresses at random leaves one for each."""
    final = (Outbound.State.SENT, Outbound.State.DROPPED, Outbound.State.FAILED)
    old = Outbound.objects.filter(kind=Outbound.Kind.PASSCODE, state__in=final, made_at__lt=now - PASSCODES_KEPT)
    return old.delete()[0]


def let_go_of_what_left(now: datetime) -> int:
    """Keep but the keys of messages whose notices took them along, a day after the last one left; how many."""
    departing.delete_blobs()
    gone = 0
    while left := _left(now):
        done = departing.let_go(left, now)
        gone += done
        if not done:
            break
    return gone


def _left(now: datetime) -> list[UUID]:
    """Messages whose every notice was taken by a mail server, none of them lately or with a failure heard of since."""
    notices = Outbound.objects.filter(message=OuterRef("pk"), kind=Outbound.Kind.NOTICE)
    over = (Outbound.State.SENT, Outbound.State.DROPPED)
    # Refused for good is not over: an administrator may have it tried again, and then it needs the file.
    here = notices.filter(~Q(state__in=over) | Q(news=Outbound.News.FAILED) | Q(sent_at__gt=now - COPY_KEPT))
    ready = Message.objects.filter(
        Exists(notices.filter(state=Outbound.State.SENT)),
        ~Exists(here),
        delivery=Message.Delivery.ATTACHMENT,
        away_at=None,
        held_at=None,
        destroying_at=None,
    )
    return list(ready.order_by("made_at").values_list("pk", flat=True)[:_BATCH])
