"""What a reader may do with a message: granted by rule, kept with every wrap, checked on the server."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace

import cbor2


@dataclass(frozen=True)
class Rights:
    """Reading is never in question here: who has no wrap has no message."""

    reply: bool = True
    forward: bool = False
    download: bool = True
    print: bool = True

    def encode(self) -> bytes:
        """Canonical CBOR (RFC 8949 section 4.2.1), the form that is stored and digested."""
        return cbor2.dumps(asdict(self), canonical=True)

    @classmethod
    def decode(cls, stored: bytes) -> Rights:
        """Read the stored form; a right that is missing there is refused, never granted."""
        found = cbor2.loads(stored)
        return cls(**{f.name: bool(found.get(f.name, False)) for f in fields(cls)})

    def digest(self) -> bytes:
        """SHA-256 of the stored form; part of each wrap's authenticated data, so rights cannot be edited in SQL."""
        return hashlib.sha256(self.encode()).digest()

    def changed(self, changes: Mapping[str, bool]) -> Rights:
        """These rights with some replaced; unknown names are ignored."""
        known = {f.name for f in fields(self)}
        return replace(self, **{name: bool(value) for name, value in changes.items() if name in known})
