"""How sure a session is of its person, and whether that is enough for a message (docs/assurance.md)."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from portal.access import grants, sessions
from portal.access.brake import BRAKE, OF_A_PHRASE
from portal.access.errors import SessionOver
from portal.access.models import Person, ProvedPhrase, Session
from portal.ids import made_at
from portal.vault import phrases
from portal.vault.errors import PhraseSpent
from portal.vault.models import Message, Reader
from portal.vault.readers import rights_of

PROVIDER, STRONGEST = 2, 3


def wanted(reader: Reader) -> int:
    """The level that a reader's message takes: what it was sealed with, or its brand's of today if that is more.

    Lowered in the database it opens no wrap; SealBroken when it is no level at all.
    """
    message = reader.message
    return rights_of(reader).at_least(message.brand.minimum_level).level


def held(session: Session, reader: Reader) -> int:
    """The level that a session has at a reader's message."""
    if _knew_phrase(session, reader):
        return STRONGEST
    base = PROVIDER if session.method == sessions.PROVIDER else 1
    if session.level < STRONGEST:
        return min(session.level, base)
    # A factor that is younger than the message may be the work of whoever got into the mailbox since.
    since = session.factor_at
    return STRONGEST if since is not None and since <= taken_at(reader.message) else base


def taken_at(message: Message) -> datetime:
    """When a message was taken in, which decides whether a factor is older: as its id says, to which its wraps are
    bound. Who writes the database can move `made_at`, and so make one old enough that was set up today."""
    return made_at(message.id) if message.id.version == 7 else message.made_at


def is_enough(session: Session | None, reader: Reader) -> bool:
    """Whether a session may read a message, its address being proved. SealBroken as in `wanted`."""
    needed = wanted(reader)
    return session is not None and (needed == 1 or held(session, reader) >= needed)


def prove_phrase(session: Session, reader: Reader, typed: str) -> str | None:
    """Level 3 at this one message for whoever knows its phrase: the session's new token; None when it is wrong.

    Raises:
        PhraseSpent: the tries are used up; nothing was compared.
        SessionOver: signed out, or the phrase replaced, in this very moment.
    """
    guessed = ("phrase", reader.id)
    if not BRAKE.take(guessed, OF_A_PHRASE):
        raise PhraseSpent
    phrase = phrases.try_phrase(reader, typed)
    if phrase is None:
        return None
    BRAKE.give_back(guessed)
    try:
        with transaction.atomic():
            token = sessions.rotate(session)
            ProvedPhrase.objects.filter(session=session, phrase=phrase).delete()
            proved = ProvedPhrase(session=session, phrase=phrase, at=timezone.now())
            grants.seal(proved)
            proved.save(force_insert=True)
    except IntegrityError:
        raise SessionOver from None
    return token


def _knew_phrase(session: Session, reader: Reader) -> bool:
    rows = ProvedPhrase.objects.select_related("phrase")
    proved = rows.filter(session=session, phrase__reader=reader).first()
    if proved is None:
        return False
    proved.session = session
    return grants.is_whole(proved)


def lower(person: Person, since: datetime | None) -> None:
    """A person's app, set up at `since`, is gone: what it had raised falls back to what proved the address alone."""
    strong = Session.objects.filter(person=person, office=False, level=STRONGEST)

    def lowered(row: Session) -> None:
        # A sign-in by a passkey that is too young for a message bears the app's age once a code opened that message.
        if row.method != sessions.PASSKEY:
            row.level = PROVIDER if row.method == sessions.PROVIDER else 1
        if row.method != sessions.PASSKEY or row.factor_at == since:
            row.factor_at = None

    with transaction.atomic():
        sessions.change(strong, lowered)
