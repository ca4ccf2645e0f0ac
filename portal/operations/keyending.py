"""Destroying an epoch key for good: one administrator asks, another one agrees, and then nothing opens it again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, models, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _lazy

from portal.audit.record import record
from portal.keys.epochs import day_of
from portal.keys.service import keys
from portal.operations.errors import KeysRefused
from portal.operations.models import KeyEnding
from portal.vault import rotating
from portal.vault.models import Generation, Wrap
from portal.vault.verifying import living

VALID = timedelta(hours=24)
"""So long the second administrator may agree; then it is asked for anew."""


class Reason(models.TextChoices):
    """Why. A fixed list, because the record holds nothing that a person wrote."""

    EXPOSED = "exposed", _lazy("The key may be in other hands")
    ORDERED = "ordered", _lazy("A court or a regulator ordered it")
    CLOSING = "closing", _lazy("The organisation no longer needs what it opens")


def lost_with(epoch: str) -> int:
    """How many messages that are open or held nothing else can open.

    Raises KeysRefused when the keyring holds no such epoch.
    """
    there = keys().epochs()
    if epoch not in there:
        raise KeysRefused("The keyring holds no such epoch. See manage.py keys status --all.")
    elsewhere = Wrap.objects.filter(reader=OuterRef("reader"), epoch__epoch__in=there)
    only_here = living().filter(epoch__epoch=epoch).exclude(Exists(elsewhere.exclude(epoch__epoch=epoch)))
    return only_here.values("epoch__message").distinct().count()


def destroy(epoch: str) -> int:
    """Destroy it now; how many messages are lost by it. Key errors, and then no key is destroyed."""
    lost = lost_with(epoch)
    day = day_of(epoch)
    if (day is None or day >= datetime.now(UTC).date()) and keys().current(rotating.base_of(epoch)) == epoch:
        # First, so that no mail that closes on that day ever finds none.
        rotating.make_after(epoch)
    keys().destroy_epoch(epoch)
    # Of one that was never superseded as well: an older keyring that is put back must not bring it to life.
    now = timezone.now()
    Generation.objects.update_or_create(
        epoch=epoch, defaults={"destroyed_at": now}, create_defaults={"superseded_at": now, "destroyed_at": now}
    )
    record("keys.epoch_destroyed", epoch=epoch, messages=lost)
    return lost


def waiting() -> list[KeyEnding]:
    """What still waits for a second administrator, oldest first."""
    return list(_waiting().order_by("asked_at"))


def _waiting() -> QuerySet[KeyEnding]:
    return KeyEnding.objects.filter(closed_at=None, asked_at__gt=timezone.now() - VALID)


def ask(epoch: str, person: UUID, reason: Reason) -> None:
    """Ask for it; another administrator must agree. KeysRefused for an epoch that there is not."""
    lost_with(epoch)
    now = timezone.now()
    try:
        with transaction.atomic():
            KeyEnding.objects.filter(epoch=epoch, closed_at=None, asked_at__lte=now - VALID).update(closed_at=now)
            KeyEnding.objects.create(epoch=epoch, asked_at=now, asked_by=person, reason=reason.value)
            record("keys.ending_asked", epoch=epoch, reason=reason.value, by=str(person))
    except IntegrityError:
        raise KeysRefused("Somebody has asked for this already. Another administrator must agree.") from None


def agree(epoch: str, person: UUID) -> int:
    """Destroy what another one asked to be destroyed. Raises KeysRefused for one's own, and for what nobody asked."""
    with transaction.atomic():
        # What it waits for is asked for again under the lock: whoever drops it in this moment was first.
        row = _waiting().select_for_update().filter(epoch=epoch).first()
        if row is None:
            raise KeysRefused("Nobody asks for this any more. Within 24 hours another administrator must agree.")
        if row.asked_by == person:
            raise KeysRefused("You asked for this. Another administrator must agree.")
        lost = destroy(epoch)
        KeyEnding.objects.filter(pk=row.pk).update(closed_at=timezone.now())
        record("keys.ending_agreed", epoch=epoch, by=str(person))
    return lost


def drop(epoch: str, person: UUID) -> None:
    """No longer ask for it: any administrator may."""
    with transaction.atomic():
        if KeyEnding.objects.filter(epoch=epoch, closed_at=None).update(closed_at=timezone.now()):
            record("keys.ending_dropped", epoch=epoch, by=str(person))
