"""The administrators' navigation."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from portal.access.roles import May

OVERVIEW, MESSAGES, HEALTH = "console-overview", "console-messages", "console-health"
KEYS = "console-keys"
PROGRAMS = "console-programs"
SETTINGS = "console-settings"
PEOPLE, RECORD, BOUNCES = "console-people", "console-record", "console-bounces"
BRANDS = "console-brands"
RULES = "console-rules"
RIGHTS = "console-rights"
DIRECTORY = "console-directory"
REPORTS = "console-reports"


def sections(current: str, allowed: Collection[May], *, held: int = 0) -> list[dict[str, Any]]:
    """What console/frame.html shows at the side to whoever has these permissions; `held` is counted at Messages."""
    entries = (
        (OVERVIEW, _("Overview"), "home", 0, False, May.OVERVIEW),
        (MESSAGES, _("Messages"), "mail", held, False, May.SEE_MESSAGES),
        (BOUNCES, _("Bounces"), "bounce", 0, False, May.SEE_MESSAGES),
        (BRANDS, _("Brands"), "brush", 0, False, May.BRANDS),
        (RULES, _("Rules"), "rules", 0, False, May.RULES),
        (RIGHTS, _("Rights"), "lock", 0, False, May.RULES),
        (REPORTS, _("Reports"), "chart", 0, False, May.REPORTS),
        (HEALTH, _("Health"), "pulse", 0, True, May.HEALTH),
        (KEYS, _("Keys"), "key", 0, True, May.KEYS),
        (RECORD, _("Record"), "log", 0, True, May.AUDIT),
        (DIRECTORY, _("Directory"), "groups", 0, True, May.PROGRAMS),
        (PROGRAMS, _("Programs"), "link", 0, True, May.PROGRAMS),
        (SETTINGS, _("Settings"), "gear", 0, True, May.SETTINGS),
        (PEOPLE, _("People"), "people", 0, True, May.PEOPLE),
    )
    return [
        {
            "url": reverse(name),
            "label": label,
            "icon": icon,
            "count": count,
            "current": name == current,
            "operate": operate,
        }
        for name, label, icon, count, operate, permission in entries
        if permission in allowed
    ]
