"""The mail that a message was withdrawn (M5), where the brand wants one, to whoever had a notice of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime

from django.utils import translation
from django.utils.translation import gettext as _

from branding.models import Brand
from portal.delivery import naming, tongue, verp
from portal.delivery.dressing import dressed_for_reader
from portal.delivery.heads import own_heads
from portal.delivery.letters import Prepared
from portal.delivery.models import Outbound
from portal.delivery.queue import address_of, enqueue, words_of
from portal.mime.addresses import Mailbox
from portal.vault.models import Message, Reader
from portal.vault.readers import address_of as address_of_reader
from portal.vault.readers import envelope_of

K, S = Outbound.Kind, Outbound.State


def say(message: Message, readers: Iterable[Reader], due: datetime, *, tell: bool | None = None) -> None:
    """Ask for the mails, to leave at `due`: who undoes it before then has troubled nobody. In the caller's transaction.

    `tell` is what whoever withdraws it chose; None for what the brand usually does.

    What they say is kept with them, for the message may be destroyed by then.
    """
    if not (message.brand.tell_withdrawn if tell is None else tell):
        return
    envelope = envelope_of(message)
    sender = naming.shown(Mailbox(envelope.sender_name, envelope.sender_address), message.brand)
    known = [str(message.brand_id), sender, envelope.sent_at.isoformat() if envelope.sent_at else ""]
    for reader in readers:
        notices = Outbound.objects.filter(kind=K.NOTICE, reader=reader)
        if reader.role != Reader.Role.RECIPIENT or not notices.filter(state__in=(S.SENT, S.SENDING)).exists():
            continue  # who was never told of it need not be told that it is gone
        address, words = address_of_reader(reader), json.dumps([*known, tongue.of_reader(reader)])
        row = enqueue(K.WITHDRAWN, address=address, message=message.id, subject_row=reader.id, words=words)
        Outbound.objects.filter(pk=row.pk).update(due_at=due)


def build(outbound: Outbound) -> Prepared | None:
    """The mail; None when the withdrawal was undone."""
    reader = Reader.objects.filter(pk=outbound.subject_row or outbound.id).select_related("message").first()
    if reader and reader.withdrawn_at is None and reader.message.state == Message.State.OPEN:
        return None
    brand_id, sender, sent, language = json.loads(words_of(outbound))
    brand, recipient = Brand.objects.get(pk=brand_id), address_of(outbound)
    with translation.override(language):
        context = {
            "brand": brand,
            "sender": sender,
            "sent_at": datetime.fromisoformat(sent) if sent else None,
            "host": brand.host,
        }
        subject = _("Withdrawn: protected message from {sender}").format(sender=sender)
        heads = own_heads(outbound, brand, recipient, subject, "withdrawn")
        mail = dressed_for_reader("withdrawn", brand, context, sender).mail(heads)
    return Prepared.whole(verp.address_for(outbound, brand), recipient, mail)
