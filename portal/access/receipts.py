"""M7: a sender who asked for it is told, once, that a recipient opened their message, and how that one had confirmed.

Only a page that was shown to a confirmed reader counts; what a mail scanner does brings no such mail.
"""

from __future__ import annotations

from django.utils import timezone, translation
from django.utils.translation import gettext as _

from branding import languages
from branding.models import Brand
from portal.access import openings, people, sender_defaults, senders, sessions
from portal.access.models import Session
from portal.delivery import naming, telling
from portal.delivery.letters import Prepared, can_be_sent_to
from portal.delivery.models import Outbound
from portal.delivery.queue import address_of, enqueue, only_to, reader_of, words_of
from portal.mime.addresses import Mailbox, clean_name, normalise
from portal.mime.errors import BadAddress
from portal.vault import readers
from portal.vault.models import Message, Reader


def ask(reader: Reader, session: Session | None) -> None:
    """Ask for the mail, where the message wants one: at once, or with the day's others (portal.access.openings)."""
    message = reader.message
    if not message.receipt or reader.role != Reader.Role.RECIPIENT or message.direction != Message.Direction.OUT:
        return
    sender = readers.envelope_of(message).sender_address
    try:
        normalise(sender)
    except BadAddress:
        return
    if not can_be_sent_to(sender):
        return
    if sender_defaults.find(sender_defaults.of_senders([sender]), sender, message.brand).digest:
        openings.wait(reader, people.of_address(sender), _how(session), timezone.now())
        return
    enqueue(Outbound.Kind.OPENED, address=sender, message=message.pk, reader=reader, words=_how(session))


def _how(session: Session | None) -> str:
    if session is None:
        return ""
    return session.provider if session.method == sessions.PROVIDER else f":{session.method}"


def build(outbound: Outbound) -> Prepared | None:
    """The mail to the sender; None when the reader's row is gone."""
    reader = reader_of(outbound)
    if reader is None or reader.first_opened_at is None:
        return None
    message, brand = reader.message, reader.message.brand
    envelope, recipient, how = readers.envelope_of(message), readers.address_of(reader), words_of(outbound)
    only_to(outbound, envelope.sender_address)
    with translation.override(languages.of_brand(brand)):
        context: dict[str, object] = {
            "brand": brand,
            "recipient": recipient,
            "opened_at": reader.first_opened_at,
            "how": how if how.startswith(":") else "",
            "provider": "" if how.startswith(":") else how.replace("-", " ").capitalize(),
            "url": senders.page_of(message, address_of(outbound)),
            "host": brand.host,
        }
        thread = naming.thread(envelope.references, envelope.message_id)
        to = Mailbox(envelope.sender_name, address_of(outbound))
        return telling.word(outbound, brand, to, _subject(brand, envelope, recipient), "opened", context, thread)


def _subject(brand: Brand, envelope: readers.Envelope, recipient: str) -> str:
    shown = clean_name(envelope.subject)[: telling.LONGEST_SUBJECT] if brand.show_subject else ""
    about = shown or _("protected message to {recipient}").format(recipient=recipient)
    return _("Opened: {about}").format(about=about)
