"""What every page of the office is drawn with: the navigation, and what the role of who looks may do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from portal.access import roles
from portal.access.models import Person
from portal.access.requests import Request
from portal.access.roles import May
from portal.console import done, waiting
from portal.console.had import had
from portal.console.sections import sections


def administrator(request: HttpRequest) -> Person:
    """Whoever is signed in here. Only behind permission_required, which has seen to it that there is one."""
    return cast(Person, cast(Request, request).office_person)


def office_page(
    request: HttpRequest,
    section: str,
    template: str,
    context: Mapping[str, Any],
    *,
    held: int | None = None,
    status: int = 200,
) -> HttpResponse:
    """A page of `section`; the template finds the names of permissions in `may`. Only behind permission_required."""
    allowed = roles.permissions_of(administrator(request))
    number = (had(waiting.held, 0) if held is None else held) if May.SEE_MESSAGES in allowed else 0
    shown = {
        **context,
        "done_now": done.sentence(request),
        "done_next": done.next_step(request),
        "sections": sections(section, allowed, held=number),
        "may": {permission.value: True for permission in allowed},
    }
    return render(request, template, shown, status=status)
