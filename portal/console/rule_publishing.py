"""A4: what the draft changes, publishing it, going back to an old version, and throwing the draft away."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.access.decorators import fresh_proof_required, permission_required
from portal.access.responses import see_other
from portal.access.roles import May
from portal.console import brand_phrasing
from portal.console.done import see_done
from portal.console.pages import administrator
from portal.console.rule_pages import names, rows, rules_page, sentences
from portal.console.sections import RULES
from portal.owners import decides_alone
from portal.rules import diverting, draft, live, publishing, sanity
from portal.rules.compiling import compiled
from portal.rules.differing import differences
from portal.rules.document import Document, checked
from portal.rules.draft import SavedMeanwhile, Standing, standing
from portal.rules.errors import BadRules, NoSuchVersion, StaleRules
from portal.rules.models import Version

MOST_SHOWN = 100
LARGEST = 2**31 - 1


@permission_required(May.RULES)
@fresh_proof_required()
@require_http_methods(["GET", "HEAD", "POST"])
def publish(request: HttpRequest) -> HttpResponse:
    """What would change, from what to what, and what it would lock; then it is live within seconds."""
    if request.method != "POST":
        return _ask(request)
    try:
        draft.publish_draft(
            request.POST.get("seen", ""), administrator(request).pk, request.POST.get("note", "")[:1000]
        )
    except SavedMeanwhile:
        return _ask(request, _("Somebody else changed the draft after you opened this page. This is how it is now."))
    except StaleRules:
        return _ask(request, _("Something else was published after this draft was begun. Bring it in first."))
    except BadRules as error:
        return _ask(request, sentences_=sentences(error))
    live.forget()
    return see_done(request, reverse("rules-versions"), "rules_published")


@permission_required(May.RULES)
@require_http_methods(["GET", "HEAD", "POST"])
def discard(request: HttpRequest) -> HttpResponse:
    """Ask on a page; then the draft is gone, for it was nowhere else."""
    now = standing()
    context: dict[str, Any] = {"changes": rows(now.changed), "seen": now.seen}
    if request.method != "POST":
        return rules_page(request, "console/rules_discard.html", context, now=now)
    try:
        draft.discard(request.POST.get("seen", ""), administrator(request).pk)
    except SavedMeanwhile:
        return rules_page(request, "console/rules_discard.html", {**context, "stale": True}, status=409)
    return see_done(request, reverse(RULES), "discarded")


@permission_required(May.RULES)
@require_POST
def catch_up(request: HttpRequest) -> HttpResponse:
    """Bring what became live meanwhile into the draft."""
    try:
        draft.catch_up(administrator(request).pk)
    except BadRules as error:
        return _ask(request, sentences_=sentences(error))
    return see_other(reverse("rules-publish"))


@permission_required(May.RULES)
@require_safe
def history(request: HttpRequest) -> HttpResponse:
    """Every version with what it changed; `?show=` one of them, compared with what is live."""
    now = standing()
    found = list(Version.objects.order_by("-number")[: MOST_SHOWN + 1])
    pairs = pairwise([*found, None]) if len(found) <= MOST_SHOWN else pairwise(found)
    lines = [
        {
            "version": one,
            "who": brand_phrasing.who(one.made_by, administrator(request)),
            "changed": ", ".join(names(differences(_document(before), _document(one)))),
        }
        for one, before in pairs
        if one is not None
    ]
    context: dict[str, Any] = {"lines": lines, "all": len(found) <= MOST_SHOWN}
    number = request.GET.get("show", "")
    if number:
        wanted, document = _version(number)
        context |= {"one": wanted, "showing": True, "changes": rows(differences(document, now.live))}
    return rules_page(request, "console/rules_versions.html", context, tab="rules-versions", now=now)


@permission_required(May.RULES)
@fresh_proof_required()
@require_http_methods(["GET", "HEAD", "POST"])
def roll_back(request: HttpRequest) -> HttpResponse:
    """Ask on a page, naming what changes; then the old version is published anew. `number` says which."""
    said = request.POST if request.method == "POST" else request.GET
    if not said.get("number"):
        raise Http404
    number, document = _version(said["number"])
    now = standing()
    context: dict[str, Any] = {
        "one": number,
        "changes": rows(differences(now.live, document)),
        "seen": str(now.number),
    }
    page = "console/rules_roll_back.html"
    if request.method != "POST":
        return rules_page(request, page, context, now=now)
    try:
        expected = _number(said.get("seen", ""))
        publishing.roll_back(number, expected=-1 if expected is None else expected, by=administrator(request).pk)
    except StaleRules:
        stale = _("Something else was published after you opened this page. This is how it is now.")
        return rules_page(request, page, {**context, "sentences": [stale]}, now=now, status=409)
    except BadRules as error:
        return rules_page(request, page, {**context, "sentences": sentences(error)}, now=now, status=409)
    live.forget()
    return see_done(request, reverse("rules-versions"), "rules_published")


def _ask(request: HttpRequest, stale: str = "", sentences_: list[str] | None = None) -> HttpResponse:
    now = standing()
    found = sentences_ if sentences_ is not None else _hindrances(request, now) if now.draft else []
    context = {
        "changes": rows(now.changed),
        "seen": now.seen,
        "sentences": found,
        "stale": stale,
        "note": request.POST.get("note", "")[: publishing.LONGEST_NOTE],
        "longest": publishing.LONGEST_NOTE,
    }
    status = 409 if request.method == "POST" else 200
    return rules_page(request, "console/rules_publish.html", context, now=now, status=status)


def _hindrances(request: HttpRequest, now: Standing) -> list[str]:
    """Why whoever asks cannot publish the draft."""
    found = locked(now.document)
    if not found and not decides_alone(administrator(request).pk):
        found = [problem.sentence for problem in diverting.problems(now.document, now.live)]
    return found


def locked(document: Document) -> list[str]:
    """What of the fixed set a rule set would lock, naming the rule; or why it cannot be used at all."""
    try:
        return [problem.sentence for problem in sanity.problems(compiled(document))]
    except BadRules as error:
        return sentences(error)


def _document(version: Version | None) -> Document:
    """The rules of a version; of none, those that come with the portal."""
    return draft.in_todays_form(version.document) if version else publishing.document_of(0)


def _version(said: str) -> tuple[int, Document]:
    """A version by its number, its rules in their present form. 404 for none."""
    number = _number(said)
    if number is None:
        raise Http404
    try:
        return number, checked(publishing.document_of(number))
    except (NoSuchVersion, BadRules):
        raise Http404 from None


def _number(said: str) -> int | None:
    return int(said) if said.isascii() and said.isdigit() and len(said) <= 10 and int(said) <= LARGEST else None
