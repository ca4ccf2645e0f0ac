"""The phrases agreed with readers: kept, replaced, and compared a few times at most."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import cbor2
from django.db import transaction
from django.db.models import F

from portal.keys.service import keys
from portal.vault.agreed import Agreed
from portal.vault.errors import PhraseSpent
from portal.vault.models import Message, Phrase, Reader

TRIES = 5
"""Wrong ones a reader, over all browsers and for as long as the message is open. Only a new phrase gives new tries."""
_LABEL = "phrase"


def keep_phrases(agreed: Iterable[tuple[Reader, Agreed]]) -> None:
    """Keep phrases of readers that have none, in the caller's transaction."""
    rows = [Phrase(reader=reader, sealed=_sealed(reader, one)) for reader, one in agreed]
    if rows:  # most messages have none, and an empty list would cost a savepoint
        Phrase.objects.bulk_create(rows)


def replace_phrase(reader: Reader, agreed: Agreed) -> None:
    """A new phrase, with new tries; the old one proves nothing more."""
    with transaction.atomic():
        # A new row, never the old one changed: what was proved with that falls with it.
        Phrase.objects.filter(reader=reader).delete()
        Phrase.objects.create(reader=reader, sealed=_sealed(reader, agreed))


def agreed_with(reader: Reader) -> Agreed | None:
    """What is kept of a reader's phrase; None when there is none."""
    row = Phrase.objects.filter(reader=reader).first()
    return _opened(row) if row is not None else None


def agreed_at(message: Message) -> Mapping[bytes, Agreed]:
    """The same for all readers of a message that have one, by the look-ups of their addresses."""
    rows = Phrase.objects.filter(reader__message=message).select_related("reader")
    return {bytes(row.reader.address_lookup): _opened(row) for row in rows}


def try_phrase(reader: Reader, typed: str) -> Phrase | None:
    """The reader's phrase when it is what was typed, else None. A wrong one costs a try.

    Raises PhraseSpent: no try was left, or there is no phrase; nothing was compared.
    """
    row = Phrase.objects.filter(reader=reader).first()
    if row is None:
        raise PhraseSpent
    same = Phrase.objects.filter(pk=row.pk)
    # Counted before compared, by a condition in the database: a guess that is not counted is never compared.
    if not same.filter(tries__lt=TRIES).update(tries=F("tries") + 1):
        raise PhraseSpent
    if not _opened(row).is_it(typed):
        return None
    # Its own try is given back and no other: who knows the phrase may read every day, and refills nobody's guesses.
    same.filter(tries__gt=0).update(tries=F("tries") - 1)
    return row


def tries_left(reader: Reader) -> int:
    """How many wrong tries a reader's phrase still allows; 0 when there is none."""
    spent = Phrase.objects.filter(reader=reader).values_list("tries", flat=True).first()
    return max(0, TRIES - spent) if spent is not None else 0


def _sealed(reader: Reader, agreed: Agreed) -> bytes:
    return keys().seal_field(_LABEL, reader.id, cbor2.dumps([agreed.salt, agreed.hash, agreed.hint]))


def _opened(row: Phrase) -> Agreed:
    return Agreed(*cbor2.loads(keys().open_field(_LABEL, row.reader_id, bytes(row.sealed))))
