"""What a spool file holds, and how it is opened again.

File     "LLD1" | suite u8 = 1 | u16 length and door key's id | u16 length and sealed stream key | sealed stream
stream   Context(spool id, "spool"), key random; plaintext: u32 length and CBOR envelope, then the mail's bytes
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from uuid import UUID

import cbor2

from portal.ingest.connectors import BUILT_IN
from portal.ingest.errors import SpoolDamaged
from portal.keys.door import DoorPublic, seal_key
from portal.keys.service import keys
from portal.mime.dsn import Dsn
from portal.vault.sources import RandomAccess
from portal.vault.stream import Context, Opener

MAGIC = b"LLD1"
SUITE = 1
STREAM = "spool"
OWN = "report"
"""The source of what the portal itself writes about a mail (portal.ingest.incidents)."""
_HEAD_BYTES = 8192


@dataclass(frozen=True)
class Envelope:
    """Who sends to whom, and how the mail came; kept only in the sealed file. The door fills `peer` and `hello`."""

    sender: str
    recipients: tuple[str, ...]
    source: str
    """ "smtp" (LMTP too), "api", "command", "reply" or OWN."""
    trusted: bool
    thread: UUID | None = None
    author: UUID | None = None
    peer: str = ""
    hello: str = ""
    connector: str = ""
    """The name of the connector that it came by; only one of those makes an SMTP mail trusted."""
    domains: tuple[str, ...] | None = ()
    """The sender domains that this connector is bound to; none when it may send as anyone. None where a door of the
    version before did not say."""
    forwards: bool = False
    """A reader hands on what they were sent: it is to be no freer there than here."""
    approach: str = ""
    """The brand (slug) under which somebody wrote to the organisation of their own accord; then it answers nothing."""
    dsn: tuple[Dsn, ...] = ()
    """What its sender asks to be told, one for each recipient in their order; empty when nothing is asked for any."""
    tls: str = ""
    """The TLS version of the session that it came in, like TLSv1.3; empty in clear."""
    proof: str = ""
    """How whoever handed it in was known: "login", "certificate" or "network"; empty when they were not."""

    def __repr__(self) -> str:
        return f"Envelope({self.source}, {len(self.recipients)} recipients)"

    def addressed(self) -> list[tuple[str, Dsn]]:
        """Each recipient with what is asked about it."""
        return list(zip(self.recipients, self.dsn or (Dsn(),) * len(self.recipients), strict=True))

    def encode(self) -> bytes:
        """CBOR. Fields that a worker of the version before does not know are left out while they say nothing new: while
        an upgrade goes on, it opens the mail of doors that have it behind them."""
        found = {name: value for name, value in vars(self).items() if name not in _LATER or value}
        if self.connector not in ("", BUILT_IN):
            found["domains"] = self.domains
        if self.source == "smtp" and self.trusted and self.connector == BUILT_IN:
            del found["connector"]
        if self.dsn:
            found["dsn"] = [astuple(one) for one in self.dsn]
        return cbor2.dumps(found)

    @classmethod
    def decode(cls, encoded: bytes) -> Envelope:
        """Raises SpoolDamaged when it is none. What a later version added is passed over."""
        try:
            found = {name: value for name, value in cbor2.loads(encoded).items() if name in _FIELDS}
            found["recipients"] = tuple(found["recipients"])
            told = found.get("domains", None if found.get("connector") else ())
            found["domains"] = None if told is None else tuple(told)
            found["dsn"] = tuple(Dsn(*one) for one in found.get("dsn", ()))
            if found["source"] == "smtp" and found["trusted"]:
                found.setdefault("connector", BUILT_IN)
            if found["dsn"] and len(found["dsn"]) != len(found["recipients"]):
                raise SpoolDamaged
            return cls(**found)
        except (cbor2.CBORDecodeError, TypeError, KeyError, AttributeError):
            raise SpoolDamaged from None


_FIELDS = frozenset(field.name for field in fields(Envelope))
_LATER = frozenset({"approach", "connector", "domains", "dsn", "forwards", "proof", "tls"})
"""Fields that files written before them do not have."""


def head(public: DoorPublic, stream_key: bytes, id_: UUID) -> bytes:
    key_id = public.key_id.encode("ascii")
    sealed_key = seal_key(public, stream_key, id_)
    fields = (len(field).to_bytes(2, "big") + field for field in (key_id, sealed_key))
    return MAGIC + bytes((SUITE,)) + b"".join(fields)


class OpenedSpool:
    """A spooled mail, opened in memory; `size` is that of the mail in bytes."""

    def __init__(self, id_: UUID, stored: RandomAccess) -> None:
        source = _Tail(stored)
        self.door_key, sealed_key = source.read_head()
        self._opener = Opener(source, keys().open_door_key(self.door_key, sealed_key, id_), Context(id_, STREAM))
        if self._opener.size < 4:
            raise SpoolDamaged
        length = int.from_bytes(self._opener.read(0, 4), "big")
        if not 0 < length <= self._opener.size - 4:
            raise SpoolDamaged
        self.envelope = Envelope.decode(self._opener.read(4, length))
        self._start = 4 + length
        self.size = self._opener.size - self._start

    def __repr__(self) -> str:
        return f"OpenedSpool({self.size} bytes)"

    def chunks(self) -> Iterator[bytes]:
        """The mail's bytes as received, each piece authenticated before it is given."""
        return self._opener.chunks(self._start, self.size)

    def read(self) -> bytes:
        return b"".join(self.chunks())


class _Tail:
    """A spool file read from where its stream begins."""

    def __init__(self, stored: RandomAccess) -> None:
        self._stored = stored
        self._start = 0
        self.size = 0

    def read_head(self) -> tuple[str, bytes]:
        """The door key's id and the sealed stream key. Raises SpoolDamaged."""
        head = self._stored.read_at(0, _HEAD_BYTES)
        if head[:5] != MAGIC + bytes((SUITE,)):
            raise SpoolDamaged
        key_id, at = _field(head, 5)
        sealed_key, self._start = _field(head, at)
        self.size = self._stored.size - self._start
        try:
            return key_id.decode("ascii"), sealed_key
        except UnicodeDecodeError:
            raise SpoolDamaged from None

    def read_at(self, offset: int, length: int) -> bytes:
        return self._stored.read_at(self._start + offset, length)


def _field(head: bytes, at: int) -> tuple[bytes, int]:
    end = at + 2 + int.from_bytes(head[at : at + 2], "big")
    if end > len(head):
        raise SpoolDamaged
    return head[at + 2 : end], end
