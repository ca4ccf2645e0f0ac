"""Destroying leaves and nodes of epoch keys, many of an epoch in one write of it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from portal.keys.epochs import EpochId
from portal.keys.errors import KeyDestroyed, NoSuchKey
from portal.keys.service import keys

log = logging.getLogger(__name__)

Target = tuple[int, int | None]
"""A message's number in an epoch; and a reader's in the message, or None for all of them."""


def puncture(targets: Mapping[EpochId, Sequence[Target]]) -> set[EpochId]:
    """One write an epoch; returns those that the keyring has never held: it is older than the database.

    Raises:
        ProviderUnavailable and other key errors: try again later.
    """
    failed: set[EpochId] = set()
    for epoch, numbers in targets.items():
        try:
            keys().puncture_all(epoch, numbers)
        except KeyDestroyed:
            continue  # the whole epoch is gone, or this generation of it
        except NoSuchKey:
            log.error("%d destructions wait: the keyring does not hold the epoch %s", len(numbers), epoch)
            failed.add(epoch)
    return failed
