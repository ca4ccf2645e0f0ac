"""What the rules may look at: one mail, as it came."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime


def _today() -> date:
    return datetime.now(UTC).date()


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

    def header(self, name: str) -> tuple[str, ...]:
        """All values of a header; `name` in lower case."""
        return tuple(value for found, value in self.headers if found == name)
