"""The language that a reader chooses: in a cookie for this browser, and with their person for the mails they get."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.http import HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from branding import languages
from portal.access import cookies
from portal.access.models import Person
from portal.access.requests import Request
from portal.access.responses import see_other
from portal.vault.models import Reader

ELSE = "/m/"
"""Where to when the form does not say from which of our pages it came."""


@require_POST
def choose(request: Request) -> HttpResponseRedirect:
    """The picker's form: the page it was on, in the language it names; one that is not ours changes nothing."""
    goal = request.POST.get("next", "")
    ours = goal.startswith("/") and url_has_allowed_host_and_scheme(goal, allowed_hosts=None)
    response = see_other(goal if ours else ELSE)
    chosen = request.POST.get("language", "")
    if chosen in dict(settings.LANGUAGES):
        cookies.write(response, settings.LANGUAGE_COOKIE_NAME, chosen, languages.COOKIE_SECONDS)
        if request.person is not None:
            remember(request.person, chosen)
    return response


def remember(person: Person, language: str) -> None:
    """Mails to this person are written in it from now on. Call only for who has proved that they are this person."""
    if person.language != language:
        Person.objects.filter(pk=person.pk).update(language=language)
        person.language = language


def of_readers(readers: Sequence[Reader]) -> list[str]:
    """What the person of each reader's address read in last; "" where nobody has proved it yet."""
    lookups = [bytes(reader.address_lookup).hex() for reader in readers]
    known = dict(Person.objects.filter(lookup__in=lookups).values_list("lookup", "language"))
    return [known.get(lookup, "") for lookup in lookups]
