"""What a reader may write at a message: decided here for its page's buttons and for every form behind them."""

from __future__ import annotations

from typing import Any

from portal.mime.addresses import Mailbox, normalise
from portal.mime.errors import BadAddress
from portal.vault import unsent
from portal.vault.models import Reader
from portal.vault.opening import Opened
from portal.vault.readers import address_of, link_of

PATHS = {unsent.REPLY: "reply", unsent.ALL: "reply-all", unsent.FORWARD: "forward"}
"""Behind a message's link, for each of portal.vault.unsent.KINDS."""
MOST_OTHERS = 50
"""So many people can be answered together: each is named in the form, and ticked in it."""


def may(kind: str, reader: Reader, opened: Opened) -> bool:
    """Whether this reader may write an answer of one of portal.vault.unsent.KINDS. The author may none."""
    if reader.role != Reader.Role.RECIPIENT:
        return False
    if kind == unsent.FORWARD:
        return opened.rights.forward and reader.message.brand.forward_domains != []
    if not opened.rights.reply or not opened.toc.sender.address:
        return False
    if kind == unsent.REPLY:
        return True
    return kind == unsent.ALL and opened.rights.reply_all and 1 < len(others(reader, opened)) <= MOST_OTHERS


def may_quote(kind: str, opened: Opened) -> bool:
    """Whether the message itself may go along: to who wrote it; to others only where it may be forwarded. Nowhere where
    its words may not be copied; what is forwarded goes under its rights all the same.

    Among those whom it names may be people who never got it, and some from whom it was withdrawn.
    """
    return kind == unsent.FORWARD or (opened.rights.copy and (kind == unsent.REPLY or opened.rights.forward))


def others(reader: Reader, opened: Opened) -> tuple[Mailbox, ...]:
    """Everyone whom the message names but its reader, the sender first: whom an answer to all can go to, nobody else.

    By its headers, as its reader sees them. Who got a blind copy is named nowhere, and is not among them.
    """
    toc = opened.toc
    seen = {_compared(address_of(reader))}
    found = []
    for box in (toc.sender, *toc.to, *toc.cc):
        compared = _compared(box.address)
        if compared and compared not in seen:
            seen.add(compared)
            found.append(box)
    return tuple(found)


def buttons(reader: Reader, opened: Opened) -> dict[str, Any]:
    """The addresses of what they may do, "" for what not, and which of it they have begun."""
    begun = set(reader.unsent.values_list("kind", flat=True))
    at = f"/m/{link_of(reader)}"
    found: dict[str, Any] = {}
    for kind, name in ((unsent.REPLY, "reply"), (unsent.ALL, "reply_all"), (unsent.FORWARD, "forward")):
        found[f"{name}_url"] = f"{at}/{PATHS[kind]}" if may(kind, reader, opened) else ""
        found[f"{name}_begun"] = kind in begun
    return found


def _compared(address: str) -> str:
    try:
        return normalise(address)
    except BadAddress:
        return ""
