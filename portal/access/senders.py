"""Senders: people inside the organisation who look at what they sent. Who is one, and where one signs in.

Their session is of a kind of its own: it proves the address as a provider vouches for it, opens no message and none of
the administrators' pages. Whether the address is inside is looked at on every request, so that a domain that leaves
the organisation takes its people along at once.
"""

from __future__ import annotations

from branding.choosing import origin
from branding.models import Brand
from portal.access import people
from portal.access.models import Provider, Session
from portal.access.requests import Request
from portal.mime.addresses import domain_of
from portal.mime.errors import BadAddress

SENT = "/sent/"


def is_inside(brand: Brand, address: str) -> bool:
    """Whether an address is in one of the brand's own domains; of a brand that names none, nobody's is."""
    try:
        return domain_of(address) in brand.domains
    except BadAddress:
        return False


def providers(brand: Brand) -> list[Provider]:
    """Where senders may sign in at this host."""
    return list(Provider.objects.filter(senders=True, enabled=True, brands=brand).order_by("slug"))


def url_of(brand: Brand) -> str:
    """The whole address of a brand's page about what was sent; "" where nobody can sign in there."""
    return origin(brand) + SENT if providers(brand) else ""


def session_of(request: Request) -> Session | None:
    """The session of the sender who is signed in here, while their address is inside the organisation."""
    row = request.sender_row
    return row if row is not None and is_inside(request.brand, people.address_of(row.person)) else None
