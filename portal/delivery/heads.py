"""The header of a mail that the portal writes of itself, in a brand's name, to one address."""

from __future__ import annotations

from branding.models import Brand
from portal.delivery.models import Outbound
from portal.delivery.naming import own_address
from portal.mime.addresses import Mailbox
from portal.mime.building import Heads


def automatic(kind: str) -> tuple[tuple[str, str], ...]:
    """Fields that keep holiday replies away (RFC 3834; Exchange asks for the last); `kind` tells our mails apart."""
    return ("X-Letterlock", kind), ("Auto-Submitted", "auto-generated"), ("X-Auto-Response-Suppress", "All")


def own_heads(outbound: Outbound, brand: Brand, address: str, subject: str, kind: str) -> Heads:
    """`kind` is what X-Letterlock says."""
    return Heads(
        from_=Mailbox(brand.name, own_address(brand)),
        to=(Mailbox("", address),),
        subject=subject,
        date=outbound.made_at,
        message_id=f"<{outbound.id}@{brand.host}>",
        extra=automatic(kind),
    )
