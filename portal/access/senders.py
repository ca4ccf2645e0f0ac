"""Senders: people inside the organisation who look at what they sent. Who is one, and where one signs in.

Their session is of a kind of its own: it proves the address as a provider vouches for it, opens no message and none of
the administrators' pages. Whether the address is inside is looked at on every request, so that a domain that leaves
the organisation takes its people along at once.
"""

from __future__ import annotations

from django.conf import settings

from branding import choosing
from branding.models import Brand
from portal.access import people
from portal.access.models import Provider, Session
from portal.access.requests import Request
from portal.directory import membership
from portal.mime.addresses import domain_of
from portal.mime.errors import BadAddress
from portal.vault.models import Message, Reader
from portal.vault.readers import address_lookup

SENT = "/sent/"


def is_inside(brand: Brand, address: str) -> bool:
    """Whether an address is in a domain of the organisation that writes under this brand: one that the brand names, or
    for the default brand one of the settings that no other brand names. Of an organisation that names none, nobody is.
    """
    try:
        domain = domain_of(address)
    except BadAddress:
        return False
    if domain in brand.domains:
        return True
    return domain in settings.LETTERLOCK.inside_domains and choosing.of_domain(domain) == brand


def may_sign_in(brand: Brand, address: str) -> bool:
    """Whether it is inside, and not of somebody whom the directory has switched off: they are out at once."""
    return is_inside(brand, address) and not membership.has_left(address_lookup(address))


def providers(brand: Brand) -> list[Provider]:
    """Where senders may sign in at this host."""
    return list(Provider.objects.filter(senders=True, enabled=True, brands=brand).order_by("slug"))


def url_for(brand: Brand, address: str) -> str:
    """The whole address of a brand's page about what was sent, for a mail to one of its senders; "" for anyone else,
    and where nobody can sign in there."""
    return choosing.origin(brand) + SENT if is_inside(brand, address) and providers(brand) else ""


def page_of(message: Message, address: str) -> str:
    """The whole address of a message's page, for a mail to its sender at `address`; "" where they cannot see it: they
    cannot sign in, or handed it in by another address than they wrote from."""
    url = url_for(message.brand, address)
    if not url:
        return ""
    theirs = message.readers.filter(role=Reader.Role.AUTHOR, address_lookup=address_lookup(address))
    return f"{url}{message.pk}/" if message.direction == Message.Direction.OUT and theirs.exists() else ""


def session_of(request: Request) -> Session | None:
    """The session of the sender who is signed in here, while their address is inside the organisation."""
    row = request.sender_row
    return row if row is not None and may_sign_in(request.brand, people.address_of(row.person)) else None
