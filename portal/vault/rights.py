"""What a reader may do with a message and must prove for it: kept with every wrap, checked on the server."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import cbor2

from portal.vault.errors import SealBroken

LEVELS = (1, 2, 3)
"""Assurance (docs/assurance.md): a mailed passcode; a provider's sign-in; a passkey, or a second factor as well."""


@dataclass(frozen=True)
class Rights:
    """Reading is never in question here: who has no wrap has no message."""

    reply: bool = True
    forward: bool = False
    download: bool = True
    print: bool = True
    watermark: bool = False
    """Pictures of files and what is printed carry the reader's address and the time. No right but a duty."""
    level: int = 1
    """Least assurance that reading takes, one of LEVELS."""
    reply_all: bool = True
    """An answer may go to the others it was sent to as well. Nothing where `reply` is refused."""
    copy: bool = True
    """Words may be selected, copied and quoted."""

    def __post_init__(self) -> None:
        if self.reply_all and not self.reply:
            object.__setattr__(self, "reply_all", False)

    def encode(self) -> bytes:
        """Canonical CBOR (RFC 8949 section 4.2.1), the form that is stored and digested."""
        stored = dict(vars(self))
        # Left out, so that what was stored before there were levels and marks has the digest that it was wrapped with.
        if self.level == 1:
            del stored["level"]
        if not self.watermark:
            del stored["watermark"]
        # The two that came later are stored only as refusals: what was stored before them grants no more than it did.
        if self.copy:
            del stored["copy"]
        if self.reply_all == self.reply:
            del stored["reply_all"]
        return cbor2.dumps(stored, canonical=True)

    @classmethod
    def decode(cls, stored: bytes) -> Rights:
        """Read the stored form; a right that is missing there is refused, never granted. Without a level it is 1.

        But for `copy` and `reply_all`, which are stored only where they are refused: without them, words may be copied
        and whoever may answer may answer all, as before there were these two. That they are missing is itself bound to
        every wrap by the digest.

        Raises SealBroken for a level that is none, and for what is no map: nobody reads by a wish that is not known.
        """
        try:
            found = cbor2.loads(stored)
        except (cbor2.CBORDecodeError, ValueError, TypeError):
            raise SealBroken from None
        if not isinstance(found, dict):
            raise SealBroken
        level = found.get("level", 1)
        if type(level) is not int or level not in LEVELS:
            raise SealBroken
        return cls(**{name: bool(found.get(name, name in _REFUSED_ONLY)) for name in _RIGHTS}, level=level)

    def digest(self) -> bytes:
        """SHA-256 of the stored form; part of each wrap's authenticated data, so rights cannot be edited in SQL."""
        return hashlib.sha256(self.encode()).digest()

    def changed(self, changes: Mapping[str, bool]) -> Rights:
        """These rights with some replaced; unknown names are ignored."""
        named = {name: bool(value) for name, value in changes.items() if name in _RIGHTS}
        if named.get("reply") and not self.reply:
            named.setdefault("reply_all", True)
        return replace(self, **named)

    def within(self, other: Rights) -> Rights:
        """These rights but for those that `other` refuses, and with the mark that either asks for."""
        kept = {name: getattr(self, name) and getattr(other, name) for name in _RIGHTS}
        return replace(self, **{**kept, "watermark": self.watermark or other.watermark})

    def only_narrowed(self, changes: Mapping[str, bool]) -> Rights:
        """These rights with those taken away, and the mark put on, that `changes` names; it grants nothing."""
        return self.within(self.changed(changes))

    def at_least(self, *levels: int) -> Rights:
        """The same at the highest of these levels and its own."""
        return replace(self, level=max(self.level, *levels))


GRANTS = ("reply", "reply_all", "forward", "copy", "print", "download")
"""The rights that can be granted or refused, in the order in which people are told of them; the mark is a duty."""
_REFUSED_ONLY = ("reply_all", "copy")
_RIGHTS = tuple(f.name for f in fields(Rights) if f.name != "level")
