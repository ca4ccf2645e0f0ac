"""Tags of the language picker (templates/languages.html)."""

from __future__ import annotations

from django import template
from django.utils import translation

from branding.languages import ALL, Language

register = template.Library()


@register.simple_tag
def all_languages() -> tuple[Language, ...]:
    """Those to choose from."""
    return ALL


@register.simple_tag
def spoken() -> Language:
    """That of the page."""
    now = translation.get_language()
    return next((language for language in ALL if language.code == now), ALL[0])


@register.simple_tag(takes_context=True)
def page_again(context: template.RequestContext) -> str:
    """The path of the page, to come back to; of an answer to a form, that of the page which the form was on."""
    request = context.request
    if request.method in ("GET", "HEAD"):
        return str(request.get_full_path())
    page = str(request.headers.get("Referer", ""))
    return page.removeprefix(f"{request.scheme}://{request.get_host()}")
