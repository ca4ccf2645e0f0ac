"""Where on the site a proof is asked for: at one message's link, or on the neutral page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone

from branding.choosing import origin
from branding.models import Brand
from portal.access.models import Challenge
from portal.access.requests import Request
from portal.delivery.naming import shown_name
from portal.mime.addresses import Mailbox, mask, spoken_mask
from portal.vault import readers
from portal.vault.models import Reader


@dataclass(frozen=True)
class EnvelopeShown:
    """What R1 and R3 may say of a message to someone who has proved nothing."""

    sender_name: str
    sender_address: str
    sent_at: datetime
    open_until: date | None

    def __repr__(self) -> str:
        return "EnvelopeShown(…)"


@dataclass(frozen=True, repr=False)
class Errand:
    """What an address is proved for, when not to read: another room's, with pages of its own. It signs nobody in."""

    name: str
    """As in portal.access.models.Challenge."""
    template: str
    """Of the page that takes the passcode."""
    page: Callable[[Request, str, int], HttpResponse]
    """The page to ask on, with a sentence and a status: nothing was asked for in this browser."""
    done: Callable[[Request, Challenge], HttpResponse]
    """What the proof leads to; the challenge is used up."""


@dataclass(frozen=True, repr=False)
class Place:
    """The addresses of one way in. `reader` is None on the neutral page, and on an errand."""

    brand: Brand
    reader: Reader | None
    ask_url: str
    check_url: str
    again_url: str
    back_url: str
    goal_url: str
    """Where a proof leads."""
    errand: Errand | None = None

    @property
    def errand_name(self) -> str:
        """As a challenge keeps it; "" for reading."""
        return self.errand.name if self.errand else ""

    def context(self) -> dict[str, object]:
        """What the templates of both ways share."""
        names = ("ask_url", "check_url", "again_url", "back_url")
        envelope = envelope_of(self.reader) if self.reader else None
        return {**{name: getattr(self, name) for name in names}, "envelope": envelope, "host": host(self.brand)}


def at_link(reader: Reader) -> Place:
    """At a message, by its link as it was made, however it was typed."""
    link = readers.link_of(reader)
    ask, message = reverse("ask", args=[link]), f"/m/{link}"
    return Place(reader.message.brand, reader, ask, reverse("passcode", args=[link]), ask, message, message)


def neutral(brand: Brand) -> Place:
    """The page that knows of no message."""
    find = reverse("find")
    return Place(brand, None, find, reverse("find-passcode"), reverse("find-again"), find, "/inbox/")


def settings(brand: Brand) -> Place:
    """Where someone who is signed in proves the own address anew, before a change that needs a fresh proof."""
    again, own = reverse("confirm-again"), reverse("settings")
    return Place(brand, None, again, reverse("confirm-again-passcode"), again, own, own)


def reader_at(link: str, brand: Brand) -> Reader | None:
    """The reader of a link under the brand of this host; a link of another brand leads nowhere here."""
    reader = readers.by_link(link)
    return reader if reader is not None and reader.message.brand_id == brand.pk else None


def envelope_of(reader: Reader) -> EnvelopeShown:
    """Sender and dates of a reader's message; the same whether it is open, closed or withdrawn."""
    message = reader.message
    told = readers.envelope_of(message)
    # A message that closes at the very end of a day is open until that day.
    last = timezone.localtime(message.open_until - timedelta(seconds=1)).date() if message.open_until else None
    # A name that reads like another address or a link is left out: nobody has checked it.
    name = shown_name(Mailbox(told.sender_name, told.sender_address))
    return EnvelopeShown(name, told.sender_address, told.sent_at, last)


def masked(address: str) -> dict[str, object]:
    """An address as anyone may see and hear it."""
    return {"masked": mask(address), "spoken": spoken_mask(address)}


def host(brand: Brand) -> str:
    """What the address bar shows."""
    return origin(brand).partition("://")[2]
