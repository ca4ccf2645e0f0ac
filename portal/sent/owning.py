"""Whose a message is: that of its author's row, made for the envelope's sender, and never what a mail says of itself.

A message that is another's, of another brand, an answer, or unknown is one and the same here: nothing (decision 16).
Another's is seen by whom they let act for them, and by nobody whom those let act in their turn (decision 44).
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import QuerySet
from django.db.models.functions import Coalesce

from portal.access import delegates
from portal.access.models import Delegation, Person, Session
from portal.keys.errors import WrapRefused
from portal.lifecycle.actors import Actor, Who
from portal.vault import readers
from portal.vault.models import Message, Reader


def of(owner: Person, session: Session) -> QuerySet[Reader]:
    """The author's rows of this very address under the session's brand, newest first; ids begin with their time."""
    return _of([owner], session)


def author_of(session: Session, message: UUID) -> Reader | None:
    """The author's row of a message that the session's person sent, or whose sender they act for; None for others."""
    lent = [row.owner for row in delegates.of_delegate(session.person, session.brand)]
    return _whole(_of([session.person, *lent], session).filter(message=message).first())


def own_author_of(session: Session, message: UUID) -> Reader | None:
    """The same of what they sent themselves, for what no delegate may do."""
    return _whole(_of([session.person], session).filter(message=message).first())


def is_whole(author: Reader) -> bool:
    """Whether an author's row is found by their own address: whoever writes the database can put another's there."""
    try:
        readers.address_of(author)
    except WrapRefused:
        return False
    return True


def _whole(author: Reader | None) -> Reader | None:
    return author if author is not None and is_whole(author) else None


def is_own(session: Session, author: Reader) -> bool:
    """Whether the session's person sent it themselves."""
    return bytes(author.address_lookup).hex() == session.person.lookup


def lent_by(session: Session, author: Reader) -> Delegation | None:
    """By what they act for the sender of another's message; None for their own."""
    if is_own(session, author):
        return None
    lookup = bytes(author.address_lookup).hex()
    found = delegates.of_delegate(session.person, session.brand)
    return next((row for row in found if row.owner.lookup == lookup), None)


def shows_content(session: Session, author: Reader) -> bool:
    """Whether subject and names of files are for them: what was their sender's to show, or is their own."""
    if is_own(session, author):
        return True
    lent = lent_by(session, author)
    return lent is not None and not lent.by_office


def actor(session: Session, author: Reader) -> Actor:
    """Who does something to a message, by their row, for the record."""
    return Actor(Who.SENDER if is_own(session, author) else Who.DELEGATE, str(session.person_id))


def _of(owners: Iterable[Person], session: Session) -> QuerySet[Reader]:
    # The brand by an expression that no index has, as in portal.vault.readers.of_person: else SQLite, which keeps no
    # statistics, may walk through all messages of a brand to find the few of one person.
    under = Coalesce("message__brand_id", "message__brand_id")
    return (
        Reader.objects.alias(under=under)
        .filter(
            address_lookup__in=[bytes.fromhex(owner.lookup) for owner in owners],
            role=Reader.Role.AUTHOR,
            under=session.brand_id,
            message__direction=Message.Direction.OUT,
        )
        .select_related("message__brand")
        .order_by("-message")
    )
