"""Forms whose token is too old: the same page again, with what was typed still in it (R17)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

STATUS = 403
Again = Callable[..., HttpResponseBase]
_AGAIN: dict[str, Again] = {}


def register(url_name: str, again: Again) -> None:
    """Name the view that shows the page of a form again; it is called like the form's own and must do nothing else."""
    _AGAIN[url_name] = again


def page(request: HttpRequest) -> HttpResponseBase | None:
    """The form's page again; None where none is registered, or where another site's page may have sent the form.

    Shown with a form of another site in it, it would be that site's words with our button below.
    """
    match: Any = request.resolver_match
    again = _AGAIN.get(match.url_name or "") if match else None
    if again is None or request.headers.get("Origin") != f"{request.scheme}://{request.get_host()}":
        return None
    return again(request, *match.args, **match.kwargs)


def sentence(request: HttpRequest) -> str:
    """What such a page says."""
    if request.COOKIES:
        return _("This page was open for too long, so nothing was sent. Press the button again.")
    return _(
        "This page was open for too long, or your browser keeps no cookies for it, so nothing was sent. "
        "Allow cookies for this page and press the button again."
    )
