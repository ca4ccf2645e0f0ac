"""What every page of the rules shares: how they stand, the tabs, and the bar that says what is not published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.console import brand_phrasing
from portal.console.pages import administrator, office_page
from portal.console.sections import RULES
from portal.rules.differing import Difference
from portal.rules.draft import Standing, standing
from portal.rules.errors import BadRules

KINDS = "rules-kinds"
MOST_NAMED = 5


def rules_page(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any],
    *,
    tab: str = "",
    now: Standing | None = None,
    status: int = 200,
) -> HttpResponse:
    """A page of the rules; `tab` is the name of the address that its navigation marks."""
    now = now or standing()
    changed = now.changed
    shown = {
        "now": now,
        "draft": now.draft,
        "draft_by": brand_phrasing.who(now.draft.made_by, administrator(request)) if now.draft else "",
        "changed": _said(changed),
        "missed": ", ".join(names(now.missed)),
        "version": now.number,
        "tabs": [
            {"title": title, "url": reverse(name), "current": name == tab}
            for name, title in (
                (RULES, _("Rules")),
                (KINDS, _("Sensitive information")),
                ("rules-test", _("Test")),
                ("rules-versions", _("Versions")),
                ("rules-import", _("Import and export")),
            )
        ],
        **context,
    }
    return office_page(request, RULES, template, shown, status=status)


def names(found: Sequence[Difference]) -> list[str]:
    """What differs, in few words: “Board (added)”."""
    words = {
        "added": _("“{name}” added"),
        "removed": _("“{name}” deleted"),
        "changed": _("“{name}” changed"),
        "moved": _("“{name}” moved"),
        "mode": _("which rules count"),
        "kind added": _("kind “{name}” added"),
        "kind removed": _("kind “{name}” deleted"),
        "kind changed": _("kind “{name}” changed"),
        "types": _("the order of your own kinds"),
    }
    said = list(dict.fromkeys(words[one.what].format(name=one.name) for one in found))
    return said[:MOST_NAMED] + (["…"] if len(said) > MOST_NAMED else [])


def rows(found: Sequence[Difference]) -> list[dict[str, str]]:
    """What differs, from what to what, for console/brand_changes.html."""
    labels = {
        "added": _("New: “{name}”"),
        "removed": _("Deleted: “{name}”"),
        "changed": _("“{name}”"),
        "moved": _("Place of “{name}”"),
        "mode": _("Which rules count"),
        "kind added": _("New kind of sensitive information: “{name}”"),
        "kind removed": _("Deleted kind of sensitive information: “{name}”"),
        "kind changed": _("Kind of sensitive information “{name}”"),
        "types": _("The order of your own kinds of sensitive information"),
    }
    modes = {"first": _("The first that matches"), "all": _("All that match, until one stops")}
    return [
        {
            "label": labels[one.what].format(name=one.name),
            "before": modes.get(one.before, one.before) if one.what == "mode" else one.before,
            "after": modes.get(one.after, one.after) if one.what == "mode" else one.after,
        }
        for one in found
    ]


def sentences(error: BadRules) -> list[str]:
    return [problem.sentence for problem in error.problems]


def _said(changed: Sequence[Difference]) -> str:
    """“2 changes not published: …”; "" for none."""
    if not changed:
        return ""
    said = ngettext("{n} change not published: {names}", "{n} changes not published: {names}", len(changed))
    return said.format(n=len(changed), names=", ".join(names(changed)))
