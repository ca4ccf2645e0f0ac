"""The Received header that the door puts before a mail, and the loops that such headers give away (RFC 5321 §4.4)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from uuid import UUID

from portal.ingest.errors import MailLoop
from portal.mime.fields import raw_fields

MAX_HOPS = 30
MAX_PASSES = 2
"""Times that a mail may come in here; at the third it goes round in a circle."""
_HOP = re.compile(rb"^received[ \t]*:", re.IGNORECASE | re.MULTILINE)
_NAME = re.compile(r"[A-Za-z0-9._-]{1,253}|\[[A-Za-z0-9:.]{2,50}\]")
_PRODUCT = "Letterlock"
_UTF8 = re.compile(rb"(?:From [^\r\n]*\r\n)?Received: from [^\r\n]*\r\n\tby [^\r\n]* \(Letterlock\) with UTF8")


@dataclass(frozen=True)
class Trace:
    """How one mail came. No recipient is named: the header goes to all of them."""

    own_name: str
    hello: str
    peer: str
    protocol: str
    """Like ESMTPS (RFC 3848) or UTF8SMTPS (RFC 6531 §4.3)."""
    cipher: str = ""
    """The name of the TLS cipher suite, for the tls clause of RFC 8314 §4.3."""

    def header(self, id_: UUID, now: datetime) -> bytes:
        """One folded field with its line end."""
        hello = self.hello if _NAME.fullmatch(self.hello) else "unknown"
        peer = f"IPv6:{self.peer}" if ":" in self.peer else self.peer
        tls = f"\r\n\ttls {self.cipher}" if self.cipher else ""
        return (
            f"Received: from {hello} ([{peer}])\r\n\tby {self.own_name} ({_PRODUCT}) with {self.protocol}"
            f"\r\n\tid {id_}{tls};\r\n\t{_written(now.replace(microsecond=0))}\r\n"
        ).encode("ascii", "replace")

    def check(self, block: bytes) -> None:
        """Look through a header block. Raises MailLoop."""
        if len(_HOP.findall(block)) > MAX_HOPS:
            raise MailLoop(f"it has passed more than {MAX_HOPS} servers")
        mark = f"by {self.own_name} ({_PRODUCT})".lower()
        if f"({_PRODUCT})".lower().encode() not in block.lower():
            return
        fields = [value for name, value in raw_fields(block) if name.lower() == "received"]
        passes = sum(mark in " ".join(value.lower().split()) for value in fields)
        if passes >= MAX_PASSES:
            raise MailLoop(f"it comes to {self.own_name} for the third time")


@lru_cache(maxsize=4)
def _written(second: datetime) -> str:
    return format_datetime(second)


def came_as_utf8(block: bytes) -> bool:
    """Whether the header block of a mail of the spool needs a way on that takes SMTPUTF8: its client said so, as the
    door's own field in front tells (RFC 6531 §4.3), and there is something but ASCII in it."""
    return not block.isascii() and _UTF8.match(block) is not None
