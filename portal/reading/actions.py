"""What a reader may write at a message: decided here for its page's buttons and for every form behind them."""

from __future__ import annotations

from typing import Any

from portal.vault import unsent
from portal.vault.models import Reader
from portal.vault.opening import Opened
from portal.vault.readers import link_of


def may(kind: str, reader: Reader, opened: Opened) -> bool:
    """Whether this reader may write an answer of one of portal.vault.unsent.KINDS. The author may none."""
    if reader.role != Reader.Role.RECIPIENT:
        return False
    return kind == unsent.REPLY and opened.rights.reply and bool(opened.toc.sender.address)


def buttons(reader: Reader, opened: Opened) -> dict[str, Any]:
    """The addresses of what they may do, "" for what not, and which of it they have begun."""
    begun = set(reader.unsent.values_list("kind", flat=True))
    at = f"/m/{link_of(reader)}"
    return {
        "reply_url": f"{at}/reply" if may(unsent.REPLY, reader, opened) else "",
        "reply_begun": unsent.REPLY in begun,
    }
