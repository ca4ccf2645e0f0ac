"""What the reading pages show of an opened message: plain data for the templates."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from branding.templatetags.words import about_file, initials, size
from portal import viruses
from portal.access import levels
from portal.access.models import Session
from portal.keys.errors import KeyDestroyed, KeysError
from portal.mime.addresses import Mailbox, names_address
from portal.reading import actions, bodies, holdings, marks, previews
from portal.reading.conversations import CLOSING_SOON, Conversation
from portal.vault import readers, templates
from portal.vault.errors import MessageAway, ShareNeeded, VaultError
from portal.vault.models import Message, Reader
from portal.vault.opening import Opened, open_message, with_wraps
from portal.vault.rights import Rights
from portal.vault.toc import File, Inner, Toc

CLOSING_SOON_DAYS = 2
CONVERSATION_LENGTH = 10
SNIPPET_LENGTH = 140


def message_page(
    reader: Reader, opened: Opened, session: Session | None, *, alone: bool = False, whole: bool = False
) -> dict[str, Any]:
    """Everything reading/message.html needs; `alone` leaves the rest of the conversation out, `whole` shows a very long
    text to its end."""
    toc, rights, message = opened.toc, opened.rights, opened.message
    link, address = readers.link_of(reader), readers.address_of(reader)
    days_left = _days_left(message)
    files = attached(toc)
    return {
        "link": link,
        "letter": {
            "subject": toc.subject,
            "sender_name": toc.sender.name or toc.sender.address,
            "sender_address": toc.sender.address,
            "address_first": toc.sender.address if names_address(toc.sender.name) else "",
            "initials": initials(shown(toc.sender)),
            "others": tuple(shown(box) for box in (*toc.to, *toc.cc) if box.address.lower() != address.lower()),
            "to": tuple(_full(box) for box in toc.to),
            "cc": tuple(_full(box) for box in toc.cc),
            "sent_at": toc.sent_at,
            "vouched": toc.voucher,
        },
        "mine": reader.role == Reader.Role.AUTHOR,
        "rights": rights,
        "several": len(actions.others(reader, opened)) > 1,
        **_terms(message, rights),
        "open_until": message.open_until,
        "days_left": days_left,
        "closing_soon": days_left is not None and days_left < CLOSING_SOON_DAYS,
        **bodies.text(opened, toc.text, toc.html, whole=whole),
        **holdings.of_message(toc, link, may_download=rights.download),
        "body_url": f"/m/{link}/body",
        "removed": toc.removed,
        "remote_pictures": toc.remote_pictures,
        "pictures_url": f"/m/{link}/pictures" if toc.pictures and message.brand.pictures == "ask" else "",
        "readable": toc.readable,
        "original_url": f"/m/{link}/original" if not toc.readable and rights.download else "",
        "files": [_file(file, link, may_download=rights.download) for file in files],
        **checks(toc),
        "files_size": size(sum(file.size for file in files)),
        **actions.buttons(reader, opened),
        "files_url": f"/m/{link}/files" if rights.download and len(files) > 1 else "",
        "older": [] if alone else _conversation(reader, session),
        "address": address,
        "short_id": marks.short_id(message),
        "mark_url": mark_url(link, rights),
    }


def _terms(message: Message, rights: Rights) -> dict[str, str]:
    """The name of the template it was sealed under, in the reader's language, and what that means where it still does:
    rights that were changed since are told beside it as they are."""
    row = templates.find(message.template) if message.template else None
    if row is None:
        return {}
    same = templates.rights_of(row).at_least(rights.level) == rights
    return {"terms_name": templates.name_of(row), "terms_note": templates.note_of(row) if same else ""}


def inbox_item(conversation: Conversation, session: Session | None) -> dict[str, Any]:
    """One line of R7. What is closed or cannot be opened keeps its sender and date, and loses its subject."""
    reader, now = conversation.lead, timezone.now()
    message = reader.message
    envelope = readers.envelope_of(message)
    tag, subject, files = "", "", 0
    withdrawn = reader.withdrawn_at is not None or message.state == Message.State.WITHDRAWN
    closed = readers.is_closed_to(reader, now)
    if closed:
        tag = _("Withdrawn") if withdrawn else _("Closed")
    else:
        try:
            if levels.is_enough(session, reader):
                toc = open_message(reader).toc
                subject, files = toc.subject or _("(no subject)"), len(attached(toc))
            else:
                tag, subject = _("Asks you to confirm in one more way"), _("(not shown in this list)")
        except ShareNeeded:
            tag, subject = _("Needs the code from its email"), _("(not shown in this list)")
        except MessageAway:
            tag, subject = _("In the file from its email"), _("(not shown in this list)")
        except KeyDestroyed:
            tag = _("No longer stored")
        except (KeysError, VaultError):
            tag = _("Cannot be opened now")
    mine = reader.role == Reader.Role.AUTHOR
    soon = message.open_until is not None and message.open_until <= now + CLOSING_SOON
    return {
        "url": f"/m/{readers.link_of(reader)}",
        "sender": _("You") if mine else shown(Mailbox(envelope.sender_name, envelope.sender_address)),
        "subject": subject or _("(no longer shown)"),
        "sent_at": readers.envelope_of(conversation.newest.message).sent_at,
        "count": conversation.count,
        "unread": conversation.unread,
        "files": files,
        "tag": tag,
        "closes": message.open_until if soon and not closed else None,
        "hidden": conversation.hidden,
        "conversation": conversation.thread.hex,
        "until": conversation.newest.message.made_at.isoformat(),
    }


def _conversation(reader: Reader, session: Session | None) -> list[dict[str, Any]]:
    """The other messages of the conversation that this person may read, newest first.

    Those of this brand: an answer from a domain of another one is in the conversation too, and what was proved here
    opens nothing there.
    """
    theirs = readers.of_person(bytes(reader.address_lookup), reader.message.brand)
    others = theirs.filter(message__thread=reader.message.thread).exclude(pk=reader.pk)
    lines = []
    for other in with_wraps(others[:CONVERSATION_LENGTH]):
        if readers.is_closed_to(other, timezone.now()):
            continue
        try:
            if not levels.is_enough(session, other):
                continue
            opened = open_message(other)
        except (KeysError, VaultError):
            continue
        sender = shown(opened.toc.sender)
        lines.append(
            {
                "url": f"/m/{readers.link_of(other)}",
                "initials": initials(sender),
                "who": _("You") if other.role == Reader.Role.AUTHOR else sender,
                "sent_at": opened.toc.sent_at,
                "snippet": " ".join(opened.toc.text.here.split())[:SNIPPET_LENGTH] or opened.toc.subject,
            }
        )
    return lines


def _file(file: File, link: str, *, may_download: bool) -> dict[str, Any]:
    kind = file.name.rpartition(".")[2].upper() if "." in file.name else ""
    kind = kind if 0 < len(kind) <= 4 and kind.isalnum() else _("File")
    return {
        "name": file.name,
        "kind": kind,
        "description": about_file(file.name, file.size),
        "url": file_url(link, file) if may_download else "",
        "preview_url": preview_url(link, file) if previews.offered(file) else "",
        "too_large": previews.too_large(file),
    }


def file_lines(inner: Inner, link: str, *, may_download: bool) -> list[dict[str, Any]]:
    """The files of a message inside."""
    return [_file(file, link, may_download=may_download) for file in attached(inner)]


def checks(toc: Toc) -> dict[str, bool]:
    """What reading/file_check.html says of a message's files, and of those of the messages inside it."""
    return {"checked": toc.scanned_at is not None, "unchecked": toc.scanned_at is None and viruses.is_on()}


def file_url(link: str, file: File) -> str:
    return f"/m/{link}/file/{file.number}"


def inner_url(link: str, inner: Inner) -> str:
    return f"/m/{link}/inner/{inner.number}"


def preview_url(link: str, file: File) -> str:
    return f"{file_url(link, file)}/preview"


def mark_url(link: str, rights: Rights) -> str:
    """The picture that is laid over what is printed; "" where nothing is marked, or nothing printed."""
    return f"/m/{link}/mark.svg" if rights.watermark and rights.print else ""


def attached(toc: Toc | Inner) -> list[File]:
    """The files to list: a picture that the HTML body shows is none of them."""
    return [file for file in toc.files if not (file.inline and toc.html)]


def every_listed(toc: Toc) -> list[File]:
    """The same with the files of the messages inside."""
    holders: list[Toc | Inner] = [toc, *toc.inner]
    return [file for holder in holders for file in attached(holder)]


def find(toc: Toc, number: int) -> File:
    """Any of them by its number; Http404 when the message has none of it."""
    for file in toc.every_file():
        if file.number == number:
            return file
    raise Http404


def _days_left(message: Message) -> int | None:
    if message.open_until is None:
        return None
    return (timezone.localtime(message.open_until).date() - timezone.localdate()).days


def shown(box: Mailbox) -> str:
    """A mailbox by its name; a name that holds an address is not shown in place of the real one."""
    return box.name if box.name and not names_address(box.name) else box.address


def _full(box: Mailbox) -> str:
    return f"{box.name} <{box.address}>" if box.name else box.address
