"""A7, the addresses of a brand: its host's certificate and its DNS, looked at when somebody asks; its DKIM key."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from branding import addresses
from portal.access.decorators import fresh_proof_required, permission_required
from portal.access.responses import see_other
from portal.access.roles import May
from portal.console import brand_dns, brand_editor, brand_sections, certificates
from portal.console.brand_pages import brand_page, edited
from portal.delivery import records, resolving, signing
from portal.delivery.errors import BadDkim, Deferred
from portal.delivery.models import DkimKey

BACK = "console-brands"


@permission_required(May.BRANDS)
@require_POST
def certificate(request: HttpRequest, slug: str) -> HttpResponse:
    """Whether browsers take the certificate of the draft's host now; takes at most five seconds, and keeps nothing."""
    host = edited(slug).shown.host
    found = {"looked_at": timezone.now(), "needed": certificates.needed(), "problem": certificates.problem(host)}
    return _page(request, slug, found)


@permission_required(May.BRANDS)
@require_POST
def dns(request: HttpRequest, slug: str) -> HttpResponse:
    """What DNS has of each record now; takes at most six seconds, and keeps nothing."""
    wanted = records.records_of(edited(slug).shown)
    return _page(request, slug, {"records": brand_dns.looked_up(wanted), "dns_at": timezone.now()})


@permission_required(May.BRANDS)
@fresh_proof_required(BACK)
@require_POST
def make_key(request: HttpRequest, slug: str) -> HttpResponse:
    """A new DKIM key for the domain that the draft's portal writes from. Nothing is signed with it yet."""
    domain = addresses.portal_address(edited(slug).shown).rpartition("@")[2]
    try:
        signing.make(domain)
    except BadDkim:
        said = _("A key for {domain} was made today already. Publish that one, or make another tomorrow.")
        return _page(request, slug, {"key_said": said.format(domain=domain)}, 409)
    return see_other(reverse("brand-addresses", args=[slug]))


@permission_required(May.BRANDS)
@fresh_proof_required(BACK)
@require_POST
def use_key(request: HttpRequest, slug: str) -> HttpResponse:
    """Sign with a key from now on, once DNS has it: a signature that nobody can check is worse than none."""
    domain = addresses.portal_address(edited(slug).shown).rpartition("@")[2]
    key = get_object_or_404(DkimKey, domain=domain, selector=request.POST.get("selector", ""))
    resolving.forget()
    try:
        published = signing.is_published(key)
    except Deferred:
        return _page(request, slug, {"key_said": _("No name server gave an answer. Nothing was changed.")}, 409)
    if not published:
        said = _("DNS does not have this key yet, or has another. Nothing was changed.")
        return _page(request, slug, {"key_said": said}, 409)
    signing.switch(key, on=True)
    return see_other(reverse("brand-addresses", args=[slug]))


def _page(request: HttpRequest, slug: str, found: dict[str, Any], status: int = 200) -> HttpResponse:
    about, section = edited(slug), brand_sections.addresses()
    context = {**brand_editor.shown(request, about, section), **found}
    return brand_page(request, about, brand_editor.TEMPLATE, context, section=section, status=status)
