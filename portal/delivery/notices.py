"""The notice: it tells one recipient that a protected message waits, and holds nothing of what the message says.

Where the message travels with it, message.html goes along: the sealed streams, which the portal alone can open.
"""

from __future__ import annotations

from django.utils import timezone, translation
from django.utils.translation import gettext as _

from branding import choosing
from branding.models import Brand
from branding.templatetags.words import plain_day, plain_moment
from portal.delivery import ahead, enclosing, naming, receipts, verp
from portal.delivery.asking import AsksFor
from portal.delivery.dressing import dressed_for_reader
from portal.delivery.letters import Prepared
from portal.delivery.models import Outbound
from portal.delivery.queue import address_of, share_of
from portal.keys import split
from portal.keys.errors import WrapRefused
from portal.mime.addresses import Mailbox, clean_name
from portal.mime.building import Attachment, Heads, letter
from portal.vault.models import Message, Reader
from portal.vault.readers import Envelope, envelope_of, is_closed_to, link_of

LONGEST_SUBJECT = 200
_ROOM = 16 * 1024
"""More than the headers of a mail with a file, and of its parts."""


def build(outbound: Outbound) -> Prepared | None:
    """The notice for one reader; None when the message can no longer be read, or the reader is gone."""
    seen = ahead.of(outbound)
    if seen is None or is_closed_to(seen.reader, timezone.now()):
        return None
    with translation.override(seen.language):
        return _written(outbound, seen.reader, seen.asks)


def _written(outbound: Outbound, reader: Reader, asks: AsksFor) -> Prepared:
    code = _code(outbound, reader)
    if reader.role == Reader.Role.AUTHOR:
        return receipts.build(outbound, reader, code)
    brand, envelope, recipient = reader.message.brand, envelope_of(reader.message), address_of(outbound)
    writer = Mailbox(envelope.sender_name, envelope.sender_address)
    alike, own = _alike(reader, asks), _own(reader, envelope, writer, recipient, code)
    heads = _heads(outbound, brand, envelope, writer, recipient)
    look = dressed_for_reader("notice", brand, alike, naming.shown(writer, brand), reader.message.open_until, own)
    sender = verp.address_for(outbound, brand)
    if not alike["attached"]:
        return Prepared.whole(sender, recipient, look.mail(heads))
    page = {"brand": brand, **alike, **own, "link": link_of(reader), "fragment": f"#{code}" if code else ""}
    file_size, file = enclosing.message_html(reader, page)
    # Base64 in lines of 76 takes 78 bytes for every 57.
    pictures = sum(len(picture.data) for picture in look.pictures)
    size = _ROOM + 3 * (len(look.text) + len(look.html)) + (pictures + file_size) * 78 // 57
    files = [Attachment(enclosing.NAME, "text/html", file)]
    return Prepared(sender, recipient, letter(heads, look.text, look.html, files, look.pictures), size)


def _code(outbound: Outbound, reader: Reader) -> str:
    if not reader.message.split:
        return ""
    share = share_of(outbound)
    if not share:  # a notice without it would lead to a message that nobody can open
        raise WrapRefused
    return split.code_of(share)


def _alike(reader: Reader, asks: AsksFor) -> dict[str, object]:
    """What many notices have in common; nothing of one message or recipient belongs here (portal.delivery.moulds)."""
    message, origin = reader.message, choosing.origin(reader.message.brand)
    return {
        "attached": message.delivery == Message.Delivery.ATTACHMENT,
        "origin": origin,
        "host": origin.partition("://")[2],
        "asked": asks.sentence,
        "reply": message.thread != message.id,
    }


def _own(reader: Reader, envelope: Envelope, writer: Mailbox, recipient: str, code: str) -> dict[str, str]:
    """What this notice says and no other. Dates are in words, of the language that is spoken now."""
    brand = reader.message.brand
    return {
        "sender_name": naming.shown_name(writer) or ("" if writer.address else brand.name),
        "sender_address": writer.address,
        "recipient": recipient,
        # Behind the # it never is part of a request: no server, log or Referer sees it.
        "url": f"{choosing.origin(brand)}/m/{link_of(reader)}" + (f"#{code}" if code else ""),
        "code": split.grouped(code),
        "sent_at": plain_moment(envelope.sent_at),
        "open_until": plain_day(reader.message.open_until),
        "note": "" if naming.link_like(envelope.note) else clean_name(envelope.note),
    }


def _heads(outbound: Outbound, brand: Brand, envelope: Envelope, writer: Mailbox, recipient: str) -> Heads:
    from_, reply_to = naming.from_and_reply_to(writer, brand)
    in_reply_to, references = naming.thread(envelope.references, envelope.message_id)
    return Heads(
        from_=from_,
        to=(Mailbox("", recipient),),
        subject=_subject(brand, envelope, writer),
        # The row's own time and id: a notice that is sent twice is the same mail twice, and mail servers see that.
        date=timezone.localtime(outbound.made_at),
        message_id=f"<{outbound.id}@{brand.host}>",
        in_reply_to=in_reply_to,
        references=references,
        reply_to=reply_to,
        # No Auto-Submitted: machines that answer look for it (RFC 3834 section 2), and a holiday reply shall come.
        extra=(("X-Letterlock", "notice"),),
    )


def _subject(brand: Brand, envelope: Envelope, writer: Mailbox) -> str:
    if brand.show_subject and envelope.subject:
        return _("Protected: {subject}").format(subject=clean_name(envelope.subject)[:LONGEST_SUBJECT])
    return _("Protected message from {sender}").format(sender=naming.shown(writer, brand))
