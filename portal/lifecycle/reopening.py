"""A message is open again: whoever had asked for that is told, once, whoever opened it and however."""

from __future__ import annotations

from django.utils import timezone

from portal.delivery.models import Outbound
from portal.delivery.queue import enqueue
from portal.lifecycle.models import MoreTime
from portal.vault.models import Message
from portal.vault.readers import address_of, is_closed

S = MoreTime.State


def tell(message: Message) -> int:
    """Answer the open requests for a message with a new date, in the caller's transaction; how many."""
    now = timezone.now()
    if is_closed(message, now):
        return 0
    told = 0
    for row in MoreTime.objects.select_for_update().filter(reader__message=message, state=S.OPEN):
        row.state, row.answered_at, row.token_lookup = S.GRANTED, now, None
        row.save(update_fields=["state", "answered_at", "token_lookup"])
        reader = row.reader
        if reader.withdrawn_at is None:
            enqueue(Outbound.Kind.REOPENED, address=address_of(reader), message=message.id, reader=reader)
            told += 1
    return told
