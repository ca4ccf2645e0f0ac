"""Messages that travel with their notices: what is stored of them goes once they have left, and only keys stay.

`away_at` is set first and the blobs go after it, so that whoever comes between is told where the message is. Each step
may be repeated: a crash only delays.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from portal.audit.record import record_all
from portal.vault.blobs import store
from portal.vault.errors import VaultError
from portal.vault.models import Blob, Message

log = logging.getLogger(__name__)


def let_go(left: Sequence[UUID], now: datetime) -> int:
    """Keep nothing but keys of these messages, but of those under a legal hold; how many were let go now."""
    with transaction.atomic():
        # Locked and asked again: a hold that was put on one of them just now comes first.
        rows = Message.objects.select_for_update().filter(
            pk__in=left, delivery=Message.Delivery.ATTACHMENT, away_at=None, held_at=None, destroying_at=None
        )
        gone = list(rows.values_list("pk", flat=True))
        Message.objects.filter(pk__in=gone).update(container=b"", away_at=now)
        record_all("message.let_go", [(pk, None) for pk in gone])
    delete_blobs()
    return len(gone)


def delete_blobs() -> None:
    """Delete the blobs of messages that are away. One that cannot be deleted now is tried again."""
    for blob in Blob.objects.filter(message__away_at__isnull=False):
        try:
            store().delete(blob.id)
        except (OSError, VaultError) as error:
            log.error("a blob of message %s cannot be deleted yet: %s", blob.message_id, type(error).__name__)
            continue
        Blob.objects.filter(pk=blob.pk).delete()
