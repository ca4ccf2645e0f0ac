"""What binds the rows by which people sign in: a secret of its own, which rows it was once put on, and what it ended.

A seal is 48 bytes, salt 16 ‖ HMAC-SHA256(secret, bound("letterlock/v1/grant", kind, salt, claims …)). The object:

    "LLG1" | u8 number of kinds, each u8 length and name | u8 1 or 2, as many secrets of 32, newest first | salts of 16

Beside it, in clear, is the list of rows that processes without keys believe (portal.keys.posting).
The kinds are those whose rows of before were sealed, once, and a mark while the secret is renewed; the salts are those
of seals that count no more, sorted, and among them the first 16 bytes of digests of recovery codes that were used.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Self

from portal.keys.binding import bound
from portal.keys.errors import KeyringDamaged, NoSuchKey, VersionConflict
from portal.keys.keyring import Keyring
from portal.keys.posting import SALT_SIZE as _SALT
from portal.keys.posting import decode as list_of
from portal.keys.posting import encode as listed

OBJECT = "grants"
_MAGIC, _LABEL = b"LLG1", "letterlock/v1/grant"
_SECRET, _MOST_SECRETS = 32, 2
SEAL_SIZE = _SALT + 32
_ATTEMPTS = 100
_TURNED = "(new secret first)"
"""Among the kinds while two secrets count and the new one seals; which of two is new shows in nothing else."""


class Standing(StrEnum):
    """How a row stands to its seal; only what is whole grants."""

    WHOLE = "whole"
    UNSEALED = "unsealed"
    CHANGED = "changed"
    ENDED = "ended"
    """It was good once, and was taken back."""


@dataclass(frozen=True)
class Grants:
    """The opened object; its repr shows no secret."""

    secrets: tuple[bytes, ...] = field(repr=False)
    kinds: frozenset[str] = frozenset()
    ended: frozenset[bytes] = field(default=frozenset(), repr=False)

    @classmethod
    def fresh(cls) -> Self:
        return cls((os.urandom(_SECRET),))

    def seal(self, kind: str, claims: Sequence[bytes]) -> bytes:
        """A new seal over what a row of a kind claims; no two are alike, so that one can end and the next count."""
        salt = os.urandom(_SALT)
        return salt + _mac(self.secrets[0], kind, salt, claims)

    def standing(self, kind: str, claims: Sequence[bytes], seal: bytes) -> Standing:
        """How a row stands to its seal; compared in constant time."""
        if not seal:
            return Standing.UNSEALED
        salt, told = seal[:_SALT], seal[_SALT:]
        if not any(hmac.compare_digest(told, _mac(secret, kind, salt, claims)) for secret in self.secrets):
            return Standing.CHANGED
        return Standing.ENDED if salt in self.ended else Standing.WHOLE

    def is_newest(self, kind: str, claims: Sequence[bytes], seal: bytes) -> bool:
        """Whether a seal is under the newest secret."""
        return hmac.compare_digest(seal[_SALT:], _mac(self.secrets[0], kind, seal[:_SALT], claims))

    @property
    def is_renewing(self) -> bool:
        """Whether two secrets count: the one that seals first, then the other."""
        return len(self.secrets) == _MOST_SECRETS

    def with_another(self) -> Self:
        """With a new secret beside the one that seals, which it does not yet: first every host has to know it."""
        return self if self.is_renewing else replace(self, secrets=(*self.secrets, os.urandom(_SECRET)))

    def with_new_first(self) -> Self:
        """With the new secret sealing, and the old one still good."""
        if not self.is_renewing or _TURNED in self.kinds:
            return self
        return replace(self, secrets=self.secrets[::-1], kinds=self.kinds | {_TURNED})

    def without_old(self) -> Self:
        """With the new secret alone."""
        if _TURNED not in self.kinds:
            return self
        return replace(self, secrets=self.secrets[:1], kinds=self.kinds - {_TURNED})

    def encode(self) -> bytes:
        """The object's content."""
        names = [name.encode("ascii") for name in sorted(self.kinds)]
        pieces = [_MAGIC, bytes((len(names),))]
        pieces += [bytes((len(name),)) + name for name in names]
        return b"".join([*pieces, bytes((len(self.secrets),)), *self.secrets, *sorted(self.ended)])

    @classmethod
    def decode(cls, content: bytes) -> Self:
        """Of an authenticated keyring object. KeyringDamaged when it does not read to its end."""
        try:
            if content[: len(_MAGIC)] != _MAGIC:
                raise KeyringDamaged
            at, kinds = len(_MAGIC) + 1, []
            for _ in range(content[len(_MAGIC)]):
                kinds.append(content[at + 1 : at + 1 + content[at]].decode("ascii"))
                at += 1 + content[at]
            count, at = content[at], at + 1
            end = at + count * _SECRET
            if not 1 <= count <= _MOST_SECRETS or end > len(content) or (len(content) - end) % _SALT:
                raise KeyringDamaged
        except (IndexError, UnicodeDecodeError):
            raise KeyringDamaged from None
        secrets = tuple(content[start : start + _SECRET] for start in range(at, end, _SECRET))
        salts = frozenset(content[start : start + _SALT] for start in range(end, len(content), _SALT))
        return cls(secrets, frozenset(kinds), salts)


class Granting:
    """Sealing and ending, for the key service: `opened` gives the object it keeps, `newest` that of this moment, `keep`
    takes what was written."""

    def __init__(
        self,
        keyring: Keyring,
        opened: Callable[[], Grants],
        newest: Callable[[], Grants],
        keep: Callable[[int, Grants], None],
    ) -> None:
        self._keyring = keyring
        self._opened = opened
        self._newest = newest
        self._keep = keep

    def seal(self, kind: str, claims: Sequence[bytes]) -> bytes:
        """A seal for a row, 48 bytes. NoSuchKey while `begin` was never called."""
        return self._opened().seal(kind, claims)

    def standing(self, kind: str, claims: Sequence[bytes], seal: bytes) -> Standing:
        """How a row stands to its seal; without the object nothing is sealed."""
        with suppress(NoSuchKey):
            return self._opened().standing(kind, claims, seal)
        return Standing.UNSEALED

    def begin(self) -> None:
        """Make the object if it was never made. Idempotent."""
        if OBJECT not in self._keyring.names():
            with suppress(VersionConflict):
                self._keyring.create(OBJECT, Grants.fresh().encode())

    def done(self) -> frozenset[str]:
        """The kinds whose rows were sealed once; from the keyring itself, never from what is kept of it."""
        with suppress(NoSuchKey):
            return Grants.decode(self._keyring.read(OBJECT)[1]).kinds
        return frozenset()

    def note_done(self, kinds: Collection[str]) -> None:
        """Remember that they were: from now on nothing seals what has no seal."""
        self._change(lambda held: replace(held, kinds=held.kinds | frozenset(kinds)))

    def end(self, seals: Iterable[bytes]) -> None:
        """These seals count no more, on this host at once, on others when they next read the keyring. Idempotent."""
        salts = frozenset(seal[:_SALT] for seal in seals if len(seal) == SEAL_SIZE)
        if salts:
            self._change(lambda held: replace(held, ended=held.ended | salts))

    def is_newest(self, kind: str, claims: Sequence[bytes], seal: bytes) -> bool:
        """Whether a seal is under the newest secret."""
        return self._opened().is_newest(kind, claims, seal)

    def is_renewing(self) -> bool:
        """Whether a renewal was begun and not finished."""
        with suppress(NoSuchKey):
            return self._newest().is_renewing
        return False

    def begin_renewal(self) -> bool:
        """Have a new secret accepted beside the one that seals; False when one was begun before. NoSuchKey."""
        before = self._newest().is_renewing
        self._change(Grants.with_another)
        return not before

    def use_new(self) -> bool:
        """Have the new one seal from now on; False when it did before. Call when every host knows it."""
        before = self._newest()
        self._change(Grants.with_new_first)
        return before.with_new_first() is not before

    def finish_renewal(self) -> None:
        """Forget the old one: what is sealed under it counts no more."""
        self._change(Grants.without_old)

    def spend(self, digest: bytes) -> bool:
        """Use up what counts once and is known by a keyed digest of 32 bytes; False when it was used up before, on any
        host. What is used up and then not committed is lost, and proves nothing."""
        mark, new = digest[:_SALT], False

        def alter(held: Grants) -> Grants:
            nonlocal new
            new = mark not in held.ended
            return replace(held, ended=held.ended | {mark})

        self._change(alter)
        return new

    def posted(self) -> frozenset[bytes]:
        """Entries of the rows that a process without keys believes (portal.keys.posting); needs no root key."""
        with suppress(NoSuchKey):
            return list_of(self._keyring.public(OBJECT))
        return frozenset()

    def post(self, entries: Collection[bytes] = ()) -> None:
        """Add entries to that list, and take those off it whose seals have ended. Idempotent. Call after `end`."""
        for _ in range(_ATTEMPTS):
            before = self._public()
            try:
                held = list_of(before) if before else frozenset()
            except KeyringDamaged:
                held = frozenset()
            # Read after the list: what ends meanwhile, and was not on it yet, is found in the next round.
            ended = self._newest().ended
            wanted = frozenset(one for one in held.union(entries) if one[:_SALT] not in ended)
            if wanted == held and (before is None or listed(held) == before):
                return
            with suppress(VersionConflict):
                self._keyring.publish(OBJECT, listed(wanted), before=before)
        raise VersionConflict

    def _public(self) -> bytes | None:
        with suppress(NoSuchKey):
            return self._keyring.public(OBJECT)
        return None

    def _change(self, alter: Callable[[Grants], Grants]) -> None:
        for _ in range(_ATTEMPTS):
            version, content = self._keyring.read(OBJECT)
            held = Grants.decode(content)
            altered = alter(held)
            if altered == held:
                self._keep(version, held)
                return
            with suppress(VersionConflict):
                self._keyring.replace(OBJECT, altered.encode(), expected=version)
                self._keep(version + 1, altered)
                return
        raise VersionConflict


def _mac(secret: bytes, kind: str, salt: bytes, claims: Sequence[bytes]) -> bytes:
    return hmac.digest(secret, bound(_LABEL, kind.encode(), salt, *claims), "sha256")
