"""`POST /messages`: a program hands in one mail, whole or in fields."""

from __future__ import annotations

import binascii
import json
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import date
from enum import Enum
from typing import Annotated
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from portal.api import shapes, strict
from portal.api.admitting import admit
from portal.api.endpoint import Call, as_json
from portal.api.errors import FieldRefused
from portal.api.handing import Digest, hand_in, key_of
from portal.api.ids import SLUG
from portal.api.shapes import Says
from portal.directory.membership import groups_of_one
from portal.ingest import unending
from portal.ingest.bulk import room_for
from portal.ingest.bulk_errors import ItemRefused
from portal.ingest.data import LineEnds
from portal.ingest.errors import AddressRefused, TooLarge
from portal.ingest.intake import HIDDEN, Intake, Named
from portal.ingest.lines import LINE_BYTES, protect_header
from portal.mime.addresses import Mailbox, parse_list
from portal.mime.building import Attachment, Heads, letter, new_message_id
from portal.mime.errors import BadAddress, BadHeader
from portal.rules.triggers import LONGEST_TEMPLATE, MAX_NOTE_CHARACTERS
from portal.vault import templates

MAIL = "message/rfc822"
MOST_BYTES = LINE_BYTES
LONGEST_ADDRESS = 600


class Split(Enum):
    STRICT = "strict"
    ESCROW = "escrow"
    OFF = "off"


class Delivery(Enum):
    LINK = "link"
    ATTACHMENT = "attachment"


@dataclass(frozen=True)
class Protect:
    """What the sender asks for; nothing named is the usual protection. The rules can ask for more."""

    template: Annotated[str | None, Says("short name of a rights template", 1, LONGEST_TEMPLATE, SLUG)] = None
    open_until: Annotated[date | None, Says("the last day it can be read, at most 730 days ahead")] = None
    never: Annotated[bool | None, Says("true: it stays open, where its brand, template or a rule lets it")] = None
    level: Annotated[int | None, Says("least assurance, docs/assurance.md", 1, 3)] = None
    note: Annotated[str | None, Says("shown in the notice, without links", 0, MAX_NOTE_CHARACTERS)] = field(
        default=None, repr=False
    )
    receipt: Annotated[bool | None, Says("tell the sender when it is opened")] = None
    split: Annotated[Split | None, Says("half of the key only in the notice")] = None
    delivery: Annotated[Delivery | None, Says("as a link, or as a sealed file with the notice")] = None
    phrase: Annotated[str | None, Says("agreed with the recipients by another way", 1, 200)] = field(
        default=None, repr=False
    )
    hint: Annotated[str | None, Says("shown where the phrase is asked for", 0, MAX_NOTE_CHARACTERS)] = field(
        default=None, repr=False
    )
    reply: Annotated[bool | None, Says("may answer")] = None
    reply_all: Annotated[bool | None, Says("may answer to all")] = None
    forward: Annotated[bool | None, Says("may forward")] = None
    copy: Annotated[bool | None, Says("may copy text")] = None
    download: Annotated[bool | None, Says("may download files")] = None
    print: Annotated[bool | None, Says("may print")] = None
    watermark: Annotated[bool | None, Says("pages of files carry the reader’s name")] = None


_IN_THE_HEADER = {
    "open_until": "until", "receipt": "rcpt", "reply_all": "all", "forward": "fwd", "download": "dl",
    "watermark": "mark",
}  # fmt: skip
"""Names of options that the header X-Letterlock-Protect shortens; the others are the same."""


@dataclass(frozen=True)
class File:
    """An attachment."""

    name: Annotated[str, Says("", 1, 255)] = field(repr=False)
    content: Annotated[str, Says("base64 (RFC 4648 section 4), without line ends", 0, MOST_BYTES)] = field(repr=False)
    content_type: Annotated[str, Says("", 3, 201)] = "application/octet-stream"


@dataclass(frozen=True)
class Mail:
    """A mail in fields. Addresses are written `name@example.org` or `"Name" <name@example.org>`."""

    from_: Annotated[
        str, Says("the sender", 3, LONGEST_ADDRESS, example="Maya Holm <maya@example.org>", also="sender")
    ] = field(repr=False)
    to: Annotated[
        tuple[Annotated[str, Says("", 3, LONGEST_ADDRESS)], ...], Says("recipients", 1, also="recipients")
    ] = field(repr=False)
    cc: Annotated[tuple[Annotated[str, Says("", 3, LONGEST_ADDRESS)], ...], Says("likewise")] = field(
        default=(), repr=False
    )
    bcc: Annotated[tuple[Annotated[str, Says("", 3, LONGEST_ADDRESS)], ...], Says("the others do not see them")] = (
        field(default=(), repr=False)
    )
    subject: Annotated[str, Says("one line", 0, 2000)] = field(default="", repr=False)
    text: Annotated[str, Says("as plain text", 0, MOST_BYTES)] = field(default="", repr=False)
    html: Annotated[str, Says("the same as HTML", 0, MOST_BYTES)] = field(default="", repr=False)
    attachments: Annotated[tuple[File, ...], Says("", 0, 200)] = field(default=(), repr=False)
    protect: Annotated[Protect | None, Says("without it the rules decide, as for any mail")] = field(
        default=None, repr=False
    )


@dataclass(frozen=True)
class Taken:
    """The mail is durable."""

    id: Annotated[UUID, Says("its id here, from now on")]


def take(call: Call[None, Mail]) -> HttpResponse:
    """202 with the id once the mail is durable; 200 when it was before, under the same key."""
    if call.request.content_type == MAIL:
        return _take_whole(call)
    digest = Digest(json.dumps(shapes.write(call.body), sort_keys=True))
    with room_for(int(call.request.headers.get("Content-Length", 0))):
        who, pieces = compose(call.body)
        return _hand_in(call, who, pieces, digest, 0)


def compose(mail: Mail) -> tuple[Named, Iterable[bytes]]:
    """Sender, recipients and the mail. FieldRefused or NotTaken for what cannot be one."""
    sender = _mailbox(mail.from_, "from")
    _check_template(mail.protect, sender.address)
    _check_end(mail.protect, sender.address)
    to, cc, bcc = (
        tuple(_mailbox(one, f"{name}[{place}]") for place, one in enumerate(list_))
        for name, list_ in (("to", mail.to), ("cc", mail.cc), ("bcc", mail.bcc))
    )
    heads = Heads(
        from_=sender,
        to=to,
        cc=cc,
        subject=mail.subject,
        date=timezone.localtime(),
        message_id=new_message_id(settings.LETTERLOCK.public_host),
        extra=(("X-Letterlock-Protect", _header(mail.protect)),) if mail.protect is not None else (),
    )
    files = [_file(one, place) for place, one in enumerate(mail.attachments)]
    try:
        pieces = letter(heads, mail.text, mail.html, files)
    except BadAddress:
        raise AddressRefused from None
    except BadHeader:
        raise ItemRefused("A field cannot stand in a mail's header: leave out line ends and control letters.") from None
    return Named("api", sender.address, tuple(box.address for box in (*to, *cc, *bcc))), pieces


def _take_whole(call: Call[None, Mail]) -> HttpResponse:
    request = call.request
    length, most = strict.length_of(request), settings.LETTERLOCK.max_message_bytes
    if length > most:
        raise TooLarge(most)
    beside = [request.headers.get(name) for name in ("Letterlock-Sender", "Letterlock-Recipients")]
    digest, line_ends = Digest(json.dumps(beside)), LineEnds()

    def pieces() -> Iterable[bytes]:
        for chunk in strict.chunks(request, length):
            yield line_ends.feed(digest.add(chunk))
        yield line_ends.finish()

    return _hand_in(call, named(request), pieces(), digest, length)


def _hand_in(call: Call[None, Mail], who: Named, pieces: Iterable[bytes], digest: Digest, length: int) -> HttpResponse:
    """The mail is sealed as it is read: it is never in a temporary file."""
    intake = Intake(who.admitted(admit(call.token)), length, hide=HIDDEN)
    try:
        for piece in pieces:
            intake.feed(piece)
        writer = intake.finish()
    finally:
        intake.discard()
    id_, again = hand_in(writer, call.token, key_of(call.request), digest)
    return as_json(Taken(id_), 200 if again else 202)


def named(request: HttpRequest) -> Named:
    """Who sends it to whom, where the request's headers say: URLs end up in logs."""
    sender = request.headers.get("Letterlock-Sender")
    recipients = request.headers.get("Letterlock-Recipients")
    return Named(
        "api",
        None if sender is None else _address(sender),
        None if recipients is None else tuple(_address(word) for word in recipients.split(",") if word.strip()),
    )


def _address(value: str) -> str:
    """WSGI gives header bytes as Latin-1 (PEP 3333); addresses are UTF-8 (RFC 6532)."""
    try:
        text = value.encode("latin-1").decode("utf-8").strip()
    except UnicodeError:
        raise AddressRefused from None
    return text[1:-1] if text.startswith("<") and text.endswith(">") else text


def _mailbox(written: str, where: str) -> Mailbox:
    boxes = parse_list(written)
    if len(boxes) != 1:
        raise FieldRefused(where, "is not one mail address, like name@example.org or Name <name@example.org>")
    return boxes[0]


def _file(file: File, place: int) -> Attachment:
    try:
        content = b64decode(file.content.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        sentence = "must be base64 (RFC 4648 section 4) without line ends"
        raise FieldRefused(f"attachments[{place}].content", sentence) from None
    return Attachment(file.name, file.content_type, [content])


def _check_template(protect: Protect | None, sender: str) -> None:
    """Said while the program still waits: otherwise the mail would be refused by a mail to its sender."""
    if protect is None or protect.template is None:
        return
    row = templates.find(protect.template)
    if row is None or not templates.may_choose(row, sender, groups_of_one):
        known = ", ".join(row.slug for row in templates.offered(sender, groups_of_one)) or "none"
        raise FieldRefused(
            "protect.template", f"must be a rights template that this sender can use; there are: {known}"
        )


def _check_end(protect: Protect | None, sender: str) -> None:
    if protect is None or not protect.never:
        return
    if protect.open_until is not None:
        raise FieldRefused("protect.never", "must be left out where open_until names a day")
    if unending.is_hopeless(sender):
        raise FieldRefused(
            "protect.never",
            "must be left out: neither this sender’s brand, nor a rights template, nor a rule lets messages stay open; "
            "name a day in open_until",
        )


def _header(protect: Protect) -> str:
    asked = {one.name: getattr(protect, one.name) for one in fields(protect) if one.name != "never"}
    if protect.never:
        asked["open_until"] = "never"
    given = {name: shapes.write(value) for name, value in asked.items() if value is not None}
    return protect_header({_IN_THE_HEADER.get(name, name): value for name, value in given.items()})
