"""The mail that tells a sender what a rule did with theirs: refused, held, protected or passed on (M9)."""

from __future__ import annotations

import json
from collections.abc import Sequence

from django.utils import translation

from branding import choosing, languages
from branding.templatetags.words import plain_moment
from portal.delivery import naming, telling
from portal.delivery.letters import Prepared
from portal.delivery.models import Outbound
from portal.delivery.queue import Asked, address_of, words_of
from portal.ingest import spool
from portal.ingest.models import Spooled
from portal.mime.addresses import Mailbox, domain_of
from portal.mime.reading import Letter
from portal.rules.overriding import WORDS

HELD = "held"


def asked(
    row: Spooled,
    envelope: spool.Envelope,
    letter: Letter,
    outcome: str,
    texts: Sequence[str],
    *,
    may_override: bool = False,
) -> Asked | None:
    """The mail to ask for, or None where there is nobody to tell: no sender, one that may be forged, or a machine."""
    if not is_told(envelope, letter):
        return None
    words = json.dumps({"outcome": outcome, "texts": list(texts), "override": may_override})
    return Asked("tip", envelope.sender, row.pk, words=words, bulk=row.bulk)


def is_told(envelope: spool.Envelope, letter: Letter) -> bool:
    """Machines are told nothing, or two of them might go on telling each other (RFC 3834 section 2)."""
    known = envelope.trusted or envelope.source == "reply" or naming.is_inside(envelope.sender)
    if not envelope.sender or not known:
        return False
    said = [value.strip().lower() for name, value in letter.headers if name.lower() == "auto-submitted"]
    return all(value == "no" for value in said)


def build(outbound: Outbound) -> Prepared | None:
    """In plain words, without a word of what the mail said: its date tells its sender which one it was."""
    row = Spooled.objects.filter(pk=outbound.message).first() if outbound.message else None
    if row is None:
        return None
    said = json.loads(words_of(outbound))
    address, outcome = address_of(outbound), said["outcome"]
    brand = choosing.of_domain(domain_of(address))
    with translation.override(languages.of_brand(brand)):
        moment = plain_moment(row.received_at)
        subject = _subject(outcome).format(moment=moment)
        context = {"brand": brand, "received_at": row.received_at, "outcome": outcome, "texts": said["texts"]}
        context["id"] = row.pk
        if said.get("override"):
            context["override"], context["mistaken"] = (f"[{word}]" for word in WORDS)
        return telling.word(outbound, brand, Mailbox("", address), subject, "tip", context)


def _subject(outcome: str) -> str:
    if outcome == "refuse":
        return translation.gettext("Not sent: your message of {moment}")
    if outcome == HELD:
        return translation.gettext("Held back: your message of {moment}")
    return translation.gettext("About your message of {moment}")
