"""A5, the editor of one rule: a sentence that is built without any script. Each save goes into the draft."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from portal.access.decorators import permission_required
from portal.access.responses import see_other
from portal.access.roles import May
from portal.console import rule_form, rule_labels
from portal.console.pages import administrator
from portal.console.rule_form import Form
from portal.console.rule_pages import rules_page
from portal.console.rule_shown import Shown, sentence
from portal.console.rules import free_id
from portal.console.sections import RULES
from portal.rules import actions, draft, limits
from portal.rules.conditions import KINDS
from portal.rules.differing import told
from portal.rules.document import STATES, Document, Rule, checked
from portal.rules.draft import SavedMeanwhile, Standing, standing, token
from portal.rules.errors import BadRules, Problem

_QUOTED = re.compile("“([a-z_]+)”")
_AFTER = {"publish": "rules-publish", "test": "rules-test"}
MOST_SHOWN = 50


@permission_required(May.RULES)
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """A new rule, which is only logged at first unless somebody says otherwise."""
    return _edit(request, "")


@permission_required(May.RULES)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, rule: str) -> HttpResponse:
    """One rule as the draft has it; `do` of a POST is a button of the builder, or "save", "publish" or "test"."""
    return _edit(request, rule)


@permission_required(May.RULES)
@require_POST
def told_live(request: HttpRequest) -> HttpResponse:
    """What is typed as one sentence, as plain text; nothing is kept."""
    said = sentence(rule_form.posted(request.POST), standing().document)
    return HttpResponse(said, content_type="text/plain; charset=utf-8")


def _edit(request: HttpRequest, id_: str) -> HttpResponse:
    now = standing()
    rule = now.rule(id_) if id_ else None
    if request.method != "POST":
        if id_ and rule is None:
            raise Http404
        form = rule_form.of_rule(rule, _place(now, id_)) if rule else rule_form.fresh()
        return _page(request, now, id_, form, token(rule))
    form, seen = rule_form.posted(request.POST), request.POST.get("seen", "")
    if rule_form.press(form, request.POST):
        return _page(request, now, id_, form, seen)
    return _save(request, now, id_, form, seen)


def _save(request: HttpRequest, now: Standing, id_: str, form: Form, seen: str) -> HttpResponse:
    new = id_ or free_id(slugify(form.parts["name"])[:36].strip("-_").replace("_", "-"), now.document["rules"])
    try:
        rule = _checked(now, rule_form.as_rule(form, new))
        place = _wished_place(form)
    except BadRules as error:
        return _page(request, now, id_, form, seen, problems=error.problems)
    try:
        draft.save(
            lambda document: _with(document, rule, place),
            lambda document: next((one for one in document["rules"] if one["id"] == new), None),
            seen,
            administrator(request).pk,
        )
    except SavedMeanwhile:
        now = standing()
        # A second press keeps what was typed, now that what the other one saved was shown.
        return _page(request, now, id_, form, token(now.rule(new)), theirs=now.rule(new), stale=True)
    except BadRules as error:
        return _page(request, now, id_, form, seen, problems=error.problems)
    after = _AFTER.get(request.POST.get("do", ""))
    return see_other(reverse(after) if after else reverse(RULES) + f"#rule-{new}")


def _checked(now: Standing, rule: dict[str, Any]) -> Rule:
    """BadRules, with paths as of the only rule."""
    types = now.document["types"]
    return dict(checked({"format": 1, "mode": "first", "types": types, "rules": [rule]})["rules"][0])


def _wished_place(form: Form) -> int | None:
    said = form.parts["place"].strip()
    if not said:
        return None
    if not said.isascii() or not said.isdigit() or not 0 < int(said[:6]) <= 1000:
        raise BadRules([Problem(("rules", 0, "place"), _("The place in the list is a number from 1 to 1,000."))])
    return int(said)


def _with(document: Document, rule: Rule, place: int | None) -> Document:
    """With this rule in the place of the one of its id, and at this place of the list; a new one comes last."""
    rules, old = list(document["rules"]), None
    for number, one in enumerate(rules):
        if one["id"] == rule["id"]:
            old = number
    if old is not None:
        del rules[old]
    wanted = place - 1 if place is not None else len(rules) if old is None else old
    rules.insert(wanted, rule)
    return {**document, "rules": rules}


def _place(now: Standing, id_: str) -> int:
    return next(number for number, one in enumerate(now.document["rules"], 1) if one["id"] == id_)


def _page(
    request: HttpRequest,
    now: Standing,
    id_: str,
    form: Form,
    seen: str,
    *,
    problems: tuple[Problem, ...] = (),
    theirs: Rule | None = None,
    stale: bool = False,
) -> HttpResponse:
    errors = {rule_form.key_of(one.path): _plain(one.sentence, form) for one in reversed(problems)}
    context: dict[str, Any] = {
        "id": id_,
        "parts": form.parts,
        "form": Shown(errors, now.document).form(form),
        "states": _states(),
        "errors": errors,
        "faults": list(reversed(errors.items()))[:MOST_SHOWN],
        "stale": stale,
        "theirs": told(theirs) if theirs else "",
        "seen": seen,
        "sentence": sentence(form, now.document),
        "url": reverse("rule", args=[id_]) if id_ else reverse("rule-add"),
    }
    status = 409 if stale else 422 if problems else 200
    return rules_page(request, "console/rule_edit.html", context, now=now, status=status)


def _states() -> list[tuple[str, str, str]]:
    said: Mapping[str, tuple[str, str]] = {
        "on": (_("On"), _("What it orders is done.")),
        "log": (_("Log only"), _("It is looked at and counted, and nothing of it is done. Best for a day at first.")),
        "off": (_("Off"), _("It is left out.")),
    }
    return [(name, *said[name]) for name in ("log", "on", "off") if name in STATES]


def _plain(sentence_: str, form: Form) -> str:
    """A problem's sentence in the form's own words, without the rule's name, which stands above it."""
    left_empty = {
        "“name” must be a text.": _("Enter a name."),
        "must be a list of conditions with at least one.": _("Add a condition."),
        f"must be a list of 1 to {limits.MOST_ACTIONS} actions.": _("Choose 1 to {n} things that are done.").format(
            n=limits.MOST_ACTIONS
        ),
    }
    for ending, asked in left_empty.items():
        if sentence_.endswith(ending):
            return asked
    name = form.parts["name"].strip()[:60]
    for start in (f"Rule 1 “{name}”", "Rule 1"):
        if sentence_.startswith(start):
            sentence_ = sentence_.removeprefix(start).lstrip(": ")
            break
    said = _QUOTED.sub(lambda found: f"“{_word(found[1])}”", sentence_)
    return said[:1].upper() + said[1:]


def _word(name: str) -> str:
    words: tuple[tuple[Mapping[str, object], Callable[[str], str]], ...] = (
        (KINDS, rule_labels.condition),
        (actions.KINDS, rule_labels.action),
    )
    return next((word(name) for known, word in words if name in known), rule_labels.field(name))
