"""What is due to be destroyed, every minute, and runs over many messages."""

from __future__ import annotations

import logging

from django.utils import timezone

from portal.celery import LIFECYCLE_RUNS, app, ring
from portal.keys.errors import KeysError
from portal.lifecycle import bulk
from portal.vault.destroying import destroy_due
from portal.vault.errors import VaultError

log = logging.getLogger(__name__)


@app.task(name="portal.lifecycle.tasks.destroy")
def destroy() -> None:
    """Destroy what is due; what cannot be destroyed now is tried again with the next wake-up."""
    try:
        done = destroy_due(timezone.now())
    except (KeysError, VaultError) as error:
        log.error("destruction waits: %s", error)
        return
    if done.messages or done.readers or done.epochs or done.leaves:
        log.info(
            "destroyed: %d messages, %d readers, %d epochs, %d leaves of wider rights",
            *(done.messages, done.readers, done.epochs, done.leaves),
        )


@app.task(name=LIFECYCLE_RUNS)
def carry_out() -> None:
    """Work at runs; what is left is gone on with in the next turn."""
    bulk.tidy(timezone.now())
    if bulk.carry_out():
        ring(LIFECYCLE_RUNS)
