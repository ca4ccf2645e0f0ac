"""What was decided about a mail: the outcome of all rules together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Literal

ActionName = Literal["protect", "relay", "refuse"]


@dataclass(frozen=True)
class Decision:
    """One decision for every envelope recipient."""

    action: ActionName
    rule: str
    """Name of the rule that matched, or `default`."""
    rights: Mapping[str, bool] = field(default_factory=lambda: MappingProxyType({}))
    """Only those that differ from what the brand grants; names of portal.vault.rights."""
    template: str = ""
    """Short name of the rights template that the sender names (portal.vault.templates)."""
    imposed: str = ""
    """That of the one that a rule says."""
    keeps_default_date: bool = True
    """It closes when the brand says; then `open_until` means nothing."""
    open_until: date | None = None
    """Last day it can be read; None is for ever."""
    tag_removed_subject: str = field(default="", repr=False)
    """The subject that the recipient sees."""
    note: str = field(default="", repr=False)
    """The sender's line for the notice, plain text; it is not protected."""
    text: str = ""
    """Why it is refused, as a sentence for the sender."""
    split: str = ""
    """`strict`, `escrow` or `off` when the sender says which; else the conversation or the installation does."""
    delivery: str = ""
    """`link` or `attachment` when the sender or the rule says which; else the brand does."""
    receipt: bool = False
    """The sender asks to be told when it is opened."""
    level: int = 1
    """Least assurance that a rule or the sender asks for (docs/assurance.md); the brand or what it answers may more."""
    phrase: str = field(default="", repr=False)
    """Agreed between sender and recipients; only its hash is kept."""
    hint: str = field(default="", repr=False)
    """The sender's hint at it, plain text, for whoever has proved the address."""
