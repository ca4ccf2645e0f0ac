"""Seals for sessions whose rows a test has changed, as if they had been begun so."""

from __future__ import annotations

from portal.access import binding
from portal.access.models import Session


def reseal() -> None:
    for row in Session.objects.select_related("person"):
        row.seal = binding.seal(row)
        row.save(update_fields=["seal"])
