"""Addresses as the organisation's own pages show them: behind a mask, and not at all while the keys are away."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.utils.translation import gettext as _

from portal.keys.errors import KeysError
from portal.mime.addresses import mask

Row = TypeVar("Row")


def masked(address_of: Callable[[Row], str], row: Row) -> str:
    """A row's address like jo•••••@mail.example; words in its place when `address_of` cannot open it."""
    try:
        return mask(address_of(row))
    except (KeysError, ValueError):
        return _("(hidden: the keys are away)")
