"""A brand's row is sealed when the portal saves it; one that somebody wrote leads nowhere (portal.access.grants)."""

from __future__ import annotations

import copy
from collections.abc import Collection, Sequence
from typing import Any, Protocol

from branding.errors import BrandForged

CLAIMED = frozenset(
    {
        "slug", "host", "domains", "from_address", "bounce_address", "is_default", "methods", "minimum_level",
        "session_scope", "forward_domains",
    }
)  # fmt: skip
"""Columns of the row that are sealed (portal.access.granted_brand)."""


class Row(Protocol):
    """A brand (branding.models), as far as its seal is concerned."""

    pk: Any
    slug: Any
    seal: Any
    is_shown: bool


class Seals(Protocol):
    """What the room that knows all sealed rows hands in: portal.access.grants."""

    def claims(self, row: Any) -> Sequence[bytes]: ...

    def seal(self, row: Any) -> None: ...

    def is_believed(self, row: Any) -> bool: ...

    def tell_unposted(self, row: Any) -> None: ...

    def end(self, *rows: Any) -> None: ...

    def post(self, *rows: Any) -> None: ...


_handed: list[Seals] = []


def hand_in(seals: Seals) -> None:
    """Name it, in AppConfig.ready()."""
    _handed[:] = [seals]


class Saving:
    """What one saving of a row means for its seal. Make it, save, then `settle`, in one transaction."""

    def __init__(self, brand: Row, kept: Row | None, fields: Collection[str] | None) -> None:
        """Seals the row anew where that is needed. `kept` is the row as it stands, locked; None where there is none
        yet. `fields` are those that are saved; None for all.

        Raises BrandForged where the row is not as the portal wrote it, and would not be again.
        """
        self.sealed: Row | None = None
        self._before = kept
        before, after = kept, brand
        if before is not None:
            after = copy.copy(before)
            for name in CLAIMED if fields is None else CLAIMED.intersection(fields):
                setattr(after, name, getattr(brand, name))
            brand.seal = before.seal
            if _handed[0].claims(after) == _handed[0].claims(before) or _handed[0].is_believed(after):
                return  # as it was, or put right again
            if not _handed[0].is_believed(before):
                raise BrandForged(before.slug)
        _handed[0].seal(after)
        brand.seal, self.sealed = after.seal, after

    def settle(self) -> None:
        if self.sealed is not None:
            if self._before is not None:
                _handed[0].end(self._before)
            _handed[0].post(self.sealed)


def is_whole(brand: Row) -> bool:
    """Whether a brand is as the portal wrote it; where it is not, that is recorded, once as it is. One that is only
    shown (branding.versions.as_brand), or not kept yet, is no row."""
    if brand.is_shown or brand.pk is None or _handed[0].is_believed(brand):
        return True
    _handed[0].tell_unposted(brand)
    return False
