"""Views that only some administrators may see, and views that ask for a proof of this moment."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar, cast
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from portal.access import office_ways, roles, sessions
from portal.access.requests import Request
from portal.access.responses import see_other
from portal.access.roles import May

P = ParamSpec("P")
R = TypeVar("R", bound=HttpRequest)
View = Callable[Concatenate[R, P], HttpResponseBase]
OFFICE = "/admin/"


def permission_required(permission: May) -> Callable[[View[R, P]], View[R, P]]:
    """Only for a signed-in administrator whose role has the permission: others get 403, strangers the sign-in (303)."""

    def guard(view: View[R, P]) -> View[R, P]:
        @wraps(view)
        def guarded(request: R, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            person = getattr(cast(Request, request), "office_person", None)
            if person is None:
                return to_sign_in(request, request.path if request.method in ("GET", "HEAD") else OFFICE)
            if office_ways.is_unfinished(person):
                return see_other(reverse("office-authenticator"))
            if not roles.may(person, permission):
                context = {"role": roles.Role(person.role).label}
                return render(request, "console/refused.html", context, status=403)
            return view(request, *args, **kwargs)

        return cast(View[R, P], guarded)

    return guard


def office_required(view: View[R, P]) -> View[R, P]:
    """Only for a signed-in administrator, whatever their role, also before their own set-up is done."""

    @wraps(view)
    def guarded(request: R, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if cast(Request, request).office_person is None:
            return to_sign_in(request, OFFICE)
        return view(request, *args, **kwargs)

    return cast(View[R, P], guarded)


def fresh_proof_required(back: str = "") -> Callable[[View[R, P]], View[R, P]]:
    """Within another guard: asks again who it is when the last proof is ten minutes old.

    Then comes back here, or for a view that only takes a POST to the page that is named `back`.
    """

    def guard(view: View[R, P]) -> View[R, P]:
        @wraps(view)
        def guarded(request: R, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            row = cast(Request, request).office_row
            if row is None or not sessions.is_fresh(row):
                return to_sign_in(request, reverse(back) if back else request.path)
            return view(request, *args, **kwargs)

        return cast(View[R, P], guarded)

    return guard


def to_sign_in(request: HttpRequest, back: str) -> HttpResponseRedirect:
    """To the sign-in page, and to `back` afterwards."""
    return see_other(reverse("how-to-enter") + ("" if back == OFFICE else "?" + urlencode({"next": back})))
