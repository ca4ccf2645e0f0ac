"""A9: mail that came back, by address and reason, and by domain today; addresses that get no more; trying again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Q, QuerySet, Sum, TextChoices
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from portal.access.decorators import permission_required
from portal.access.responses import see_other
from portal.access.roles import May
from portal.console import remedies
from portal.console.pages import administrator, office_page
from portal.console.sections import BOUNCES
from portal.delivery import lanes, refusing
from portal.delivery.models import Bounce, Lane, Outbound, Suppressed
from portal.ids import id_of
from portal.keys.errors import KeysError
from portal.vault.masking import masked

PAGE = 50
DOMAINS = 10
MOST = 100_000
"""Mails of a domain on one day that are counted; more is said to be at least that."""


class Reason(TextChoices):
    """Why an address is suppressed, or no more; the record holds nothing that a person wrote."""

    GONE = "gone", gettext_lazy("The mailbox does not exist any more")
    ASKED = "asked", gettext_lazy("The recipient asked for it")
    REPUTATION = "reputation", gettext_lazy("More mail there would harm our standing")
    MENDED = "mended", gettext_lazy("The mailbox works again")
    MISTAKE = "mistake", gettext_lazy("It was a mistake")


@dataclass(frozen=True)
class Line:
    """One address and reason."""

    id: UUID
    address: str
    status: str
    sort: str
    reason: str
    count: int
    last_at: datetime
    suppressed: bool
    told: bool
    again: bool


@dataclass(frozen=True)
class Domain:
    """How one domain took mail today (UTC)."""

    name: str
    refused: int
    tried: int
    at_least: bool
    advice: str


@permission_required(May.SEE_MESSAGES)
@require_safe
def bounces(request: HttpRequest) -> HttpResponse:
    """Newest first; `?sort=` shows one kind."""
    sort = request.GET.get("sort", "")
    sort = sort if sort in Bounce.Sort.values else ""
    after = id_of(request.GET.get("after", ""))
    rows = list(newest(sort, after)[: PAGE + 1])
    older = urlencode({**({"sort": sort} if sort else {}), "after": rows[PAGE - 1].pk}) if len(rows) > PAGE else ""
    context = {
        "lines": _lines(rows[:PAGE]),
        "domains": domains(timezone.now()),
        "sort": sort,
        "sorts": remedies.sorts(),
        "older": older,
        "first": after is None,
    }
    return office_page(request, BOUNCES, "console/bounces.html", context)


@permission_required(May.ACT_ON_MESSAGES)
@require_http_methods(["GET", "HEAD", "POST"])
def bounce(request: HttpRequest, id_: UUID) -> HttpResponse:
    """One address and reason: stop mail to it, let it go again, or try the last mail again."""
    row = get_object_or_404(Bounce, pk=id_)
    (line,) = _lines([row])
    context = {"line": line, "reasons": Reason.choices, "advice": remedies.advice(row.status)}
    if request.method != "POST":
        return office_page(request, BOUNCES, "console/bounce.html", context)
    by, asked = administrator(request).pk, request.POST.get("do", "")
    if asked == "again":
        if not refusing.try_again(row.mail, by):
            context["error"] = _("This mail cannot be tried again: it has left, was withdrawn, or its code is gone.")
            return office_page(request, BOUNCES, "console/bounce.html", context, status=409)
        return see_other(reverse("console-bounce", args=[id_]))
    reason = request.POST.get("reason", "")
    if asked not in ("suppress", "lift") or reason not in Reason.values:
        return office_page(request, BOUNCES, "console/bounce.html", {**context, "no_reason": True}, status=422)
    (refusing.suppress if asked == "suppress" else refusing.lift)(bytes(row.address_lookup), by, reason)
    return see_other(reverse("console-bounce", args=[id_]))


def newest(sort: str, after: UUID | None) -> QuerySet[Bounce]:
    """All, or of one kind."""
    found = Bounce.objects.order_by("-last_at", "-pk")
    if sort:
        found = found.filter(sort=sort)
    mark = Bounce.objects.filter(pk=after).values_list("last_at", flat=True).first() if after else None
    if mark is not None:
        found = found.filter(Q(last_at=mark, pk__lt=after) | Q(last_at__lt=mark), last_at__lte=mark)
    return found


def domains(now: datetime) -> list[Domain]:
    """Those with the most refusals today."""
    today = now.astimezone(UTC).date()
    begin = datetime.combine(today, time(), UTC)
    by_lane = Bounce.objects.filter(day=today).values("lane").annotate(refused=Sum("on_day"))
    rows = list(by_lane.order_by("-refused")[:DOMAINS])
    found = []
    names = {lane.id: lane for lane in Lane.objects.filter(pk__in=[row["lane"] for row in rows])}
    for row in rows:
        sent = Outbound.objects.filter(lane=row["lane"], sent_at__gte=begin).values("lane")[:MOST].count()
        worst = Bounce.objects.filter(day=today, lane=row["lane"]).order_by("-on_day").first()
        if worst is None:
            continue
        name = _domain(names.get(row["lane"]), worst)
        advice = remedies.advice(worst.status)
        found.append(Domain(name, row["refused"], sent + row["refused"], sent >= MOST, advice))
    return found


def _lines(rows: Sequence[Bounce]) -> list[Line]:
    mails = Outbound.objects.in_bulk([row.mail for row in rows])
    among = Suppressed.objects.filter(address_lookup__in=[row.address_lookup for row in rows])
    held = {bytes(lookup) for lookup in among.values_list("address_lookup", flat=True)}
    return [
        Line(
            row.id,
            masked(refusing.bounced_address, row),
            row.status,
            remedies.sorts()[row.sort],
            remedies.reason(row.status),
            row.count,
            row.last_at,
            bytes(row.address_lookup) in held,
            row.mail in mails and mails[row.mail].told_failure_at is not None,
            refusing.may_try_again(mails.get(row.mail)),
        )
        for row in rows
    ]


def _domain(lane: Lane | None, worst: Bounce) -> str:
    try:
        named = lanes.name_of(lane) if lane is not None else ""
        return named or refusing.bounced_address(worst).rpartition("@")[2]
    except KeysError:
        return _("(hidden: the keys are away)")
