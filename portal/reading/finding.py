"""Searching one's list: what tokens find, and what has none by opening it; never by a subject that is not shown."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from branding.models import Brand
from portal.access import levels
from portal.access.models import Session
from portal.keys.errors import KeysError
from portal.reading.conversations import is_open
from portal.vault import readers, searching
from portal.vault.errors import VaultError
from portal.vault.models import Reader
from portal.vault.opening import key_for, open_message
from portal.vault.searching import SENDER, SUBJECT

MOST_FOUND = 100
"""Messages that are looked at of those that the tokens find, newest first."""
MOST_OPENED = 50
"""Messages without tokens that are opened, newest first."""


def threads(
    mine: QuerySet[Reader], person: bytes, brand: Brand, session: Session, query: str, now: datetime
) -> set[UUID]:
    """The conversations of a person's readers `mine` in whose senders and subjects all words of a query begin."""
    terms = searching.terms_of(query)
    if not terms:
        return set()
    # A hit must tell no word of a subject to a session that would not see it: then the sender alone has to fit.
    by_sender = set(searching.matching(mine, person, brand, terms, SENDER).values_list("pk", flat=True)[:MOST_FOUND])
    found = searching.matching(mine, person, brand, terms, SENDER, SUBJECT).defer("message__container")
    hits = {
        reader.message.thread
        for reader in found[:MOST_FOUND]
        if reader.pk in by_sender or _shows_subject(reader, session, now)
    }
    for reader in mine.filter(is_open(now), indexed=False)[:MOST_OPENED]:
        if searching.fits(terms, readers.envelope_of(reader.message), _subject(reader, session, now)):
            hits.add(reader.message.thread)
    return hits


def _shows_subject(reader: Reader, session: Session, now: datetime) -> bool:
    try:
        if readers.is_closed_to(reader, now) or not levels.is_enough(session, reader):
            return False
        key_for(reader)  # an older copy of the database may have tokens of what has no key any more
    except (KeysError, VaultError):
        return False
    return True


def _subject(reader: Reader, session: Session, now: datetime) -> str:
    """The subject as the list shows it; empty where it does not."""
    try:
        return open_message(reader).toc.subject if _shows_subject(reader, session, now) else ""
    except (KeysError, VaultError):
        return ""
