"""A7, the editor: a page for each part of a brand. Each saves into the draft, which no recipient sees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from branding import colours, palette, versions
from branding.models import Brand
from branding.refusals import SavedMeanwhile
from branding.versions import Document
from portal.access.decorators import permission_required
from portal.access.responses import see_other
from portal.access.roles import May
from portal.console import brand_dns, brand_fields, brand_preview
from portal.console.brand_fields import Section
from portal.console.brand_pages import Edited, brand_page, edited
from portal.console.pages import administrator

View = Callable[[HttpRequest, str], HttpResponse]
TEMPLATE = "console/brand_edit.html"
OF_TEXT = 4.5
"""The contrast that text needs at least; an outline needs less (WCAG 2.2, 1.4.3 and 1.4.11)."""


def page(section: Callable[[], Section]) -> View:
    """The view of one part: GET shows it as the draft has it, POST saves it there."""

    @permission_required(May.BRANDS)
    @require_http_methods(["GET", "HEAD", "POST"])
    def view(request: HttpRequest, slug: str) -> HttpResponse:
        about, asked = edited(slug), section()
        return _save(request, about, asked) if request.method == "POST" else _show(request, about, asked)

    return cast(View, view)


def _show(request: HttpRequest, about: Edited, section: Section) -> HttpResponse:
    return brand_page(request, about, TEMPLATE, shown(request, about, section), section=section)


def shown(request: HttpRequest, about: Edited, section: Section) -> dict[str, Any]:
    """A section as the draft has it."""
    seen = versions.token(part(section)(about.now.document))
    rows = brand_fields.rows(section, about.shown)
    return {"rows": rows, "seen": seen, **extras(request, section, about.shown)}


def _save(request: HttpRequest, about: Edited, section: Section) -> HttpResponse:
    given = brand_fields.answers(section, about.shown, request.POST)
    stale, only_shown = False, request.POST.get("then") == "show"
    if not (given.errors or only_shown):
        try:
            versions.save_draft(
                about.row,
                lambda document: {**document, **given.values},
                part(section),
                request.POST.get("seen", ""),
                administrator(request).pk,
            )
            publish = request.POST.get("then") == "publish"
            return see_other(reverse("brand-publish" if publish else section.url, args=[about.row.slug]))
        except SavedMeanwhile:
            stale = True
            about = edited(about.row.slug)
    context: dict[str, Any] = {
        "rows": brand_fields.rows(section, about.shown, given, about.shown if stale else None),
        "errors": given.errors,
        "stale": stale,
        # A second press keeps what was typed, now that what the other one saved was shown.
        "seen": versions.token(part(section)(about.now.document)) if stale else request.POST.get("seen", ""),
    }
    tried = versions.as_brand(about.shown, given.values)
    status = 409 if stale else 422 if given.errors else 200
    return brand_page(
        request, about, TEMPLATE, {**context, **extras(request, section, tried)}, section=section, status=status
    )


def part(section: Section) -> Callable[[Document], object]:
    """What a section's form shows of a document."""
    return lambda document: {one.name: document.get(one.name) for one in section.fields}


def extras(request: HttpRequest, section: Section, brand: Brand) -> dict[str, Any]:
    """What a part shows besides its fields, and the preview beside it."""
    found: dict[str, Any] = brand_preview.choices(request, section)
    if section.slug == "look":
        logo = versions.document_of(brand)["logo"]
        found |= {
            "contrast": contrast(brand.colour),
            "explained": colours.explain(brand.colour),
            "tried_colour": brand.colour,
            "logo": logo,
            "seen_logo": versions.token(logo),
        }
    if section.slug == "addresses":
        found |= brand_dns.shown(brand)
    return found


@permission_required(May.BRANDS)
@require_POST
def contrast_typed(request: HttpRequest, slug: str) -> HttpResponse:
    """What becomes of the colour that is typed, while it is; 204 while it is none. Nothing is kept."""
    edited(slug)
    try:
        colour = colours.read(request.POST.get("colour", "")[:40])
    except ValueError:
        return HttpResponse(status=204)
    shown = {"contrast": contrast(colour), "explained": colours.explain(colour), "tried_colour": colour, "bare": True}
    return render(request, "console/brand_contrast.html", shown)


def contrast(colour: str) -> list[dict[str, object]]:
    """Each pair that must be readable, in both themes."""
    made = palette.palette(colour)
    light, dark = palette.samples(made.light, palette.LIGHT), palette.samples(made.dark, palette.DARK)
    found: list[dict[str, object]] = []
    for (name, *one, needs), (_same, *other, _needs) in zip(light, dark, strict=True):
        least = min(palette.contrast(*one), palette.contrast(*other))
        figures = {"light": f"{palette.contrast(*one):.1f}", "dark": f"{palette.contrast(*other):.1f}"}
        shown = {"samples": (one, other), "outline": needs < OF_TEXT, "needs": f"{needs:.1f}", "good": least >= needs}
        found.append({"pair": name, **figures, **shown})
    return found
