"""S2's actions on one message: withdrawn, undone, dated anew, narrowed, its mail sent again. Each needs a POST."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from branding.languages import say_day
from portal.access import said, sender_door
from portal.access.models import Session
from portal.access.requests import Request
from portal.access.responses import see_other
from portal.ids import ids_of
from portal.keys.errors import KeysError
from portal.lifecycle import changing, dates, granting, resending, standing, withdrawing
from portal.lifecycle.actors import Actor
from portal.lifecycle.errors import (
    DateIsPast,
    DateTooFar,
    LifecycleError,
    ResentLately,
    UnknownMessage,
)
from portal.rules.errors import RulesError
from portal.sent import closing, owning, phrasing
from portal.vault import readers
from portal.vault.errors import VaultError
from portal.vault.models import Reader


@require_http_methods(["GET", "HEAD", "POST"])
@sender_door.required
def withdraw(request: Request, session: Session, id_: UUID) -> HttpResponse:
    """From those who are ticked, or from all; names who has opened it, for that cannot be taken back."""
    author, now = owned(session, id_)
    chosen = _chosen(request, now)
    posted = request.method == "POST"
    context: dict[str, Any] = {
        "chosen": {str(one) for one in (chosen if posted or chosen else {one.id for one in now.open})},
        "tell": request.POST.get("tell") == "yes" if posted else now.tell,
        "reasons": [(why.value, words) for why, words in phrasing.REASONS],
        "reason": request.POST.get("reason", ""),
        "undo_minutes": settings.LETTERLOCK.undo_minutes,
    }
    if not posted:
        return page(request, author, now, "withdraw", context)
    why = phrasing.reason(context["reason"])
    if why is None or not chosen:
        return page(request, author, now, "withdraw", {**context, "no_reason": why is None, "nobody": not chosen}, 422)

    def act() -> None:
        by = owning.actor(session, author)
        withdrawing.withdraw_some(id_, chosen, why.value, by=by, why=why, tell=bool(context["tell"]))

    return done(request, session, author, "withdraw", act, context)


@require_POST
@sender_door.required
def undo(request: Request, session: Session, id_: UUID) -> HttpResponse:
    """Open it again, for all or for one, while the keys live; only what its sender withdrew, or who acts for them."""
    author, now = owned(session, id_)
    chosen = {one.id for one in now.recipients} & ids_of(request.POST.getlist("reader"))

    def act() -> None:
        by = owning.actor(session, author)
        if chosen:
            withdrawing.undo_some(id_, chosen, by=by)
        else:
            withdrawing.undo(id_, by=by)

    return done(request, session, author, "refused", act, {})


@require_http_methods(["GET", "HEAD", "POST"])
@sender_door.required
def date(request: Request, session: Session, id_: UUID) -> HttpResponse:
    """Another last day, as far ahead as its template and its rule let its sender choose."""
    author, now = owned(session, id_)
    latest = closing.latest(author.message, timezone.localdate())
    typed = request.POST.get("until", "")[:20]
    context: dict[str, Any] = {"until_value": typed, "latest": latest}
    if request.method != "POST":
        if now.open_until:
            context["until_value"] = f"{timezone.localtime(now.open_until):%Y-%m-%d}"
        return page(request, author, now, "date", context)
    try:
        until = dates.closing(typed if typed.strip() != dates.NEVER else "")
        if until is not None and timezone.localtime(until).date() > latest:
            raise DateTooFar
    except LifecycleError as refused:
        past, far = isinstance(refused, DateIsPast), isinstance(refused, DateTooFar)
        said = _("The last day can be at most {date}.").format(date=say_day(latest))
        bad = {"bad_date": said if far else phrasing.sentence(refused), "past": past}
        return page(request, author, now, "date", {**context, **bad}, 422)
    by = owning.actor(session, author)
    return done(
        request, session, author, "date",
        lambda: changing.change_date(id_, until, by=by, was=changing.shown(request.POST.get("was"))), context,
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@sender_door.required
def rights(request: Request, session: Session, id_: UUID) -> HttpResponse:
    """What its recipients may not do any more, from their next request on. Nothing is granted here."""
    author, now = owned(session, id_)
    posted, chosen = request.method == "POST", _chosen(request, now)
    told = granting.told(id_)
    off = set(request.POST.getlist("off")) & set(phrasing.OFF)
    context: dict[str, Any] = {
        "chosen": {str(one) for one in (chosen if posted or chosen else {one.id for one in now.open})},
        "offered": [
            (name, words, name in off if posted else name == "download")
            for name, words in phrasing.OFF.items()
            if told is None or getattr(told.rights, name)
        ],
    }
    if not posted:
        return page(request, author, now, "rights", context)
    if not chosen or not off:
        return page(request, author, now, "rights", {**context, "nobody": not chosen, "nothing": not off}, 422)
    everyone = chosen >= {one.id for one in now.recipients if not one.gone}
    whom, by = None if everyone else chosen, owning.actor(session, author)
    return done(
        request, session, author, "rights",
        lambda: granting.change_rights(id_, dict.fromkeys(off, False), readers=whom, by=by), context,
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@sender_door.required
def resend(request: Request, session: Session, id_: UUID) -> HttpResponse:
    """The mail once more, to those who are chosen: of several, to all whom it was not sent to a moment ago."""
    author, now = owned(session, id_)
    posted, chosen = request.method == "POST", _chosen(request, now)
    unopened = {one.id for one in now.open if one.opened_at is None}
    context = {"chosen": {str(one) for one in (chosen if posted or chosen else unopened)}}
    if not posted:
        return page(request, author, now, "resend", context)
    if not chosen:
        return page(request, author, now, "resend", {**context, "nobody": True}, 422)
    by = owning.actor(session, author)
    return done(request, session, author, "resend", lambda: _resent(id_, chosen, by), context, "resent")


def _resent(id_: UUID, chosen: Collection[UUID], by: Actor) -> None:
    """Raises ResentLately where it went to all of them lately, and whatever else stands against one of them."""
    lately = 0
    for reader in chosen:
        try:
            resending.resend(id_, reader, by=by)
        except ResentLately:
            lately += 1
    if lately == len(chosen):
        raise ResentLately


def owned(session: Session, id_: UUID) -> tuple[Reader, standing.Standing]:
    """The author's row of a message and how that stands; Http404 for what is neither theirs nor lent to them."""
    author = owning.author_of(session, id_)
    found = standing.of(id_, readers.address_of) if author else None
    if author is None or found is None:
        raise Http404
    return author, found


def done(
    request: Request,
    session: Session,
    author: Reader,
    name: str,
    act: Callable[[], object],
    context: Mapping[str, Any],
    note: str = "",
) -> HttpResponse:
    """Back to the message when it worked, else the page again with the sentence that says why not."""
    id_ = author.message_id
    try:
        act()
    except UnknownMessage:
        raise Http404 from None
    except LifecycleError as refused:
        author, now = owned(session, id_)
        return page(request, author, now, name, {**context, "error": phrasing.sentence(refused)}, 409)
    except (KeysError, VaultError, RulesError):
        author, now = owned(session, id_)
        return page(request, author, now, name, {**context, "error": phrasing.AWAY}, 503)
    where = reverse("sent-message", args=[id_])
    return said.see_said(where, note, session) if note else see_other(where)


def page(
    request: Request,
    author: Reader,
    now: standing.Standing,
    name: str,
    context: Mapping[str, Any],
    status: int = 200,
) -> HttpResponse:
    """One of the pages on which something is asked."""
    wrong = ("error", "no_reason", "nobody", "nothing", "bad_date")
    shown = {
        "message": now,
        "back_url": reverse("sent-message", args=[now.id]),
        "faulty": any(context.get(one) for one in wrong),
        **context,
    }
    return render(request, f"sent/{name}.html", shown, status=status)


def _chosen(request: Request, now: standing.Standing) -> set[UUID]:
    """Of those that a form names, recipients whom it is not withdrawn from; a link may name one to begin with."""
    named = request.POST if request.method == "POST" else request.GET
    asked = ids_of(named.getlist("reader"))
    return {one.id for one in now.open} & asked
