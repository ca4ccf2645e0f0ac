"""Views that only some may see."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar, cast

from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse

from portal.access.requests import Request

P = ParamSpec("P")
R = TypeVar("R", bound=HttpRequest)
View = Callable[Concatenate[R, P], HttpResponseBase]


def owner_required(view: View[R, P]) -> View[R, P]:
    """Only for a signed-in administrator; anyone else is sent (303) to the page that says how to get in."""

    @wraps(view)
    def guarded(request: R, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if getattr(cast(Request, request), "owner", None) is None:
            return HttpResponseRedirect(reverse("how-to-enter"), status=303)
        return view(request, *args, **kwargs)

    return cast(View[R, P], guarded)
