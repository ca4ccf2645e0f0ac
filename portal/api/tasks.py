"""Telling webhooks, every few seconds."""

from __future__ import annotations

import logging

from django.utils import timezone

from portal.api import telling
from portal.celery import TELL_WEBHOOKS, app
from portal.keys.errors import KeysError

log = logging.getLogger(__name__)


@app.task(name=TELL_WEBHOOKS)
def tell_webhooks() -> None:
    """Send what is due; without keys no address can be opened, and it waits."""
    try:
        telling.tell(timezone.now())
    except KeysError as error:
        log.error("webhooks wait: %s", error)
