"""A14, the settings: what each is, by default and may be. They are read at start, so they are changed where it is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from portal.access.decorators import fresh_proof_required, permission_required
from portal.access.roles import May
from portal.configuration import FROM_FILES, MEBIBYTE, ConfigurationError, Declared, declared
from portal.console.acting import by_office
from portal.console.done import see_done
from portal.console.effects import GROUPS, SECRET
from portal.console.pages import office_page
from portal.console.sections import SETTINGS
from portal.operations import retention
from portal.operations.errors import BadRetention

PREFIX = "LETTERLOCK_"
MOST_DUE = 1000
"""Rows that are counted of a kind; more than these take longer than a page may."""


@dataclass(frozen=True)
class Line:
    """One setting. `value` and `default` are "" for none."""

    name: str
    effect: object
    value: str
    default: str
    allowed: str
    changed: bool


@permission_required(May.SETTINGS)
@require_safe
def shown(request: HttpRequest) -> HttpResponse:
    """Every setting in its group, with what it does."""
    return _page(request)


@permission_required(May.SETTINGS)
@fresh_proof_required(back=SETTINGS)
@require_POST
def keep(request: HttpRequest) -> HttpResponse:
    """For how long rows are kept that no message needs any more: the one thing here that holds from now on."""
    by = by_office(request)
    typed = {name: request.POST.get(name, "").strip()[:9] for name in retention.KINDS}
    faults: dict[str, str] = {}
    for name, text in typed.items():
        try:
            days = int(text) if text.isascii() and text.isdigit() else -1
            if days != retention.days_of(name):
                retention.set_days(name, days, by=by)
        except BadRetention as bad:
            faults[name] = str(bad)
    if faults:
        return _page(request, typed, faults)
    return see_done(request, reverse(SETTINGS), "kept")


def _page(
    request: HttpRequest, typed: Mapping[str, str] | None = None, faults: Mapping[str, str] | None = None
) -> HttpResponse:
    try:
        known = {one.name: one for one in declared(os.environ)}
    except ConfigurationError as error:  # a file that holds a setting is gone since the start: the next one would fail
        return office_page(request, SETTINGS, "console/settings.html", {"unreadable": str(error)}, status=503)
    groups = [
        (title, [_line(known[PREFIX + name], effect) for name, effect in effects.items()]) for title, effects in GROUPS
    ]
    changed = sum(line.changed for _title, lines in groups for line in lines)
    kept = [
        (line, (typed or {}).get(line.name, str(line.days)), (faults or {}).get(line.name, ""))
        for line in retention.status(timezone.now(), most=MOST_DUE)
    ]
    context = {
        "groups": groups,
        "changed": changed,
        "all": sum(len(lines) for _title, lines in groups),
        "kept": kept,
        "faults": faults,
        "most_due": MOST_DUE,
    }
    return office_page(request, SETTINGS, "console/settings.html", context, status=422 if faults else 200)


def _line(one: Declared, effect: object) -> Line:
    name = one.name.removeprefix(PREFIX)
    value = os.environ.get(one.name, "").strip() if one.given else one.default
    default = one.default
    if name in SECRET:
        # What a file holds was put there so that fewer see it.
        held = name in FROM_FILES and one.given and not value
        value, default = "" if held else without_secrets(value), without_secrets(default)
    if name.endswith("_BYTES"):
        value, default = _in_mebibytes(value), _in_mebibytes(default)
    return Line(one.name, effect, value, default, one.allowed, one.given)


def _in_mebibytes(number: str) -> str:
    """As it is written, and as people read it: `157286400 (150 MiB)`."""
    return f"{number} ({int(number) / MEBIBYTE:,.0f} MiB)" if number.isdecimal() else number


def without_secrets(text: str) -> str:
    """Kind, host and path of each address: no user, password or query, where credentials may stand."""
    return " ".join(_without_secrets(url) for url in text.split())


def _without_secrets(url: str) -> str:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return "…"
    return f"{parts.scheme}://{host}{parts.path}" if host else f"{parts.scheme}:{parts.path}"
