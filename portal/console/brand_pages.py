"""What every page of the brands shares: which brand is meant, how it stands, and what its frame shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import ngettext

from branding import versions
from branding.choosing import NOWHERE
from branding.models import Brand
from branding.versions import Standing
from portal.console import brand_phrasing, brand_sections
from portal.console.brand_fields import Section
from portal.console.pages import administrator, office_page
from portal.console.sections import BRANDS


@dataclass(frozen=True)
class Edited:
    """A brand on an editor's page: its row, how it stands, and the brand as its draft would have it."""

    row: Brand
    now: Standing
    shown: Brand

    @property
    def fresh(self) -> bool:
        """Whether it was never published."""
        return self.row.host.endswith(NOWHERE)

    @property
    def changed(self) -> str:
        """“2 changes not published: colour, open until”; "" for none."""
        paths = self.now.changed
        said = ngettext("{n} change not published: {names}", "{n} changes not published: {names}", len(paths))
        return said.format(n=len(paths), names=brand_phrasing.names(paths)) if paths else ""


def edited(slug: str) -> Edited:
    """The brand of this short name. 404 for none."""
    row = get_object_or_404(Brand, slug=slug)
    now = versions.standing(row)
    return Edited(row, now, versions.as_brand(row, now.document))


def brand_page(
    request: HttpRequest,
    about: Edited,
    template: str,
    context: Mapping[str, Any],
    *,
    section: Section | None = None,
    status: int = 200,
) -> HttpResponse:
    """A page about one brand."""
    now = about.now
    here = section.slug if section else ""
    tabs = [
        {"title": one.title, "url": reverse(one.url, args=[about.row.slug]), "current": one.slug == here}
        for one in brand_sections.all_sections()
    ]
    shown = {
        "edited": about,
        "slug": about.row.slug,
        "draft": now.draft,
        "draft_by": brand_phrasing.who(now.draft.made_by, administrator(request)) if now.draft else "",
        "missed": brand_phrasing.names(now.missed),
        "tabs": tabs,
        "section": section,
        **context,
    }
    return office_page(request, BRANDS, template, shown, status=status)
