"""The demo's send form: a mail as the organisation's mail server would hand it over, given to the real door."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import cast
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.mime.addresses import Mailbox, normalise
from portal.mime.building import new_message_id
from portal.mime.errors import BadAddress
from portal.mime.names import safe_file_name
from portal.operations.demo.composing import DoorAway, DoorRefused, Enclosed, compose, enclose, hand_in
from portal.operations.demo.data import data, paragraphs, person
from portal.writing.uploads import SealedUpload

MOST_RECIPIENTS = 10
MOST_CHARACTERS = 100_000


class NotSent(Exception):
    """The mail was not taken; the text says why, `field` where to say it."""

    def __init__(self, place: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = place


@dataclass(frozen=True, repr=False)
class Form:
    """What the form holds."""

    sender: str
    to: str
    subject: str
    text: str
    files: Sequence[SealedUpload] = field(default=())


def senders() -> list[tuple[str, str]]:
    """Short name, and “Name <address>”, of everyone the form can send from."""
    boxes = ((name, person(name)) for name in data()["senders"])
    return [(name, f"{box.name} <{box.address}>") for name, box in boxes]


def prefilled() -> Form:
    """The form as one finds it: press Send, and something happens."""
    told = data()["form"]
    return Form(told["from"], told["to"], told["subject"], paragraphs(told["text"]))


def read_form(request: HttpRequest) -> tuple[Form, dict[str, str]]:
    """The form as posted, and what stands against sending it: a sentence for each field."""
    posted = request.POST
    files = [file for file in cast(Iterable[SealedUpload], request.FILES.getlist("files")) if file.name]
    form = Form(
        sender=posted.get("from", ""),
        to=posted.get("to", "").strip(),
        subject=" ".join(posted.get("subject", "").split()),
        text=posted.get("text", "").replace("\r\n", "\n"),
        files=files,
    )
    faults = {}
    if form.sender not in data()["senders"]:
        faults["from"] = _("Choose one of the senders.")
    try:
        count = len(_addresses(form.to))
    except BadAddress:
        count = 0
    if not 1 <= count <= MOST_RECIPIENTS:
        faults["to"] = _("Write one to ten addresses, like jonas.berg@mail.example, with a comma between them.")
    if len(form.subject) > 250 or len(form.text) > MOST_CHARACTERS:
        faults["text"] = _("The message is too long for the demo. Use a mail program and the SMTP door.")
    if any(file.refused for file in files):
        faults["files"] = _("The file is too large for this form. Use a mail program and the SMTP door.")
    return form, faults


def send(form: Form) -> UUID:
    """Hand the mail to the SMTP door; returns its id. Raises NotSent."""
    sender, recipients = person(form.sender), _addresses(form.to)
    try:
        mail = compose(
            sender,
            [Mailbox("", address) for address in recipients],
            form.subject,
            form.text,
            date=timezone.localtime(),
            message_id=new_message_id(sender.address.partition("@")[2]),
        )
        for file in form.files:
            kind = file.content_type or "application/octet-stream"
            enclose(mail, Enclosed(safe_file_name(file.name or "", kind), kind, b"".join(file.chunks())))
    except ValueError:
        raise NotSent(
            "to", _("An address is not one that mail can reach. Write it like jonas.berg@mail.example.")
        ) from None
    try:
        return hand_in(mail, sender.address, recipients)
    except DoorAway as error:
        raise NotSent("form", str(error)) from None
    except DoorRefused as error:
        raise NotSent("form", _("The door did not take it: %(answer)s") % {"answer": error.answer}) from None


def _addresses(text: str) -> list[str]:
    return [normalise(part) for part in text.replace(";", ",").split(",") if part.strip()]
