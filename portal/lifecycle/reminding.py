"""The reminder of a message that closes soon and was never opened (M4), where the brand wants one; once each."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from branding import choosing
from branding.models import Brand
from portal.delivery import naming, tongue, verp
from portal.delivery.dressing import dressed_for_reader
from portal.delivery.heads import automatic
from portal.delivery.letters import Prepared
from portal.delivery.models import Outbound
from portal.delivery.queue import address_of, enqueue, reader_of
from portal.mime.addresses import Mailbox
from portal.mime.building import Heads
from portal.vault.models import Message, Reader
from portal.vault.readers import address_of as address_of_reader
from portal.vault.readers import envelope_of, is_closed_to, link_of

K = Outbound.Kind
_BATCH = 500
_AT_LEAST = timedelta(hours=12)
"""What came so lately needs no second mail yet."""


def remind(now: datetime) -> int:
    """Ask for the reminders that are due. Returns how many."""
    asked = 0
    for brand in Brand.objects.filter(reminder_days__gt=0):
        before = timedelta(days=brand.reminder_days or 0)
        for reader in _unread(brand, now, before)[:_BATCH]:
            with transaction.atomic():
                enqueue(K.REMINDER, address=address_of_reader(reader), message=reader.message_id, reader=reader)
            asked += 1
    return asked


def _unread(brand: Brand, now: datetime, before: timedelta) -> QuerySet[Reader]:
    already = Outbound.objects.filter(kind=K.REMINDER, reader=OuterRef("pk"))
    arrived = Outbound.objects.filter(kind=K.NOTICE, reader=OuterRef("pk"), state=Outbound.State.SENT)
    return (
        Reader.objects.filter(
            ~Exists(already),
            Exists(arrived.exclude(news=Outbound.News.FAILED)),
            role=Reader.Role.RECIPIENT,
            first_opened_at=None,
            hidden_at=None,
            withdrawn_at=None,
            destroying_at=None,
            message__brand=brand,
            message__state=Message.State.OPEN,
            message__made_at__lte=now - _AT_LEAST,
            message__open_until__gt=now,
            message__open_until__lte=now + before,
        )
        .select_related("message__brand")
        .order_by("message__open_until")
    )


def build(outbound: Outbound) -> Prepared | None:
    """The mail; None when it was opened, closed, withdrawn or is gone meanwhile."""
    reader = reader_of(outbound)
    if reader is None or reader.first_opened_at is not None or is_closed_to(reader, timezone.now()):
        return None
    message, brand, recipient = reader.message, reader.message.brand, address_of(outbound)
    envelope = envelope_of(message)
    writer = Mailbox(envelope.sender_name, envelope.sender_address)
    origin = choosing.origin(brand)
    from_, reply_to = naming.from_and_reply_to(writer, brand)
    with translation.override(tongue.of_reader(reader)):
        context = {
            "brand": brand,
            "sender": naming.shown(writer, brand),
            "recipient": recipient,
            "open_until": message.open_until,
            "url": f"{origin}/m/{link_of(reader)}",
            # Half of a split message's key is in the first notice alone; a file holds what is not here any more.
            "first": bool(message.split) or message.delivery == Message.Delivery.ATTACHMENT,
            "host": origin.partition("://")[2],
        }
        in_reply_to, references = naming.thread(envelope.references, envelope.message_id)
        heads = Heads(
            from_=from_,
            to=(Mailbox("", recipient),),
            subject=_("Unread: protected message from {sender}").format(sender=context["sender"]),
            date=outbound.made_at,
            message_id=f"<{outbound.id}@{brand.host}>",
            in_reply_to=in_reply_to,
            references=references,
            reply_to=reply_to,
            extra=automatic("reminder"),
        )
        sender = naming.shown(writer, brand)
        mail = dressed_for_reader("reminder", brand, context, sender, message.open_until).mail(heads)
    return Prepared.whole(verp.address_for(outbound, brand), recipient, mail)
