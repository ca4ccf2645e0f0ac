"""A request as the views of the rooms above the middleware see it."""

from __future__ import annotations

from django.http import HttpRequest

from branding.models import Brand
from portal.access.models import Person, Session


class Request(HttpRequest):
    """What branding.middleware.BrandOfHost and portal.access.middleware.SignedInPerson put on every request."""

    brand: Brand
    person: Person | None
    """Who has proved their address in this browser."""
    session_row: Session | None
    session_address: str
    """Their own address, or ""."""
    office_person: Person | None
    """The administrator signed in here, whatever their role. That proves no mailbox, so it opens no message."""
    office_row: Session | None
    sender_row: Session | None
    """Of someone who has proved an address here to see what they sent. It opens no message, and whether the address is
    inside the organisation now, portal.access.senders.session_of says."""
    sender_ended: str
    """As `session_ended`, of a sender."""
    network: str
    """The /24 or /64 that it came from, put there by portal.operations.middleware.Requests."""
    half_row: Session | None
    """An administrator's session after the password alone: it opens nothing but the page that asks for the rest."""
    session_ended: str
    """What to say to a browser that was signed in until its session was over; "" to all others."""
