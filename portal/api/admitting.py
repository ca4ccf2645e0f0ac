"""Whose mail a token may hand in: one that is for a brand sends as that brand and as nobody else."""

from __future__ import annotations

from collections.abc import Callable

from branding import choosing
from portal.api.errors import OtherBrand
from portal.api.models import Token
from portal.ingest.spool import Envelope
from portal.mime.addresses import domain_of, parse_whole_list
from portal.mime.errors import BadAddress
from portal.mime.fields import raw_fields

_AUTHORS = ("from", "sender")


def admit(token: Token) -> Callable[[bytes, Envelope], None]:
    """A check of a mail's header block with its envelope. It raises OtherBrand."""

    def check(block: bytes, envelope: Envelope) -> None:
        if token.brand is None:
            return
        # The envelope's sender chooses the brand and the header's is shown: neither may be another's.
        try:
            domains = {domain_of(address) for address in (*_authors(block), *filter(None, [envelope.sender]))}
        except BadAddress:
            domains = set()
        if not domains or any(choosing.of_domain(domain).pk != token.brand.pk for domain in domains):
            raise OtherBrand(token.brand.slug)

    return check


def _authors(block: bytes) -> list[str]:
    """Everyone the mail says it is from. Raises BadAddress where that is nobody or cannot be told."""
    fields = [value for name, value in raw_fields(block) if name.lower() in _AUTHORS]
    found = [box.address for value in fields for box in parse_whole_list(value)]
    if not found:
        raise BadAddress
    return found
