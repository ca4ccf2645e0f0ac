"""A7, the list of brands: how each stands, a new one, its picture, and the archive."""

from __future__ import annotations

import re
from typing import Any, cast
from uuid import UUID

from csp.constants import NONE
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from branding import logos, look, versions
from branding.choosing import NOWHERE
from branding.models import Brand, BrandVersion
from portal.access import brand_making
from portal.access.brand_options import BY_FIELD
from portal.access.brand_reading import BadOption
from portal.access.decorators import fresh_proof_required, permission_required
from portal.access.responses import see_other
from portal.access.roles import May
from portal.audit.record import record
from portal.console.brand_pages import brand_page, edited
from portal.console.brand_use import rules_by_brand
from portal.console.pages import administrator, office_page
from portal.console.sections import BRANDS
from portal.vault.models import Message

RESERVED = frozenset({"add"})
"""Words of this room's own addresses."""
MOST = 200
MOST_COUNTED = 10_000


@permission_required(May.BRANDS)
@require_safe
def brands(request: HttpRequest) -> HttpResponse:
    """All brands with their host, how much they are used, and whether a draft waits."""
    drafts = set(BrandVersion.objects.filter(state=BrandVersion.State.DRAFT).values_list("brand_id", flat=True))
    rules = rules_by_brand()
    rows = [
        # Counted no further than anyone would read: a brand can have millions.
        {
            "brand": one,
            "draft": one.pk in drafts,
            "rules": rules[one.slug],
            "fresh": one.host.endswith(NOWHERE),
            "messages": Message.objects.filter(brand=one)[: MOST_COUNTED + 1].count(),
        }
        for one in Brand.objects.order_by("-is_default", "name")
    ]
    return office_page(request, BRANDS, "console/brands.html", {"rows": rows, "most": MOST_COUNTED})


@permission_required(May.BRANDS)
@fresh_proof_required()
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """A new brand: what it is called, where its pages are, and who writes under it. The rest is edited afterwards."""
    names = ("name", "host", "domains")
    typed = {name: request.POST.get(name, "").strip()[:1000] for name in names}
    context: dict[str, Any] = {"typed": typed, "errors": {}}
    if request.method != "POST":
        return office_page(request, BRANDS, "console/brand_add.html", context)
    values: dict[str, Any] = {}
    for name in names:
        try:
            values[name] = BY_FIELD[name].read(Brand(), typed[name])
        except BadOption as error:
            context["errors"][name] = str(error)
    made = _made(values, administrator(request).pk, context["errors"]) if not context["errors"] else None
    if made is None:
        return office_page(request, BRANDS, "console/brand_add.html", context, status=422)
    return see_other(reverse("brand", args=[made.slug]))


@permission_required(May.BRANDS)
@require_safe
def picture(request: HttpRequest, slug: str) -> HttpResponseBase:
    """The logo or mark of a brand as its draft has it, for these pages: its own host serves it once it is live."""
    shown = edited(slug).shown
    found = logos.of(shown)
    content = (found.svg.encode() or bytes(found.png)) if found else look.svg(shown)
    kind = "image/png" if found and not found.svg else "image/svg+xml; charset=utf-8"
    answer = HttpResponse(content, content_type=kind)
    # Opened as a page of its own it runs and loads nothing.
    cast(Any, answer)._csp_replace = {"default-src": [NONE], "sandbox": True}
    return answer


@permission_required(May.BRANDS)
@fresh_proof_required()
@require_http_methods(["GET", "HEAD", "POST"])
def archive(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask on a page; then no new message takes the brand. Its host, and what was sent under it, stay."""
    about = edited(slug)
    default, rules = about.row.is_default, rules_by_brand()[slug]
    if request.method != "POST" or default:
        status = 409 if request.method == "POST" else 200
        return brand_page(
            request, about, "console/brand_archive.html", {"default": default, "rules": rules}, status=status
        )
    brand_making.archive(about.row, on=about.row.archived_at is None, by=str(administrator(request).pk))
    return see_other(reverse(BRANDS))


def _made(values: dict[str, Any], by: UUID | None, errors: dict[str, str]) -> Brand | None:
    """A row and its first draft. Its host answers, and its domains' mail takes it, only once that is published."""
    if Brand.objects.count() >= MOST:
        errors["name"] = _("There are {n} brands already.").format(n=MOST)
    if errors:
        return None
    try:
        with transaction.atomic():
            slug = _slug(values["name"])
            made = Brand.objects.create(slug=slug, name=values["name"], host=f"{slug}{NOWHERE}")
            versions.note(made)
            seen = versions.token(versions.standing(made).document)
            versions.save_draft(made, lambda document: {**document, **values}, dict, seen, by)
            record("brand.added", brand=slug, by=str(by))
    except IntegrityError:  # somebody else was quicker by a moment
        errors["name"] = _("Somebody else added a brand of this name in this moment. Try again.")
        return None
    return made


def _slug(name: str) -> str:
    """A short name that nobody has, for addresses and the command line."""
    base = re.sub(r"-{2,}", "-", slugify(name))[:40].strip("-_") or "brand"
    taken = {*Brand.objects.values_list("slug", flat=True), *RESERVED}
    return next(one for one in (base, *(f"{base}-{n}" for n in range(2, MOST + 3))) if one not in taken)
