"""Whose turn it is to do what one process at a time does: a row in the database says who, and until when.

The clock is the database's, so that hosts whose clocks differ agree about it.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import ExpressionWrapper, F, Q
from django.db.models.fields import DateTimeField
from django.db.models.functions import Now

from portal.operations.models import Turn

NAME = "beat"
LEASE_SECONDS = 6
RENEW_SECONDS = 2
"""A scheduler that dies is followed after LEASE_SECONDS at most, and a RENEW_SECONDS for the other to look."""


def take(holder: str, *, name: str = NAME, seconds: int = LEASE_SECONDS) -> bool:
    """Take the turn or keep it; False while another has it."""
    until = ExpressionWrapper(Now() + timedelta(seconds=seconds), output_field=DateTimeField())
    free = Q(holder=holder) | Q(until__lt=Now())
    if Turn.objects.filter(free, name=name).update(holder=holder, until=until):
        return True
    if Turn.objects.filter(name=name).exists():
        return False
    try:
        with transaction.atomic():
            Turn.objects.create(name=name, holder=holder, until=until)
    except IntegrityError:  # another was quicker
        return False
    return True


def give_up(holder: str, *, name: str = NAME) -> None:
    """Let the next one begin at once; nothing happens when another has the turn."""
    Turn.objects.filter(name=name, holder=holder).update(until=F("until") - timedelta(days=1))


def forget() -> None:
    """At the start of the only tree on a database: whoever had a turn is dead."""
    Turn.objects.all().delete()
