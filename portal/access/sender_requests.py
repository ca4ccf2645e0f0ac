"""Asking the sender of a message to send it to another, proved address too: kept, limited, and mailed to the sender.

Nothing is opened and nobody is added by it: the sender decides, on a page of theirs (portal.sent.asked) or by mail.
"""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from branding import choosing, languages
from portal.access import budgets, people, senders
from portal.access.budgets import HOUR, Limit
from portal.access.models import AskedSender, Person
from portal.delivery import telling
from portal.delivery.letters import Prepared
from portal.delivery.models import Outbound
from portal.delivery.queue import address_of, enqueue, only_to
from portal.keys.service import keys
from portal.mime.addresses import Mailbox, normalise
from portal.mime.errors import BadAddress
from portal.vault import readers
from portal.vault.models import Reader

AT_A_MESSAGE = Limit(1, HOUR)
OF_A_PERSON = Limit(5, HOUR)
"""Over all messages: whoever holds many links must not fill many mailboxes."""


def url_of(reader: Reader) -> str:
    """Where the sender of a reader's message can be asked; "" where that is not offered."""
    return reverse("ask-sender", args=[readers.link_of(reader)]) if is_offered(reader) else ""


def is_offered(reader: Reader) -> bool:
    """Whether it is switched on, and there is a sender who can be written to."""
    if not settings.LETTERLOCK.ask_sender or reader.role != Reader.Role.RECIPIENT:
        return False
    try:
        normalise(readers.envelope_of(reader.message).sender_address)
    except BadAddress:
        return False
    return True


def ask(reader: Reader, person: Person, note: str, now: datetime) -> datetime | None:
    """Tell the sender; or the moment from which that can be asked for again."""
    with budgets.one_at_a_time(person.pk.bytes), budgets.one_at_a_time(reader.message_id.bytes):
        at_message = AskedSender.objects.filter(reader__message=reader.message_id)
        limits = (
            budgets.opens(at_message, AT_A_MESSAGE, now),
            budgets.opens(AskedSender.objects.filter(person=person), OF_A_PERSON, now),
        )
        if any(limits):
            return max(moment for moment in limits if moment)
        number = uuid4()
        sealed = keys().seal_field("asked-sender", number, note.encode()) if note else b""
        AskedSender.objects.create(id=number, reader=reader, person=person, note=sealed, at=now)
        sender = readers.envelope_of(reader.message).sender_address
        enqueue(Outbound.Kind.REQUEST, address=sender, message=reader.message_id, reader=reader, subject_row=number)
    return None


def was_told(reader: Reader, person: Person) -> bool:
    """Whether this person asked the sender of this message not long ago."""
    return AskedSender.objects.filter(reader=reader, person=person).exists()


def answer(row: AskedSender, said: AskedSender.Answer) -> bool:
    """Note what the sender decided; False where another window was quicker."""
    return bool(AskedSender.objects.filter(pk=row.pk, answer="").update(answer=said))


def note_of(row: AskedSender) -> str:
    """What they wrote to the sender; "" for nothing."""
    return keys().open_field("asked-sender", row.id, bytes(row.note)).decode() if row.note else ""


def answer_url(row: AskedSender) -> str:
    """The whole address of the page where the sender answers; "" where they cannot: for what opens only by its first
    notice, for senders who cannot sign in, and where the sender's row is not of the address that is written to."""
    message = row.reader.message
    if message.split or message.away_at or not senders.page_of(message, readers.envelope_of(message).sender_address):
        return ""
    return choosing.origin(message.brand) + reverse("sent-asked", args=[row.id])


def build(outbound: Outbound) -> Prepared | None:
    """The mail to the sender; None when the request is forgotten."""
    known = AskedSender.objects.select_related("person", "reader__message__brand")
    row = known.filter(pk=outbound.subject_row).first() if outbound.subject_row else None
    if row is None:
        return None
    message = row.reader.message
    brand, envelope = message.brand, readers.envelope_of(message)
    only_to(outbound, envelope.sender_address)
    with translation.override(languages.of_brand(brand)):
        asker = people.address_of(row.person)
        context = {
            "brand": brand,
            "asker": asker,
            "recipient": readers.address_of(row.reader),
            "sent_at": envelope.sent_at,
            "note": note_of(row),
            "host": brand.host,
            "answer_url": answer_url(row),
            "sent_url": senders.url_for(brand, envelope.sender_address),
        }
        subject = _("{address} asks to read a message that you sent").format(address=asker)
        to = Mailbox(envelope.sender_name, address_of(outbound))
        return telling.word(outbound, brand, to, subject, "request", context)
