"""A12, who acts for senders: owners let somebody act for a sender who is away, and end what was given, by whomever.

The addresses of the list are masked; both are typed in a form and stand in no URL.
"""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from branding.models import Brand
from portal.access import delegates, people
from portal.access.decorators import fresh_proof_required, permission_required
from portal.access.delegates import By, DelegateRefused, NotInside, Reason
from portal.access.models import Delegation
from portal.access.requests import Request
from portal.access.roles import May
from portal.console.done import see_done
from portal.console.pages import administrator, office_page
from portal.console.sections import PEOPLE
from portal.ids import id_of
from portal.mime.addresses import LONGEST
from portal.mime.errors import BadAddress
from portal.vault.masking import masked

LIST = "console-delegates"
PAGE = 50


@permission_required(May.PEOPLE)
@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    """All of them, the newest first."""
    rows = Delegation.objects.select_related("owner", "delegate", "brand").order_by("-made_at", "-pk")
    after = id_of(request.GET.get("after", ""))
    last = Delegation.objects.filter(pk=after).first() if after else None
    if last is not None:
        rows = rows.filter(Q(made_at__lt=last.made_at) | Q(made_at=last.made_at, pk__lt=last.pk))
    found = list(rows[: PAGE + 1])
    context = {
        "rows": [_shown(row) for row in found[:PAGE]],
        "newest": last is not None,
        "older": found[PAGE - 1].pk if len(found) > PAGE else "",
    }
    return office_page(request, PEOPLE, "console/delegates.html", context)


@permission_required(May.PEOPLE)
@fresh_proof_required()
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """Let somebody act for a sender, of the brand of this host; the sender is told by mail."""
    brand = cast(Request, request).brand
    typed = {name: request.POST.get(name, "").strip()[: LONGEST + 1] for name in ("owner", "delegate")}
    reason = _reason(request)
    context: dict[str, Any] = {
        "typed": typed, "reasons": _REASONS_TO_GIVE, "reason": reason, "brand_name": brand.name,
    }  # fmt: skip
    if request.method != "POST":
        return office_page(request, PEOPLE, "console/delegate_add.html", context)
    bad = {f"bad_{name}": _bad(brand, value) for name, value in typed.items()}
    if any(bad.values()) or reason is None:
        context |= {**bad, "no_reason": reason is None}
        return office_page(request, PEOPLE, "console/delegate_add.html", context, status=422)
    try:
        delegates.give(people.of_address(typed["owner"]), typed["delegate"], brand, _by(request, reason))
    except DelegateRefused as refused:
        context["bad_delegate"] = refused.sentence
        return office_page(request, PEOPLE, "console/delegate_add.html", context, status=422)
    return see_done(request, reverse(LIST), "delegate_added")


@permission_required(May.PEOPLE)
@fresh_proof_required()
@require_http_methods(["GET", "HEAD", "POST"])
def end(request: HttpRequest, id_: UUID) -> HttpResponse:
    """Ask on a page, with a reason; then they see nothing more from their next request on."""
    row = get_object_or_404(Delegation.objects.select_related("owner", "delegate", "brand"), pk=id_)
    reason = _reason(request)
    context: dict[str, Any] = {"one": _shown(row), "reasons": _REASONS_TO_END, "reason": reason}
    if request.method != "POST":
        return office_page(request, PEOPLE, "console/delegate_end.html", context)
    if reason is None:
        context["no_reason"] = True
        return office_page(request, PEOPLE, "console/delegate_end.html", context, status=422)
    delegates.end(row, _by(request, reason))
    return see_done(request, reverse(LIST), "delegate_removed")


_REASONS_TO_GIVE = [(one.value, one.label) for one in (Reason.ASKED, Reason.ABSENT, Reason.LEFT, Reason.DUTIES)]
_REASONS_TO_END = [(one.value, one.label) for one in Reason if one != Reason.ABSENT]


def _shown(row: Delegation) -> dict[str, object]:
    return {
        "row": row,
        "owner": masked(people.address_of, row.owner),
        "delegate": masked(people.address_of, row.delegate),
    }


def _bad(brand: Brand, address: str) -> str:
    """Why an address is none of this brand's senders; "" where it is one."""
    try:
        delegates.check_inside(brand, address)
    except BadAddress:
        return _("That is not a complete address. Write one like ada@example.org.")
    except NotInside as refused:
        return refused.sentence
    return ""


def _by(request: HttpRequest, reason: Reason) -> By:
    return By(delegates.OFFICE, administrator(request).pk, reason.value)


def _reason(request: HttpRequest) -> Reason | None:
    return next((reason for reason in Reason if reason.value == request.POST.get("reason")), None)
