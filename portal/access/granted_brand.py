"""What a brand claims: its names, who is of it, and how its readers prove and whom they may forward to.

What only new messages get (rights, days, delivery) and how it looks are left out: they change nothing of a message that
is there, and no link (portal.access.grants).
"""

from __future__ import annotations

from collections.abc import Sequence

from branding.models import Brand
from portal.access.grants import Kind, as_json, flags, number


def _brand(row: Brand) -> Sequence[bytes]:
    texts = row.slug, row.host, row.from_address, row.bounce_address, row.session_scope
    lists = row.domains, row.methods, row.forward_domains
    named = (text.encode() for text in texts)
    return *named, *map(as_json, lists), number(row.minimum_level), flags((row.is_default,))


def _words(row: Brand) -> str:
    forwards = "anyone" if row.forward_domains is None else row.forward_domains
    ways = "any way" if row.methods is None else row.methods
    mails = " ".join(filter(None, (row.from_address, row.bounce_address))) or "its host's"
    said = f"brand {row.slug} at {row.host}, domains {row.domains}, addresses {mails}, forwards to {forwards}, "
    return said + f"opens by {ways} from level {row.minimum_level}, one proof a {row.session_scope}"


# Every process asks which brand a host or a domain means, and mails and pages must be made while the root key is away.
KIND = Kind("brand", Brand, _brand, _words, posted=True)
