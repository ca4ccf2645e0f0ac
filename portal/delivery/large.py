"""M6b: an answer that is too large for the mail server inside stays here, and its recipient gets a link to it.

What opens a split one goes with the link, as it would have gone with the answer. Where a report says only later that it
was too large, that is gone, and it fails as any other.
"""

from __future__ import annotations

import re

from django.utils import translation
from django.utils.translation import gettext as _

from branding import choosing, languages
from portal.audit.record import record
from portal.delivery import naming, telling
from portal.delivery.letters import Prepared
from portal.delivery.models import Outbound
from portal.delivery.queue import address_of, enqueue, reader_at, reader_of, share_of
from portal.keys import split
from portal.mime.addresses import Mailbox
from portal.vault.opening import open_message
from portal.vault.readers import link_of

_STATUSES = ("5.2.3", "5.3.4")
_TOO_LARGE = re.compile(r"5\d\d 5\.(?:2\.3|3\.4)\b")
"""Message too big for a mailbox, or for the system (RFC 3463 sections 3.3 and 3.4)."""


def stays_here(row: Outbound, answer: str) -> bool:
    """Whether this is such an answer, by what the mail server said of it."""
    return row.kind == Outbound.Kind.REPLY and bool(_TOO_LARGE.match(answer))


def came_back(row: Outbound, status: str) -> bool:
    """Whether a report of this status makes an answer that had left one that stays here; in the caller's transaction.
    Once, however many reports come."""
    reader = reader_of(row) if row.kind == Outbound.Kind.REPLY and status in _STATUSES else None
    if reader is None or reader.message.split:
        return False
    left = Outbound.objects.filter(pk=row.pk, state=Outbound.State.SENT).exclude(news=Outbound.News.FAILED)
    if left.update(state=Outbound.State.DROPPED, last_answer=status):
        record("reply.kept", message=row.message, reader=row.reader_id, answer=status, reported=True)
        ask(row)
        return True
    return row.state == Outbound.State.DROPPED


def ask(row: Outbound) -> None:
    """Ask for the mail with the link in the place of an answer; in the caller's transaction."""
    reader = reader_of(row)
    if reader is not None:
        enqueue(Outbound.Kind.LARGE, address=address_of(row), message=row.message, reader=reader, share=share_of(row))


def build(outbound: Outbound) -> Prepared | None:
    """That mail; None when the reader is gone. Raises the errors of portal.vault.opening.open_message."""
    reader = reader_at(outbound)
    if reader is None:
        return None
    share = share_of(outbound)
    toc, brand, address = open_message(reader, share).toc, reader.message.brand, address_of(outbound)
    origin = choosing.origin(brand)
    with translation.override(languages.of_brand(brand)):
        sender = naming.shown(toc.sender, brand)
        context: dict[str, object] = {
            "brand": brand,
            "sender": sender,
            "files": len(toc.files),
            "size": sum(file.size for file in toc.files),
            "open_until": reader.message.open_until,
            "url": f"{origin}/m/{link_of(reader)}" + (f"#{split.code_of(share)}" if share else ""),
            "host": origin.partition("://")[2],
        }
        subject = _("Protected reply from {sender}").format(sender=sender)
        thread = naming.thread(toc.references, toc.in_reply_to)
        return telling.word(outbound, brand, Mailbox("", address), subject, "large", context, thread)
