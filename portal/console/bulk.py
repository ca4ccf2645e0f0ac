"""A3: withdraw, or date anew, many messages at once. Counted first, confirmed by its number, undone as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from branding.models import Brand
from portal.access.decorators import fresh_proof_required, permission_required
from portal.access.responses import see_other
from portal.access.roles import May
from portal.console.acting import KEYS_AWAY, by_office, why
from portal.console.pages import office_page
from portal.console.sections import MESSAGES
from portal.keys.errors import KeysError
from portal.lifecycle import bulk, choosing, dates
from portal.lifecycle.actors import Why
from portal.lifecycle.choosing import Choice
from portal.lifecycle.errors import LifecycleError, RunOver, WrongNumber
from portal.lifecycle.models import Run, RunItem
from portal.rules.publishing import document_of, live_number

LISTED = 20
"""Runs on the first page."""
NAMED = 200
"""Messages that the report names."""
_OUT_OF_TURN = (RunItem.Outcome.HELD, RunItem.Outcome.ALREADY, RunItem.Outcome.GONE, RunItem.Outcome.FAILED)


@permission_required(May.ACT_ON_MESSAGES)
@require_http_methods(["GET", "HEAD", "POST"])
def choose(request: HttpRequest) -> HttpResponse:
    """Which messages. Addresses come by POST and are kept sealed with the run: they stand in no address of a page."""
    values = {name: request.POST.get(name, "").strip()[:320] for name in ("sender", "recipient", "rule", "since", "to")}
    context: dict[str, Any] = {
        "values": values,
        "brand_value": request.POST.get("brand", ""),
        "state_value": request.POST.get("state", choosing.OPEN),
        "action_value": request.POST.get("action", Run.Action.WITHDRAW.value),
        "brands": Brand.objects.order_by("name"),
        "rules": [rule["name"] for rule in document_of(live_number())["rules"]],
        "runs": Run.objects.exclude(state=Run.State.ASKED).order_by("-asked_at")[:LISTED],
    }
    if request.method != "POST":
        return office_page(request, MESSAGES, "console/bulk.html", context)
    choice, faults = _choice(request, values)
    status = 422
    try:
        faults |= choosing.faults(choice, began="since" in faults)
        if not faults:
            return see_other(reverse("bulk-run", args=[bulk.ask(_action(request), choice, by_office(request)).id]))
    except KeysError:
        faults, status = {"": KEYS_AWAY}, 503
    return office_page(request, MESSAGES, "console/bulk.html", {**context, "faults": faults}, status=status)


@permission_required(May.ACT_ON_MESSAGES)
@fresh_proof_required()
@require_http_methods(["GET", "HEAD", "POST"])
def run(request: HttpRequest, id_: UUID) -> HttpResponse:
    """Its count and the question, or how far it is, or how it ended."""
    row = _run(id_)
    if row.state != Run.State.ASKED:
        # Confirmed twice, from two windows: the second sees how the first is getting on.
        return see_other(reverse("bulk-run", args=[id_])) if request.method == "POST" else _report(request, row)
    context: dict[str, Any] = {
        "number_value": request.POST.get("number", "").strip()[:12],
        "until_value": request.POST.get("until", "")[:20],
        "never": request.POST.get("never") == "yes",
        "tell": request.POST.get("tell", "brand"),
    }
    if request.method != "POST":
        return _ask(request, row, context)
    reason, until, faults = why(request), None, dict[str, str]()
    try:
        if row.action == Run.Action.DATE:
            until = dates.closing(dates.NEVER if context["never"] else str(context["until_value"]))
    except LifecycleError as refused:
        faults["until"] = str(refused)
    if reason is None:
        faults["reason"] = _("Choose a reason.")
    number = int(context["number_value"]) if str(context["number_value"]).isdecimal() else -1
    tell = {"yes": True, "no": False}.get(str(context["tell"]))
    try:
        if reason is None or faults:
            bulk.check_number(row, number)
        else:
            bulk.confirm(row, number, by_office(request), reason, tell=tell, until=until)
    except RunOver:
        pass
    except LifecycleError as refused:
        faults["number" if isinstance(refused, WrongNumber) else ""] = str(refused)
    except KeysError:
        return _ask(request, row, {**context, "faults": {"": KEYS_AWAY}}, 503)
    if faults:
        return _ask(request, row, {**context, "faults": faults, "no_reason": reason is None}, 422)
    return see_other(reverse("bulk-run", args=[id_]))


@permission_required(May.ACT_ON_MESSAGES)
@require_POST
def undo(request: HttpRequest, id_: UUID) -> HttpResponse:
    """Take the whole run back, as long as its time to undo lasts."""
    row = _run(id_)
    if row.state == Run.State.ASKED:
        return see_other(reverse("bulk-run", args=[id_]))
    try:
        bulk.undo(row, by_office(request))
    except RunOver as over:
        return _report(request, row, {"error": str(over)}, 422)
    return see_other(reverse("bulk-run", args=[id_]))


def _ask(request: HttpRequest, row: Run, context: Mapping[str, Any], status: int = 200) -> HttpResponse:
    try:
        known = {"counted": bulk.count(row), "choice": bulk.choice_of(row)}
    except KeysError:
        return office_page(request, MESSAGES, "console/bulk_away.html", {"error": KEYS_AWAY}, status=503)
    shown = {
        "run": row,
        "reasons": Why.choices,
        "reason": request.POST.get("reason", ""),
        "longest": dates.LONGEST_DAYS,
        "most": bulk.MOST,
        "undo_minutes": settings.LETTERLOCK.undo_minutes,
        "brand": _brand_name(known["choice"]),
        **known,
        **context,
    }
    return office_page(request, MESSAGES, "console/bulk_ask.html", shown, status=status)


def _report(
    request: HttpRequest, row: Run, context: Mapping[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    ended = bulk.outcomes(row)
    waiting = ended.get(RunItem.Outcome.WAITING, 0)
    to_undo = ended.get(RunItem.Outcome.DONE, 0) + ended.get(RunItem.Outcome.HELD, 0)
    undoing = row.state == Run.State.UNDOING
    now = timezone.now()
    shown = {
        "run": row,
        "why": Why(row.reason).label,
        "working": row.state in (Run.State.RUNNING, Run.State.UNDOING),
        "ended": {name or "waiting": number for name, number in ended.items()},
        "through": row.total - (to_undo if undoing else waiting),
        "may_undo": row.state == Run.State.RUNNING
        or (row.state == Run.State.DONE and row.undo_until is not None and row.undo_until > now),
        "named": _named(row),
        **(context or {}),
    }
    return office_page(request, MESSAGES, "console/bulk_run.html", shown, status=status)


def _named(row: Run) -> QuerySet[RunItem]:
    return row.items.filter(outcome__in=_OUT_OF_TURN).order_by("outcome", "message")[:NAMED]


def _choice(request: HttpRequest, values: Mapping[str, str]) -> tuple[Choice, dict[str, str]]:
    """What is meant, and what of its days cannot be read."""
    state, faults = request.POST.get("state", ""), dict[str, str]()
    choice = Choice(
        sender=values["sender"],
        recipient=values["recipient"],
        brand=request.POST.get("brand", "")[:50],
        rule=values["rule"],
        since=_morning(values, "since", faults),
        before=_morning(values, "to", faults, days=1),
        state=state if state in choosing.STATES else choosing.OPEN,
    )
    return choice, faults


def _morning(values: Mapping[str, str], name: str, faults: dict[str, str], *, days: int = 0) -> datetime | None:
    """When a day begins in the installation's time zone, or the one `days` later."""
    if not values[name]:
        return None
    try:
        if (day := parse_date(values[name])) is not None:
            there = datetime.combine(day + timedelta(days=days), datetime.min.time(), timezone.get_default_timezone())
            return there.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    faults[name] = _("Write a day like 2026-11-17.")
    return None


def _action(request: HttpRequest) -> Run.Action:
    return Run.Action.DATE if request.POST.get("action") == Run.Action.DATE else Run.Action.WITHDRAW


def _brand_name(choice: object) -> str:
    slug = choice.brand if isinstance(choice, Choice) else ""
    return Brand.objects.filter(slug=slug).values_list("name", flat=True).first() or slug if slug else ""


def _run(id_: UUID) -> Run:
    return get_object_or_404(Run, pk=id_)
