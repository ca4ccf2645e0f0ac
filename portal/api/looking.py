"""What a program may look at beside messages: brands as everyone sees them, and how the keys are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from django.conf import settings
from django.db.models import QuerySet

from branding import choosing
from branding.models import Brand
from portal.api.endpoint import Call
from portal.api.errors import NothingHere
from portal.api.ids import SLUG
from portal.api.models import Token
from portal.api.shapes import Says
from portal.keys.provider import Renewable
from portal.keys.service import configured, keys
from portal.operations.keycopies import last_backup
from portal.vault import rotating
from portal.vault.models import Generation


@dataclass(frozen=True)
class BrandShown:
    """A brand: what its own pages show of it."""

    slug: Annotated[str, Says("its short name")]
    name: str
    url: Annotated[str, Says("where its pages are")]
    colour: str
    language: Annotated[str, Says("of its pages where a reader asks for none")]
    postal_address: str
    phone: str
    privacy_url: str


@dataclass(frozen=True)
class Brands:
    brands: tuple[BrandShown, ...]


@dataclass(frozen=True)
class Superseded:
    """A generation of a day's keys that a newer one took over."""

    name: str
    kept_until: Annotated[datetime, Says("for backups of before; then it is destroyed")]


@dataclass(frozen=True)
class KeysShown:
    """How the keys are. Never a key, and not where the root key is."""

    works: Annotated[bool, Says("false is never answered: without the keys it is 503")]
    epochs: Annotated[int, Says("days of keys that live")]
    destroyed: Annotated[int, Says("objects of the keyring that are gone for good")]
    door_keys_until: Annotated[str | None, Says("last day that a key for mail coming in is made for")]
    root_renewing: Annotated[bool, Says("a new root key was begun and not finished")]
    rotating: Annotated[bool, Says("a rotation was begun and not finished")]
    superseded: tuple[Superseded, ...]
    backed_up_at: Annotated[datetime | None, Says("the newest backup of the keyring")]


def brands(call: Call[None, None]) -> Brands:
    """All brands that the token is for."""
    return Brands(tuple(_brand(brand) for brand in _visible(call.token).order_by("slug")))


def brand(call: Call[None, None]) -> BrandShown:
    """One of them."""
    slug = call.path["slug"]
    found = _visible(call.token).filter(slug=slug).first() if re.fullmatch(SLUG, slug) else None
    if found is None:
        raise NothingHere
    return _brand(found)


def key_state(_: Call[None, None]) -> KeysShown:
    """As `manage.py keys status` says it. Key errors become 503."""
    provider, keyring, _seconds = configured()
    keys().health()
    names = keyring.names()
    doors = [name.removeprefix("door-") for name in names if name.startswith("door-")]
    kept = timedelta(days=settings.LETTERLOCK.restore_days)
    living = Generation.objects.filter(destroyed_at=None).order_by("superseded_at", "epoch")
    return KeysShown(
        works=True,
        epochs=len(keys().epochs()),
        destroyed=len(keyring.gone()),
        door_keys_until=max(doors, default=None),
        root_renewing=isinstance(provider, Renewable) and provider.renewing(),
        rotating=bool(rotating.unfinished()),
        superseded=tuple(Superseded(one.epoch, one.superseded_at + kept) for one in living),
        backed_up_at=last_backup(),
    )


def _visible(token: Token) -> QuerySet[Brand]:
    return Brand.objects.filter(pk=token.brand_id) if token.brand_id else Brand.objects.all()


def _brand(found: Brand) -> BrandShown:
    return BrandShown(
        slug=found.slug,
        name=found.name,
        url=choosing.origin(found),
        colour=found.colour,
        language=found.language,
        postal_address=found.postal_address,
        phone=found.phone,
        privacy_url=found.privacy_url,
    )
