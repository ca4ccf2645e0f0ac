"""A7, the addresses of a brand: a look at its host's certificate when somebody asks for one."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_POST

from portal.access.decorators import permission_required
from portal.access.roles import May
from portal.console import brand_editor, brand_sections, certificates
from portal.console.brand_pages import brand_page, edited


@permission_required(May.BRANDS)
@require_POST
def certificate(request: HttpRequest, slug: str) -> HttpResponse:
    """Whether browsers take the certificate of the draft's host now; takes at most five seconds, and keeps nothing."""
    about, section = edited(slug), brand_sections.addresses()
    context = {
        **brand_editor.shown(request, about, section),
        "looked_at": timezone.now(),
        "needed": certificates.needed(),
        "problem": certificates.problem(about.shown.host),
    }
    return brand_page(request, about, brand_editor.TEMPLATE, context, section=section)
