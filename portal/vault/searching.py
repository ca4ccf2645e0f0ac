"""Search without plaintext at rest: keyed tokens of the words in sender and subject, each person's own.

Equal words show equal tokens only among one person's messages of one brand. They go when the message's keys go. What
they tell whoever steals the database is in docs/threat-model.md.

A token begins with its person's place, so that those of one message lie together in the table: else each of its thirty
tokens is a page of its own that is read, changed and written.
"""

from __future__ import annotations

import hmac
import re
import secrets
import unicodedata
from collections.abc import Iterable, Sequence

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet

from branding.models import Brand
from portal.keys.service import keys
from portal.vault.models import Message, Reader, SearchToken
from portal.vault.readers import Envelope

SENDER, SUBJECT = "sender", "subject"
MOST_TOKENS = {SENDER: 24, SUBJECT: 40}
MOST_READERS = 64
"""A message to more is found by opening it: for all of them its tokens would be a write of its own weight."""
MOST_TERMS, MOST_CHARACTERS = 6, 100
"""Of what is searched for."""
MOST_TEXT = 1000
"""Characters of a subject that are looked at: no more fit into its tokens, and a hostile one may have very many."""
SHORTEST, LONGEST = 3, 8
"""Letters of a word's beginning that it is found by; a shorter word is found whole, of a longer one this many count."""
TOKEN_BYTES, PLACE_BYTES = 8, 3
"""With five bytes left to a word, one of a million searches of a large mailbox finds a message too many."""
_STEP = 8
"""Numbers of tokens are multiples of it, so that they tell less of how many words there are."""
_WORD = re.compile(r"[^\W_]+")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")
"""Han characters and kana, which are written without spaces: found by one character or by each two that meet."""


def words_of(text: str) -> list[str]:
    """The words of a text, as they are compared: without case, accents and vowel signs, each once."""
    text = text[:MOST_TEXT]
    if text.isascii():  # of what follows nothing but small letters would come
        return list(dict.fromkeys(_WORD.findall(text.lower())))
    text = unicodedata.normalize("NFKD", text)
    folded = unicodedata.normalize("NFKD", text.casefold()).replace("ı", "i")
    plain = "".join(letter for letter in folded if not unicodedata.category(letter).startswith("M"))
    found: list[str] = []
    for word in _WORD.findall(plain):
        found += [run for run in _UNSPACED.split(word) if run]
        found += _UNSPACED.findall(word)
    return list(dict.fromkeys(found))


def pieces_of(text: str, *, only_whole: str = "") -> list[str]:
    """What the words of a text are found by, the most telling first; of the words in `only_whole` no beginnings."""
    words = words_of(text)
    whole = [piece for word in [*words, *words_of(only_whole)] for piece in _looked_for(word)]
    parts = [part for word in words for part in _parts(word)]
    return list(dict.fromkeys(whole + parts))


def terms_of(query: str) -> list[str]:
    """The pieces that all have to be there, of what a person typed; none when there is no word in it."""
    words = words_of(query[:MOST_CHARACTERS])
    return list(dict.fromkeys(piece for word in words for piece in _looked_for(word)))[:MOST_TERMS]


def fits(terms: Sequence[str], envelope: Envelope, subject: str) -> bool:
    """Whether a message that has no tokens is one that is looked for. An empty subject for one that is not shown."""
    there = {*_of_sender(envelope), *pieces_of(subject)}
    return all(term in there for term in terms)


def matching(
    mine: QuerySet[Reader], person: bytes, brand: Brand, terms: Sequence[str], *kinds: str
) -> QuerySet[Reader]:
    """Of a person's readers those with all terms in the `kinds`; found by their tokens, whatever else is stored."""
    secret = _secret(person, brand)
    place = _place(secret)
    for term in terms:
        wanted = [form for kind in kinds for form in (_token(secret, place, kind, term), _older(secret, kind, term))]
        mine = mine.filter(pk__in=SearchToken.objects.filter(token__in=wanted).values("reader"))
    return mine


def is_indexed(message: Message, reader: Reader, readers: int) -> bool:
    """Whether a reader of a message that is just being made gets tokens."""
    # Who writes inside the organisation has a mail program to search in; here they are found by opening.
    inside = reader.role == Reader.Role.AUTHOR and message.direction == Message.Direction.OUT
    return settings.LETTERLOCK.search_index and readers <= MOST_READERS and not inside


def add_tokens(fresh: Iterable[tuple[Message, Reader, Envelope, str]]) -> None:
    """Write the tokens of readers that were just made, with their message, its envelope and its subject."""
    as_stored = Reader._meta.pk.get_db_prep_value
    rows = [
        (token, stored)
        for message, reader, envelope, subject in fresh
        if reader.indexed
        for stored in (as_stored(reader.pk, connection),)
        for token in _tokens(message, reader, envelope, subject)
    ]
    if rows:
        with connection.cursor() as cursor:
            # Past the models, which took five times as long for the thirty rows of a message: 0.48 ms and 0.09.
            cursor.executemany("INSERT INTO vault_searchtoken (token, reader_id) VALUES (%s, %s)", rows)


def tokens_of(message: Message) -> QuerySet[SearchToken]:
    """All tokens of one message."""
    return SearchToken.objects.filter(reader__in=message.readers.values("pk"))


def _tokens(message: Message, reader: Reader, envelope: Envelope, subject: str) -> set[bytes]:
    found = {SENDER: _of_sender(envelope)}
    # A subject that its reader's list does not show either, for it needs a share or is not kept here: no trace of it
    # may open with what is stored.
    if not message.split and message.delivery == Message.Delivery.LINK:
        found[SUBJECT] = pieces_of(subject)
    secret = _secret(bytes(reader.address_lookup), message.brand)
    place = _place(secret)
    made = {
        _token(secret, place, kind, piece) for kind, pieces in found.items() for piece in pieces[: MOST_TOKENS[kind]]
    }
    while len(made) % _STEP:
        made.add(place + secrets.token_bytes(TOKEN_BYTES - PLACE_BYTES))
    return made


def _of_sender(envelope: Envelope) -> list[str]:
    # A domain is shared by all colleagues and says little; whole, it lets a pasted address be found.
    local, _, domain = envelope.sender_address.rpartition("@")
    return pieces_of(f"{envelope.sender_name} {local}", only_whole=domain)


def _looked_for(word: str) -> list[str]:
    """The pieces by which a whole word is looked for."""
    if _UNSPACED.match(word):
        return [word[at : at + 2] for at in range(max(1, len(word) - 1))]
    return [word[:LONGEST]]


def _parts(word: str) -> list[str]:
    """Its beginnings besides, or its single characters."""
    return list(word) if _UNSPACED.match(word) else [word[:end] for end in range(SHORTEST, min(len(word), LONGEST))]


def _secret(person: bytes, brand: Brand) -> bytes:
    """What one person's tokens are made with."""
    return keys().lookup("search", f"{brand.pk}\0{person.hex()}")


def _place(secret: bytes) -> bytes:
    """How all tokens of a person begin. It tells no more than their readers' rows, which all bear the same look-up."""
    return hmac.digest(secret, b"place", "sha256")[:PLACE_BYTES]


def _token(secret: bytes, place: bytes, kind: str, piece: str) -> bytes:
    return place + _older(secret, kind, piece)[: TOKEN_BYTES - PLACE_BYTES]


def _older(secret: bytes, kind: str, piece: str) -> bytes:
    """The token as versions wrote it that had no places; what they sealed is found by it for as long as it lives."""
    return hmac.digest(secret, f"{kind}\0{piece}".encode(), "sha256")[:TOKEN_BYTES]
