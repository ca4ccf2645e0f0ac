"""R13, the form on which anyone writes to the organisation: as it was posted, and as it is shown.

It answers every address alike: it tells neither whether one is known here nor who works at the organisation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from django.conf import settings
from django.core import signing
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from branding import departments
from branding.departments import Offered
from portal.access import budgets, cookies, expired, places, sessions
from portal.access.clock import clock, whole_minute
from portal.access.requests import Request
from portal.access.responses import retry_after
from portal.delivery import naming
from portal.mime.addresses import LONGEST, Mailbox, clean_name
from portal.vault.unsent import Kept, Words
from portal.writing import approaches, forms, recipients
from portal.writing.approaches import Draft, First, NoRoom
from portal.writing.forms import LONGEST_SUBJECT, Fault
from portal.writing.replying import MAX_TEXT_CHARACTERS
from portal.writing.uploads import REPLY_FILES_BYTES, SealedUpload

COOKIE = f"{settings.COOKIE_PREFIX}write"
"""The draft's token: its key is in no other place."""
TRAP = "website"
"""A field that no person sees and programs fill in."""
ORDER = ("to", "message", "files", "address", "name", TRAP)
"""Of the form, so that its faults are read in the same order."""
YOUNGEST = timedelta(seconds=2)
"""No person writes a letter faster; a program that fills in every form it finds does."""
_SALT = "write-to"


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
    def is_too_long(self) -> bool:
        return len(self.words.text) > MAX_TEXT_CHARACTERS

    @property
    def is_empty(self) -> bool:
        return not (self.words.text.strip() or self.words.subject or self.uploads or any(self.words.to[1:]))


def draft_of(request: Request) -> Draft | None:
    """What this browser began to write here."""
    return approaches.of_token(cookies.read(request, COOKIE), request.brand, timezone.now())


def offered_here(request: Request, slug: str = "") -> list[Offered]:
    """The departments to choose from; Http404 when there is none, or none of that name."""
    offered = departments.offered(request.brand)
    if slug:
        offered = [department for department in offered if department.slug == slug]
    if not offered:
        raise Http404
    return offered


def named(offered: Sequence[Offered], slug: str) -> Offered | None:
    """The department of this short name, if it is among them."""
    return next((department for department in offered if department.slug == slug), None)


def read(request: Request, offered: Sequence[Offered], draft: Draft | None) -> Posted:
    """What was posted, beside the files that `draft` holds already."""
    post = request.POST
    department = named(offered, post.get("to", ""))
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


def shown(
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
        "back_url": inbox_url(request),
        "signed_in_address": request.session_address if request.session_row is not None else "",
        "written": draft is not None,
        "trap": TRAP,
        "trap_value": request.POST.get(TRAP, "") if posted else "",
        "made": made,
        "host": places.host(request.brand),
    }
    return render(request, "writing/write_to.html", context, status=status or (422 if faults else 200))


def full(
    request: Request, slug: str, offered: list[Offered], draft: Draft | None, posted: Posted | None, error: NoRoom
) -> HttpResponse:
    """The same when no more can be kept for now."""
    # Like a budget's wait, never said to be longer than an hour: it would tell which limit is reached.
    until = whole_minute(budgets.as_shown(error.until, timezone.now()))
    sentence = _("Too much has been written here for now. What you wrote is still on this page. Try again at {time}.")
    response = shown(request, slug, offered, draft, posted, [Fault("message", sentence.format(time=clock(until)))], 429)
    retry_after(response, until)
    return response


def inbox_url(request: Request) -> str:
    """Where somebody's messages are listed; "" for who is not signed in, or only for one of them."""
    session = request.session_row
    return "" if session is None or sessions.is_for_one_message(session) else reverse("inbox")


def _shown(files: Sequence[Kept]) -> list[dict[str, object]]:
    return [{"id": file.id, "name": file.name, "size": file.size} for file in files]


def _form_again(request: Request, slug: str = "") -> HttpResponse:
    """With what was typed; files that were just chosen are not kept."""
    offered = offered_here(request, slug)
    draft = draft_of(request)
    posted = read(request, offered, draft)
    faults = [Fault("files", _("Choose your files again."))] if posted.uploads else []
    return shown(request, slug, offered, draft, posted, faults, expired.STATUS, note=expired.sentence(request))


for _name in ("write-to", "write-to-department"):
    expired.register(_name, _form_again)
