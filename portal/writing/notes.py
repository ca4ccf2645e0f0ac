"""The mail that tells whoever answered that it was taken (M10): when, its reference and where it is. No word of
it, and nothing of what was answered."""

from __future__ import annotations

from django.utils import timezone, translation
from django.utils.translation import gettext as _

from branding.choosing import origin
from branding.context import face
from portal.delivery import tongue
from portal.delivery.dressing import dressed_for_reader
from portal.delivery.heads import own_heads
from portal.delivery.letters import Prepared
from portal.delivery.models import Outbound
from portal.delivery.queue import address_of, reader_of
from portal.delivery.verp import address_for
from portal.vault.readers import is_closed_to, link_of


def note(outbound: Outbound) -> Prepared | None:
    """The mail for a NOTE; None when the answer can no longer be read."""
    reader = reader_of(outbound)
    if reader is None or is_closed_to(reader, timezone.now()):
        return None
    brand, address = reader.message.brand, address_of(outbound)
    host = origin(brand)
    with translation.override(tongue.of_reader(reader)):
        context = {
            "brand": face(brand),
            "written_at": reader.message.made_at,
            "reference": reader.message_id.hex[-8:],  # as the page of the message shows it
            "url": f"{host}/m/{link_of(reader)}",
            "host": host.partition("://")[2],
        }
        heads = own_heads(outbound, brand, address, _("Your message to {org} was sent").format(org=brand.name), "note")
        mail = dressed_for_reader("note", brand, context).mail(heads)
    return Prepared.whole(address_for(outbound, brand), address, mail)
