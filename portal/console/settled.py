"""A14, the settings: what each is, by default and may be. They are read at start, so they are changed where it is."""

from __future__ import annotations

import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from portal.access.decorators import permission_required
from portal.access.roles import May
from portal.configuration import FROM_FILES, Declared, declared
from portal.console.effects import GROUPS, SECRET
from portal.console.pages import office_page
from portal.console.sections import SETTINGS

PREFIX = "LETTERLOCK_"


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
    known = {one.name: one for one in declared(os.environ)}
    groups = [
        (title, [_line(known[PREFIX + name], effect) for name, effect in effects.items()]) for title, effects in GROUPS
    ]
    changed = sum(line.changed for _title, lines in groups for line in lines)
    context = {"groups": groups, "changed": changed, "all": sum(len(lines) for _title, lines in groups)}
    return office_page(request, SETTINGS, "console/settings.html", context)


def _line(one: Declared, effect: object) -> Line:
    name = one.name.removeprefix(PREFIX)
    value = os.environ.get(one.name, "").strip() if one.given else one.default
    default = one.default
    if name in SECRET:
        # What a file holds was put there so that fewer see it.
        held = name in FROM_FILES and one.given and not value
        value, default = "" if held else without_secrets(value), without_secrets(default)
    return Line(one.name, effect, value, default, one.allowed, one.given)


def without_secrets(url: str) -> str:
    """Kind, host and path of an address: no user, password or query, where credentials may stand."""
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return "…"
    return f"{parts.scheme}://{host}{parts.path}" if host else f"{parts.scheme}:{parts.path}"
