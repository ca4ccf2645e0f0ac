"""M6b: an answer that is too large for the mail server inside stays here, and its recipient gets a link to it.

Not of a split message: what opens it was to travel with the answer, and is gone with it.
"""

from __future__ import annotations

import re

from django.utils import translation
from django.utils.translation import gettext as _

from branding import choosing, languages
from portal.delivery import naming, telling
from portal.delivery.letters import Prepared
from portal.delivery.models import Outbound
from portal.delivery.queue import address_of, enqueue, reader_at, reader_of
from portal.mime.addresses import Mailbox
from portal.vault.opening import open_message
from portal.vault.readers import link_of

_TOO_LARGE = re.compile(r"5\d\d 5\.(?:2\.3|3\.4)\b")
"""Message too big for a mailbox, or for the system (RFC 3463 sections 3.3 and 3.4)."""


def stays_here(row: Outbound, answer: str) -> bool:
    """Whether this is such an answer, by what the mail server said of it."""
    return row.kind == Outbound.Kind.REPLY and not row.share and bool(_TOO_LARGE.match(answer))


def ask(row: Outbound) -> None:
    """Ask for the mail with the link in the place of an answer; in the caller's transaction."""
    reader = reader_of(row)
    if reader is not None:
        enqueue(Outbound.Kind.LARGE, address=address_of(row), message=row.message, reader=reader)


def build(outbound: Outbound) -> Prepared | None:
    """That mail; None when the reader is gone. Raises the errors of portal.vault.opening.open_message."""
    reader = reader_at(outbound)
    if reader is None:
        return None
    toc, brand, address = open_message(reader).toc, reader.message.brand, address_of(outbound)
    origin = choosing.origin(brand)
    with translation.override(languages.of_brand(brand)):
        sender = naming.shown(toc.sender, brand)
        context: dict[str, object] = {
            "brand": brand,
            "sender": sender,
            "files": len(toc.files),
            "size": sum(file.size for file in toc.files),
            "open_until": reader.message.open_until,
            "url": f"{origin}/m/{link_of(reader)}",
            "host": origin.partition("://")[2],
        }
        subject = _("Protected reply from {sender}").format(sender=sender)
        thread = naming.thread(toc.references, toc.in_reply_to)
        return telling.word(outbound, brand, Mailbox("", address), subject, "large", context, thread)
