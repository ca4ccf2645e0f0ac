"""A12, programs: tokens that let them in, and webhooks that tell them what happens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from branding.models import Brand
from portal.access.decorators import fresh_proof_required, permission_required
from portal.access.responses import see_other
from portal.access.roles import May
from portal.api import scopes, telling, tokens, webhooks
from portal.api.errors import ApiError, EntryGone
from portal.api.models import Delivery, Token, Webhook
from portal.api.scopes import Scope
from portal.console.acting import by_office
from portal.console.families import families
from portal.console.pages import administrator, office_page
from portal.console.sections import PROGRAMS
from portal.keys.errors import KeysError

SHOWN = 20
LIVES = {"30": timedelta(days=30), "365": tokens.LIFETIME, "never": None}


@dataclass(frozen=True)
class Hook:
    """A webhook as the list shows it; its address without what may be a password in it."""

    row: Webhook
    url: str
    waiting: int
    failed: int

    def __repr__(self) -> str:
        return f"Hook({self.row.id})"


@permission_required(May.PROGRAMS)
@require_safe
def programs(request: HttpRequest) -> HttpResponse:
    """All tokens and webhooks that there are."""
    now = timezone.now()
    context = {
        "tokens": [(row, sorted(scopes.of(row.scopes)), _is_over(row, now)) for row in tokens.in_use()],
        "hooks": [_hook(row) for row in Webhook.objects.order_by("name")],
    }
    return office_page(request, PROGRAMS, "console/programs.html", context)


# ---------------------------------------------------------------------------------------------------------- tokens


@permission_required(May.PROGRAMS)
@fresh_proof_required()
@require_http_methods(["GET", "HEAD", "POST"])
def add_token(request: HttpRequest) -> HttpResponse:
    """A new token, shown on the page that answers and never again."""
    form = request.POST
    chosen = [scope for scope in Scope if scope.value in form.getlist("scope")] if form else list(scopes.BY_DEFAULT)
    context: dict[str, Any] = {
        "name": form.get("name", "")[: tokens.LONGEST_NAME + 1],
        "scopes": [(scope, scope in chosen) for scope in Scope],
        "brands": Brand.objects.order_by("name"),
        "brand": form.get("brand", "").replace("\0", "?"),
        "life": form.get("life", "365"),
    }
    if request.method == "POST":
        brand = Brand.objects.filter(slug=context["brand"]).first() if context["brand"] else None
        life = LIVES.get(context["life"], tokens.LIFETIME)
        expires_at = timezone.now() + life if life else None
        faults = tokens.faults(context["name"], chosen, expires_at, brand)
        if context["brand"] and brand is None:  # one that is gone meanwhile must not become a token of all brands
            faults["brand"] = _("This brand is not there any more. Choose another.")
        made = ""
        try:
            if not faults:
                by = administrator(request).pk
                made = tokens.create(context["name"], chosen, expires_at=expires_at, brand=brand, by=by)
        except ApiError as refused:
            faults["name"] = str(refused)
        if faults:
            return office_page(request, PROGRAMS, "console/token_add.html", {**context, "faults": faults}, status=422)
        return _secret(request, made, _("The token {name}").format(name=context["name"]))
    return office_page(request, PROGRAMS, "console/token_add.html", context)


@permission_required(May.PROGRAMS)
@fresh_proof_required(back=PROGRAMS)
@require_http_methods(["GET", "HEAD", "POST"])
def token(request: HttpRequest, number: str) -> HttpResponse:
    """Renew a token or end it, after a page that says what that does."""
    found = Token.objects.filter(pk=number, revoked_at=None).first() if number.isdigit() and len(number) < 19 else None
    if found is None:
        raise Http404
    say = request.POST.get("say", "")
    try:
        if say in ("renew", "renew at once"):
            made = tokens.renew(found, at_once=say != "renew", by=administrator(request).pk)
            return _secret(request, made, _("The token {name}").format(name=found.name))
        if say == "revoke":
            tokens.revoke(found, by=administrator(request).pk)
            return see_other(reverse(PROGRAMS))
    except ApiError:
        raise Http404 from None  # somebody else was quicker
    return office_page(request, PROGRAMS, "console/token.html", {"token": found, "scopes": scopes.of(found.scopes)})


# --------------------------------------------------------------------------------------------------------- webhooks


@permission_required(May.PROGRAMS)
@fresh_proof_required()
@require_http_methods(["GET", "HEAD", "POST"])
def add_webhook(request: HttpRequest) -> HttpResponse:
    """A new webhook; its secret is shown on the page that answers and never again."""
    chosen = request.POST.getlist("room")
    context: dict[str, Any] = {
        "name": request.POST.get("name", "")[: webhooks.LONGEST_NAME + 1],
        "url": request.POST.get("url", "")[: webhooks.LONGEST_URL + 1],
        "private": "private" in request.POST,
        "events": " ".join(request.POST.get("events", "")[:4000].split()),
        "families": [(name, words, name in chosen) for name, words in families().items()],
    }
    if request.method == "POST":
        name, url, events, private = context["name"], context["url"].strip(), _events(request.POST), context["private"]
        faults, secret = webhooks.faults(name, url, events, private=private), ""
        try:
            if not faults:
                _row, secret = webhooks.add(name, url, events, private=private, by=administrator(request).pk)
        except (ApiError, KeysError) as refused:
            faults["name" if isinstance(refused, ApiError) else ""] = str(refused)
        if faults:
            return office_page(request, PROGRAMS, "console/webhook_add.html", {**context, "faults": faults}, status=422)
        return _secret(request, secret, _("The secret of the webhook {name}").format(name=context["name"]))
    return office_page(request, PROGRAMS, "console/webhook_add.html", context)


@permission_required(May.PROGRAMS)
@require_http_methods(["GET", "HEAD", "POST"])
def webhook(request: HttpRequest, id_: UUID) -> HttpResponse:
    """One webhook with its last deliveries, each with what was sent."""
    hook = get_object_or_404(Webhook, pk=id_)
    here = reverse("webhook", args=[hook.id])
    tested: Delivery | None = None
    match request.POST.get("say", ""):
        case "test":
            tested = telling.test(hook)
        case "on" | "off" as which:
            webhooks.switch(hook, on=which == "on", by=administrator(request).pk)
            return see_other(here)
        case "again":
            telling.again(hook, _chosen(hook, request.POST.get("delivery", "")), by_office(request))
            return see_other(here)
    latest = list(hook.deliveries.order_by("-made_at", "-entry")[:SHOWN])
    context = {"hook": _hook(hook), "deliveries": [(row, _body(row)) for row in latest], "tested": tested}
    return office_page(request, PROGRAMS, "console/webhook.html", context)


@permission_required(May.PROGRAMS)
@fresh_proof_required(back=PROGRAMS)
@require_http_methods(["GET", "HEAD", "POST"])
def webhook_ending(request: HttpRequest, id_: UUID) -> HttpResponse:
    """A new secret, or the webhook's end, after a page that says what that does."""
    hook = get_object_or_404(Webhook, pk=id_)
    say = request.POST.get("say", "")
    if say == "renew":
        secret = webhooks.renew_secret(hook, by=administrator(request).pk)
        return _secret(request, secret, _("The secret of the webhook {name}").format(name=hook.name))
    if say == "remove":
        webhooks.remove(hook, by=administrator(request).pk)
        return see_other(reverse(PROGRAMS))
    return office_page(request, PROGRAMS, "console/webhook_ending.html", {"hook": _hook(hook)})


def _secret(request: HttpRequest, secret: str, what: str) -> HttpResponse:
    """Shown once: the page is kept by no browser (Cache-Control: no-store, as on every page of the office)."""
    return office_page(request, PROGRAMS, "console/secret.html", {"secret": secret, "what": what})


def _is_over(row: Token, now: datetime) -> bool:
    return row.expires_at is not None and row.expires_at <= now


def _hook(row: Webhook) -> Hook:
    try:
        url = webhooks.where(row).url.partition("?")[0]
    except KeysError:
        url = _("(the keys are away)")
    waiting = row.deliveries.filter(state=Delivery.State.WAITING).count()
    return Hook(row, url, waiting, row.deliveries.filter(state=Delivery.State.FAILED).count())


def _body(delivery: Delivery) -> str:
    try:
        return telling.body_of(delivery).decode()
    except EntryGone:
        return ""


def _events(form: QueryDict) -> list[str]:
    rooms = [f"{room}.*" for room in form.getlist("room")]
    return list(dict.fromkeys([*rooms, *form.get("events", "")[:4000].replace(",", " ").split()]))


def _chosen(hook: Webhook, named: str) -> QuerySet[Delivery]:
    """The delivery that a form names, or all that were given up."""
    there = hook.deliveries.filter(entry__isnull=False)
    if not named:
        return there.filter(state=Delivery.State.FAILED)
    try:
        return there.filter(pk=UUID(named))
    except ValueError:
        return there.none()
