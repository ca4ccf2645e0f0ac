"""Making a mail that a program handed in durable, once however often it is sent under the same key."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils import timezone

from portal.api.errors import OtherMail
from portal.api.models import HandedIn, Token
from portal.audit.record import record
from portal.celery import PROCESS, ring
from portal.ingest.bulk import MOST_KEY_CHARACTERS
from portal.ingest.bulk_errors import KeyRefused, RunBusy
from portal.ingest.errors import IngestError, SpoolUnavailable
from portal.ingest.spool import SpoolWriter, commit_all
from portal.keys.service import keys
from portal.lifecycle.actors import Actor, Who

KEPT = timedelta(days=30)
"""So long a key is known again, and a token of one brand sees what it handed in and is not sealed yet."""


class KeyBusy(RunBusy):
    """Two requests with the same key in the same moment."""

    title = "The mail is being handed in by another request"

    def __init__(self) -> None:
        IngestError.__init__(self, "Another request hands in a mail under this key just now: send it again.")


def key_of(request: HttpRequest) -> str:
    """The Idempotency-Key, with or without the quotation marks that a structured field has (RFC 9651); "" for none."""
    value = request.headers.get("Idempotency-Key", "").strip()
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value


class Digest:
    """Of everything that makes two requests the same mail."""

    def __init__(self, *beside: str) -> None:
        self._hash = hashlib.sha256()
        for text in beside:
            encoded = text.encode("utf-8", "surrogatepass")
            self._hash.update(len(encoded).to_bytes(8, "big") + encoded)

    def add(self, chunk: bytes) -> bytes:
        """The chunk itself."""
        self._hash.update(chunk)
        return chunk

    def keyed(self, lookup: bytes) -> bytes:
        # Keyed: a bare hash would let whoever has the database try what a short mail may have said.
        return keys().lookup("api-mail", f"{lookup.hex()}:{self._hash.hexdigest()}")


def hand_in(writer: SpoolWriter, token: Token, key: str, digest: Digest) -> tuple[UUID, bool]:
    """Its id, and whether it was taken before. Ends the writer.

    Raises:
        OtherMail: the key came with another mail. KeyRefused, KeyBusy, SpoolUnavailable: nothing is kept.
    """
    try:
        lookup = _lookup(token, key) if key else None
        keyed = digest.keyed(lookup) if lookup else b""
        if known := _known(lookup, keyed):
            return known, True
        try:
            return _commit(writer, token, lookup, keyed), False
        except KeyBusy:  # another request with this key was quicker, and has committed by now as a rule
            if known := _known(lookup, keyed):
                return known, True
            raise
    finally:
        writer.discard()  # which does nothing once it is committed


def _known(lookup: bytes | None, keyed: bytes) -> UUID | None:
    """The mail that came under this key before. OtherMail when it was another."""
    row = HandedIn.objects.filter(key_lookup=lookup).first() if lookup else None
    if row is not None and not secrets.compare_digest(bytes(row.digest), keyed):
        raise OtherMail
    return row.message if row else None


def by(token: Token) -> Actor:
    """A program, as the record names it."""
    return Actor(Who.PROGRAM, str(token.pk))


def tidy(now: datetime) -> int:
    """Forget those of a month ago. Returns how many."""
    return HandedIn.objects.filter(made_at__lt=now - KEPT).delete()[0]


def _commit(writer: SpoolWriter, token: Token, lookup: bytes | None, keyed: bytes) -> UUID:
    def beside(good: Sequence[SpoolWriter]) -> None:
        try:
            with transaction.atomic():
                HandedIn.objects.create(
                    message=writer.id, token=token, key_lookup=lookup, digest=keyed, made_at=timezone.now()
                )
        except IntegrityError:
            raise KeyBusy from None
        record("message.handed_in", message=writer.id, **by(token).facts())

    (outcome,) = commit_all([writer], beside=beside)
    if isinstance(outcome, SpoolUnavailable):
        raise outcome
    ring(PROCESS)
    return outcome


def _lookup(token: Token, key: str) -> bytes:
    if len(key) > MOST_KEY_CHARACTERS or not key.isascii() or not key.isprintable():
        raise KeyRefused(MOST_KEY_CHARACTERS)
    return keys().lookup("api-key", f"{token.owner}\0{key}")
