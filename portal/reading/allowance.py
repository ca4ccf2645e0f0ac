"""How many pictures of the internet are fetched: so many for one network and for one brand in ten minutes, so that no
reader and no sender makes the portal a tool against others. Rows in the database, for all web processes together."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import F

from branding.models import Brand
from portal.keys.service import keys
from portal.vault.models import Fetched

SPAN = timedelta(minutes=10)
OF_A_NETWORK = 600
OF_A_BRAND = 6000
"""Ten in a second."""


def take(brand: Brand, network: str, now: datetime) -> bool:
    """Count one more; False when the network or the brand has had what it may have for now."""
    span = datetime.fromtimestamp(now.timestamp() // SPAN.total_seconds() * SPAN.total_seconds(), now.tzinfo)
    wanted = [(f"network {network}", OF_A_NETWORK)] if network else []
    return all(_counted(whose, most, span) for whose, most in (*wanted, (f"brand {brand.pk}", OF_A_BRAND)))


def _counted(whose: str, most: int, span: datetime) -> bool:
    lookup = keys().lookup("fetched", whose)
    rows = Fetched.objects.filter(whose=lookup, span=span)
    if rows.filter(count__lt=most).update(count=F("count") + 1):
        return True
    if rows.exists():
        return False
    Fetched.objects.filter(span__lt=span).delete()  # nobody asks for these again
    Fetched.objects.bulk_create([Fetched(whose=lookup, span=span)], ignore_conflicts=True)
    return bool(rows.filter(count__lt=most).update(count=F("count") + 1))
