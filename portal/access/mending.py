"""What an operator does about rows of sign-in that do not fit: look at them, seal them, or take them away."""

from __future__ import annotations

from collections.abc import Collection
from copy import copy
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Model

from branding.models import Brand
from portal.access import grants, people
from portal.access.grants import Kind
from portal.access.models import Person
from portal.audit.record import COMMAND_LINE, record
from portal.keys.granting import Standing
from portal.vault.models import Message


@dataclass(frozen=True)
class Unfit:
    """One row that lets nobody in, and why; `words` say what it would grant, and to whom."""

    kind: Kind
    row: Any
    how: Standing

    @property
    def number(self) -> str:
        return str(self.row.pk)

    @property
    def words(self) -> str:
        return self.kind.words(self.row)


def all_unfit(only: Collection[str] = ()) -> list[Unfit]:
    """Every row of any kind that does not fit, or those with these ids."""
    found = [Unfit(kind, row, how) for kind in grants.kinds() for row, how in grants.unfit(kind)]
    return [one for one in found if not only or one.number in only]


def seal(found: Collection[Unfit]) -> int:
    """Seal rows as they are, but none that was taken away before; how many. Call only when a person has looked."""
    chosen = [one for one in found if one.how is not Standing.ENDED]
    with transaction.atomic():
        for one in chosen:
            grants.seal(one.row)
            # Not saved: a brand seals itself when it is, and this one does not fit.
            one.kind.model._default_manager.filter(pk=one.row.pk).update(seal=one.row.seal)
        if chosen:
            record("grants.sealed", rows=len(chosen), by=COMMAND_LINE)
        if posted := [one.row for one in chosen if one.kind.posted]:
            grants.post(*posted)
    return len(chosen)


def drop(found: Collection[Unfit]) -> int:
    """Take rows away but those that are kept, of people who administer the role and the password alone; how many."""
    chosen = [one for one in found if not is_kept(one)]
    with transaction.atomic():
        for one in chosen:
            if isinstance(one.row, Person):
                one.row.role, one.row.password, one.row.seal = Person.Role.READER, people.NO_PASSWORD, b""
                one.row.save(update_fields=["role", "password", "seal"])
            else:
                gone: Model = copy(one.row)
                gone.delete()
        if chosen:
            record("grants.dropped", rows=len(chosen), by=COMMAND_LINE)
    return len(chosen)


def is_kept(one: Unfit) -> bool:
    """Whether a row is never dropped: a brand that has messages is put right, or sealed."""
    return isinstance(one.row, Brand) and Message.objects.filter(brand=one.row).exists()
