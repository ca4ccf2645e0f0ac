"""Who vouches that a mail is from whom it says: decided once, as it is taken, by nothing that its sender could write.

An Authentication-Results or ARC header is a stranger's word and is not read (docs/reading.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.conf import settings

from branding import choosing
from branding.models import Brand
from portal.ingest import signatures
from portal.ingest.spoolfile import OWN, Envelope
from portal.mime.addresses import normalise, parse_list
from portal.mime.errors import BadAddress
from portal.mime.fields import header_end, raw_fields
from portal.vault.toc import Voucher


def voucher(
    raw: bytes, shown: str, envelope: Envelope, brand: Brand, brand_of: Callable[[str], Brand] = choosing.of_domain
) -> Voucher:
    """For a mail that is shown as from the address `shown`, under this brand.

    DNS is asked only where nothing else vouches, and whatever it does raises nothing.
    """
    if envelope.source == "reply":
        return Voucher("confirmed")
    if envelope.source == OWN:
        return Voucher("own")
    authors = _authors(raw)
    domain = _domain(authors, shown)
    inside = bool(domain) and _is_inside(domain, brand)
    if domain and envelope.source in ("api", "command") and envelope.trusted and inside:
        return Voucher("program")
    if domain and envelope.source == "smtp" and _may_send_as(envelope, domain, inside=inside):
        own = inside and brand_of(domain).pk == brand.pk
        return Voucher("own") if own else Voucher("server", domain)
    if envelope.domains is None and inside:
        return Voucher()
    signer = signatures.signer(raw, domain, _ours(brand)) if domain else ""
    if signer:
        return Voucher("signature", signer)
    return Voucher("nobody") if signer is not None and _claims_inside(authors, shown, brand) else Voucher()


def _may_send_as(envelope: Envelope, domain: str, *, inside: bool) -> bool:
    """Whether the connector it came by is bound to this domain; one that is bound to none speaks for our own."""
    if not envelope.trusted or not envelope.connector or envelope.domains is None:
        return False
    return domain in envelope.domains if envelope.domains else inside


def _domain(authors: Sequence[str], shown: str) -> str:
    """The domain of the one author that the mail names, in ASCII; "" where it names several, or another than is shown,
    for then one could be shown and another one proved."""
    return authors[0].rpartition("@")[2] if authors == [_compared(shown)] else ""


def _claims_inside(authors: Sequence[str], shown: str, brand: Brand) -> bool:
    """Whether one of the addresses it could be taken to be from is one of ours."""
    return any(_is_inside(address.rpartition("@")[2], brand) for address in (_compared(shown), *authors))


def _authors(raw: bytes) -> list[str]:
    fields = raw_fields(raw[: header_end(raw)[0]])
    return [_compared(box.address) for name, value in fields if name.lower() == "from" for box in parse_list(value)]


def _compared(address: str) -> str:
    try:
        return normalise(address)
    except BadAddress:
        return ""


def _is_inside(domain: str, brand: Brand) -> bool:
    return any(domain == ours or domain.endswith(f".{ours}") for ours in _ours(brand))


def _ours(brand: Brand) -> frozenset[str]:
    return frozenset((*settings.LETTERLOCK.inside_domains, *brand.domains))
