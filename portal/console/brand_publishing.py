"""A7: what a draft changes, publishing it, going back to an old version, throwing a draft away, and a test mail."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from branding import versions
from branding.refusals import DraftIsOld, NotPublishable, NoVersion, SavedMeanwhile
from portal.access import people
from portal.access.decorators import fresh_proof_required, permission_required
from portal.access.responses import see_other
from portal.access.roles import May
from portal.audit.record import record
from portal.console import brand_phrasing, certificates
from portal.console.brand_pages import Edited, brand_page, edited
from portal.console.done import see_done
from portal.console.pages import administrator
from portal.delivery.models import Outbound
from portal.delivery.queue import enqueue

MOST_SHOWN = 100
LARGEST = 2**31 - 1


@permission_required(May.BRANDS)
@fresh_proof_required()
@require_http_methods(["GET", "HEAD", "POST"])
def publish(request: HttpRequest, slug: str) -> HttpResponse:
    """What would change, from what to what; then it is live at once."""
    about = edited(slug)
    if request.method != "POST":
        return _ask(request, about)
    try:
        versions.publish(
            about.row,
            request.POST.get("seen", ""),
            administrator(request).pk,
            good_host=_good_host(about, about.now.document),
        )
    except SavedMeanwhile:
        said = _("Somebody else changed the draft after you opened this page. This is how it is now.")
        return _ask(request, edited(slug), said)
    except DraftIsOld:
        said = _("Something else was published after this draft was begun. Bring it in first.")
        return _ask(request, edited(slug), said)
    except NotPublishable as refused:
        return _ask(request, about, sentences=refused.sentences)
    return see_done(request, reverse("brand-versions", args=[slug]), "published")


@permission_required(May.BRANDS)
@require_http_methods(["GET", "HEAD", "POST"])
def discard(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask on a page; then the draft is gone, for it was nowhere else."""
    about = edited(slug)
    context: dict[str, Any] = {"changes": _changes(about), "seen": about.now.seen}
    if request.method != "POST":
        return brand_page(request, about, "console/brand_discard.html", context)
    try:
        versions.discard(about.row, request.POST.get("seen", ""), administrator(request).pk)
    except SavedMeanwhile:
        about = edited(slug)
        context = {"changes": _changes(about), "seen": about.now.seen, "stale": True}
        return brand_page(request, about, "console/brand_discard.html", context, status=409)
    return see_done(request, reverse("brand", args=[slug]), "discarded")


@permission_required(May.BRANDS)
@require_POST
def catch_up(request: HttpRequest, slug: str) -> HttpResponse:
    """Bring what became live meanwhile into the draft."""
    about = edited(slug)
    versions.catch_up(about.row, administrator(request).pk)
    return see_other(reverse("brand-publish", args=[slug]))


@permission_required(May.BRANDS)
@require_safe
def history(request: HttpRequest, slug: str) -> HttpResponse:
    """Every version with what it changed; `?show=` one of them, compared with what is live."""
    about, me = edited(slug), administrator(request)
    found = versions.history(about.row)[:MOST_SHOWN]
    lines = [
        {
            "version": one,
            "who": brand_phrasing.who(one.made_by, me),
            "changed": brand_phrasing.names(versions.changes(before.document, one.document)) if before else "",
        }
        for one, before in pairwise([*found, None])
        if one is not None
    ]
    context: dict[str, Any] = {"lines": lines, "live": about.now.live}
    number = request.GET.get("show", "")
    if number:
        one = _version(about, number)
        context |= {"one": one, "changes": brand_phrasing.changed(about.row, one.document, about.now.live.document)}
    return brand_page(request, about, "console/brand_versions.html", context)


@permission_required(May.BRANDS)
@fresh_proof_required()
@require_http_methods(["GET", "HEAD", "POST"])
def roll_back(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask on a page, naming what changes; then the old version is published anew. `number` says which."""
    about = edited(slug)
    said = request.POST if request.method == "POST" else request.GET
    if not said.get("number"):
        return see_other(reverse("brand-versions", args=[slug]))
    one = _version(about, said["number"])
    context: dict[str, Any] = {
        "one": one,
        "changes": brand_phrasing.changed(about.row, about.now.live.document, one.document),
        "seen": versions.token(about.now.live.document),
    }
    if request.method != "POST":
        return brand_page(request, about, "console/brand_roll_back.html", context)
    if said.get("seen") != context["seen"]:
        context["sentences"] = [_("Something else was published after you opened this page. This is how it is now.")]
        return brand_page(request, about, "console/brand_roll_back.html", context, status=409)
    try:
        versions.roll_back(about.row, one.number, administrator(request).pk, good_host=_good_host(about, one.document))
    except NotPublishable as refused:
        context["sentences"] = refused.sentences
        return brand_page(request, about, "console/brand_roll_back.html", context, status=409)
    return see_done(request, reverse("brand-versions", args=[slug]), "published")


@permission_required(May.BRANDS)
@require_POST
def test(request: HttpRequest, slug: str) -> HttpResponse:
    """Mail the draft's notice to whoever asks; to nobody else, so it is no way to write to people."""
    about, me = edited(slug), administrator(request)
    address = people.address_of(me)
    if not address:
        return brand_page(request, about, "console/brand_tested.html", {"address": ""}, status=409)
    with transaction.atomic():
        enqueue(Outbound.Kind.BRAND_TEST, address=address, subject_row=me.pk, words=slug)
        record("brand.tested", brand=slug, by=str(me.pk))
    return brand_page(request, about, "console/brand_tested.html", {"address": address})


def _ask(
    request: HttpRequest, about: Edited, stale: str = "", sentences: tuple[str, ...] | None = None
) -> HttpResponse:
    found = sentences
    if found is None:
        found = tuple(versions.problems(about.row, about.now.document, _unlooked(about)))
    context = {"changes": _changes(about), "seen": about.now.seen, "sentences": found, "stale": stale}
    refused = request.method == "POST"
    return brand_page(request, about, "console/brand_publish.html", context, status=409 if refused else 200)


def _changes(about: Edited) -> list[brand_phrasing.Change]:
    return brand_phrasing.changed(about.row, about.now.base, about.now.document) if about.now.draft else []


def _version(about: Edited, number: str) -> Any:
    if not number.isascii() or not number.isdigit() or int(number) > LARGEST:
        raise Http404
    try:
        return versions.version(about.row, int(number))
    except NoVersion:
        raise Http404 from None


def _good_host(about: Edited, document: versions.Document) -> str:
    """The document's host, if it is new and has a certificate in this moment; "" otherwise."""
    host = str(document["host"])
    if host == about.row.host:
        return ""
    return host if not certificates.problem(host) else ""


def _unlooked(about: Edited) -> str:
    """A page that is only looked at asks no server: the host is taken as good until the button is pressed."""
    return str(about.now.document["host"])
