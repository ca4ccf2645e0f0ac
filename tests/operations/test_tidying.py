"""Housekeeping keeps what is still needed and removes the rest."""

from __future__ import annotations

import os
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from branding.models import Brand
from portal.access.models import Asked
from portal.delivery.models import Outbound
from portal.delivery.queue import share_of
from portal.ingest.models import Spooled
from portal.keys.errors import KeyDestroyed
from portal.keys.service import keys
from portal.operations import tasks
from portal.operations.tidying import forget_old_door_keys

pytestmark = pytest.mark.django_db


def spooled(door_key: str, state: str) -> Spooled:
    now = timezone.now()
    return Spooled.objects.create(door_key=door_key, state=state, size=1, recipients=1, received_at=now, due_at=now)


def test_door_keys_of_past_days_go_unless_a_waiting_mail_names_them() -> None:
    today = datetime.now(UTC).date()
    first = today - timedelta(days=30)
    days = [first + timedelta(days=number) for number in range(3)]
    keys().prepare(first, {None})
    spooled(days[0].isoformat(), Spooled.State.HELD)
    spooled(days[1].isoformat(), Spooled.State.DONE)
    forget_old_door_keys(today)
    assert keys().door_public(days[0]).key_id == days[0].isoformat()
    with pytest.raises(KeyDestroyed):
        keys().door_public(days[1])
    assert keys().door_public(today).key_id == today.isoformat()


def test_a_door_key_stays_while_a_share_waits_under_it() -> None:
    today = datetime.now(UTC).date()
    first = today - timedelta(days=40)
    keys().prepare(first, {None})
    id_ = uuid.uuid4()
    door_key, sealed = keys().seal_share(first, b"s" * 16, id_)
    row = Outbound.objects.create(
        id=id_, kind="notice", address=b"", due_at=timezone.now(), share=sealed, door_key=door_key
    )
    forget_old_door_keys(today)
    assert share_of(row) == b"s" * 16
    Outbound.objects.update(share=b"", door_key="")
    forget_old_door_keys(today)
    with pytest.raises(KeyDestroyed):
        keys().door_public(first)


def test_the_hourly_task_removes_what_is_over_and_nothing_else() -> None:
    now = timezone.now()
    for age in (timedelta(days=2), timedelta(minutes=1)):
        Asked.objects.create(address_lookup=b"x" * 32, at=now - age)
    leftover = Path(settings.LETTERLOCK.data) / "broker" / "seal" / f".{uuid.uuid4().hex}"
    leftover.parent.mkdir(parents=True, exist_ok=True)
    leftover.write_text("{}")
    os.utime(leftover, (time.time() - 3600,) * 2)
    tasks.tidy()
    assert Asked.objects.count() == 1
    assert not leftover.exists()
    assert keys().door_public(datetime.now(UTC).date())


def test_keys_are_made_as_far_ahead_as_the_longest_brand_needs() -> None:
    Brand.objects.create(slug="long", name="Long", host="long.example", open_days=200)
    tasks.prepare_keys()
    far = datetime.now(UTC).date() + timedelta(days=205)
    assert keys().leaf(f"{far.isoformat()}.0", 1, 1)
