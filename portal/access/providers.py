"""Providers as administrators know them: added, switched on and off for a brand, looked at, and tried out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from django.db import IntegrityError, transaction
from django.utils import timezone

from branding.models import Brand
from portal.access import grants
from portal.access.errors import ProviderUnusable
from portal.access.models import Provider, Session
from portal.access.oidc import fetching, known, proofs
from portal.access.oidc.flow import back_url
from portal.access.oidc.known import Known
from portal.audit.record import record
from portal.keys.service import keys
from portal.mime.addresses import domain_of
from portal.mime.errors import BadAddress

Kind = Provider.Kind
WAYS = ("passcode", "passkey")
"""Other ways to confirm, so no provider's name (branding.models.Brand.methods)."""
LONGEST_NAME, LONGEST = 60, 255
"""Characters of a shown name, and of an issuer or client id, as the columns have them."""
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")


@dataclass(frozen=True)
class Preset:
    """What is the same for everyone who uses a provider."""

    name: str
    issuer: str
    domains: tuple[str, ...]


PRESETS: Mapping[str, Preset] = {
    Kind.GOOGLE: Preset("Google", "https://accounts.google.com", ("gmail.com", "googlemail.com")),
    Kind.MICROSOFT: Preset(
        "Microsoft",
        "https://login.microsoftonline.com/common/v2.0",
        ("outlook.*", "hotmail.*", "live.*", "msn.com"),
    ),
    Kind.YAHOO: Preset(
        "Yahoo", "https://api.login.yahoo.com", ("yahoo.*", "ymail.com", "rocketmail.com", "myyahoo.com")
    ),
}


@dataclass(frozen=True)
class Wanted:
    """What an administrator says of a new provider; what is empty is as the kind has it."""

    slug: str
    kind: str
    client_id: str
    secret: str = field(default="", repr=False)
    name: str = ""
    issuer: str = ""
    domains: Sequence[str] = ()
    tenants: Sequence[str] = ()
    """Each like "tenant-id=example.org,example.net"."""
    recipients: bool = True
    office: bool = False
    senders: bool = False
    private: bool = False


def add(wanted: Wanted, brands: Sequence[Brand]) -> Provider:
    """Make a provider, switched on for these brands, after asking it for what it publishes.

    Raises:
        ProviderUnusable: something is wrong with it, or it does not answer.
    """
    row = _row(wanted)
    seen = _asked(row)
    row.known, row.known_at = seen.sealed(row), timezone.now()
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            row.brands.set(brands)
            _seal(row)
            record("provider.added", provider=row.slug)
    except IntegrityError:
        raise ProviderUnusable(f"There is a provider {row.slug} already. Choose another short name.") from None
    return row


def remove(row: Provider) -> None:
    """End a provider and every session that it proved."""
    with transaction.atomic():
        Session.objects.filter(provider=row.slug).delete()
        before = copy(row)
        row.delete()
        record("provider.removed", provider=row.slug)
        grants.end(before)


def switch(row: Provider, *, on: bool, brands: Sequence[Brand] = ()) -> None:
    """On or off: for some brands, or with none named for all that it belongs to. ProviderUnusable when it was changed
    behind the portal's back."""
    with _changing(row):
        if brands:
            (row.brands.add if on else row.brands.remove)(*brands)
        if on or not brands:
            row.enabled = on
            row.save(update_fields=["enabled"])
        record("provider.switched", provider=row.slug, on=on)


def renew_secret(row: Provider, secret: str) -> None:
    """Give a provider another client secret. Sign-ins that are under way use it from their next step on.
    ProviderUnusable when it was changed behind the portal's back."""
    with _changing(row):
        row.client_secret = keys().seal_field("provider", row.id, secret.encode())
        row.save(update_fields=["client_secret"])
        record("provider.secret_set", provider=row.slug)


@contextmanager
def _changing(row: Provider) -> Iterator[None]:
    """Change a provider that is as it was sealed, and seal what it is then; what it was counts no more."""
    if not grants.is_whole(row):
        raise ProviderUnusable(
            f"The row of {row.slug} is not as the portal wrote it. Look at it with manage.py grants list; remove the "
            "provider and add it anew."
        )
    with transaction.atomic():
        before = copy(row)
        yield
        _seal(row)
        grants.end(before)


def _seal(row: Provider) -> None:
    grants.seal(row)
    row.save(update_fields=["seal"])


def named(slug: str) -> Provider:
    """Raises ProviderUnusable when there is none."""
    row = Provider.objects.filter(slug=slug).first()
    if row is None:
        raise ProviderUnusable(f"There is no provider {slug!r}. manage.py provider list shows them.")
    return row


def tried(row: Provider) -> Known:
    """Ask a provider for what it publishes, kept or not. Raises ProviderUnusable."""
    seen = _asked(row)
    Provider.objects.filter(pk=row.pk).update(known=seen.sealed(row), known_at=timezone.now(), down_until=None)
    return seen


def redirects(row: Provider) -> list[str]:
    """Every redirect URI to register, one for each brand that it is on for."""
    return [back_url(row, brand) for brand in row.brands.order_by("slug")]


def _asked(row: Provider) -> Known:
    try:
        return known.fetched(row)
    except fetching.Unreachable as error:
        hint = "" if row.private else " One in the own network needs --private."
        raise ProviderUnusable(f"{row.issuer} cannot be used: {error}.{hint}") from None


def _row(wanted: Wanted) -> Provider:
    """A row that is not saved yet. ProviderUnusable says what is wrong."""
    if not _SLUG.fullmatch(wanted.slug) or wanted.slug in WAYS:
        raise ProviderUnusable("A short name has up to 40 lower-case letters, digits and dashes, like google.")
    preset = PRESETS.get(wanted.kind)
    issuer, name = wanted.issuer or (preset.issuer if preset else ""), wanted.name or (preset.name if preset else "")
    if not issuer or not name or not wanted.client_id.strip():
        raise ProviderUnusable("It needs a client id and, unless it is of a known kind, an issuer and a shown name.")
    if len(name) > LONGEST_NAME or max(len(issuer), len(wanted.client_id)) > LONGEST:
        raise ProviderUnusable("A shown name has 60 characters at most; an issuer and a client id have 255.")
    try:
        fetching.checked(issuer, private=wanted.private)
    except ValueError:
        raise ProviderUnusable("The issuer must be an address like https://login.example.org.") from None
    if wanted.tenants and wanted.kind != Kind.MICROSOFT:
        raise ProviderUnusable("Only Microsoft has tenants.")
    domains = [_domain(domain, wanted.kind) for domain in wanted.domains or (preset.domains if preset else ())]
    if not domains:
        raise ProviderUnusable("Name the mail domains that it is believed for, or * for any.")
    tenants = dict(_tenant(text) for text in wanted.tenants)
    number = uuid4()
    return Provider(
        id=number,
        slug=wanted.slug,
        kind=wanted.kind,
        name=name,
        issuer=issuer.rstrip("/") if preset else issuer,
        client_id=wanted.client_id.strip(),
        client_secret=keys().seal_field("provider", number, wanted.secret.encode()) if wanted.secret else b"",
        domains=domains,
        tenants=tenants,
        recipients=wanted.recipients,
        office=wanted.office,
        senders=wanted.senders,
        private=wanted.private,
    )


def _domain(text: str, kind: str) -> str:
    """A mail domain as addresses are compared by it; "yahoo.*" only where it chooses a button and proves nothing."""
    stem, star, rest = text.lower().strip().partition("*")
    if star:
        if not rest and ((not stem and kind == Kind.OIDC) or (stem.endswith(".") and kind != Kind.OIDC)):
            return stem + star
        raise ProviderUnusable("A star stands for any domain of a generic provider, or at the end, like yahoo.*.")
    try:
        return domain_of(f"someone@{stem}")
    except BadAddress:
        raise ProviderUnusable(f"{text!r} is no mail domain, like example.org.") from None


def _tenant(text: str) -> tuple[str, list[str]]:
    tenant, _, domains = text.strip().lower().partition("=")
    if not proofs.is_tenant(tenant) or not domains:
        raise ProviderUnusable("A tenant is written as its id and its own domains: 8eaef023-…=example.org,example.net")
    return tenant, [_domain(domain, Kind.OIDC) for domain in domains.split(",") if _no_star(domain)]


def _no_star(domain: str) -> bool:
    if "*" in domain:
        raise ProviderUnusable("A tenant is believed for the domains that are named, and no star stands among them.")
    return True


def line(row: Provider) -> dict[str, Any]:
    """All of a provider that may be shown."""
    told = {"recipients": row.recipients, "office": row.office, "senders": row.senders}
    whom = [word for word, yes in told.items() if yes]
    return {
        "provider": row.slug,
        "state": "on" if row.enabled else "off",
        "kind": row.kind,
        "name": row.name,
        "issuer": row.issuer,
        "client": row.client_id,
        "domains": " ".join(row.domains),
        "tenants": " ".join(f"{tenant}={','.join(domains)}" for tenant, domains in row.tenants.items()),
        "for": " and ".join(whom) or "nobody",
        "brands": " ".join(row.brands.order_by("slug").values_list("slug", flat=True)),
        "private": "may be in the own network" if row.private else "",
    }
