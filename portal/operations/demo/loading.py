"""Loads the demo organisation: brands at once, messages through the real door; a second time does nothing.

What of the design's data cannot be shown yet, and why, stands in data.json under "left out".
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from branding import choosing
from branding import departments as known
from branding.models import Brand, Department
from portal.access import administrators
from portal.audit.record import record
from portal.delivery import naming
from portal.delivery.models import Outbound
from portal.ingest import spool
from portal.ingest.models import Spooled
from portal.lifecycle import withdrawing
from portal.mime.addresses import Mailbox
from portal.operations.demo.composing import DoorAway, Enclosed, as_html, compose, enclose, hand_in
from portal.operations.demo.data import HERE, data, moment, paragraphs, person
from portal.operations.demo.documents import document
from portal.operations.errors import OperationsError
from portal.rules import draft
from portal.rules.models import Draft, Version
from portal.vault.models import Message, Reader
from portal.vault.readers import address_lookup
from portal.vault.sealing import mail_id_lookup

log = logging.getLogger("letterlock.demo")

DOOR_SECONDS = 30.0
SEALED_SECONDS = 60.0
FIRST_BRAND = "default"
"""Slug of the brand that `manage.py prepare` makes."""


class NotLoaded(OperationsError):
    """A message of the demo did not go through."""


# ------------------------------------------------------------------------------------------------------- brands


def load_brands() -> None:
    """The demo's brands. The first one takes the place of the brand that a fresh portal starts with."""
    for told in data()["brands"]:
        if not Brand.objects.filter(slug=told["slug"]).exists():
            _load_brand(told)
            _load_departments(Brand.objects.get(slug=told["slug"]), told.get("departments", ()))


def _load_brand(told: dict[str, Any]) -> None:
    values = {name: value for name, value in told.items() if name not in ("slug", "departments")}
    if not told.get("is_default"):
        Brand.objects.create(slug=told["slug"], **values)
        return
    values["host"] = settings.LETTERLOCK.public_host
    fresh = Brand.objects.filter(slug=FIRST_BRAND, is_default=True).first()
    if fresh is not None:
        for name, value in {"slug": told["slug"], **values}.items():
            setattr(fresh, name, value)
        fresh.save()
    else:
        # The default brand is somebody's own: the demo's stands beside it.
        Brand.objects.create(slug=told["slug"], **{**values, "host": f"{told['slug']}.localhost", "is_default": False})


def _load_departments(brand: Brand, departments: Sequence[dict[str, Any]]) -> None:
    for place, told in enumerate(departments):
        values = {name: value for name, value in told.items() if name != "to"}
        addresses = [person(name).address for name in told["to"]]
        Department.objects.create(brand=brand, place=place, addresses=addresses, **values)


def load_rules() -> None:
    """A draft with two rules of the organisation's own, for whoever looks at the rules; no mail is decided by it."""
    if Version.objects.exists() or Draft.objects.exists():
        return
    draft.save(
        lambda document: {
            **document,
            "types": [*document["types"], *data()["types"]],
            "rules": [*document["rules"], *data()["rules"]],
        },
        lambda document: document,
        draft.token(draft.standing().document),
        None,
    )


# ----------------------------------------------------------------------------------------------------- messages


def load_messages() -> int:
    """The demo's messages, oldest first, each once the one before is sealed. Returns how many were sent now.

    Raises:
        DoorAway, DoorRefused: the SMTP door does not answer, or does not take a mail.
        NotLoaded: a mail is held, or no worker seals it.
    """
    administrators.owner(data()["owner"])
    _wait(lambda: not Spooled.objects.filter(state=Spooled.State.RECEIVED).exists(), SEALED_SECONDS)
    now = timezone.localtime()
    sent = 0
    for told in sorted(data()["messages"], key=lambda told: moment(told["sent"], now)):
        if _message(told) is None:
            _sealed(_to_the_door(told, now))
            sent += 1
        if "reply" in told and Message.objects.filter(mail_id_lookup=mail_id_lookup(_reply_id(told))).first() is None:
            _sealed(_answer(told, now))
            sent += 1
    for told in data()["written"]:
        if _message(told) is None:
            _sealed(_written(told, now))
            sent += 1
    # A notice says until when its message is open, so it must have left before a date is moved.
    _wait(lambda: not Outbound.objects.filter(state__in=[Outbound.State.DUE, Outbound.State.SENDING]).exists(), 30.0)
    for told in data()["messages"]:
        _bring_to_state(told, now)
    return sent


def _to_the_door(told: dict[str, Any], now: datetime) -> UUID:
    sender, to = person(told["from"]), [person(name) for name in told["to"]]
    mail = compose(
        sender,
        to,
        f"[secure] {told['subject']}" if told["ask"] == "tag" else told["subject"],
        paragraphs(told["text"]),
        date=moment(told["sent"], now),
        message_id=_mail_id(told),
        html=_html(told),
    )
    if told["ask"] == "header":
        mail["X-Letterlock-Protect"] = _trigger(told, now)
    elif told["ask"] == "label":
        mail["Sensitivity"] = "Company-Confidential"
    if "answers" in told:
        answered = next(other for other in data()["messages"] if other["id"] == told["answers"])
        mail["In-Reply-To"] = _reply_id(answered)
        mail["References"] = f"{_mail_id(answered)} {_reply_id(answered)}"
    for name, size in told.get("files", ()):
        enclose(mail, Enclosed(name, *document(name, size, told["subject"])))
    deadline = time.monotonic() + DOOR_SECONDS
    while True:
        try:
            return hand_in(mail, sender.address, [box.address for box in to])
        except DoorAway:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def _answer(told: dict[str, Any], now: datetime) -> UUID:
    """What a recipient answered: written to the spool as the reply page does it, only with a date of its own."""
    message, answer = _message(told), told["reply"]
    if message is None:
        raise NotLoaded("The message to be answered in the demo is not there. Load again: manage.py demo load.")
    author, to = person(answer["by"]), person(told["from"])
    reader = message.readers.get(address_lookup=address_lookup(author.address))
    mail = compose(
        author,
        [to],
        f"Re: {told['subject']}",
        paragraphs(answer["text"]),
        date=moment(answer["sent"], now),
        message_id=_reply_id(told),
    )
    mail["In-Reply-To"] = mail["References"] = _mail_id(told)
    envelope = spool.Envelope(
        sender=author.address,
        recipients=(to.address,),
        source="reply",
        trusted=False,
        thread=message.id,
        author=reader.id,
    )
    writer = spool.SpoolWriter.begin(envelope)
    writer.write(mail.as_bytes())
    id_ = writer.commit()
    record("message.replied", message=message.id, reader=reader.id, answer=str(id_), files=0)
    return id_


def _written(told: dict[str, Any], now: datetime) -> UUID:
    """What somebody wrote to a department first: written to the spool as the page does it, with a date of its own."""
    brand, author = Brand.objects.get(slug=told["brand"]), person(told["from"])
    department = next(one for one in known.offered(brand) if one.slug == told["department"])
    mail = compose(
        author,
        [Mailbox(department.name, naming.own_address(brand))],
        told["subject"],
        paragraphs(told["text"]),
        date=moment(told["sent"], now),
        message_id=_mail_id(told),
    )
    envelope = spool.Envelope(
        sender=author.address, recipients=department.addresses, source="reply", trusted=False, approach=brand.slug
    )
    writer = spool.SpoolWriter.begin(envelope)
    writer.write(mail.as_bytes())
    id_ = writer.commit()
    record("message.written", message=id_, brand=brand.slug, department=department.slug, files=0)
    return id_


def _html(told: dict[str, Any]) -> str:
    if "html" in told:
        return (HERE / str(told["html"])).read_text(encoding="utf-8")
    rtl = told.get("direction") == "rtl"
    if told.get("remote_picture"):
        picture = '<img src="https://pictures.example/letterhead.png" width="560" height="80" alt="">'
        return as_html(told["text"], rtl=rtl, above=picture)
    return as_html(told["text"], rtl=True) if rtl else ""


def _trigger(told: dict[str, Any], now: datetime) -> str:
    wishes = {"v": "1", **told.get("rights", {})}
    if "until" in told:
        wishes["until"] = moment(told["until"], now).date().isoformat()
    if "note" in told:
        wishes["note"] = f'"{told["note"]}"'
    return "; ".join(f"{key}={value}" for key, value in wishes.items())


# ------------------------------------------------------------------------------------------------------- states


def _bring_to_state(told: dict[str, Any], now: datetime) -> None:
    """What has no feature yet, or would need weeks to pass, is done to the rows; what is so already stays."""
    message = _message(told)
    if message is None:
        return
    if told.get("state") == "withdrawn" and message.state == Message.State.OPEN:
        _withdraw(message)
    elif told.get("state") == "read":
        opened = min(moment(told["sent"], now) + timedelta(hours=3), now)
        readers = message.readers.filter(role=Reader.Role.RECIPIENT, first_opened_at=None)
        readers.update(first_opened_at=opened)
    closes = moment(told["sent"], now) + timedelta(days=message.brand.open_days)
    if message.brand.open_days and closes < now and (message.open_until is None or message.open_until > now):
        Message.objects.filter(pk=message.pk).update(open_until=closes)


def _withdraw(message: Message) -> None:
    """For good: the keyring can derive its key no more."""
    withdrawing.withdraw(message.pk, "Sent to the wrong address", now=True)


# ------------------------------------------------------------------------------------------------- finding again


def _mail_id(told: dict[str, Any]) -> str:
    return f"<demo.{told['id']}@{person(told['from']).address.partition('@')[2]}>"


def _reply_id(told: dict[str, Any]) -> str:
    return f"<demo.{told['id']}.reply@{choosing.default().host}>"


def _message(told: dict[str, Any]) -> Message | None:
    lookup = mail_id_lookup(_mail_id(told))
    return Message.objects.select_related("brand").filter(mail_id_lookup=lookup).first()


def _sealed(id_: UUID) -> None:
    """Wait until a mail has become a message."""

    def settled() -> bool:
        return Message.objects.filter(pk=id_).exists() or _state(id_) == Spooled.State.HELD

    if not _wait(settled, SEALED_SECONDS):
        raise NotLoaded("No worker seals the demo's mail. Start one: manage.py worker, and load again.")
    if _state(id_) == Spooled.State.HELD:
        raise NotLoaded(f"A mail of the demo is held. See why: manage.py trace {id_}")


def _state(id_: UUID) -> str:
    return Spooled.objects.filter(pk=id_).values_list("state", flat=True).first() or ""


def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
