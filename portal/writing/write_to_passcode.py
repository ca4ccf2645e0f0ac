"""R13, step 2: whoever writes proves their address by a passcode, and is signed in nowhere by it."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.access import budgets, cookies, expired, passcode_pages, proving, way_in
from portal.access.models import Challenge
from portal.access.places import Errand, Place
from portal.access.requests import Request
from portal.access.responses import see_other
from portal.vault import readers
from portal.writing import approaches, write_to_form
from portal.writing.write_to_form import draft_of
from portal.writing.write_to_sending import send

ERRAND = "write"
page = require_http_methods(["GET", "HEAD", "POST"])


@page
def passcode(request: Request) -> HttpResponse:
    """R3. Whoever comes back to it once all is sent is shown that: a used passcode would look like a failure."""
    write_to_form.offered_here(request)
    row = approaches.row_of(cookies.read(request, write_to_form.COOKIE), request.brand, timezone.now())
    if request.method != "POST" and row is not None and row.sent_at is not None:
        return see_other(reverse("write-sent"))
    return passcode_pages.passcode_at(request, place(request))


@page
def again(request: Request) -> HttpResponse:
    """Another passcode for the same address."""
    write_to_form.offered_here(request)
    return passcode_pages.resend_at(request, place(request))


def place(request: Request) -> Place:
    """Where the passcode is asked for, and what follows it."""
    write, check, again_ = reverse("write-to"), reverse("write-passcode"), reverse("write-again")
    errand = Errand(ERRAND, "writing/passcode.html", _instead, _proved)
    return Place(request.brand, None, again_, check, again_, write, reverse("write-sent"), errand)


def _proved(request: Request, challenge: Challenge) -> HttpResponse:
    """The address is proved: send what was written, if it is still what the passcode was asked for."""
    lookup = bytes(challenge.address_lookup)
    draft = draft_of(request)
    if draft is None:
        return _instead(request, _("What you wrote is not kept here any more, and was not sent."), way_in.REFUSED)
    if not approaches.prove(draft, lookup):
        sentence = _("Your address was changed meanwhile, so nothing was sent. Press “Continue” for a new passcode.")
        return _instead(request, sentence, way_in.REFUSED)
    department = write_to_form.named(write_to_form.offered_here(request), draft.first.department)
    if department is None or readers.address_lookup(draft.first.address) != lookup:
        return _instead(request, _("Choose again to whom you write. Nothing was sent."), way_in.REFUSED)
    response = send(request, draft, department, draft.first.address)
    # So that whoever opens the receipt here at once need not wait for a minute to be mailed the next passcode.
    trusted = cookies.read(request, cookies.TRUSTED) or cookies.new_token()
    budgets.trust(cookies.digest(trusted), lookup, timezone.now())
    cookies.write(response, cookies.TRUSTED, trusted, proving.TRUSTED_SECONDS)
    return response


def _instead(request: Request, sentence: str, status: int) -> HttpResponse:
    """The form with what was written, for whoever has no passcode to type."""
    draft = draft_of(request)
    return write_to_form.shown(request, "", write_to_form.offered_here(request), draft, note=sentence, status=status)


def _passcode_again(request: Request) -> HttpResponse:
    write_to_form.offered_here(request)
    return passcode_pages.too_old_at(request, place(request))


for _name in ("write-passcode", "write-again"):
    expired.register(_name, _passcode_again)
