"""The mails about more time: to the sender who is asked for it, and to the reader who got it."""

from __future__ import annotations

from dataclasses import replace

from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from branding import choosing, languages
from portal.delivery import naming, telling, tongue, verp
from portal.delivery.dressing import dressed_for_reader
from portal.delivery.heads import own_heads
from portal.delivery.letters import Prepared
from portal.delivery.models import Outbound
from portal.delivery.queue import address_of, only_to, reader_of, words_of
from portal.lifecycle import asking
from portal.lifecycle.models import MoreTime
from portal.mime.addresses import Mailbox
from portal.vault.readers import address_of as address_of_reader
from portal.vault.readers import envelope_of, is_closed_to, link_of


def build_request(outbound: Outbound) -> Prepared | None:
    """To the sender; None when it was answered meanwhile, or nothing can be opened any more."""
    row = asking.request_of(outbound.subject_row)
    if row is None or row.state != MoreTime.State.OPEN or not asking.is_offered(row.reader, timezone.now()):
        return None
    message = row.reader.message
    brand, envelope = message.brand, envelope_of(message)
    only_to(outbound, envelope.sender_address)
    with translation.override(languages.of_brand(brand)):
        asker = address_of_reader(row.reader)
        origin = choosing.origin(brand)
        context: dict[str, object] = {
            "brand": brand,
            "asker": asker,
            "sent_at": envelope.sent_at,
            "closed_at": message.open_until,
            "last": message.keys_until,
            "url": origin + reverse("more-time-answer", args=[words_of(outbound)]),
            "host": origin.partition("://")[2],
        }
        subject = _("{address} asks for more time to read your message").format(address=asker)
        to = Mailbox(envelope.sender_name, address_of(outbound))
        return telling.word(outbound, brand, to, subject, "more_time", context)


def build_reopened(outbound: Outbound) -> Prepared | None:
    """To the reader; None when it is closed to them again."""
    reader = reader_of(outbound)
    if reader is None or is_closed_to(reader, timezone.now()):
        return None
    message, brand, recipient = reader.message, reader.message.brand, address_of(outbound)
    envelope, origin = envelope_of(message), choosing.origin(brand)
    sender = naming.shown(Mailbox(envelope.sender_name, envelope.sender_address), brand)
    with translation.override(tongue.of_reader(reader)):
        context = {
            "brand": brand,
            "sender": sender,
            "open_until": message.open_until,
            "recipient": recipient,
            "url": f"{origin}/m/{link_of(reader)}",
            # What opens a split message is in its first notice alone; a file holds what is not here any more.
            "first": bool(message.split) or message.away_at is not None,
            "host": origin.partition("://")[2],
        }
        in_reply_to, references = naming.thread(envelope.references, envelope.message_id)
        subject = _("Open again: protected message from {sender}").format(sender=sender)
        heads = own_heads(outbound, brand, recipient, subject, "reopened")
        heads = replace(heads, in_reply_to=in_reply_to, references=references)
        mail = dressed_for_reader("reopened", brand, context, sender, message.open_until).mail(heads)
    return Prepared.whole(verp.address_for(outbound, brand), recipient, mail)
