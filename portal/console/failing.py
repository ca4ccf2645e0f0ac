"""What an administrator sees at an address of the office where nothing is, or where something was."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from portal.access import office_ways
from portal.access.decorators import OFFICE
from portal.console.pages import office_page
from portal.reading import failures


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404 with the office's own sections for who is signed in there; everybody else's page for everybody else."""
    person = getattr(request, "office_person", None)
    if person is None or not request.path.startswith(OFFICE) or office_ways.is_unfinished(person):
        return failures.not_found(request, exception)
    return office_page(request, "", "console/gone.html", {}, status=404)
