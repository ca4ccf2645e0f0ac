"""The pages that say how this works: help, privacy, accessibility, and whether a mail is genuine."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_http_methods, require_safe

from branding import choosing
from portal.access.requests import Request

LONGEST_LINK = 2000


@require_safe
def help(request: Request) -> HttpResponse:
    brand = request.brand
    return render(request, "pages/help.html", {"one_message": brand.session_scope == "message"})


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/privacy.html")


@require_safe
def accessibility(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/accessibility.html")


@require_http_methods(["GET", "HEAD", "POST"])
def genuine(request: Request) -> HttpResponse:
    """What this portal's mails look like; a POSTed link is compared with our host and neither kept nor opened."""
    pasted = request.POST.get("address", "").strip()[:LONGEST_LINK] if request.method == "POST" else ""
    brand = request.brand
    context = {
        "domains": brand.domains,
        "attached": brand.delivery == "attachment",
        "checked": request.method == "POST",
        "pasted": pasted,
        "ours": is_ours(pasted, choosing.origin(brand)),
    }
    return render(request, "pages/genuine.html", context)


def is_ours(link: str, origin: str) -> bool:
    """Whether a link opens this origin. Compared as text up to the first slash, where no parser can disagree."""
    scheme, _, rest = link.partition("://") if "://" in link else (origin.partition("://")[0], "", link)
    place, _, _ = rest.partition("/")
    return f"{scheme}://{place}".lower() == origin.lower()


urlpatterns = [
    path("help/", help, name="help"),
    path("privacy/", privacy, name="privacy"),
    path("accessibility/", accessibility, name="accessibility"),
    path("genuine/", genuine, name="genuine"),
]
