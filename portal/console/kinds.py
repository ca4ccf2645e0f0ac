"""Kinds of sensitive information: those that come with the portal, and an organisation's own, which are part of the
draft of the rules. A kind is tried on a text of which nothing is kept."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.views.decorators.http import require_http_methods, require_safe

from portal.access.decorators import permission_required
from portal.access.responses import see_other
from portal.access.roles import May
from portal.console import kind_form
from portal.console.kind_form import BadText, Trial
from portal.console.pages import administrator
from portal.console.rule_pages import KINDS, rules_page
from portal.rules import draft, own_kinds
from portal.rules.document import Document
from portal.rules.draft import SavedMeanwhile, Standing, standing, token
from portal.rules.errors import BadRules
from portal.rules.own_kinds import Kind, KindInUse
from portal.rules.sensitive import TYPES, BadType, SensitiveType, compile_type
from portal.rules.sensitive.scanning import NEAR

FORM = "console/kind.html"


class Reason(models.TextChoices):
    """Why a kind is deleted. A fixed list, because the record holds nothing that a person wrote."""

    NOT_NEEDED = "not needed", _lazy("Not needed any more")
    REPLACED = "replaced", _lazy("Another kind finds it")
    MISTAKE = "mistake", _lazy("Was made by mistake")


@permission_required(May.RULES)
@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    """All kinds, what each finds and how sure that is, and the rules that ask for it."""
    now = standing()
    base, asked = {one["slug"]: one for one in now.base["types"]}, own_kinds.asked_for(now.document)
    own = [
        {
            "kind": kind,
            "told": own_kinds.told(kind),
            "rules": asked.get(kind["slug"], []),
            "fresh": now.draft is not None and kind["slug"] not in base,
            "drafted": now.draft is not None and kind != base.get(kind["slug"]),
        }
        for kind in now.document["types"]
    ]
    families: dict[str, list[dict[str, Any]]] = {}
    for built in TYPES.values():
        line = {"kind": built, "rules": asked.get(built.slug, [])}
        families.setdefault(built.family, []).append(line)
    context = {"own": own, "families": list(families.items()), "number": len(TYPES)}
    return rules_page(request, "console/kinds.html", context, tab=KINDS, now=now)


@permission_required(May.RULES)
@require_http_methods(["GET", "HEAD", "POST"])
def built_in(request: HttpRequest, kind: str) -> HttpResponse:
    """One that comes with the portal: it can be tried, and not be changed."""
    found, now = TYPES.get(kind), standing()
    if found is None:
        raise Http404
    context: dict[str, Any] = {"kind": found, "rules": own_kinds.rules_with(now.document, kind)}
    if request.method == "POST":
        context |= _tried(request, found)
    return _shown(request, "console/kind_built_in.html", now, context)


@permission_required(May.RULES)
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """A new one; it is in the draft then, and no rule asks for it yet."""
    if request.method != "POST":
        return _page(request, standing(), "", kind_form.fresh(), token(None))
    return _posted(request, "")


@permission_required(May.RULES)
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, kind: str) -> HttpResponse:
    """One of the organisation's own; `do` of a POST is "save", "try", "archive" or "offer"."""
    now = standing()
    found = own_kinds.find(now.document, kind)
    if request.method == "POST":
        return _posted(request, kind)
    if found is None:
        raise Http404
    return _page(request, now, kind, kind_form.of_kind(found), token(found))


@permission_required(May.RULES)
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, kind: str) -> HttpResponse:
    """Ask on a page; then it is gone from the draft. One that a rule asks for stays, and the rules are named."""
    now = standing()
    found = own_kinds.find(now.document, kind)
    if found is None:
        raise Http404
    reason = request.POST.get("reason", "")
    context: dict[str, Any] = {
        "kind": found,
        "told": own_kinds.told(found),
        "rules": own_kinds.rules_with(now.document, kind),
        "seen": token(found),
        "reasons": Reason.choices,
        "reason": reason,
    }
    page = "console/kind_delete.html"
    if request.method != "POST":
        return rules_page(request, page, context, tab=KINDS, now=now)
    if context["rules"]:
        return rules_page(request, page, context, tab=KINDS, now=now, status=409)
    if reason not in Reason.values:
        return rules_page(request, page, {**context, "no_reason": True}, tab=KINDS, now=now, status=422)
    try:
        draft.remove_kind(kind, reason, request.POST.get("seen", ""), administrator(request).pk)
    except (SavedMeanwhile, KindInUse):
        return rules_page(request, page, {**context, "stale": True}, tab=KINDS, status=409)
    return see_other(reverse(KINDS))


def _posted(request: HttpRequest, slug: str) -> HttpResponse:
    now, do = standing(), request.POST.get("do", "")
    held = own_kinds.find(now.document, slug) if slug else None
    seen = request.POST.get("seen", "")
    if do in ("archive", "offer"):
        return _switched(request, now, held, seen, is_archived=do == "archive")
    parts = kind_form.posted(request.POST)
    new = slug or _slug(parts, now.document)
    kind = kind_form.as_kind(parts, new, archived=bool(held and held.get("archived")))
    try:
        compiled = compile_type(kind)
    except BadType as error:
        return _page(request, now, slug, parts, seen, errors=dict([kind_form.plain(error)]))
    if do == "try":
        return _page(request, now, slug, parts, seen, **_tried(request, compiled))
    if not slug and (new in TYPES or own_kinds.find(now.document, new)):
        said = _("Another kind has this short name. Choose another.")
        return _page(request, now, slug, parts, seen, errors={"slug": said})
    return _saved(request, now, slug, parts, seen, kind)


def _saved(
    request: HttpRequest, now: Standing, slug: str, parts: dict[str, str], seen: str, kind: Kind
) -> HttpResponse:
    name = kind["slug"]
    try:
        draft.save(
            lambda document: own_kinds.with_kind(document, kind),
            lambda document: own_kinds.find(document, name),
            seen,
            administrator(request).pk,
        )
    except SavedMeanwhile:
        now = standing()
        theirs = own_kinds.find(now.document, name)
        # A second press keeps what was typed, now that what the other one saved was shown.
        return _page(request, now, slug, parts, token(theirs), theirs=theirs, stale=True)
    except BadRules as error:
        return _page(request, now, slug, parts, seen, errors={"name": str(error)})
    return see_other(f"{reverse(KINDS)}#kind-{name}")


def _switched(request: HttpRequest, now: Standing, held: Kind | None, seen: str, *, is_archived: bool) -> HttpResponse:
    if held is None:
        raise Http404
    wanted = own_kinds.archived(held, is_archived=is_archived)
    try:
        draft.save(
            lambda document: own_kinds.with_kind(document, wanted),
            lambda document: own_kinds.find(document, held["slug"]),
            seen,
            administrator(request).pk,
        )
    except SavedMeanwhile:
        parts = kind_form.of_kind(held)
        return _page(request, now, held["slug"], parts, token(held), theirs=held, stale=True)
    return see_other(f"{reverse(KINDS)}#kind-{held['slug']}")


def _slug(parts: dict[str, str], document: Document) -> str:
    """As typed, or else made of the name so that no other kind has it."""
    if typed := parts["slug"].strip().lower():
        return typed
    base = slugify(parts["name"])[:50].replace("_", "-").strip("-") or "kind"
    taken = {*TYPES, *(one["slug"] for one in document["types"])}
    return next(one for one in (base, *(f"{base}-{n}" for n in range(2, len(taken) + 3))) if one not in taken)


def _tried(request: HttpRequest, kind: SensitiveType) -> dict[str, Any]:
    text = request.POST.get("text", "").replace("\r\n", "\n")
    try:
        trial: Trial | None = kind_form.tried(kind, text)
    except BadText as error:
        return {"text": text[: kind_form.MOST_TEXT], "errors": {"text": str(error)}}
    return {"text": text, "trial": trial}


def _page(
    request: HttpRequest, now: Standing, slug: str, parts: dict[str, str], seen: str, **more: Any
) -> HttpResponse:
    kind = own_kinds.find(now.document, slug) if slug else None
    context: dict[str, Any] = {
        "slug": slug,
        "parts": parts,
        "seen": seen,
        "archived": bool(kind and kind.get("archived")),
        "there": kind is not None,
        "rules": own_kinds.rules_with(now.document, slug) if slug else [],
        "checksums": kind_form.checksums(),
        "confidences": kind_form.confidences(),
        "near": NEAR,
        **more,
    }
    if theirs := context.pop("theirs", None):
        context["theirs"] = own_kinds.told(theirs)
    context.setdefault("text", request.POST.get("text", "")[: kind_form.MOST_TEXT])
    return _shown(request, FORM, now, context)


def _shown(request: HttpRequest, template: str, now: Standing, context: dict[str, Any]) -> HttpResponse:
    errors = context.get("errors") or {}
    status = 409 if context.get("stale") else 422 if errors else 200
    return rules_page(request, template, {**context, "faults": list(errors.items())}, tab=KINDS, now=now, status=status)
