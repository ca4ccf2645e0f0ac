"""R13, the pages on which anyone writes to the organisation: the form, the passcode, and that it was sent.

Nothing reaches the organisation, and nothing is mailed to it, before the address is proved. Every page answers every
address alike: none tells whether it is known here, and none tells who works at the organisation.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from django.conf import settings
from django.core import signing
from django.db import DatabaseError
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from branding import departments
from branding.departments import Offered
from portal.access import budgets, ceilings, cookies, expired, passcode_pages, places, proving, sessions, ways
from portal.access import views as door
from portal.access.budgets import NOWHERE
from portal.access.errors import PasscodesOff, clock, whole_minute
from portal.access.models import Challenge
from portal.access.passcodes import Claim
from portal.access.places import Errand, Place
from portal.access.requests import Request
from portal.access.responses import retry_after, see_other
from portal.delivery import naming
from portal.ids import id_of
from portal.ingest.errors import IngestError
from portal.keys.errors import KeysError
from portal.mime.addresses import LONGEST, Mailbox, clean_name
from portal.vault import readers
from portal.vault.errors import VaultError
from portal.vault.models import Message
from portal.vault.unsent import Kept, Words
from portal.writing import approaches, forms, recipients
from portal.writing.approaches import Draft, First, NoRoom, SentAlready
from portal.writing.forms import LONGEST_SUBJECT, Fault
from portal.writing.replying import MAX_TEXT_CHARACTERS
from portal.writing.uploads import REPLY_FILES_BYTES, SealedUpload

log = logging.getLogger(__name__)

COOKIE = f"{settings.COOKIE_PREFIX}write"
"""The draft's token: its key is in no other place."""
ERRAND = "write"
TRAP = "website"
"""A field that no person sees and programs fill in."""
_ORDER = ("to", "message", "files", "address", "name", TRAP)
"""Of the form, so that its faults are read in the same order."""
YOUNGEST = timedelta(seconds=2)
"""No person writes a letter faster; a program that fills in every form it finds does."""
_SALT = "write-to"
_NOT_NOW = (OSError, DatabaseError, IngestError, KeysError, VaultError)
page = require_http_methods(["GET", "HEAD", "POST"])


@dataclass(frozen=True)
class Posted:
    """The form as it was posted, and what stands against sending it."""

    words: Words
    department: Offered | None
    address: str
    """Of whoever writes: proved already where they are signed in."""
    uploads: Sequence[SealedUpload]
    faults: tuple[Fault, ...]

    def __repr__(self) -> str:
        return f"Posted({len(self.uploads)} files)"

    @property
    def is_empty(self) -> bool:
        return not (self.words.text.strip() or self.words.subject or self.uploads or any(self.words.to[1:]))


# ----------------------------------------------------------------------------------------------------- the form


@page
def write_to(request: Request, slug: str = "") -> HttpResponse:
    """Step 1, for any department or for the one of this address. There is no such page where nothing is offered."""
    offered = _offered(request, slug)
    draft = approaches.of_token(cookies.read(request, COOKIE), request.brand, timezone.now())
    if request.method != "POST":
        # Said before anything is written, and not after.
        off = request.session_row is None and not ways.passcode_at(_place(request))
        return _form(request, slug, offered, draft, note=PasscodesOff().sentence if off else "")
    do, _sep, which = request.POST.get("do", "send").partition("-")
    if do == "delete":
        return _deleted(request, draft)
    posted = _read(request, offered, draft)
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
    if not posted.is_empty and not _too_long(posted):
        # Whoever proved an address counts by that, and not by a network that they may share with strangers.
        origin = ceilings.origin_of(request.META) if request.session_row is None else NOWHERE
        try:
            draft = approaches.keep(token, request.brand, origin, draft, posted.words, posted.uploads)
        except NoRoom as error:
            return _full(request, slug, offered, draft, posted, error)
        except _NOT_NOW as error:
            log.error("a first message was not kept: %s", type(error).__name__)
            return _form(request, slug, offered, draft, posted, [_not_kept()], 503)
    if do == "remove" and draft is not None and (file := id_of(which)) is not None:
        approaches.remove_file(draft, file)
    if do != "send":
        # What cannot be kept is on this page alone.
        unkept = [fault for fault in faults if fault.field == "files" or _too_long(posted)]
        return _form(request, slug, offered, draft, posted, unkept) if unkept else see_other(request.path)
    if not posted.words.text.strip() and not posted.uploads and not (draft and draft.files):
        faults.append(Fault("message", _("Write a message or add a file.")))
    faults.sort(key=lambda fault: _ORDER.index(fault.field))
    if faults or draft is None or posted.department is None:
        return _form(request, slug, offered, draft, posted, faults)
    return _on(request, draft, posted.department, posted.address)


def _on(request: Request, draft: Draft, department: Offered, address: str) -> HttpResponse:
    """On to the passcode; or sent at once by whoever is signed in, or proved this address before in this browser."""
    lookup = readers.address_lookup(address)
    if request.session_row is not None or approaches.is_proved(draft, lookup):
        return _send(request, draft, department, address)
    place = _place(request)
    if not ways.passcode_at(place):
        sentence = PasscodesOff().sentence
        return _form(request, "", _offered(request), draft, faults=[Fault("address", sentence)])
    approaches.ask_for(draft, lookup)
    return passcode_pages.ask_at(request, place, Claim.of_address(request.brand, address, ERRAND))


def _send(request: Request, draft: Draft, department: Offered, address: str) -> HttpResponse:
    lookup = readers.address_lookup(address)
    try:
        approaches.send(draft, department, address, lookup)
    except SentAlready:
        pass
    except NoRoom as error:
        return _full(request, "", _offered(request), draft, None, error)
    except _NOT_NOW as error:
        log.error("a first message was not taken: %s", type(error).__name__)
        sentence = _("Your message was not sent. What you wrote is still here. Try again in a few minutes.")
        return _form(request, "", _offered(request), draft, faults=[Fault("message", sentence)], status=503)
    return see_other(reverse("write-sent"))


def _deleted(request: Request, draft: Draft | None) -> HttpResponse:
    if draft is not None:
        approaches.drop(draft.row)
    response = see_other(request.path)
    cookies.drop(response, COOKIE)
    return response


# ------------------------------------------------------------------------------------------------- the passcode


@page
def passcode(request: Request) -> HttpResponse:
    """Step 2: R3, only that it signs nobody in."""
    _offered(request)
    return passcode_pages.passcode_at(request, _place(request))


@page
def again(request: Request) -> HttpResponse:
    """Another passcode for the same address."""
    _offered(request)
    return passcode_pages.resend_at(request, _place(request))


def _proved(request: Request, challenge: Challenge) -> HttpResponse:
    """The address is proved: send what was written, if it is still what the passcode was asked for."""
    lookup = bytes(challenge.address_lookup)
    draft = approaches.of_token(cookies.read(request, COOKIE), request.brand, timezone.now())
    if draft is None:
        return _instead(request, _("What you wrote is not kept here any more, and was not sent."), door.REFUSED)
    if not approaches.prove(draft, lookup):
        sentence = _("Your address was changed meanwhile, so nothing was sent. Press “Continue” for a new passcode.")
        return _instead(request, sentence, door.REFUSED)
    department = _named(_offered(request), draft.first.department)
    if department is None or readers.address_lookup(draft.first.address) != lookup:
        return _instead(request, _("Choose again to whom you write. Nothing was sent."), door.REFUSED)
    response = _send(request, draft, department, draft.first.address)
    # So that whoever opens the receipt here at once need not wait for a minute to be mailed the next passcode.
    trusted = cookies.read(request, cookies.TRUSTED) or cookies.new_token()
    budgets.trust(cookies.digest(trusted), lookup, timezone.now())
    cookies.write(response, cookies.TRUSTED, trusted, proving.TRUSTED_SECONDS)
    return response


def _instead(request: Request, sentence: str, status: int) -> HttpResponse:
    """The form with what was written, for whoever has no passcode to type."""
    draft = approaches.of_token(cookies.read(request, COOKIE), request.brand, timezone.now())
    return _form(request, "", _offered(request), draft, note=sentence, status=status)


def _place(request: Request) -> Place:
    write, check, again_ = reverse("write-to"), reverse("write-passcode"), reverse("write-again")
    errand = Errand(ERRAND, "writing/passcode.html", _instead, _proved)
    return Place(request.brand, None, again_, check, again_, write, reverse("write-sent"), errand)


# ------------------------------------------------------------------------------------------------------- sent


@require_safe
def sent(request: Request) -> HttpResponse:
    """Step 3, for a day; it can be reloaded safely."""
    row = approaches.row_of(cookies.read(request, COOKIE), request.brand, timezone.now())
    if row is None or row.sent_at is None or row.message is None:
        return see_other(reverse("write-to"))
    context = {
        "sent_at": row.sent_at,
        "reference": Message(id=row.message).short_id,
        "inbox_url": _list(request),
        "write_url": reverse("write-to"),
    }
    return render(request, "writing/written.html", context)


# ---------------------------------------------------------------------------------- forms that were open too long


def _form_again(request: Request, slug: str = "") -> HttpResponse:
    """With what was typed; files that were just chosen are not kept."""
    offered = _offered(request, slug)
    draft = approaches.of_token(cookies.read(request, COOKIE), request.brand, timezone.now())
    posted = _read(request, offered, draft)
    faults = [Fault("files", _("Choose your files again."))] if posted.uploads else []
    return _form(request, slug, offered, draft, posted, faults, expired.STATUS, note=expired.sentence(request))


def _passcode_again(request: Request) -> HttpResponse:
    _offered(request)
    return passcode_pages.too_old_at(request, _place(request))


for _name in ("write-to", "write-to-department"):
    expired.register(_name, _form_again)
for _name in ("write-passcode", "write-again"):
    expired.register(_name, _passcode_again)


# ------------------------------------------------------------------------------------------------ what they share


def _offered(request: Request, slug: str = "") -> list[Offered]:
    """The departments to choose from; Http404 when there is none, or none of that name."""
    offered = departments.offered(request.brand)
    if slug:
        offered = [department for department in offered if department.slug == slug]
    if not offered:
        raise Http404
    return offered


def _named(offered: Sequence[Offered], slug: str) -> Offered | None:
    return next((department for department in offered if department.slug == slug), None)


def _read(request: Request, offered: Sequence[Offered], draft: Draft | None) -> Posted:
    post = request.POST
    department = _named(offered, post.get("to", ""))
    signed_in = request.session_row is not None
    typed = str(request.session_address) if signed_in else post.get("address", "").strip()[: LONGEST + 1]
    name = clean_name(post.get("name", "")[: 2 * naming.LONGEST_NAME])
    words = Words(
        subject=" ".join(post.get("subject", "").split())[:LONGEST_SUBJECT],
        text=post.get("message", "").replace("\r\n", "\n"),
        to=(department.slug if department else "", typed, name),
    )
    uploads, file_faults = forms.fitting(
        cast(list[SealedUpload], request.FILES.getlist("files")), draft.files if draft else ()
    )
    faults = []
    if department is None:
        faults.append(Fault("to", _("Choose to whom you write.")))
    if len(words.text) > MAX_TEXT_CHARACTERS:
        faults.append(Fault("message", _("The message is too long. The limit is 500,000 characters.")))
    if sentence := _against(typed):
        faults.append(Fault("message" if signed_in else "address", sentence))
    if name and not naming.shown_name(Mailbox(name, typed)):
        faults.append(Fault("name", _("Write your name without addresses and links, in 80 characters at most.")))
    if not signed_in:
        faults += _of_a_program(request)
    return Posted(words, department, typed, uploads, (*faults, *file_faults))


def _against(typed: str) -> str:
    """What stands against an address, by itself alone: nothing is looked up."""
    if not typed:
        return _("Enter your email address.")
    box = recipients.one_address(typed)
    if box is None or box.address != typed:
        return _("{address} is not a complete address.").format(address=typed[:LONGEST])
    if naming.is_inside(typed):
        return _("Use your normal mail program.")
    return ""


def _of_a_program(request: Request) -> list[Fault]:
    """What no person does. Nothing is lost by it: the form comes back with all that was written."""
    if request.POST.get(TRAP):
        return [Fault(TRAP, _("Leave this field empty. It is there to catch programs."))]
    made = _made(request)
    if made is None or timezone.now().timestamp() - made < YOUNGEST.total_seconds():
        return [Fault("message", _("That was very quick. Press “Continue” once more."))]
    return []


def _made(request: Request) -> float | None:
    """When the form that was posted was made, in seconds since 1970; None when it does not say so."""
    try:
        return float(signing.Signer(salt=_SALT).unsign(request.POST.get("made", "")))
    except (signing.BadSignature, ValueError):
        return None


def stamp() -> str:
    """When a form was made, signed: part of it."""
    return signing.Signer(salt=_SALT).sign(str(int(timezone.now().timestamp())))


def _too_long(posted: Posted) -> bool:
    return len(posted.words.text) > MAX_TEXT_CHARACTERS


def _not_kept() -> Fault:
    sentence = _("Your message was not kept. What you wrote is still on this page. Try again in a few minutes.")
    return Fault("message", sentence)


def _full(
    request: Request, slug: str, offered: list[Offered], draft: Draft | None, posted: Posted | None, error: NoRoom
) -> HttpResponse:
    # Like a budget's wait, never said to be longer than an hour: it would tell which limit is reached.
    until = whole_minute(budgets.as_shown(error.until, timezone.now()))
    sentence = _("Too much has been written here for now. What you wrote is still on this page. Try again at {time}.")
    response = _form(request, slug, offered, draft, posted, [Fault("message", sentence.format(time=clock(until)))], 429)
    retry_after(response, until)
    return response


def _form(
    request: Request,
    slug: str,
    offered: list[Offered],
    draft: Draft | None,
    posted: Posted | None = None,
    faults: Sequence[Fault] = (),
    status: int | None = None,
    note: str = "",
) -> HttpResponse:
    """Step 1 with what was written last: just now, or before."""
    words = posted.words if posted else draft.words if draft else Words(to=("", "", ""))
    first = First(*words.to)
    made = request.POST["made"] if _made(request) is not None else stamp()
    context: dict[str, Any] = {
        "departments": [{"slug": one.slug, "name": one.name, "note": one.note} for one in offered],
        "chosen": first.department,
        "subject": words.subject,
        "message_value": words.text,
        "address_value": first.address,
        "name_value": first.name,
        "kept": _shown(draft.files if draft else ()),
        "errors": list(faults),
        "note": note,
        "limits": forms.limits(),
        "max_bytes": REPLY_FILES_BYTES,
        "action_url": reverse("write-to-department", args=[slug]) if slug else reverse("write-to"),
        "back_url": _list(request),
        "signed_in_address": request.session_address if request.session_row is not None else "",
        "written": draft is not None,
        "trap": TRAP,
        "trap_value": request.POST.get(TRAP, "") if posted else "",
        "made": made,
        "host": places.host(request.brand),
    }
    return render(request, "writing/write_to.html", context, status=status or (422 if faults else 200))


def _list(request: Request) -> str:
    """Where somebody's messages are listed; "" for who is not signed in, or only for one of them."""
    session = request.session_row
    return "" if session is None or sessions.is_for_one_message(session) else reverse("inbox")


def _shown(files: Sequence[Kept]) -> list[dict[str, object]]:
    return [{"id": file.id, "name": file.name, "size": file.size} for file in files]
