"""A recipient's own passkeys: the cards in the settings (R14), the offer after reading (R15), and what both post."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from typing import Concatenate, ParamSpec, cast
from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from portal.access import back, budgets, cookies, passcode_pages, passkeys, people, places, said, sessions, way_in, ways
from portal.access.credentials import Keyholder, Passkey
from portal.access.models import Person, Session
from portal.access.passcodes import Claim
from portal.access.passkey_errors import (
    ChallengeOver,
    PasskeyRefused,
    PasskeyThere,
    PasskeyWrong,
    ProofTooOld,
    TooManyAdded,
    TooManyPasskeys,
)
from portal.access.requests import Request
from portal.access.responses import see_other

P = ParamSpec("P")
ASKS_AGAIN = timedelta(days=90)
PASSKEYS = "/settings/#passkeys"


@dataclass(frozen=True)
class Card:
    """One passkey, as its owner sees it."""

    name: str
    device: str
    made_at: datetime
    used_at: datetime | None
    asleep: bool
    rename_url: str
    remove_url: str

    def __repr__(self) -> str:
        return "Card(…)"


@dataclass(frozen=True)
class Cards:
    """The section of R14."""

    cards: tuple[Card, ...]
    note: str
    may_add: bool
    """The brand offers passkeys and there is room for one."""
    fresh: bool
    """Whether one can be added or removed now, or the address is to be confirmed first: a passkey outlives every
    session, so a browser left open on a desk must not be enough."""
    mails: bool
    """Whether it is confirmed by a passcode then, or at a provider."""
    asks: bool
    """Whether the offer of R15 is still made."""
    longest_name: int = passkeys.LONGEST_NAME


def cards(request: Request) -> Cards | None:
    """None where there is nothing to see: the brand does without passkeys, and the person has none of before."""
    row = request.session_row
    if row is None:
        return None
    rows = list(passkeys.of(row.person, row.brand))
    offered = passkeys.offered(row.brand)
    if not rows and not offered:
        return None
    known = Keyholder.objects.filter(person=row.person, brand=row.brand, office=False).first()
    return Cards(
        cards=tuple(_card(one) for one in rows),
        note=_note(said.word(request, row)),
        may_add=offered and len(rows) < passkeys.MOST,
        fresh=sessions.is_fresh(row),
        mails=sessions.is_fresh(row) or _mails(row),
        asks=not (known and known.never),
    )


def offer(request: Request) -> dict[str, object]:
    """The context of access/passkey_offer.html (R15), for pages that a person sees after reading or answering.

    Made until it is answered, and to those only who have no passkey here. Seeing it changes nothing.
    """
    row = request.session_row
    if row is None or not passkeys.offered(row.brand):
        return {"offers_passkey": False}
    known = Keyholder.objects.filter(person=row.person, brand=row.brand, office=False).first()
    later = known is not None and (
        known.never
        or (known.asks_at is not None and timezone.now() < known.asks_at)
        or passkeys.of(row.person, row.brand).exists()  # nobody has one without being known here
    )
    fresh = sessions.is_fresh(row)
    return {"offers_passkey": not later, "passkey_fresh": fresh, "passkey_mails": later or fresh or _mails(row)}


def signed_in(
    view: Callable[Concatenate[Request, Person, Session, P], HttpResponse],
) -> Callable[Concatenate[Request, P], HttpResponse]:
    """For POSTs of a signed-in person; anyone else gets the page to confirm on."""

    @wraps(view)
    def guarded(request: Request, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if request.person is None or request.session_row is None:
            return way_in.neutral(request, status=403)
        return view(request, request.person, request.session_row, *args, **kwargs)

    return cast(Callable[Concatenate[Request, P], HttpResponse], require_POST(guarded))


# ---------------------------------------------------------------------------------------------------------- adding


@signed_in
def ask(request: Request, person: Person, row: Session) -> HttpResponse:
    """What the browser is to ask its authenticators for a new passkey."""
    token = cookies.browser_token(request)
    try:
        _must_be_fresh(row)
        options = passkeys.ask_to_add(person, row.brand, cookies.digest(token), user_name=people.address_of(person))
    except PasskeyRefused as error:
        return JsonResponse({"error": error.sentence}, status=way_in.REFUSED)
    response = JsonResponse(options)
    cookies.write(response, cookies.BROWSER, token, way_in.BROWSER_SECONDS)
    return response


@signed_in
def add(request: Request, person: Person, row: Session) -> HttpResponse:
    """What the browser made. Comes without an answer where asking was refused, to be told why."""
    browser = cookies.digest_of(request, cookies.BROWSER)
    try:
        _must_be_fresh(row)
        answer = request.POST.get("answer", "")
        passkeys.add(person, row.brand, browser, answer, proved_at=_proved_at(row), device=row.device)
    except PasskeyRefused as error:
        word = next((name for name, kind in REFUSALS.items() if isinstance(error, kind)), "wrong")
        return said.see_said(PASSKEYS, word, row)
    trusted = cookies.digest_of(request, cookies.TRUSTED)
    if trusted:
        budgets.trust(trusted, bytes.fromhex(person.lookup), timezone.now(), passkey=True)
    return said.see_said(PASSKEYS, "added", row)


@signed_in
def confirm(request: Request, person: Person, row: Session) -> HttpResponse:
    """Mail a passcode to the person's own address, for a proof that is fresh enough to change how they confirm.

    Where no passcodes are sent, a provider is to ask anew who it is.
    """
    place = places.settings(row.brand)
    if ways.passcode_at(place):
        return passcode_pages.ask_at(request, place, Claim.of_address(row.brand, people.address_of(person)))
    response = way_in.find_page(request, 200, note=_("Sign in again: that shows it is you."), prove=True)
    back.keep(request, response, place, page=place.goal_url)
    return response


@way_in.page
def confirm_passcode(request: Request) -> HttpResponse:
    """R3 on the way back to the settings."""
    return passcode_pages.passcode_at(request, places.settings(request.brand))


# -------------------------------------------------------------------------------------------------------- changing


@signed_in
def rename(request: Request, person: Person, row: Session, number: UUID) -> HttpResponse:
    passkeys.rename(_own(person, row, number), request.POST.get("name", ""))
    return said.see_said(PASSKEYS, "renamed", row)


@signed_in
def remove(request: Request, person: Person, row: Session, number: UUID) -> HttpResponse:
    passkey = _own(person, row, number)
    if not sessions.is_fresh(row):
        return said.see_said(PASSKEYS, "stale", row)
    passkeys.remove(passkey, row)
    return said.see_said(PASSKEYS, "removed" if passkeys.of(person, row.brand).exists() else "last", row)


@signed_in
def answer_offer(request: Request, person: Person, row: Session) -> HttpResponse:
    """To the offer of R15: `later` from the page it stands on, `never` and `again` from the settings."""
    say = request.POST.get("say", "")
    known = passkeys.holder(person, row.brand)
    known.never = say == "never"
    known.asks_at = timezone.now() + ASKS_AGAIN if say == "later" else None
    known.save(update_fields=["never", "asks_at"])
    # 204 leaves the browser where it is (RFC 9110 section 15.3.5), with the message still open.
    return HttpResponse(status=204) if say == "later" else see_other(PASSKEYS)


# ------------------------------------------------------------------------------------------------- what they share

REFUSALS: dict[str, type[PasskeyRefused]] = {
    "stale": ProofTooOld,
    "late": ChallengeOver,
    "many": TooManyPasskeys,
    "today": TooManyAdded,
    "there": PasskeyThere,
    "wrong": PasskeyWrong,
}
"""By the word in the address to which a refused POST leads, so that a reload does not post again."""


def _note(word: str) -> str:
    """The sentence for a word in the address; "" for any other word."""
    notes = {
        "added": _("Your passkey was added. It opens your messages here from now on."),
        "renamed": _("The name was changed."),
        "removed": _("The passkey was removed. You can delete it from your device as well."),
        "last": _("You will use passcodes again."),
        **{name: kind().sentence for name, kind in REFUSALS.items()},
    }
    return notes.get(word, "")


def _own(person: Person, row: Session, number: UUID) -> Passkey:
    """One of the person's own; 404 for anyone else's, as for none."""
    return get_object_or_404(passkeys.of(person, row.brand), pk=number)


def _card(row: Passkey) -> Card:
    return Card(
        name=passkeys.name_of(row),
        device=row.device,
        made_at=row.made_at,
        used_at=row.used_at,
        asleep=row.asleep_at is not None,
        rename_url=reverse("passkey-rename", args=[row.id]),
        remove_url=reverse("passkey-remove", args=[row.id]),
    )


def _mails(row: Session) -> bool:
    return ways.passcode_at(places.settings(row.brand))


def _must_be_fresh(row: Session) -> None:
    if not sessions.is_fresh(row):
        raise ProofTooOld


def _proved_at(row: Session) -> datetime:
    """When the person last proved the mailbox. A passkey proves none, so another one is no newer than the oldest."""
    if row.method != sessions.PASSKEY:
        return row.made_at
    oldest = passkeys.of(row.person, row.brand).order_by("proved_at").values_list("proved_at", flat=True).first()
    return oldest or row.made_at - passkeys.PROVED_EVERY
