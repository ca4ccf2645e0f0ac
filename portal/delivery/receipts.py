"""The receipt (M11) for whoever wrote to the organisation first: that it went, and the way to it and the answer.

It holds nothing of what was written, and is never told of: whoever it does not reach would be the one to tell.
"""

from __future__ import annotations

from django.utils import timezone, translation
from django.utils.translation import gettext as _

from branding import choosing
from portal.delivery import naming, verp
from portal.delivery.dressing import dressed_for_reader
from portal.delivery.letters import Prepared
from portal.delivery.models import Outbound
from portal.delivery.queue import address_of
from portal.keys.split import grouped
from portal.mime.addresses import Mailbox
from portal.mime.building import Heads
from portal.vault.models import Reader
from portal.vault.readers import envelope_of, link_of

HEADERS = (
    ("X-Letterlock", "receipt"),
    ("Auto-Submitted", "auto-generated"),  # RFC 3834: no holiday reply may answer it
    ("X-Auto-Response-Suppress", "All"),
)


def build(outbound: Outbound, reader: Reader, code: str) -> Prepared:
    """The receipt for the author of a first message; `code` is their share of a split one, else ""."""
    message, address = reader.message, address_of(outbound)
    brand, origin = message.brand, choosing.origin(message.brand)
    context = {
        "brand": brand,
        "sent_at": envelope_of(message).sent_at,
        "reference": message.short_id,
        "open_until": message.open_until,
        "url": f"{origin}/m/{link_of(reader)}" + (f"#{code}" if code else ""),
        "code": grouped(code),
        "host": origin.partition("://")[2],
    }
    with translation.override(brand.language):
        heads = Heads(
            from_=Mailbox(brand.name, naming.own_address(brand)),
            to=(Mailbox("", address),),
            subject=_("You wrote to {org} (reference {reference})").format(org=brand.name, reference=message.short_id),
            date=timezone.localtime(outbound.made_at),
            message_id=f"<{outbound.id}@{brand.host}>",
            extra=HEADERS,
        )
        mail = dressed_for_reader("receipt", brand, context, until=message.open_until).mail(heads)
    return Prepared.whole(verp.address_for(outbound, brand), address, mail)
