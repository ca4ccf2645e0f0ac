"""What the rules may look at: one mail, as it came."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Protocol

from portal.rules.contents import Contents


def _today() -> date:
    return datetime.now(UTC).date()


class Directory(Protocol):
    """Who belongs where; each is asked once for a mail at most, with all its addresses and all groups."""

    def groups_of(self, addresses: Collection[str]) -> Mapping[str, frozenset[str]]: ...

    def attributes_of(self, addresses: Collection[str]) -> Mapping[str, Mapping[str, str]]: ...

    def existing(self, groups: Collection[str]) -> frozenset[str]:
        """Those of these groups that there are."""


class NoDirectory:
    """Nobody belongs anywhere."""

    def groups_of(self, addresses: Collection[str]) -> Mapping[str, frozenset[str]]:
        return {}

    def attributes_of(self, addresses: Collection[str]) -> Mapping[str, Mapping[str, str]]:
        return {}

    def existing(self, groups: Collection[str]) -> frozenset[str]:
        return frozenset(groups)


@dataclass(frozen=True)
class Facts:
    """Facts of one mail. A repr shows none of its content and no address."""

    subject: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    """Name in lower case, and decoded value; in order."""
    sender: str = field(repr=False)
    """Envelope sender; empty for a bounce (RFC 5321 section 4.5.5)."""
    recipients: tuple[str, ...] = field(repr=False)
    """Every envelope recipient of the transaction: one decision covers them all."""
    trusted: bool
    """It came from a network or program whose wishes are followed."""
    inside_domains: tuple[str, ...]
    size: int
    """Bytes of the whole mail."""
    refers_to_protected: bool = False
    """It answers a protected message, here or by its In-Reply-To and References."""
    written_here: bool = False
    """It was written in the portal, by somebody who has proved their address there."""
    today: date = field(default_factory=_today)
    """The day it is decided on (UTC)."""
    peer: str = field(default="", repr=False)
    """The network address that it came from; empty when it came by no network."""
    protections: tuple[str, ...] = ()
    """What it says of itself (portal.mime.reading.Letter)."""
    content_type: str = ""
    """Of the whole mail, in lower case, without its parameters."""
    readable: bool = True
    """Its body can be read: it is mail as it should be, and not encrypted by its sender."""
    contents: Contents = field(default_factory=Contents, repr=False)
    directory: Directory = field(default_factory=NoDirectory, repr=False)

    def header(self, name: str) -> tuple[str, ...]:
        """All values of a header; `name` in lower case."""
        return tuple(value for found, value in self.headers if found == name)
