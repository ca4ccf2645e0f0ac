"""The mail that tells a sender that an administrator sent their message to a corrected address, in the style of M8."""

from __future__ import annotations

from django.utils import timezone, translation
from django.utils.translation import gettext as _

from branding import languages
from portal.delivery import naming, telling
from portal.delivery.letters import Prepared
from portal.delivery.models import Outbound
from portal.delivery.queue import address_of, enqueue, only_to, reader_of, words_of
from portal.lifecycle.actors import Actor, Who, Why
from portal.mime.addresses import Mailbox, clean_name, normalise
from portal.mime.errors import BadAddress
from portal.vault.models import Message, Reader
from portal.vault.readers import address_of as address_of_reader
from portal.vault.readers import envelope_of

K = Outbound.Kind


def say(old: Reader, made: Reader, *, by: Actor, why: Why) -> None:
    """Ask for the mail, in the caller's transaction; for what somebody inside sent."""
    message = made.message
    # Whoever wrote to a department, or answered from outside, never learns which mailboxes are behind it.
    if by.who not in (Who.OFFICE, Who.COMMAND) or message.direction != Message.Direction.OUT or message.is_approach:
        return
    sender = envelope_of(message).sender_address
    try:
        normalise(sender)
    except BadAddress:
        return
    enqueue(K.CORRECTED, address=sender, message=message.id, reader=made, subject_row=old.id, words=why.value)


def build(outbound: Outbound) -> Prepared | None:
    """The mail; None when one of the two readers is gone, or the new one had it taken away again."""
    made, sender = reader_of(outbound), address_of(outbound)
    old = Reader.objects.filter(pk=outbound.subject_row).first() if outbound.subject_row else None
    if made is None or old is None or made.withdrawn_at is not None or not (made.address and old.address):
        return None
    message = made.message
    brand, envelope, right = message.brand, envelope_of(message), address_of_reader(made)
    only_to(outbound, envelope.sender_address)
    with translation.override(languages.of_brand(brand)):
        shown = clean_name(envelope.subject)[: telling.LONGEST_SUBJECT] if brand.show_subject else ""
        about = shown or _("protected message to {recipient}").format(recipient=right)
        context = {
            "brand": brand,
            "wrong": address_of_reader(old),
            "right": right,
            "sent_at": timezone.localtime(envelope.sent_at) if envelope.sent_at else None,
            "reason": Why(words_of(outbound)).label,
            "url": telling.page_of(message, sender),
            "host": brand.host,
        }
        return telling.word(
            outbound, brand, Mailbox(envelope.sender_name, sender), _("Address corrected: {about}").format(about=about),
            "corrected", context, thread=naming.thread(envelope.references, envelope.message_id),
        )  # fmt: skip
