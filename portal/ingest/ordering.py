"""What a decision changes in a mail before it is sealed or passed on: who gets it, and its own bytes."""

from __future__ import annotations

from dataclasses import astuple, replace

import cbor2

from portal.ingest import spool
from portal.ingest.models import Spooled
from portal.keys.service import keys
from portal.mime.addresses import normalise
from portal.mime.dsn import Dsn
from portal.mime.editing import Change, changed
from portal.mime.reading import Letter
from portal.rules import overriding
from portal.rules.decision import Decision, Disclaimer
from portal.rules.triggers import strip_tag

_LABEL = "spooled-change"
UNCHANGEABLE = (
    "A rule adds a text to this mail, and the mail is signed or encrypted, which any change would break. "
    "Send it without a signature or encryption of your own."
)


def addressed(envelope: spool.Envelope, decision: Decision) -> spool.Envelope:
    """The envelope with the recipients that the rules name beside or in place of its own. Nobody is told by DSN of
    copies, which the sender did not ask for."""
    if decision.redirect:
        envelope = replace(envelope, recipients=decision.redirect, dsn=())
    there = {normalise(address) for address in envelope.recipients}
    more = tuple(address for address in decision.copies if normalise(address) not in there)
    if not more:
        return envelope
    wishes = (*(dsn for _, dsn in envelope.addressed()), *(Dsn(notify="NEVER") for _ in more))
    return replace(envelope, recipients=(*envelope.recipients, *more), dsn=wishes)


def is_closed(letter: Letter) -> bool:
    """Whether a mail is signed or encrypted by its sender, so that a change of its body would break it."""
    return bool(letter.protections)


def forbids(decision: Decision, letter: Letter) -> bool:
    """Whether a disclaimer cannot be added, and its rule would rather refuse the mail."""
    return is_closed(letter) and any(one.if_signed == "refuse" for one in decision.edits.disclaimers)


def change_of(decision: Decision, letter: Letter) -> Change | None:
    """What is to be changed in a mail's bytes; None for nothing."""
    edits, closed = decision.edits, is_closed(letter)
    texts: list[Disclaimer] = [one for one in edits.disclaimers if not (closed and one.if_signed == "ignore")]
    found = Change(
        add=edits.add,
        remove=edits.remove,
        prefix=edits.prefix,
        before=tuple(one.text for one in texts if one.at == "beginning"),
        behind=tuple(one.text for one in texts if one.at == "end"),
        wraps=closed and bool(texts),
        subject=strip_tag(letter.subject, overriding.WORDS) if decision.overridden else None,
    )
    return found if found != Change() else None


def applied(raw: bytes, change: Change) -> bytes:
    return b"".join(changed([raw], change))


def sealed(row: Spooled, change: Change) -> bytes:
    """What is changed in a mail that is passed on, kept with it until it has left."""
    values = list(astuple(change))
    # Without a subject in the form that a worker of the version before reads as well.
    return keys().seal_field(_LABEL, row.pk, cbor2.dumps(values[:-1] if change.subject is None else values))


def kept(row: Spooled) -> Change | None:
    """The change of a mail that is passed on, or None. Raises key errors."""
    if not row.change:
        return None
    held = cbor2.loads(keys().open_field(_LABEL, row.pk, bytes(row.change)))
    add, remove, prefix, before, behind, wraps, *subject = held
    pairs = tuple((name, value) for name, value in add)
    return Change(pairs, tuple(remove), prefix, tuple(before), tuple(behind), wraps, *subject)
