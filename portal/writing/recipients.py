"""Whom an answer goes to: checked for every kind against what may be, whatever was posted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.audit.models import Entry
from portal.mime.addresses import LONGEST, Mailbox, domain_of, normalise, parse_list
from portal.mime.errors import BadAddress
from portal.reading import actions
from portal.vault import unsent
from portal.vault.models import Reader
from portal.vault.opening import Opened

MOST_FORWARDED = 20
"""Addresses that one reader may forward one message to, in all: each is sent a notice by the organisation."""
_BETWEEN = re.compile(r"[,;\n]")


@dataclass(frozen=True)
class Chosen:
    """Whom it goes to, what of that a draft keeps, and what stands against it."""

    to: tuple[Mailbox, ...] = ()
    kept: tuple[str, ...] = ()
    faults: list[str] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"Chosen({len(self.to)} people)"


def offered(kind: str, reader: Reader, opened: Opened) -> tuple[Mailbox, ...]:
    """Whom the form names; nobody where they are typed."""
    if kind == unsent.FORWARD:
        return ()
    return actions.others(reader, opened) if kind == unsent.ALL else (opened.toc.sender,)


def begun(kind: str, reader: Reader, opened: Opened) -> tuple[str, ...]:
    """The addresses that are ticked before anything is written."""
    return tuple(box.address for box in offered(kind, reader, opened)) if kind == unsent.ALL else ()


def chosen(kind: str, posted: Sequence[str], reader: Reader, opened: Opened) -> Chosen:
    """What was posted, checked: of a reply it is not looked at, for that has one recipient."""
    if kind == unsent.FORWARD:
        return _typed(" , ".join(posted), reader)
    there = offered(kind, reader, opened)
    return _ticked(posted, there) if kind == unsent.ALL else Chosen(there)


def _ticked(posted: Sequence[str], there: Sequence[Mailbox]) -> Chosen:
    """An address that the form did not name is refused, and kept nowhere: an answer can lose people, never gain any."""
    wanted = set(posted)
    found = tuple(box for box in there if box.address in wanted)
    faults = []
    if wanted - {box.address for box in there}:
        faults.append(_("You can answer only those whom the message names."))
    elif not found:
        faults.append(_("Enter at least one address."))
    return Chosen(found, tuple(box.address for box in found), faults)


def _typed(text: str, reader: Reader) -> Chosen:
    """Addresses with commas between, each once, all of them at domains that the brand allows."""
    text = text[: 2 * MOST_FORWARDED * LONGEST].strip(" ,")
    found: dict[str, Mailbox] = {}
    faults = []
    for piece in filter(None, map(str.strip, _BETWEEN.split(text))):
        box = one_address(piece)
        if box is None:
            faults.append(_("{address} is not a complete address.").format(address=piece[:LONGEST]))
        elif not _allowed(box, reader):
            faults.append(_("You can forward only to addresses at {allowed}.").format(allowed=allowed(reader)))
        else:
            found.setdefault(normalise(box.address), box)
    if not found and not faults:
        faults.append(_("Enter at least one address."))
    elif len(found) > (left := may_forward(reader)):
        faults.append(too_many(left))
    return Chosen(tuple(found.values()), (text,) if text else (), list(dict.fromkeys(faults))[:5])


def may_forward(reader: Reader) -> int:
    """To how many more addresses this reader may forward this message."""
    entries = Entry.objects.filter(kind="message.forwarded", message=reader.message_id, reader=reader.id)
    return max(0, MOST_FORWARDED - sum(int(entry.facts["people"]) for entry in entries))


def too_many(left: int) -> str:
    """What is said to somebody who may forward it to so many more addresses alone."""
    said = ngettext(
        "You can forward this message to {n} more address.",
        "You can forward this message to {n} more addresses.",
        left,
    )
    return said.format(n=left)


def allowed(reader: Reader) -> str:
    """The domains that it can be forwarded to, as the form says them; "" for any."""
    domains = reader.message.brand.forward_domains
    return ", ".join(domains) if domains else ""


def _allowed(box: Mailbox, reader: Reader) -> bool:
    domains = reader.message.brand.forward_domains
    return domains is None or domain_of(box.address) in {_compared(domain) for domain in domains} - {""}


def _compared(domain: str) -> str:
    try:
        return domain_of(f"x@{domain}")
    except BadAddress:
        return ""  # written wrongly, it allows nothing


def one_address(piece: str) -> Mailbox | None:
    """One address; None for anything that is not one, or that a mail program could take for more than one."""
    boxes = parse_list(piece)
    if len(boxes) != 1 or piece.count("@") != 1 or ":" in piece:
        return None
    try:
        normalise(boxes[0].address)
    except BadAddress:
        return None
    return Mailbox("", boxes[0].address) if "." in domain_of(boxes[0].address) else None
