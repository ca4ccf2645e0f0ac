"""What waits now, counted up to a limit: a page costs the same however much there is."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from portal.ingest.models import Spooled

MOST = 10_000


def count(rows: QuerySet[Any]) -> int:
    """Rows, up to MOST."""
    return int(rows.order_by()[:MOST].count())


def held() -> int:
    """How many mails are held now, up to MOST."""
    return count(Spooled.objects.filter(state=Spooled.State.HELD))


def shown(number: int) -> str:
    """With commas, and with a plus where counting stopped."""
    return f"{number:,}" + ("+" if number == MOST else "")
