"""What a provider publishes about itself: discovery document and keys, fetched, checked and kept for an hour."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Self
from urllib.parse import urlsplit

from django.utils import timezone

from portal.access.errors import ProviderDown
from portal.access.models import Provider
from portal.access.oidc import fetching
from portal.access.oidc.fetching import Unreachable
from portal.access.oidc.proofs import CONSUMERS
from portal.keys.service import keys

log = logging.getLogger(__name__)
FRESH = timedelta(hours=1)
"""So long a key that a provider took back is still believed; an unknown key has them fetched at once."""
REST = timedelta(minutes=1)
"""So long a provider that did not answer is left alone, and its button shows it: nobody waits for it in vain."""
TENANT = "{tenantid}"
"""Stands in the issuer of Microsoft's discovery documents that are for many tenants."""
_SHARED = {"common": TENANT, "organizations": TENANT, "consumers": CONSUMERS}
"""Words for several tenants in Microsoft's addresses, and what the issuer has in their place."""
MOST_KEYS = 50
_POST, _BASIC, _NONE = "client_secret_post", "client_secret_basic", "none"


@dataclass(frozen=True)
class Known:
    """A provider's addresses and keys. `auth` is how the client shows its secret (OpenID Connect Core section 9)."""

    issuer: str
    authorization: str
    token: str
    userinfo: str
    jwks: str
    auth: str
    says_issuer: bool
    """Whether it puts its issuer into the way back (RFC 9207)."""
    keys: list[dict[str, Any]]

    @property
    def origin(self) -> str:
        """Where its sign-in page is, like https://accounts.example.org."""
        return origin_of(self.authorization)

    def sealed(self, provider: Provider) -> bytes:
        return keys().seal_field("provider-known", provider.id, json.dumps(asdict(self)).encode())

    @classmethod
    def of_row(cls, provider: Provider) -> Self:
        return cls(**json.loads(keys().open_field("provider-known", provider.id, bytes(provider.known))))


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def remembered(provider: Provider) -> Known | None:
    """What was fetched last, however old; None when nothing was. Asks nobody."""
    return Known.of_row(provider) if provider.known else None


def is_down(provider: Provider) -> bool:
    """Whether it did not answer within the last minute."""
    now, until = timezone.now(), provider.down_until
    # A clock that was set back must not leave it alone for longer.
    return until is not None and now < until <= now + REST


def of(provider: Provider, *, anew: bool = False) -> Known:
    """What the provider publishes, from its row while that is an hour old at most. Raises ProviderDown."""
    now = timezone.now()
    if is_down(provider):
        raise ProviderDown(provider.name)
    if not anew and provider.known and provider.known_at is not None and now - FRESH < provider.known_at <= now:
        return Known.of_row(provider)
    try:
        known = fetched(provider)
    except Unreachable as error:
        raise down(provider, str(error)) from None
    provider.known, provider.known_at, provider.down_until = known.sealed(provider), now, None
    Provider.objects.filter(pk=provider.pk).update(known=provider.known, known_at=now, down_until=None)
    return known


def down(provider: Provider, why: str) -> ProviderDown:
    """As `failed`, and leave it alone for a minute. For all people: so only for what no stranger can bring about."""
    provider.down_until = timezone.now() + REST
    Provider.objects.filter(pk=provider.pk).update(down_until=provider.down_until)
    return failed(provider, why)


def failed(provider: Provider, why: str) -> ProviderDown:
    """Log what is wrong with a provider, in one of our own sentences; the error to raise."""
    log.warning("provider %s: %s", provider.slug, why)
    return ProviderDown(provider.name)


def fetched(provider: Provider) -> Known:
    """Discovery (OpenID Connect Discovery 1.0 section 4) and keys, fetched now. Raises Unreachable."""
    document = _get(f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration", provider)
    issuer = document.get("issuer")
    if not isinstance(issuer, str) or not _is_own(provider, issuer):
        raise Unreachable("its discovery document is another issuer's")
    jwks = _address(document, "jwks_uri", provider)
    found = _get(jwks, provider).get("keys")
    if not isinstance(found, list) or len(found) > MOST_KEYS:
        raise Unreachable("its key document holds no list of keys")
    return Known(
        issuer=issuer,
        authorization=_address(document, "authorization_endpoint", provider),
        token=_address(document, "token_endpoint", provider),
        userinfo=_address(document, "userinfo_endpoint", provider) if "userinfo_endpoint" in document else "",
        jwks=jwks,
        auth=_auth(provider, document.get("token_endpoint_auth_methods_supported")),
        says_issuer=document.get("authorization_response_iss_parameter_supported") is True,
        keys=[key for key in found if isinstance(key, dict)],
    )


def _is_own(provider: Provider, issuer: str) -> bool:
    """Section 4.3: the very issuer that was configured. Microsoft's for many tenants names a place for the tenant."""
    if issuer == provider.issuer:
        return True
    if provider.kind != Provider.Kind.MICROSOFT:
        return False
    before, _, word = provider.issuer.removesuffix("/v2.0").rpartition("/")
    return word in _SHARED and issuer == f"{before}/{_SHARED[word]}/v2.0"


def _get(url: str, provider: Provider) -> dict[str, Any]:
    answer = fetching.fetch(url, private=provider.private)
    if answer.status != 200:
        raise Unreachable(f"it answers {answer.status} for what it publishes")
    return answer.document


def _address(document: dict[str, Any], name: str, provider: Provider) -> str:
    address = document.get(name)
    try:
        if isinstance(address, str):
            fetching.checked(address, private=provider.private)
            return address
    except ValueError:
        pass
    raise Unreachable("its discovery document lacks an address, or names one that is not https")


def _auth(provider: Provider, offered: object) -> str:
    if not provider.client_secret:
        return _NONE
    # Basic is the default of the standard where a provider says nothing.
    return _POST if isinstance(offered, list) and _POST in offered and _BASIC not in offered else _BASIC
