"""A lease is its owner's: who was overtaken renews and gives back nothing; and claimers do not wait for one another.

Run on SQLite here, and on PostgreSQL by tests/test_on_postgresql.py.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from portal import leases
from portal.ingest.models import Spooled

pytestmark = pytest.mark.django_db


def due(count: int) -> list[Spooled]:
    """Rows that nobody has."""
    now = timezone.now()
    return [
        Spooled.objects.create(id=uuid4(), door_key="d", size=1, recipients=1, received_at=now, due_at=now)
        for _ in range(count)
    ]


def claim(limit: int) -> list[Spooled]:
    return leases.claim(Spooled.objects.all(), limit=limit)


def end_all() -> None:
    Spooled.objects.update(leased_until=timezone.now() - timedelta(seconds=1))


def test_a_row_is_one_claimers_until_its_lease_ends() -> None:
    due(3)
    first, second = claim(2), claim(2)
    assert [len(first), len(second), len(claim(2))] == [2, 1, 0]
    assert len({row.pk for row in first + second}) == 3
    end_all()
    assert len(claim(5)) == 3


@pytest.mark.parametrize("by_one", [True, False])
def test_who_was_overtaken_renews_nothing(by_one: bool) -> None:
    due(2)
    slow = claim(2)
    end_all()
    quick = claim(1)
    theirs = next(row for row in slow if row.pk == quick[0].pk)
    if by_one:
        assert not leases.renew(theirs, unfinished=7)
    else:
        assert not leases.renew_all(slow, unfinished=7)
    held = Spooled.objects.get(pk=theirs.pk)
    assert (held.unfinished, held.leased_by, held.leased_until) == (0, quick[0].leased_by, quick[0].leased_until)
    assert leases.renew(quick[0], unfinished=1)


def test_who_was_overtaken_gives_back_only_what_is_still_its_own() -> None:
    due(2)
    slow = claim(2)
    end_all()
    (quick,) = claim(1)
    leases.give_back(slow)
    assert Spooled.objects.get(pk=quick.pk).leased_until == quick.leased_until
    assert [row.pk for row in claim(5)] == [row.pk for row in slow if row.pk != quick.pk]
