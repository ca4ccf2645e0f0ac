"""A new phrase for a message that asks for one: when the old one was forgotten, told to the wrong person, or spent."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from portal.audit.record import record
from portal.lifecycle.errors import NoPhraseAsked
from portal.lifecycle.rows import locked, locked_reader
from portal.vault.agreed import agree
from portal.vault.models import Message, Reader
from portal.vault.phrases import replace_phrase
from portal.vault.rights import Rights


def set_phrase(message: UUID, phrase: str, *, address: str = "", hint: str = "") -> int:
    """Agree on another phrase with all readers of a message, or with the one of an address; how many those are.

    Each has new tries. What was open by the old phrase asks for the new one at the next request.

    Raises:
        PhraseRefused: too short or too long; nothing has changed.
        UnknownMessage, AlreadyDestroyed, NoPhraseAsked.
    """
    agreed = agree(phrase, hint)  # before anything is locked: it takes a good part of a second
    with transaction.atomic():
        row = locked(message)
        if Rights.decode(bytes(row.rights)).at_least(row.brand.minimum_level).level == 1:
            raise NoPhraseAsked
        readers = [locked_reader(message, address)] if address else _open_readers(row)
        for reader in readers:
            replace_phrase(reader, agreed)
            record("message.phrase_set", message=message, reader=reader.id)
    return len(readers)


def _open_readers(message: Message) -> list[Reader]:
    return list(message.readers.filter(destroying_at=None).order_by("number"))
