"""A4, the list of rules: each as its sentence, how often it spoke, and what can be done with it. All of it is a draft
until it is published."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.access.decorators import permission_required
from portal.access.responses import see_other
from portal.access.roles import May
from portal.console import brand_phrasing
from portal.console.pages import administrator
from portal.console.rule_pages import rules_page, sentences
from portal.console.sections import RULES
from portal.rules import counting, draft, ready
from portal.rules.differing import last_changed
from portal.rules.document import MODES, STATES, Document, Rule
from portal.rules.draft import SavedMeanwhile, Standing, standing, token
from portal.rules.errors import BadRules
from portal.rules.sentences import sentence

Edit = Callable[[list[Rule], int], list[Rule]]


class Reason(models.TextChoices):
    """Why a rule is deleted. A fixed list, because the record holds nothing that a person wrote."""

    NOT_NEEDED = "not needed", _lazy("Not needed any more")
    REPLACED = "replaced", _lazy("Another rule does it")
    TOO_MUCH = "too much", _lazy("It matched too much")
    MISTAKE = "mistake", _lazy("Was made by mistake")


@permission_required(May.RULES)
@require_safe
def rules(request: HttpRequest) -> HttpResponse:
    """All rules of the draft, or else the live ones, in order."""
    return _list(request)


@permission_required(May.RULES)
@require_POST
def change(request: HttpRequest) -> HttpResponse:
    """One button of the list: `do` is "up", "down", "copy", "on", "off" or "log" with a colon and a rule's id, "take"
    and a ready-made rule's, or "mode" and which."""
    verb, _colon, which = request.POST.get("do", "").partition(":")
    edit = _edit(verb, which)
    if edit is None:
        raise Http404
    now = standing()
    if request.POST.get("seen") != now.seen:
        return _list(request, stale=True, status=409)
    try:
        draft.save(edit, lambda document: document, token(now.document), administrator(request).pk)
    except SavedMeanwhile:
        return _list(request, stale=True, status=409)
    except BadRules as error:
        return _list(request, faults=sentences(error), status=422)
    anchor = f"#rule-{which}" if verb in ("up", "down", *STATES) else ""
    return see_other(reverse(RULES) + anchor)


@permission_required(May.RULES)
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, rule: str) -> HttpResponse:
    """Ask on a page; then it is gone from the draft, and from what is live once that is published."""
    found = standing().rule(rule)
    if found is None:
        raise Http404
    reason = request.POST.get("reason", "")
    context: dict[str, Any] = {
        "rule": found,
        "sentence": sentence(found),
        "seen": token(found),
        "reasons": Reason.choices,
        "reason": reason,
    }
    if request.method != "POST":
        return rules_page(request, "console/rule_delete.html", context)
    if reason not in Reason.values:
        return rules_page(request, "console/rule_delete.html", {**context, "no_reason": True}, status=422)
    try:
        draft.remove(rule, reason, request.POST.get("seen", ""), administrator(request).pk)
    except SavedMeanwhile:
        return rules_page(request, "console/rule_delete.html", {**context, "stale": True}, status=409)
    return see_other(reverse(RULES))


def _list(
    request: HttpRequest, *, stale: bool = False, faults: list[str] | None = None, status: int = 200
) -> HttpResponse:
    now = standing()
    there = {one["id"] for one in now.document["rules"]}
    context = {
        "lines": _lines(request, now),
        "seen": now.seen,
        "mode": now.document["mode"],
        "stale": stale,
        "faults": faults,
        "ready": [{"rule": one, "sentence": sentence(one)} for one in ready.ready_made() if one["id"] not in there],
    }
    return rules_page(request, "console/rules.html", context, tab=RULES, now=now, status=status)


def _lines(request: HttpRequest, now: Standing) -> list[dict[str, Any]]:
    spoke, last, base = counting.hits(), last_changed(now.document), {one["id"]: one for one in now.base["rules"]}
    today = timezone.localdate().isoformat()
    lines = []
    for number, rule in enumerate(now.document["rules"], 1):
        version = last.get(rule["id"])
        drafted = now.draft is not None and rule != base.get(rule["id"])
        lines.append(
            {
                "number": number,
                "rule": rule,
                "sentence": sentence(rule),
                "hits": spoke.get((rule["id"], False), 0),
                "would": spoke.get((rule["id"], True), 0),
                "drafted": drafted,
                "fresh": drafted and rule["id"] not in base,
                "waits": bool(rule["from"] and rule["from"] > today),
                "over": bool(rule["until"] and rule["until"] < today),
                "by": brand_phrasing.who(version.made_by, administrator(request)) if version else "",
                "at": version.made_at if version else None,
            }
        )
    return lines


def _edit(verb: str, which: str) -> Callable[[Document], Document] | None:
    if verb == "mode" and which in MODES:
        return lambda document: {**document, "mode": which}
    if verb == "take":
        wanted = next((one for one in ready.ready_made() if one["id"] == which), None)
        return (lambda document: _taken(document, wanted)) if wanted else None
    edits: dict[str, Edit] = {"up": _up, "down": _down, "copy": _copied}
    if verb in STATES:
        edits[verb] = lambda rules, place: [
            {**one, "state": verb} if number == place else one for number, one in enumerate(rules)
        ]
    edit = edits.get(verb)
    return (lambda document: _edited(document, which, edit)) if edit else None


def _edited(document: Document, which: str, edit: Edit) -> Document:
    rules = document["rules"]
    place = next((number for number, one in enumerate(rules) if one["id"] == which), None)
    if place is None:
        raise SavedMeanwhile
    return {**document, "rules": edit(rules, place)}


def _up(rules: list[Rule], place: int) -> list[Rule]:
    if place:
        rules[place - 1], rules[place] = rules[place], rules[place - 1]
    return rules


def _down(rules: list[Rule], place: int) -> list[Rule]:
    return _up(rules, place + 1) if place + 1 < len(rules) else rules


def _copied(rules: list[Rule], place: int) -> list[Rule]:
    """A copy stands behind its rule, and is only logged until somebody says otherwise."""
    rule = rules[place]
    name = _("{name} (copy)").format(name=rule["name"][:90])
    copy = {**rule, "id": free_id(rule["id"], rules), "name": name, "state": "log"}
    return [*rules[: place + 1], copy, *rules[place + 1 :]]


def _taken(document: Document, wanted: Rule) -> Document:
    """With a ready-made rule at the end, unless it is there already."""
    rules = document["rules"]
    if any(one["id"] == wanted["id"] for one in rules):
        return document
    return {**document, "rules": [*rules, wanted]}


def free_id(wanted: str, rules: list[Rule]) -> str:
    """An id that no rule has, as near to the wanted one as may be."""
    taken = {one["id"] for one in rules}
    base = wanted[:36].strip("-") or "rule"
    return next(one for one in (base, *(f"{base}-{n}" for n in range(2, len(taken) + 3))) if one not in taken)
