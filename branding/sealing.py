"""A brand's row is sealed when the portal saves it; one that somebody wrote leads nowhere (portal.access.grants)."""

from __future__ import annotations

import copy
from collections.abc import Collection

from branding.errors import BrandForged
from branding.granted import CLAIMED
from branding.models import Brand
from portal.access import grants


class Saving:
    """What one saving of a row means for its seal. Make it, save, then `settle`, in one transaction."""

    def __init__(self, brand: Brand, fields: Collection[str] | None) -> None:
        """Seals the row anew where that is needed. `fields` are those that are saved; None for all.

        Raises BrandForged where the row is not as the portal wrote it, and would not be again.
        """
        self.sealed: Brand | None = None
        self._before = Brand.objects.select_for_update().filter(pk=brand.pk).first() if brand.pk is not None else None
        before, after = self._before, brand
        if before is not None:
            after = copy.copy(before)
            for name in CLAIMED if fields is None else CLAIMED.intersection(fields):
                setattr(after, name, getattr(brand, name))
            brand.seal = before.seal
            if grants.claims(after) == grants.claims(before) or grants.is_believed(after):
                return  # as it was, or put right again
            if not grants.is_believed(before):
                raise BrandForged(before.slug)
        grants.seal(after)
        brand.seal, self.sealed = after.seal, after

    def settle(self) -> None:
        if self.sealed is not None:
            if self._before is not None:
                grants.end(self._before)
            grants.post(self.sealed)


def is_whole(brand: Brand) -> bool:
    """Whether a brand is as the portal wrote it; where it is not, that is recorded, once as it is. One that is only
    shown (branding.versions.as_brand), or not kept yet, is no row."""
    if brand.is_shown or brand.pk is None or grants.is_believed(brand):
        return True
    grants.tell_unposted(brand)
    return False
