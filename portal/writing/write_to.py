"""R13, step 1: anyone writes to the organisation.

Nothing reaches the organisation, and nothing is mailed to it, before the address is proved.
"""

from __future__ import annotations

import logging

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from branding.departments import Offered
from portal.access import ceilings, cookies, passcode_pages, ways
from portal.access.budgets import NOWHERE
from portal.access.errors import PasscodesOff
from portal.access.passcodes import Claim
from portal.access.requests import Request
from portal.access.responses import see_other
from portal.ids import id_of
from portal.vault import readers
from portal.writing import approaches, write_to_form
from portal.writing.approaches import Draft, NoRoom
from portal.writing.forms import Fault
from portal.writing.write_to_form import COOKIE, ORDER, Posted, draft_of
from portal.writing.write_to_passcode import ERRAND, place
from portal.writing.write_to_sending import NOT_NOW, send

log = logging.getLogger(__name__)


@require_http_methods(["GET", "HEAD", "POST"])
def write_to(request: Request, slug: str = "") -> HttpResponse:
    """For any department or for the one of this address. There is no such page where nothing is offered."""
    offered = write_to_form.offered_here(request, slug)
    draft = draft_of(request)
    if request.method != "POST":
        # Said before anything is written, and not after.
        off = request.session_row is None and not ways.passcode_at(place(request))
        return write_to_form.shown(request, slug, offered, draft, note=PasscodesOff().sentence if off else "")
    do, _sep, which = request.POST.get("do", "send").partition("-")
    if do == "delete":
        return _deleted(request, draft)
    posted = write_to_form.read(request, offered, draft)
    token = cookies.read(request, COOKIE) if draft else cookies.new_token()
    response = _kept(request, slug, offered, draft, posted, token, do=do, which=which)
    cookies.write(response, COOKIE, token, None)
    return response


def _kept(
    request: Request,
    slug: str,
    offered: list[Offered],
    draft: Draft | None,
    posted: Posted,
    token: str,
    *,
    do: str,
    which: str,
) -> HttpResponse:
    faults = list(posted.faults)
    if not posted.is_empty and not posted.is_too_long:
        # Whoever proved an address counts by that, and not by a network that they may share with strangers.
        origin = ceilings.origin_of(request.META) if request.session_row is None else NOWHERE
        try:
            draft = approaches.keep(token, request.brand, origin, draft, posted.words, posted.uploads)
        except NoRoom as error:
            return write_to_form.full(request, slug, offered, draft, posted, error)
        except NOT_NOW as error:
            log.error("a first message was not kept: %s", type(error).__name__)
            return write_to_form.shown(request, slug, offered, draft, posted, [_not_kept()], 503)
    if do == "remove" and draft is not None and (file := id_of(which)) is not None:
        approaches.remove_file(draft, file)
    if do != "send":
        # What cannot be kept is on this page alone.
        unkept = [fault for fault in faults if fault.field == "files" or posted.is_too_long]
        return write_to_form.shown(request, slug, offered, draft, posted, unkept) if unkept else see_other(request.path)
    if not posted.words.text.strip() and not posted.uploads and not (draft and draft.files):
        faults.append(Fault("message", _("Write a message or add a file.")))
    faults.sort(key=lambda fault: ORDER.index(fault.field))
    if faults or draft is None or posted.department is None:
        return write_to_form.shown(request, slug, offered, draft, posted, faults)
    return _on(request, draft, posted.department, posted.address)


def _on(request: Request, draft: Draft, department: Offered, address: str) -> HttpResponse:
    """On to the passcode; or sent at once by whoever is signed in, or proved this address before in this browser."""
    lookup = readers.address_lookup(address)
    if request.session_row is not None or approaches.is_proved(draft, lookup):
        return send(request, draft, department, address)
    at = place(request)
    if not ways.passcode_at(at):
        sentence = PasscodesOff().sentence
        return write_to_form.shown(
            request, "", write_to_form.offered_here(request), draft, faults=[Fault("address", sentence)]
        )
    approaches.ask_for(draft, lookup)
    return passcode_pages.ask_at(request, at, Claim.of_address(request.brand, address, ERRAND))


def _deleted(request: Request, draft: Draft | None) -> HttpResponse:
    if draft is not None:
        approaches.drop(draft.row)
    response = see_other(request.path)
    cookies.drop(response, COOKIE)
    return response


def _not_kept() -> Fault:
    sentence = _("Your message was not kept. What you wrote is still on this page. Try again in a few minutes.")
    return Fault("message", sentence)
