"""A2's actions on one message: withdrawn, dated anew, held, its notice sent again. Each asks on a page of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.access.decorators import fresh_proof_required, permission_required
from portal.access.roles import May
from portal.console.done import see_done
from portal.console.pages import administrator, office_page
from portal.console.rights import right_words
from portal.console.sections import MESSAGES
from portal.ids import id_of, ids_of
from portal.keys.errors import KeysError
from portal.lifecycle import adding, asking, changing, dates, granting, resending, standing, withdrawing
from portal.lifecycle.actors import Actor, Who, Why
from portal.lifecycle.errors import BadReaderAddress, DateIsPast, LifecycleError, UnknownMessage
from portal.vault import readers
from portal.vault.errors import VaultError
from portal.vault.masking import masked
from portal.vault.templates import NAMES

LISTED = 200
"""Requests on one page."""
KEYS_AWAY = "The key service does not answer, so nothing was changed. Try again in a few minutes."


def by_office(request: HttpRequest) -> Actor:
    """Whoever is signed in here."""
    return Actor(Who.OFFICE, str(administrator(request).pk))


def why(request: HttpRequest) -> Why | None:
    """The reason that was chosen; None without one of the list."""
    return next((reason for reason in Why if reason.value == request.POST.get("reason")), None)


@permission_required(May.ACT_ON_MESSAGES)
@fresh_proof_required()
@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: HttpRequest, id_: UUID) -> HttpResponse:
    """From those who are ticked, or from all; names who has opened it, for that cannot be taken back."""
    standing_ = _standing(id_)
    chosen = ids_of(request.POST.getlist("reader"))
    context = {
        "chosen": {str(one) for one in chosen},
        "tell": request.POST.get("tell") == "yes" if request.method == "POST" else standing_.tell,
    }
    if request.method != "POST":
        return _page(request, standing_, "withdraw", {**context, "chosen": {str(one.id) for one in standing_.open}})
    reason = why(request)
    if reason is None or not chosen:
        missing = {"no_reason": reason is None, "nobody": not chosen}
        return _page(request, standing_, "withdraw", {**context, **missing}, 422)

    def act() -> None:
        by, tell = by_office(request), bool(context["tell"])
        withdrawing.withdraw_some(id_, chosen, str(reason.label), by=by, why=reason, tell=tell)

    return _done(request, standing_, "withdraw", act, context, "withdrawn")


@permission_required(May.ACT_ON_MESSAGES)
@require_POST
def undo(request: HttpRequest, id_: UUID) -> HttpResponse:
    """Open it again for all, or for those who are named, while the keys live."""
    standing_ = _standing(id_)
    readers = ids_of(request.POST.getlist("reader"))
    by = by_office(request)

    def act() -> None:
        if readers:
            withdrawing.undo_some(id_, readers, by=by)
        else:
            withdrawing.undo(id_, by=by)

    return _done(request, standing_, "refused", act, {}, "undone")


@permission_required(May.ACT_ON_MESSAGES)
@fresh_proof_required()
@require_http_methods(["GET", "HEAD", "POST"])
def date(request: HttpRequest, id_: UUID) -> HttpResponse:
    """Another last day, later or earlier, or never; a day that is over is refused, with the way to withdrawing."""
    standing_ = _standing(id_)
    never = request.POST.get("never") == "yes"
    context: dict[str, Any] = {"until_value": request.POST.get("until", "")[:20], "never": never}
    if request.method != "POST":
        context["never"] = standing_.open_until is None
        if standing_.open_until:
            context["until_value"] = f"{timezone.localtime(standing_.open_until):%Y-%m-%d}"
        return _page(request, standing_, "date", context)
    reason, until = why(request), None
    try:
        until = dates.closing(dates.NEVER if never else context["until_value"])
    except LifecycleError as refused:
        context |= {"bad_date": str(refused), "past": isinstance(refused, DateIsPast)}
    if reason is None or "bad_date" in context:
        return _page(request, standing_, "date", {**context, "no_reason": reason is None}, 422)
    return _done(
        request,
        standing_,
        "date",
        lambda: changing.change_date(
            id_, until, by=by_office(request), why=reason, was=changing.shown(request.POST.get("was"))
        ),
        context,
        "date",
    )


@permission_required(May.ACT_ON_MESSAGES)
@fresh_proof_required()
@require_http_methods(["GET", "HEAD", "POST"])
def hold(request: HttpRequest, id_: UUID) -> HttpResponse:
    """A legal hold: set where there is none, lifted where there is one."""
    standing_ = _standing(id_)
    if request.method != "POST":
        return _page(request, standing_, "hold", {})
    reason = why(request)
    if reason is None:
        return _page(request, standing_, "hold", {"no_reason": True}, 422)
    # What the page said it would do: another may have been quicker.
    do = changing.lift if request.POST.get("do") == "lift" else changing.hold
    return _done(request, standing_, "hold", lambda: do(id_, by=by_office(request), why=reason), {}, "hold")


@permission_required(May.ACT_ON_MESSAGES)
@fresh_proof_required()
@require_http_methods(["GET", "HEAD", "POST"])
def rights(request: HttpRequest, id_: UUID) -> HttpResponse:
    """What those who are ticked may do: more or less from their next request on, within its template."""
    standing_, chosen = _standing(id_), ids_of(request.POST.getlist("reader"))
    changes = {name: said == "on" for name in NAMES if (said := request.POST.get(name)) in ("on", "off")}
    now = granting.told(id_)
    context = {
        "chosen": {str(one) for one in chosen} if request.method == "POST" else {str(one.id) for one in standing_.open},
        "changes": [
            (name, label, now is not None and getattr(now.rights, name), request.POST.get(name, ""))
            for name, (label, _hint) in right_words().items()
        ],
        "now": now,
    }
    if request.method != "POST":
        return _page(request, standing_, "rights", context)
    reason = why(request)
    if reason is None or not chosen or not changes:
        missing = {"no_reason": reason is None, "nobody": not chosen, "nothing": not changes}
        return _page(request, standing_, "rights", {**context, **missing}, 422)
    by, whom = (
        by_office(request),
        None if chosen >= {one.id for one in standing_.recipients if not one.gone} else chosen,
    )
    return _done(
        request,
        standing_,
        "rights",
        lambda: granting.change_rights(id_, changes, readers=whom, by=by, why=reason),
        context,
        "rights",
    )


@permission_required(May.ACT_ON_MESSAGES)
@require_POST
def resend(request: HttpRequest, id_: UUID) -> HttpResponse:
    """The notice once more, to one recipient."""
    standing_, readers = _standing(id_), ids_of(request.POST.getlist("reader"))
    if len(readers) != 1:
        raise Http404
    reader = next(iter(readers))

    def act() -> None:
        resending.resend(id_, reader, by=by_office(request))

    return _done(request, standing_, "refused", act, {}, "resent")


@permission_required(May.ACT_ON_MESSAGES)
@fresh_proof_required()
@require_http_methods(["GET", "HEAD", "POST"])
def correct(request: HttpRequest, id_: UUID) -> HttpResponse:
    """Withdraw from one recipient, and send to the address they should have had."""
    standing_, reader = _standing(id_), id_of(request.POST.get("reader") or request.GET.get("reader", ""))
    recipient = next((one for one in standing_.recipients if one.id == reader), None)
    if recipient is None:
        raise Http404
    typed = request.POST.get("address", "")[:320]
    context: dict[str, Any] = {"recipient": recipient, "address_value": typed}
    if request.method != "POST":
        return _page(request, standing_, "correct", context)
    reason = why(request)
    try:
        adding.looked_up(typed)
    except BadReaderAddress as bad:
        context["bad_address"] = str(bad)
    if reason is None or "bad_address" in context:
        return _page(request, standing_, "correct", {**context, "no_reason": reason is None}, 422)
    return _done(
        request,
        standing_,
        "correct",
        lambda: resending.readdress(id_, recipient.id, typed, by=by_office(request), why=reason),
        context,
        "corrected",
    )


@permission_required(May.SEE_MESSAGES)
@require_safe
def asked(request: HttpRequest) -> HttpResponse:
    """Readers who wait for more time, the oldest first; each leads to its message."""
    rows = [
        {
            "message": row.reader.message_id,
            "address": masked(readers.address_of, row.reader),
            "asked_at": row.asked_at,
            "last": row.reader.message.keys_until,
        }
        for row in asking.waiting()[:LISTED]
    ]
    return office_page(request, MESSAGES, "console/asked.html", {"rows": rows})


def _done(
    request: HttpRequest,
    standing_: standing.Standing,
    page: str,
    act: Callable[[], object],
    context: Mapping[str, Any],
    word: str,
) -> HttpResponse:
    """Back to the message, which says so, when it worked, else the page again with the sentence that says why not."""
    try:
        act()
    except UnknownMessage:
        raise Http404 from None
    except LifecycleError as refused:
        return _page(request, _standing(standing_.id), page, {**context, "error": str(refused)}, 409)
    except (KeysError, VaultError):
        return _page(request, standing_, page, {**context, "error": KEYS_AWAY}, 503)
    return see_done(request, reverse("console-message", args=[standing_.id]), word)


def _page(
    request: HttpRequest, standing_: standing.Standing, page: str, context: Mapping[str, Any], status: int = 200
) -> HttpResponse:
    shown = {
        "message": standing_,
        "reasons": Why.choices,
        "reason": request.POST.get("reason", ""),
        "longest": dates.LONGEST_DAYS,
        "undo_minutes": settings.LETTERLOCK.undo_minutes,
        **context,
    }
    return office_page(request, MESSAGES, f"console/message_{page}.html", shown, status=status)


def _standing(id_: UUID) -> standing.Standing:
    found = standing.of(id_)
    if found is None:
        raise Http404
    return found
