"""A brand, a relay or an outbox, and mail that waits to be sent."""

from __future__ import annotations

import email.policy
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from branding.models import Brand
from portal.delivery import letters
from portal.delivery.letters import Prepared
from portal.delivery.models import Outbound
from portal.delivery.queue import address_of, enqueue
from portal.delivery.sending import send_due
from portal.mime.addresses import Mailbox
from portal.vault import readers, sealing
from portal.vault.models import Message, Reader
from portal.vault.readers import Envelope
from portal.vault.rights import Rights
from portal.vault.toc import Body, File, Toc
from tests.delivery import relays

MAYA = Mailbox("Dr Maya Lindqvist", "maya.lindqvist@aldervalley.example")
JONAS = Mailbox("Jonas Berg", "jonas.berg@mail.example")
KARIN = Mailbox("", "karin.berg@post.example")
PLAIN = b"Subject: hello\r\n\r\nbody\r\n"


@pytest.fixture
def configure(settings: Any) -> Callable[..., None]:
    """Change Letterlock's settings for one test."""

    def change(**changes: Any) -> None:
        settings.LETTERLOCK = replace(django_settings.LETTERLOCK, **changes)

    return change


@pytest.fixture
def relay(configure: Callable[..., None]) -> Iterator[relays.Relay]:
    """A relay that the settings name."""
    with relays.running() as running:
        configure(relay_url=running.url)
        yield running


@pytest.fixture
def outbox(configure: Callable[..., None], tmp_path: Path) -> Path:
    """The outbox that the settings name."""
    configure(relay_url="", data=tmp_path)
    return tmp_path / "outbox"


@pytest.fixture
def brand(db: None) -> Brand:
    return Brand.objects.create(
        slug="alder",
        name="Alder Valley Clinic",
        host="secure.aldervalley.example",
        domains=["aldervalley.example"],
        postal_address="Alder Street 4, 123 45 Alder Valley",
        is_default=True,
    )


@pytest.fixture
def relayed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outbound]:
    """Ask for relayed mail whose bytes are known, as the room that owns the spool would."""
    monkeypatch.setitem(
        letters._builders, "relay", lambda row: Prepared.whole("maya@aldervalley.example", address_of(row), PLAIN)
    )

    def ask(address: str = "jonas.berg@mail.example", **more: Any) -> Outbound:
        return enqueue("relay", address=address, **more)

    return ask


@dataclass
class Written:
    """What a sender wrote, for a message in the vault."""

    sender: Mailbox = MAYA
    to: tuple[Mailbox, ...] = (JONAS, KARIN)
    subject: str = "canary-subject"
    text: str = "canary-body"
    message_id: str = "<first@aldervalley.example>"
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    note: str = ""
    files: tuple[tuple[str, str, bytes], ...] = (("canary-file.pdf", "application/pdf", b"canary-attachment"),)
    direction: str = Message.Direction.OUT
    delivery: str = Message.Delivery.LINK
    thread: UUID | None = None
    open_days: int | None = 30
    split: str = ""


@pytest.fixture
def seal(brand: Brand, configure: Callable[..., None], tmp_path: Path) -> Callable[..., Message]:
    """Seal a message in the vault, as the pipeline does."""
    configure(data=tmp_path, inside_domains=("aldervalley.example",))

    def sealed(**changes: Any) -> Message:
        written, id_, now = replace(Written(), **changes), uuid4(), timezone.now()
        sent_at = datetime(2026, 11, 17, 14, 48, tzinfo=UTC)
        streams = {f"part/{n}": data for n, (_, _, data) in enumerate(written.files, 1)} | {
            "original": b"canary-original"
        }
        toc = Toc(
            subject=written.subject,
            sender=written.sender,
            to=written.to,
            cc=(),
            sent_at=sent_at,
            message_id=written.message_id,
            in_reply_to=written.in_reply_to,
            references=written.references,
            text=Body(here=written.text, size=len(written.text.encode())),
            html=Body(),
            files=tuple(
                File(n, name, type_, len(data), f"part/{n}", hashlib.sha256(data).digest())
                for n, (name, type_, data) in enumerate(written.files, 1)
            ),
            original_size=15,
        )
        draft = sealing.Draft(
            id=id_,
            brand=brand,
            direction=written.direction,
            thread=written.thread or id_,
            open_until=None if written.open_days is None else sealing.last_moment(now, written.open_days),
            rights=Rights(),
            envelope=Envelope(
                written.sender.name,
                written.sender.address,
                sent_at,
                written.message_id,
                written.references,
                written.subject if brand.show_subject else "",
                written.note,
            ),
            toc=toc,
            streams=streams,
            delivery=written.delivery,
            split=written.split,
            readers=[(box.address, Reader.Role.RECIPIENT) for box in written.to],
        )
        streams_ = sealing.seal_streams(draft)
        message = sealing.commit(draft, streams_)
        # What opens a split one, by its reader's row: no row has it.
        vars(message)["shares"] = {one.pk: streams_.share_of(one) for one in message.readers.all()}
        return message

    return sealed


@pytest.fixture
def mail_to(relay: relays.Relay) -> Callable[..., EmailMessage]:
    """Send what a message has to say to its first reader, and give the mail as the relay took it."""

    def sent(message: Message, kind: str = "notice") -> EmailMessage:
        reader = message.readers.select_related("message__brand").get(number=0)
        enqueue(kind, address=readers.address_of(reader), message=message.id, reader=reader)
        before = len(relay.taken)
        send_due([kind])
        (taken,) = relay.taken[before:]
        read = email.message_from_bytes(taken.data, policy=email.policy.default)
        assert isinstance(read, EmailMessage)
        return read

    return sent
