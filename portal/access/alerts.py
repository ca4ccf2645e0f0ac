"""The mails that tell a recipient what was done in their name (M12): a passkey added, a new browser kept."""

from __future__ import annotations

from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from branding.choosing import origin
from branding.context import face
from branding.models import Brand
from portal.delivery import tongue
from portal.delivery.dressing import dressed_for_reader
from portal.delivery.heads import own_heads
from portal.delivery.letters import Prepared
from portal.delivery.models import Outbound
from portal.delivery.queue import enqueue, reader_of, words_of
from portal.delivery.verp import address_for
from portal.vault import readers
from portal.vault.models import Reader

K = Outbound.Kind


def warn(kind: Outbound.Kind, reader: Reader, device: str) -> None:
    """Queue the mail, to the address of a reader whose person did this; `device` is "" where it has no name.

    The reader stands for address and brand; the mail is about no message. Nor is it about a row that could be gone when
    it is written: who adds a passkey and removes it at once cannot keep it back.
    """
    enqueue(kind, address=readers.address_of(reader), reader=reader, words=device)


def alert(outbound: Outbound) -> Prepared | None:
    """The mail for a PASSKEY or KEPT; None when its reader is gone."""
    reader = reader_of(outbound)
    if reader is None:
        return None
    brand, address = reader.message.brand, readers.address_of(reader)
    with translation.override(tongue.of_reader(reader)):
        return Prepared.whole(address_for(outbound, brand), address, _written(outbound, brand, address))


def _written(outbound: Outbound, brand: Brand, address: str) -> bytes:
    context = {
        "brand": face(brand),
        "passkey": outbound.kind == K.PASSKEY,
        "address": address,
        "device": words_of(outbound),
        "at": outbound.made_at,
        "settings_url": origin(brand) + reverse("settings"),
        "host": brand.host,
    }
    passkey, kept = _("A passkey was added at {org}"), _("A new browser is signed in at {org}")
    subject = (passkey if outbound.kind == K.PASSKEY else kept).format(org=brand.name)
    heads = own_heads(outbound, brand, address, subject, "alert")
    return dressed_for_reader("alert", brand, context).mail(heads)
