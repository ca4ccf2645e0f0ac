"""What a recipient may be shown of who wrote, and the headers that say it."""

from __future__ import annotations

import re
import unicodedata

from django.conf import settings
from django.utils.translation import gettext as _

from branding import addresses
from branding.models import Brand
from portal.mime.addresses import Mailbox, clean_name, domain_of
from portal.mime.errors import BadAddress

LONGEST_NAME = 80
MOST_REFERENCES = 20
_LINK_LIKE = re.compile(r"://|www\.", re.IGNORECASE)
_ADDRESS_LIKE = re.compile(r"[@/\\<>]")
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,250}>")


def shown_name(writer: Mailbox) -> str:
    """The writer's name, or "" when it must not stand for them: one that reads like an address or a link would put
    another sender, or a second link, into a mail that people are told to check."""
    name = clean_name(writer.name).strip(" \"'")
    if len(name) > LONGEST_NAME or link_like(name) or _ADDRESS_LIKE.search(unicodedata.normalize("NFKC", name)):
        return ""
    return name


def link_like(text: str) -> bool:
    """Whether a mail program could make a link of it. A notice has exactly one link, its own."""
    return bool(_LINK_LIKE.search(unicodedata.normalize("NFKC", text)))


def shown(writer: Mailbox, brand: Brand) -> str:
    """How the writer is called: name, else address, else the organisation."""
    return shown_name(writer) or writer.address or brand.name


def own_address(brand: Brand) -> str:
    """The address a brand's portal writes from."""
    return addresses.portal_address(brand)


def own_addresses(brand: Brand) -> frozenset[str]:
    """All that it may have written from: what was written while another was set is still its own."""
    return frozenset({own_address(brand), f"messages@{brand.host}", brand.from_address})


def from_and_reply_to(writer: Mailbox, brand: Brand) -> tuple[Mailbox, Mailbox | None]:
    """From is the writer where the organisation's mail servers sign for the domain; else the portal on their behalf."""
    if is_inside(writer.address):
        return Mailbox(shown_name(writer), writer.address), None
    behalf = Mailbox(_("{sender} via {org}").format(sender=shown(writer, brand), org=brand.name), own_address(brand))
    return behalf, Mailbox(shown_name(writer), writer.address) if writer.address else None


def is_inside(address: str) -> bool:
    """Whether an address belongs to one of the organisation's own domains."""
    try:
        return domain_of(address) in settings.LETTERLOCK.inside_domains
    except BadAddress:
        return False


def thread(references: tuple[str, ...], answered: str) -> tuple[str, tuple[str, ...]]:
    """In-Reply-To and References (RFC 5322 section 3.6.4) of a mail that belongs behind `answered`.

    The first of a long chain and its newest are kept: mail programs join a conversation by either.
    """
    chain = list(dict.fromkeys(found for found in (*references, answered) if _MESSAGE_ID.fullmatch(found)))
    if len(chain) > MOST_REFERENCES:
        chain = chain[:1] + chain[1 - MOST_REFERENCES :]
    return (answered if _MESSAGE_ID.fullmatch(answered) else ""), tuple(chain)
