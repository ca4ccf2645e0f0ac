"""A mail that rules are only tried on: who would have sent it to whom, where its header does not say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Tried:
    """What is not in the mail itself. None is read from its header."""

    sender: str | None = field(default=None, repr=False)
    recipients: Sequence[str] | None = field(default=None, repr=False)
    trusted: bool = True
    peer: str = field(default="", repr=False)
    answers: bool = False
    """As if it answered a protected message."""
