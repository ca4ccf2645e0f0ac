"""The page for a message that takes more than was proved: what would do, and the forms that take it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpResponse
from django.middleware.csrf import rotate_token
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from portal.access import authenticators, back, expired, levels, passkey_way, passkeys, places, sessions, way_in, ways
from portal.access.codes import LONGEST_TYPED
from portal.access.errors import FactorRefused, SessionOver
from portal.access.models import Person, Session
from portal.access.requests import Request
from portal.access.responses import see_other
from portal.audit.record import record
from portal.vault import agreed, phrases, readers
from portal.vault.errors import PhraseSpent, VaultError
from portal.vault.models import Reader

forms = require_http_methods(["GET", "HEAD", "POST"])
NOT_ENOUGH = 403


@dataclass(frozen=True)
class Way:
    """Something that would do: its template, and what the template finds under the name `way`."""

    template: str
    context: object
    usable: bool = True
    """False when it only says why it does not do, and the page must say what else to do."""
    origins: tuple[str, ...] = ()
    """Where its forms lead beside this site."""


@dataclass(frozen=True)
class PhraseAsked:
    """The form for the agreed phrase; `tries` is 0 when none is left."""

    url: str
    hint: str
    tries: int
    sender: str
    error: str = ""

    def __repr__(self) -> str:
        return "PhraseAsked(…)"


@dataclass(frozen=True, repr=False)
class CodeAsked:
    """The form for a code of the authenticator app; `young` when the app is younger than the message."""

    url: str
    young: bool
    error: str = ""


@dataclass(frozen=True)
class Fault:
    """What a form on the page was refused for: `field` is `phrase` or `code`."""

    field: str
    sentence: str


def page(request: Request, reader: Reader, fault: Fault | None = None, note: str = "") -> HttpResponse:
    """What more is needed, and exactly what would do. Call only for a reader whose address is proved."""
    needed, envelope = levels.wanted(reader), places.envelope_of(reader)
    found = [way for way in (offer(request, reader, needed, fault) for offer in OFFERS) if way is not None]
    session = request.session_row
    context = {
        **places.at_link(reader).context(),
        "proved_by": session.method if session else "",
        "sender_name": envelope.sender_name or envelope.sender_address,
        "ways": found,
        "usable": sum(way.usable for way in found),
        "settings_url": reverse("settings"),
        "has_app": request.person is not None and authenticators.of(request.person) is not None,
        "error": fault.sentence if fault else "",
        "error_field": fault.field if fault else "",
        "note": note,
    }
    response = render(request, "access/more.html", context, status=way_in.REFUSED if fault else NOT_ENOUGH)
    return ways.under_policy(response, tuple(place for way in found for place in way.origins))


@forms
def phrase(request: Request, link: str) -> HttpResponse:
    """Takes the agreed phrase. It counts for this message alone."""
    asked = _asked(request, link)
    if isinstance(asked, HttpResponse):
        return asked
    return way_in.keeping_share(request, asked.reader, _phrase(request, asked))


def _phrase(request: Request, asked: _Asked) -> HttpResponse:
    reader, session = asked.reader, asked.session
    typed = request.POST.get("phrase", "")[: agreed.LONGEST]
    if not agreed.normalised(typed):
        return page(request, reader, Fault("phrase", _("Enter the phrase.")))
    try:
        token = levels.prove_phrase(session, reader, typed)
    except (PhraseSpent, SessionOver):
        return see_other(places.at_link(reader).goal_url)
    if token is None:
        left = phrases.tries_left(reader)
        _failed(reader, "phrase", left=left)
        if not left:
            return page(request, reader, Fault("phrase", _("That is not the phrase.")))
        tries = ngettext("You have {n} try left.", "You have {n} tries left.", left).format(n=left)
        return page(request, reader, Fault("phrase", f"{_('That is not the phrase.')} {tries}"))
    return _through(request, reader, session, token, "phrase")


@forms
def factor(request: Request, link: str) -> HttpResponse:
    """Takes a code of the authenticator app, or a recovery code. It counts until the session ends."""
    asked = _asked(request, link)
    if isinstance(asked, HttpResponse):
        return asked
    return way_in.keeping_share(request, asked.reader, _factor(request, asked))


def _factor(request: Request, asked: _Asked) -> HttpResponse:
    try:
        proved = authenticators.check(asked.person, request.POST.get("code", "")[:LONGEST_TYPED])
    except FactorRefused as refused:
        _failed(asked.reader, "app")
        return page(request, asked.reader, Fault("code", refused.sentence))
    try:
        token = sessions.raise_level(asked.session, factor_at=proved.set_up_at)
    except SessionOver:
        return see_other(places.at_link(asked.reader).goal_url)
    return _through(request, asked.reader, asked.session, token, proved.kind)


def _again(request: Request, link: str) -> HttpResponse:
    """The page when one of its forms was open for too long. What was typed is a secret, and is not shown again."""
    asked = _asked(request, link)
    if isinstance(asked, HttpResponse):
        return asked
    response = page(request, asked.reader, note=expired.sentence(request))
    return way_in.keeping_share(request, asked.reader, response)


expired.register("phrase", _again)
expired.register("factor", _again)


# ------------------------------------------------------------------------------------------------------- what would do


def _by_phrase(request: Request, reader: Reader, needed: int, fault: Fault | None) -> Way | None:
    known = phrases.agreed_with(reader)
    if known is None:
        return None
    envelope = places.envelope_of(reader)
    asked = PhraseAsked(
        reverse("phrase", args=[readers.link_of(reader)]),
        known.hint,
        phrases.tries_left(reader),
        envelope.sender_name or envelope.sender_address,
        _of("phrase", fault),
    )
    return Way("access/more/phrase.html", asked)


def _by_app(request: Request, reader: Reader, needed: int, fault: Fault | None) -> Way | None:
    app = authenticators.of(request.person) if request.person else None
    if app is None or app.confirmed_at is None:
        return None
    young = app.confirmed_at > levels.taken_at(reader.message)
    asked = CodeAsked(reverse("factor", args=[readers.link_of(reader)]), young, _of("code", fault))
    return Way("access/more/code.html", asked, usable=not young)


def _by_passkey(request: Request, reader: Reader, needed: int, fault: Fault | None) -> Way | None:
    brand = reader.message.brand
    if request.person is None or not passkeys.offered(brand):
        return None
    working = passkeys.of(request.person, brand).filter(asleep_at=None, made_at__lte=levels.taken_at(reader.message))
    return Way("access/more/passkey.html", passkey_way.of(request, reader)) if working.exists() else None


def _by_provider(request: Request, reader: Reader, needed: int, fault: Fault | None) -> Way | None:
    found = ways.at(request, reader)
    if needed > levels.PROVIDER or not found.origins:
        return None
    return Way("access/more/providers.html", found, origins=found.origins)


def _of(field: str, fault: Fault | None) -> str:
    return fault.sentence if fault and fault.field == field else ""


Offer = Callable[[Request, Reader, int, Fault | None], Way | None]
OFFERS: tuple[Offer, ...] = (_by_passkey, _by_provider, _by_phrase, _by_app)
"""Asked in this order with the level that is needed; None leaves a way out. Providers belong at level 2 alone."""


# ----------------------------------------------------------------------------------------------------- what forms share


@dataclass(frozen=True)
class _Asked:
    """Someone whose address is proved, at a message that takes more."""

    reader: Reader
    session: Session
    person: Person


def _asked(request: Request, link: str) -> _Asked | HttpResponse:
    """Who posts one of the forms where it belongs; for all others the way to the message, whose page says how it is."""
    reader = readers.by_link(link)
    if reader is None or reader.message.brand_id != request.brand.pk:
        return way_in.neutral(request)
    back = see_other(places.at_link(reader).goal_url)
    person, session = request.person, request.session_row
    if request.method != "POST" or person is None or session is None or not sessions.opens(session, reader):
        return back
    if readers.is_closed_to(reader, timezone.now()):
        return back
    try:
        enough = levels.is_enough(session, reader)
    except VaultError:
        return back
    return back if enough else _Asked(reader, session, person)


def _failed(reader: Reader, kind: str, **facts: int) -> None:
    record("recipient.factor_failed", message=reader.message_id, reader=reader.id, factor=kind, **facts)


def _through(request: Request, reader: Reader, session: Session, token: str, kind: str) -> HttpResponse:
    """To the message, or the page of it that was asked for, with the session's new token."""
    record("recipient.factor_proved", message=reader.message_id, reader=reader.id, factor=kind)
    response = see_other(back.goal(request, places.at_link(reader)))
    back.forget(request, response)
    sessions.set_cookie(response, token, keep=sessions.is_kept(session))
    rotate_token(request)
    return response
