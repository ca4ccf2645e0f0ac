"""Epochs: the key of everything that closes on one day, named by that day and its generation."""

from __future__ import annotations

from datetime import date

EpochId = str  # "2026-12-17.0", "forever.0", "hold.0"


def epoch_name(open_until: date | None) -> EpochId:
    """The epoch of what closes on `open_until`, or never; its first generation."""
    # One generation exists until the issue of rotation makes a second; names hold its number from the start, because
    # they are bound into every wrap.
    return f"{open_until.isoformat() if open_until else 'forever'}.0"
