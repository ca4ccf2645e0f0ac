"""The health page's self-test: a message through the whole chain to whoever asks, and how far it has come."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from portal.access import people
from portal.access.decorators import permission_required
from portal.access.responses import see_other
from portal.access.roles import May
from portal.console.pages import administrator, office_page
from portal.console.sections import HEALTH
from portal.operations import trying
from portal.operations.models import Trial


@permission_required(May.HEALTH)
@require_POST
def begin(request: HttpRequest) -> HttpResponse:
    """Send it to the address of whoever is signed in, and to nobody else."""
    person = administrator(request)
    address = people.address_of(person)
    if not address:
        return office_page(request, HEALTH, "console/health_test.html", {"nobody": True}, status=409)
    trial = trying.begin(person.id, address, settings.LETTERLOCK, timezone.now())
    return see_other(reverse("console-health-test-shown", args=[trial.id]))


@permission_required(May.HEALTH)
@require_safe
def shown(request: HttpRequest, id_: UUID) -> HttpResponse:
    """How far one's own test message has come."""
    person = administrator(request)
    trial = get_object_or_404(Trial, pk=id_, by=person.id)
    steps = trying.steps(trial)
    done = all(step.state == trying.DONE for step in steps)
    context = {"trial": trial, "steps": steps, "all_done": done}
    return office_page(request, HEALTH, "console/health_test.html", context)
