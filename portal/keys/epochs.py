"""Epochs: the key of everything that closes on one day, named by that day and its generation."""

from __future__ import annotations

from datetime import date

EpochId = str  # "2026-12-17.0", "forever.0", "hold.0"
FOREVER = "forever"
HOLD = "hold"
"""Under which a legal hold wraps keys again, so that they outlive their day."""


def base_name(open_until: date | None) -> str:
    """What all generations of an epoch share: the day, or "forever"."""
    return open_until.isoformat() if open_until else FOREVER


def day_of(epoch: EpochId) -> date | None:
    """The last day of an epoch; None for "forever" and "hold", which no day ends."""
    base = epoch.rpartition(".")[0]
    return None if base in (FOREVER, HOLD) else date.fromisoformat(base)


def epoch_name(open_until: date | None) -> EpochId:
    """The epoch of what closes on `open_until`, or never; its first generation."""
    # One generation exists until the issue of rotation makes a second; names hold its number from the start, because
    # they are bound into every wrap.
    return f"{base_name(open_until)}.0"
