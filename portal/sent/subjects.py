"""What of a message's content its sender is shown: subject and names of files, opened by the author's own wrap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from portal.access import levels
from portal.access.models import Session
from portal.keys.errors import KeysError
from portal.vault import readers
from portal.vault.errors import VaultError
from portal.vault.models import Reader
from portal.vault.opening import open_message


@dataclass(frozen=True, repr=False)
class Content:
    """`subject` is "" where it is not shown; `files` are names by number."""

    subject: str
    files: Mapping[int, str]


NOTHING = Content("", {})


def of(author: Reader, session: Session, now: datetime, *, shown: bool) -> Content:
    """As in the list of whoever reads: only with the level that the message takes, and not where a brand has each
    message proved on its own. Of a split message nothing: its author has no code. `shown` is whether it is for who
    looks at all (portal.sent.owning.shows_content)."""
    if (
        not shown
        or author.message.split
        or session.brand.session_scope == "message"
        or readers.is_closed_to(author, now)
    ):
        return NOTHING
    try:
        if not levels.is_enough(session, author):
            return NOTHING
        toc = open_message(author).toc
    except (KeysError, VaultError):
        return NOTHING
    return Content(toc.subject or _("(no subject)"), {file.number: file.name for file in toc.files})
