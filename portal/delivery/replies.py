"""What is written here, an answer or a first message, handed whole into the mailboxes inside that it goes to."""

from __future__ import annotations

from html import escape

from django.utils import timezone, translation
from django.utils.translation import gettext as _

from branding import languages
from branding.models import Brand
from portal.delivery import naming, verp
from portal.delivery.letters import Prepared
from portal.delivery.models import Outbound
from portal.delivery.queue import address_of, reader_at, share_of
from portal.mime.addresses import Mailbox, clean_name
from portal.mime.building import Attachment, Heads, letter
from portal.mime.cleaning import without_own_pictures
from portal.vault.opening import Opened, open_message
from portal.vault.toc import Toc

_ROOM_FOR_HEADERS = 8192


def build(outbound: Outbound) -> Prepared | None:
    """The answer as an ordinary mail; its files are opened piece by piece while it is sent.

    Raises the errors of portal.vault.opening.open_message.
    """
    reader = reader_at(outbound)
    if reader is None:
        return None
    opened, brand, address = open_message(reader, share_of(outbound)), reader.message.brand, address_of(outbound)
    first = reader.message.is_approach and not opened.toc.in_reply_to
    # To a person inside, who may never have been here: in the brand's language.
    with translation.override(languages.of_brand(brand)):
        top = _top(opened.toc, brand, first=first)
        text, html = f"{top}\n\n{opened.body(opened.toc.text)}", _html(top, opened)
        heads = _heads(outbound, brand, opened.toc, address, first=first)
    # Base64 in lines of 76 takes 78 bytes for every 57, and each part has its own few headers.
    bodies = opened.toc.text.size + opened.toc.html.size
    size = _ROOM_FOR_HEADERS + 3 * bodies + sum(f.size * 78 // 57 + 1024 for f in opened.toc.files)
    data = letter(heads, text, html, _attachments(opened))
    return Prepared(verp.address_for(outbound, brand), address, data, size)


def _html(top: str, opened: Opened) -> str:
    """The same with its formats, cleaned when it was sealed; "" where it has none."""
    if not opened.toc.html:
        return ""
    lines = escape(top).replace("\n", "<br>")
    return f"<p>{lines}</p>\n{without_own_pictures(opened.body(opened.toc.html))}"


def _top(toc: Toc, brand: Brand, *, first: bool) -> str:
    """True because an answer names this mail, and the rules protect what refers to a protected message."""
    if not first:
        said = _("Protected reply from {recipient}. Your answer is protected again.")
        return said.format(recipient=naming.shown(toc.sender, brand))
    department = next((clean_name(box.name) for box in toc.to), "") or brand.name
    said = _("Protected message from {writer}, written to {department} on your own page. Your answer is protected.")
    lines = [said.format(writer=toc.sender.address, department=department)]
    if name := naming.shown_name(toc.sender):
        lines.append(_("The address is proved, the name is not: “{name}”.").format(name=name))
    return "\n".join(lines)


def _heads(outbound: Outbound, brand: Brand, toc: Toc, address: str, *, first: bool) -> Heads:
    in_reply_to, references = naming.thread(toc.references, toc.in_reply_to)
    # The answer keeps its own Message-ID: what refers to it later is known by that to belong to this conversation.
    own = naming.thread((), toc.message_id)[0]
    # Anyone can write first and call themselves as they like: their address alone is proved.
    writer = Mailbox("", toc.sender.address) if first else toc.sender
    ours = naming.own_addresses(brand)
    via = _("{sender} via {org} secure messages").format(sender=naming.shown(writer, brand), org=brand.name)
    return Heads(
        from_=Mailbox(via, naming.own_address(brand)),
        # All of them, as in any mail to several: whoever answers it to all reaches all, through the door again.
        # A department is named by the portal's own address, so that whoever wrote sees no mailbox behind it.
        to=tuple(box for box in toc.to if box.address not in ours) or (Mailbox("", address),),
        subject=clean_name(toc.subject),
        date=timezone.localtime(toc.sent_at),
        message_id=own or f"<{outbound.id}@{brand.host}>",
        in_reply_to=in_reply_to,
        references=references,
        reply_to=Mailbox(naming.shown_name(writer), writer.address),
        extra=(("X-Letterlock", "reply"),),
    )


def _attachments(opened: Opened) -> list[Attachment]:
    # Found now, read later: the thread that sends has no database.
    return [Attachment(file.name, file.content_type, opened.chunks(file)) for file in opened.toc.files]
