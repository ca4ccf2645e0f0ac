"""What a person has begun to write and not sent, as lines of their inbox (R7). Each leads to its form."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from portal.access.models import Session
from portal.reading import actions, letters
from portal.reading.conversations import Conversation, is_open
from portal.vault import readers
from portal.vault.models import Reader, Unsent

DRAFTS = "drafts"
MOST = 50
"""The newest; each is a line of one page."""


def of(mine: QuerySet[Reader], now: datetime) -> list[Unsent]:
    """What is unsent at messages that are open to these readers, the newest first."""
    there = mine.order_by().filter(is_open(now)).values("pk")
    found = Unsent.objects.filter(reader__in=there).select_related("reader__message__brand")
    return list(found.order_by("-saved_at")[:MOST])


def item(draft: Unsent, session: Session | None) -> dict[str, Any]:
    """One line: whom and what it is written at, as the inbox shows that. Nothing of its own words."""
    reader = cast(Reader, draft.reader)  # `of` finds only what is written at a message
    at = Conversation(reader.message.thread, reader, reader, 1, unread=False, hidden=False)
    tags = {"reply": _("Draft of a reply"), "all": _("Draft of a reply to all"), "forward": _("Draft to forward")}
    shown = letters.inbox_item(at, session)
    return {
        **shown,
        "url": f"/m/{readers.link_of(reader)}/{actions.PATHS[draft.kind]}",
        "sent_at": draft.saved_at,
        "tag": tags[draft.kind],
        "files": 0,
        "closes": None,
        "draft": True,
    }
