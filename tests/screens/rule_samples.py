"""What people see of rules: the page on which a held mail is decided, and the mail that says how to send one anyway."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from portal.ingest.reasons import WHY

_ASKED: dict[str, Any] = {"back_url": "/m/7jq2vd9rkt4xwc8h5n0ame", "reasons": list(WHY.items())}
PAGES: list[tuple[str, str, dict[str, Any]]] = [
    ("decide-wrong", "writing/decide.html", {**_ASKED, "nothing": True}),
    ("decide-over", "writing/decide.html", {**_ASKED, "over": "refused"}),
]
MAILS: list[tuple[str, str, dict[str, Any]]] = [
    (
        "M9-override",
        "tip",
        {
            "outcome": "refuse",
            "texts": ["Results of patients are not sent by ordinary mail."],
            "override": "[override]",
            "mistaken": "[false positive]",
            "received_at": datetime(2026, 11, 17, 13, 48, tzinfo=UTC),
            "id": "01a21720-7b32-722e-867e-b1588eed6e93",
        },
    ),
]
