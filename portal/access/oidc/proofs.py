"""Which address a provider's claims prove: one rule for each kind, for a claim that says less than it seems is a hole.

The claims were checked before (portal.access.oidc.client): they are the provider's, for this client and this sign-in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from portal.mime.addresses import domain_of, normalise
from portal.mime.errors import BadAddress

CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad"
"""The tenant of Microsoft's personal accounts."""
ANY = "*"
Claims = Mapping[str, Any]
_GMAIL = ("gmail.com", "googlemail.com")
_TENANT = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Unproved(Exception):
    """The claims prove nothing; `args[0]` is why, from a fixed list. Always caught in this package."""


def google(claims: Claims) -> str:
    """Google is the authority for its own mail and for Workspace domains (claim `hd`), and says so by both together.

    An account with a foreign address was verified once, maybe years ago: whoever has the mailbox now is not known.
    """
    address = _verified(claims)
    if domain_of(address) not in _GMAIL and not (isinstance(claims.get("hd"), str) and claims["hd"]):
        raise Unproved("foreign_address")
    return address


def microsoft(claims: Claims, tenants: Mapping[str, Sequence[str]]) -> str:
    """A personal account's address, one whose domain Microsoft verified, or one of a pinned tenant's own domains.

    `email` alone proves nothing: whoever runs a tenant writes there what they like (known as nOAuth).
    """
    tenant, address = claims.get("tid"), _address(claims)
    if not is_tenant(tenant):
        raise Unproved("tenant")
    # Said as a yes, as a number or as a word. Of a personal account it need not be said, but must not be denied.
    if claims.get("xms_edov", tenant == CONSUMERS) in (True, "1", "true"):
        return address
    if domain_of(address) in tenants.get(str(tenant), ()):
        return address
    raise Unproved("unverified")


def yahoo(claims: Claims) -> str:
    return _verified(claims)


def generic(claims: Claims, domains: Sequence[str]) -> str:
    """A company's own provider is believed for the company's own domains, and for any only where its row says so."""
    address = _verified(claims)
    if ANY not in domains and domain_of(address) not in domains:
        raise Unproved("domain")
    return address


def is_tenant(value: object) -> bool:
    """Whether it is a tenant's id, as Microsoft writes them."""
    return isinstance(value, str) and _TENANT.fullmatch(value) is not None


def _verified(claims: Claims) -> str:
    address = _address(claims)
    if claims.get("email_verified") is not True:
        raise Unproved("unverified")
    return address


def _address(claims: Claims) -> str:
    address = claims.get("email")
    if not isinstance(address, str):
        raise Unproved("no_address")
    try:
        return normalise(address)
    except BadAddress:
        raise Unproved("no_address") from None
