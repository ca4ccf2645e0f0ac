"""A brand made, dressed from files, archived and brought back, by whoever is at the command line; each is recorded."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from django.db import transaction
from django.utils import timezone

from branding import logos, versions, wording
from branding.errors import BadBrand, BadLogo
from branding.models import Brand
from branding.wording import BadWords
from portal.audit.record import COMMAND_LINE, record

MOST_BYTES_OF_WORDS = 256 * 1024
NO_LOGO = "none"
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_RESERVED = frozenset({"add"})
"""Words of the office's own addresses."""


def slug(text: str) -> str:
    """A short name for a new brand. Raises BadBrand."""
    if not _SLUG.fullmatch(text) or text in _RESERVED:
        raise BadBrand("A short name has 1 to 64 lower-case letters, digits and hyphens, like harbour-legal.")
    if Brand.objects.filter(slug=text).exists():
        raise BadBrand(f"There is a brand {text} already.")
    return text


def words_from(path: str) -> wording.Words:
    """The words in a file of YAML or JSON, by language and word (docs/brands.md). Raises BadBrand."""
    data = _bytes(path, MOST_BYTES_OF_WORDS)
    try:
        text = data.decode("utf-8-sig")
        found = json.loads(text) if path.endswith(".json") else _yaml(text)
        return wording.checked(found)
    except (UnicodeDecodeError, ValueError, RecursionError, yaml.YAMLError) as error:
        said = _sentences(error) if isinstance(error, BadWords) else f"{path} is no YAML or JSON that can be read."
        raise BadBrand(said) from None


def _yaml(text: str) -> object:
    # An alias stands for what an anchor names; a few lines of them can stand for a million words.
    if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text, Loader=yaml.SafeLoader)):
        raise BadBrand("The words hold a YAML alias (*name). Write each word out.")
    return yaml.safe_load(text)


def _sentences(error: BadWords) -> str:
    return "\n".join(f"{fault.language}: {fault.sentence}" for fault in error.faults)


def logo_from(path: str, beside: str = "") -> logos.Picture | None:
    """The pictures of a logo's file, with one for mails beside an SVG; None for `none`. Raises BadBrand."""
    if path == NO_LOGO:
        return None
    try:
        return logos.made(_bytes(path, logos.MOST_BYTES), _bytes(beside, logos.MOST_BYTES) if beside else b"")
    except BadLogo as error:
        raise BadBrand(str(error)) from None


def _bytes(path: str, most: int) -> bytes:
    try:
        with Path(path).open("rb") as file:
            data = file.read(most + 1)
    except OSError:
        raise BadBrand(f"{path} cannot be read.") from None
    if len(data) > most:
        raise BadBrand(f"{path} is too large: at most {most // 1024} KB.")
    return data


def change(brand: Brand, values: Mapping[str, Any], picture: logos.Picture | None, said: set[str]) -> None:
    """Put values onto a brand's row, and a logo if one is `said`; a new version of it is kept. `said` are what it was
    called on the command line. Raises BadBrand."""
    with transaction.atomic():
        if brand.pk is not None:
            versions.note(brand)  # what it was, which can be gone back to
            brand.refresh_from_db()  # somebody may have published since it was read; from here on the row is ours
        for field, value in values.items():
            setattr(brand, field, value)
        new = brand.pk is None
        brand.save()
        if "logo" in said:
            brand.logo = logos.keep(brand, picture).digest if picture else ""
            brand.save(update_fields=["logo"])
        if new:
            record("brand.added", brand=brand.slug, by=COMMAND_LINE)
        else:
            record("brand.changed", brand=brand.slug, fields=" ".join(sorted(said)))
        versions.note(brand)


def archive(brand: Brand, *, on: bool, by: str = COMMAND_LINE) -> None:
    """No new message takes the brand from now on, or they do again. Its host, what was sent under it, and answers to
    that stay as they are. `by` is an administrator's row. Raises BadBrand for the default brand."""
    with transaction.atomic():
        row = Brand.objects.select_for_update().get(pk=brand.pk)
        if row.is_default:
            raise BadBrand("This is the default brand: what no other brand takes goes out under it.")
        if (row.archived_at is not None) == on:
            return
        row.archived_at = brand.archived_at = timezone.now() if on else None
        row.save(update_fields=["archived_at"])
        record("brand.archived" if on else "brand.brought_back", brand=row.slug, by=by)
