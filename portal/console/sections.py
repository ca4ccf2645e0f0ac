"""The administrators' navigation."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

OVERVIEW, MESSAGES, HEALTH = "console-overview", "console-messages", "console-health"


def sections(current: str, *, held: int = 0) -> list[dict[str, Any]]:
    """What console/frame.html shows at the side; `held` mails are counted beside Messages."""
    entries = (
        (OVERVIEW, _("Overview"), "home", 0, False),
        (MESSAGES, _("Messages"), "mail", held, False),
        (HEALTH, _("Health"), "pulse", 0, True),
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
        for name, label, icon, count, operate in entries
    ]
