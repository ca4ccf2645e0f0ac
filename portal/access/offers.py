"""A way to confirm that another module brings to R1: what the page shows of it, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from portal.access.requests import Request
from portal.vault.models import Reader


@dataclass(frozen=True)
class Slot:
    """Its template, and what the template finds under the name `slot`."""

    template: str
    context: object


Offer = Callable[[Request, Reader], Slot | None]
"""Asked at every R1 (portal.access.ways); None leaves the way out."""
