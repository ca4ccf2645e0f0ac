"""An agreed phrase as people say it and as it is kept: normalised, then hashed with Argon2id."""

from __future__ import annotations

import hmac
import secrets
import threading
import unicodedata
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from portal.vault.errors import PhraseRefused

SHORTEST, LONGEST, LONGEST_HINT = 6, 200, 140
"""Characters. Six are enough against five guesses, unless the phrase is what anyone would guess."""
MEMORY_KIB, PASSES, LANES = 64 * 1024, 3, 1
"""RFC 9106 section 4, the second choice, but one lane: the cores are for other readers. It takes 0.4 s on a busy core
of the test machine: a page answers soon, and whoever stole hash and keyring pays as much for each guess."""
_SALT_BYTES, _HASH_BYTES = 16, 32
_one = threading.Lock()
"""64 MiB at a time in a process: else a hundred guesses at once would take 6 GiB."""


@dataclass(frozen=True)
class Agreed:
    """A phrase as it is kept, and the sender's hint, which is shown to whoever has proved the address."""

    salt: bytes = field(repr=False)
    hash: bytes = field(repr=False)
    hint: str = field(default="", repr=False)

    def is_it(self, typed: str) -> bool:
        """Whether this is the phrase, in a time that does not depend on where it differs."""
        return hmac.compare_digest(_hashed(typed[:LONGEST], self.salt), self.hash)


def agree(phrase: str, hint: str = "") -> Agreed:
    """Hash a new phrase. Raises PhraseRefused when it or its hint is too short or too long."""
    check(phrase)
    hint = " ".join(hint.split())
    if len(hint) > LONGEST_HINT:
        raise PhraseRefused("The hint may have 140 characters.")
    salt = secrets.token_bytes(_SALT_BYTES)
    return Agreed(salt, _hashed(phrase, salt), hint)


def check(phrase: str) -> None:
    """Raises PhraseRefused when a phrase is too short or too long to be agreed."""
    if len(phrase) > LONGEST:
        raise PhraseRefused("The phrase may have 200 characters.")
    if len(normalised(phrase)) < SHORTEST:
        raise PhraseRefused("The phrase must have at least 6 characters.")


def normalised(phrase: str) -> str:
    """As phrases are compared: the same on the telephone is the same here, whatever its case, width or spaces."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", phrase).casefold())
    return " ".join(folded.split())


def _hashed(phrase: str, salt: bytes) -> bytes:
    with _one:
        kdf = Argon2id(salt=salt, length=_HASH_BYTES, iterations=PASSES, lanes=LANES, memory_cost=MEMORY_KIB)
        return kdf.derive(normalised(phrase).encode("utf-8", "surrogatepass"))
