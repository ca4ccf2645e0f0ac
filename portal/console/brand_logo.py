"""A7, a brand's logo: taken, checked and written anew, shown by the draft, and taken away."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from branding import logos, versions
from branding.errors import BadLogo
from branding.models import Brand
from branding.refusals import SavedMeanwhile
from portal.access.decorators import permission_required
from portal.access.responses import see_other
from portal.access.roles import May
from portal.console import brand_editor, brand_sections
from portal.console.brand_pages import brand_page, edited
from portal.console.pages import administrator
from portal.writing.uploads import SealedUpload


@permission_required(May.BRANDS)
@require_POST
def logo(request: HttpRequest, slug: str) -> HttpResponse:
    """Put another logo into the draft, or none."""
    about, section = edited(slug), brand_sections.look()
    try:
        digest = "" if "remove" in request.POST else _taken(request, about.row)
        versions.save_draft(
            about.row,
            lambda document: {**document, "logo": digest},
            lambda document: document["logo"],
            request.POST.get("seen-logo", ""),
            administrator(request).pk,
        )
    except BadLogo as error:
        said = str(error)
    except SavedMeanwhile:
        about = edited(slug)
        said = _("Somebody else changed the logo meanwhile; it is theirs now. Give yours again to put it in its place.")
    else:
        return see_other(reverse("brand", args=[slug]))
    context = brand_editor.shown(request, about, section)
    return brand_page(
        request,
        about,
        brand_editor.TEMPLATE,
        {**context, "logo_error": said, "errors": {"logo": said}},
        section=section,
        status=422,
    )


def _taken(request: HttpRequest, brand: Brand) -> str:
    pictures = [_bytes(request, name) for name in ("logo", "beside")]
    if not pictures[0]:
        raise BadLogo(_("Choose a file: SVG, PNG, JPEG, WebP, GIF, BMP or TIFF, at most 1 MB."))
    return logos.keep(brand, logos.made(*pictures)).digest


def _bytes(request: HttpRequest, name: str) -> bytes:
    """An upload's bytes, and one more than a logo may have where it is larger: then it is refused by its size."""
    for upload in cast(Iterable[SealedUpload], request.FILES.getlist(name)):
        if upload.refused or (upload.size or 0) > logos.MOST_BYTES:
            return bytes(logos.MOST_BYTES + 1)
        return b"".join(upload.chunks())
    return b""
