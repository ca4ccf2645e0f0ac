"""What to seal of a mail, for whom, until when and with which rights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from types import MappingProxyType

from django.conf import settings
from django.utils import timezone

from branding import choosing
from branding.models import Brand
from portal.access import sender_defaults
from portal.ingest import spool, vouching
from portal.ingest.errors import BrandUnknown, NeverRefused, RecoveryKeyUnset, TriggerStays
from portal.ingest.models import Spooled
from portal.ingest.streams import contents
from portal.mime.addresses import Mailbox, domain_of, names_address, normalise
from portal.mime.editing import without_headers
from portal.mime.errors import BadAddress
from portal.mime.fields import decode_words, stray_fields
from portal.mime.reading import Letter, read
from portal.rules.decision import Decision
from portal.rules.triggers import HEADER as TRIGGER
from portal.vault import sealing, templates
from portal.vault.agreed import Agreed, agree
from portal.vault.models import Message, Reader
from portal.vault.opening import proved_rights
from portal.vault.phrases import agreed_at
from portal.vault.readers import Envelope, address_lookup
from portal.vault.rights import Rights


def draft(
    row: Spooled,
    letter: Letter,
    raw: bytes,
    envelope: spool.Envelope,
    decision: Decision,
    answered: Message | None,
    brand_of: Callable[[str], Brand] = choosing.of_domain,
    scanned_at: datetime | None = None,
    chosen: sender_defaults.ByBrand = MappingProxyType({}),
) -> sealing.Draft:
    """`answered` is the protected message that it answers; `brand_of` finds the brand of a domain; `scanned_at` is when
    no virus was found in it; `chosen` is what senders want where their mail does not say."""
    sender = letter.sender or Mailbox("", envelope.sender)
    from_portal, forwards = envelope.source == "reply", envelope.forwards
    if from_portal:
        brand = answered.brand if answered else choosing.of_slug(envelope.approach)
    else:
        brand = (
            _brand_of_rule(decision.brand) if decision.brand else brand_of(_domain(envelope.sender or sender.address))
        )
    sent_at = letter.date or row.received_at
    subject = decision.tag_removed_subject
    # Like the header's wishes: nobody's who is not known to be who they say.
    theirs = envelope.trusted and not from_portal
    own = sender_defaults.find(chosen, envelope.sender, brand) if theirs else sender_defaults.NONE
    split, terms = _split(decision, answered), terms_of(decision, brand, row.received_at, own)
    readers = _readers(envelope, author=not (split and from_portal) or bool(envelope.approach))
    if decision.asks_never and terms.last_day is None:
        _check_never(decision, brand, row.received_at, own)
    may = _proved(answered, envelope.sender) if from_portal else None
    streams, toc = contents(letter, raw, subject=subject, sender=sender, sent_at=sent_at, scanned_at=scanned_at)
    toc = replace(toc, voucher=vouching.voucher(raw, sender.address, envelope, brand, brand_of))
    return sealing.Draft(
        id=row.id,
        brand=brand,
        direction=Message.Direction.IN if from_portal else Message.Direction.OUT,
        thread=answered.thread if answered else row.id,
        open_until=_no_longer(_end_of(terms.last_day, row.received_at), answered if forwards else None),
        rights=_rights(terms.rights, decision, brand, answered, may, forwards=forwards),
        template=terms.template,
        envelope=Envelope(
            sender_name="" if names_address(sender.name) else sender.name,
            sender_address=sender.address,
            sent_at=sent_at,
            message_id=letter.message_id,
            references=letter.references,
            # What the notice may show is sealed under a key that needs no share.
            subject=subject if brand.show_subject and not split else "",
            note=decision.note,
        ),
        toc=toc,
        streams=streams,
        readers=readers,
        receipt=not from_portal and (own.receipts if decision.receipt is None else decision.receipt),
        split=split,
        # An answer written here has its author outside: a copy that only others hold would be lost to them.
        delivery=Message.Delivery.LINK if from_portal else decision.delivery or brand.delivery,
        phrases=_phrases(decision, readers, answered),
        rule=decision.rule,
        method="" if from_portal else _method(decision),
    )


def _method(decision: Decision) -> str:
    if decision.wish:
        return "user"
    return "default" if decision.rule == "default" else "rule"


def _brand_of_rule(slug: str) -> Brand:
    """Raises BrandUnknown where there is none or it is archived: under another the mail must not go out."""
    brand = choosing.named(slug)
    if brand is None:
        raise BrandUnknown
    return brand


def without_phrase(letter: Letter, raw: bytes) -> tuple[Letter, bytes]:
    """The mail without its trigger header when that names a phrase, whether it is followed or not: the phrase is told
    by another way, and whoever opens the message must not find it there.

    Raises TriggerStays when the header is written so oddly that it cannot be taken out.
    """
    if not _names_phrase(letter, raw):
        return letter, raw
    kept = b"".join(without_headers([raw], {TRIGGER}))
    # Read again, for a header behind a broken line is text of the body as well.
    again = read(kept)
    if _names_phrase(again, kept):
        raise TriggerStays
    return again, kept


def _names_phrase(letter: Letter, raw: bytes) -> bool:
    stray = ((name, decode_words(value)) for name, value in stray_fields(raw))
    fields = (value.lower() for name, value in (*letter.headers, *stray) if name.lower() == TRIGGER)
    return any("phrase" in value for value in fields)


def terms_of(
    decision: Decision, brand: Brand, received_at: datetime, own: sender_defaults.Defaults = sender_defaults.NONE
) -> templates.Terms:
    """The rights and the last day that a mail gets by its rule, its header, its sender and its brand, in this order.

    A template of the sender's own choice that is archived since still holds: it only takes away. Raises
    TemplateUnknown.
    """
    day = timezone.localtime(received_at).date()
    usual = own.template if not decision.imposed and own.template and templates.find(own.template) else ""
    days = own.open_days if decision.keeps_default_date else None
    return templates.resolve(
        brand,
        day,
        wishes=decision.rights,
        asked=decision.template or usual,
        imposed=decision.imposed,
        until=decision.open_until if days is None else day + timedelta(days=min(days, brand.open_days)),
        names_day=days is not None or not decision.keeps_default_date,
    )


def _check_never(decision: Decision, brand: Brand, received_at: datetime, own: sender_defaults.Defaults) -> None:
    """Raises NeverRefused where it would close if its sender had not asked for no end."""
    unasked = replace(decision, keeps_default_date=True, open_until=None)
    if terms_of(unasked, brand, received_at, replace(own, open_days=None)).last_day is not None:
        raise NeverRefused


def _proved(answered: Message | None, address: str) -> Rights | None:
    """What whoever writes from the portal may do with the message they answer or forward; None where that is none."""
    if answered is None:
        return None
    whose = Reader.objects.select_related("message").filter(message=answered, address_lookup=address_lookup(address))
    reader = whose.first()
    return proved_rights(reader) if reader else Rights.decode(bytes(answered.rights))


def _rights(
    granted: Rights, decision: Decision, brand: Brand, answered: Message | None, may: Rights | None, *, forwards: bool
) -> Rights:
    """An answer takes no less to read than what it answers, which it may quote; what is forwarded grants no more."""
    if forwards and may is not None:
        granted = granted.within(may)
    return granted.at_least(decision.level, brand.minimum_level, _level_of(answered), may.level if may else 1)


def _level_of(answered: Message | None) -> int:
    if answered is None:
        return 1
    return Rights.decode(bytes(answered.rights)).at_least(answered.brand.minimum_level).level


def _phrases(decision: Decision, readers: Sequence[tuple[str, str]], answered: Message | None) -> Mapping[str, Agreed]:
    """The phrase that the sender names, for every reader; else those that hold for what is answered."""
    if decision.phrase:
        one = agree(decision.phrase, decision.hint)
        return {address: one for address, _ in readers}
    # Nobody agrees on a phrase for level 1, and most answers need no further statement.
    held = agreed_at(answered) if answered and _level_of(answered) > 1 else {}
    found = ((address, held.get(address_lookup(address))) for address, _ in readers) if held else ()
    return {address: agreed for address, agreed in found if agreed is not None}


def _split(decision: Decision, answered: Message | None) -> str:
    """How its key is split: as its sender says, else as what it answers and may quote, else as the settings say."""
    asked = decision.split or (answered.split if answered else "") or settings.LETTERLOCK.split
    if asked == sealing.ESCROW and settings.LETTERLOCK.recovery_key is None:
        raise RecoveryKeyUnset
    return "" if asked == "off" else str(asked)


def _readers(envelope: spool.Envelope, *, author: bool) -> list[tuple[str, str]]:
    """Every envelope recipient once, and the author, who keeps a copy here and mostly gets no notice.

    Of a split mail from inside the author's share goes nowhere, so their row opens nothing: it only says whose it is.
    Who answers here with a split message would take such a row for their copy, so there is none.
    """
    readers: dict[str, tuple[str, str]] = {}
    for address in envelope.recipients:
        readers.setdefault(normalise(address), (address, Reader.Role.RECIPIENT))
    if envelope.sender and author:
        readers.setdefault(normalise(envelope.sender), (envelope.sender, Reader.Role.AUTHOR))
    return list(readers.values())


def _end_of(last_day: date | None, received_at: datetime) -> datetime | None:
    if last_day is None:
        return None
    days = (last_day - timezone.localtime(received_at).date()).days
    return sealing.last_moment(received_at, max(days, 0))


def _no_longer(until: datetime | None, forwarded: Message | None) -> datetime | None:
    """What is forwarded closes with what it was, at the latest."""
    if forwarded is None or forwarded.open_until is None:
        return until
    return min(until, forwarded.open_until) if until else forwarded.open_until


def _domain(address: str) -> str:
    try:
        return domain_of(address)
    except BadAddress:
        return ""
