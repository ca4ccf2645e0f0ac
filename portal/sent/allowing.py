"""Whether the organisation's rules let a message go to one more address: they are asked as for a new mail to it."""

from __future__ import annotations

from django.conf import settings
from django.utils import timezone

from portal.ingest import knowing, spool
from portal.lifecycle.errors import CannotResend, LifecycleError
from portal.mime.reading import read
from portal.rules import live
from portal.rules.deciding import decide
from portal.rules.decision import Decision
from portal.vault.models import Message, Reader
from portal.vault.opening import open_message
from portal.vault.readers import address_lookup, address_of, rights_of

MOST_BYTES = 32 << 20
"""Of a mail that is read again here, in the web process."""


class RuleForbids(LifecycleError):
    """A rule would refuse or hold it, or protect it in another way than this message is."""

    sentence = "A rule does not let this message go to that address."


class TooLargeHere(LifecycleError):
    """It would take too much of the web process."""

    sentence = "This message is too large to be sent on from here. Send it again from your mailbox."


def check(author: Reader, address: str) -> None:
    """Raises RuleForbids, TooLargeHere, CannotResend; RulesError where the rules cannot be used; vault and key errors.

    The mail was read before it was sealed, by the same reader and within a worker's bounds.
    """
    message = author.message
    if message.split or message.away_at is not None:
        raise CannotResend
    opened = open_message(author)
    if opened.toc.original_size > MOST_BYTES:
        raise TooLargeHere
    raw = b"".join(opened.original())
    envelope = spool.Envelope(address_of(author), (address,), "command", trusted=True)
    facts = knowing.facts(read(raw), envelope, raw, refers=message.thread != message.id)
    decision = decide(facts, live.rules(), settings.LETTERLOCK.default_action)
    if decision.action in ("refuse", "hold", "drop") or decision.redirect or _wants_copies(decision, message, address):
        raise RuleForbids
    if decision.action == "protect":
        other = decision.imposed and decision.imposed != message.template
        if other or decision.split in ("strict", "escrow") or decision.level > rights_of(author).level:
            raise RuleForbids
        if _is_open_for_too_long(decision, message):
            raise RuleForbids


def _wants_copies(decision: Decision, message: Message, address: str) -> bool:
    """Whether a rule sends what goes to that address to further people as well, who do not have the message."""
    wanted = {address_lookup(copy) for copy in decision.copies} - {address_lookup(address)}
    there = message.readers.filter(address_lookup__in=wanted, withdrawn_at=None, destroying_at=None)
    return there.count() < len(wanted)


def _is_open_for_too_long(decision: Decision, message: Message) -> bool:
    """Whether a rule closes what goes to that address before this message closes. A date that the sender wished for
    may have been changed since."""
    if decision.wish or decision.keeps_default_date or decision.open_until is None:
        return False
    return message.open_until is None or timezone.localtime(message.open_until).date() > decision.open_until
