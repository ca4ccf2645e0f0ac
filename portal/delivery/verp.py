"""An envelope sender of its own for each mail (VERP), by which a bounce is matched to it.

Address  bounce+<55 letters>@domain; the letters are base32 of: Outbound id, 16 bytes | day u16 | keyed hash, first 16.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from django.conf import settings

from branding import addresses
from branding.models import Brand
from portal.delivery.models import Outbound
from portal.keys.service import keys
from portal.mime.addresses import normalise
from portal.mime.errors import BadAddress

PREFIX = "bounce+"
GOOD_FOR = timedelta(days=30)
"""A server gives up after five days; a holiday reply may come later."""
_TAG_BYTES = 16
_EPOCH = date(2020, 1, 1)
_LETTERS = 55


def address_for(outbound: Outbound, brand: Brand) -> str:
    """The envelope sender of one mail."""
    signed = outbound.id.bytes + (outbound.made_at.astimezone(UTC).date() - _EPOCH).days.to_bytes(2, "big")
    token = base64.b32encode(signed + _tag(signed)).decode().rstrip("=").lower()
    return f"{PREFIX}{token}@{addresses.bounce_domain(brand)}"


def domain_of_form(address: str) -> str:
    """The domain, in lower case, of an address whose local part has the form of ours; "" when it has another."""
    local, _, domain = address.lower().rpartition("@")
    if not local.startswith(PREFIX) or len(local) != len(PREFIX) + _LETTERS:
        return ""
    return domain.removesuffix(".")


def is_one(address: str) -> bool:
    """Whether an address has the form of ours, true or forged, and a domain of ours: other installations, and senders
    of mass mail, have bounce addresses too, and what our people answer to those has to reach them."""
    domain = domain_of_form(address)
    if not domain:
        return False
    if domain in (settings.LETTERLOCK.bounce_domain, settings.LETTERLOCK.public_host):
        return True
    # The last is for mail that left while another domain was set.
    return domain in addresses.bounce_domains() or mail_of(address, datetime.now(UTC).date()) is not None


def mail_of(address: str, today: date) -> UUID | None:
    """The mail an address was made for; None when it was not made here, or too long ago."""
    try:
        letters = normalise(address).rpartition("@")[0].removeprefix(PREFIX).upper()
        raw = base64.b32decode(letters + "=" * (-len(letters) % 8))
    except (BadAddress, binascii.Error, ValueError):
        return None
    signed, tag = raw[:18], raw[18:]
    if len(raw) != 18 + _TAG_BYTES or not hmac.compare_digest(tag, _tag(signed)):
        return None
    made = _EPOCH + timedelta(days=int.from_bytes(signed[16:], "big"))
    return UUID(bytes=signed[:16]) if made <= today + timedelta(days=1) and today - made <= GOOD_FOR else None


def _tag(signed: bytes) -> bytes:
    return keys().lookup("bounce", signed.hex())[:_TAG_BYTES]
