"""Whose a message is: that of its author's row, made for the envelope's sender, and never what a mail says of itself.

A message that is another's, of another brand, an answer, or unknown is one and the same here: nothing (decision 16).
"""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from django.db.models.functions import Coalesce

from portal.access.models import Session
from portal.lifecycle.actors import Actor, Who
from portal.vault.models import Message, Reader


def mine(session: Session) -> QuerySet[Reader]:
    """The author's rows of this very address under this brand, newest first; ids begin with their time."""
    # The brand by an expression that no index has, as in portal.vault.readers.of_person: else SQLite, which keeps no
    # statistics, may walk through all messages of a brand to find the few of one person.
    under = Coalesce("message__brand_id", "message__brand_id")
    return (
        Reader.objects.alias(under=under)
        .filter(
            address_lookup=bytes.fromhex(session.person.lookup),
            role=Reader.Role.AUTHOR,
            under=session.brand_id,
            message__direction=Message.Direction.OUT,
        )
        .select_related("message__brand")
        .order_by("-message")
    )


def author_of(session: Session, message: UUID) -> Reader | None:
    """The sender's own row of a message; None where it is not theirs."""
    return mine(session).filter(message=message).first()


def actor(session: Session) -> Actor:
    """The sender, by their row, for the record."""
    return Actor(Who.SENDER, str(session.person_id))
