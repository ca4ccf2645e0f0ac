"""What was decided about a mail: the outcome of all rules together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Literal

ActionName = Literal["protect", "relay", "refuse", "hold", "drop"]


@dataclass(frozen=True)
class Matched:
    """One rule that spoke of a mail."""

    id: str
    name: str
    kinds: tuple[str, ...]
    """The kinds of the conditions that held, without what they looked for."""
    action: str
    """The strictest thing that it orders."""
    only_logged: bool = False
    """It is tried out: it is recorded, and nothing of it is done."""
    unsure: bool = False
    """A condition could not be told, and the rule counted as matched for safety's sake."""


@dataclass(frozen=True)
class Disclaimer:
    """A text that is put before or behind what a mail says."""

    text: str = field(repr=False)
    at: str = "end"
    """ "end" or "beginning"."""
    if_signed: str = "wrap"
    """Of a signed or encrypted mail, which any change would break: "wrap", "ignore" or "refuse"."""


@dataclass(frozen=True)
class Edits:
    """What is changed in the mail's own bytes."""

    add: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Header names and values."""
    remove: tuple[str, ...] = ()
    prefix: str = field(default="", repr=False)
    """Put before the subject."""
    disclaimers: tuple[Disclaimer, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.add or self.remove or self.prefix or self.disclaimers)


@dataclass(frozen=True)
class Report:
    """A message of our own that tells people inside of a mail (portal.ingest.incidents)."""

    rule: str
    rule_id: str
    to: tuple[str, ...] = field(repr=False)
    parts: tuple[str, ...]
    """Of portal.rules.actions.PARTS."""
    level: int = 1
    asks: bool = False
    """It asks these people to approve the mail."""


@dataclass(frozen=True)
class Decision:
    """One decision for every envelope recipient."""

    action: ActionName
    rule: str
    """Name of the rule that decided, or `default`."""
    rights: Mapping[str, bool] = field(default_factory=lambda: MappingProxyType({}))
    """Only those that differ from what the brand grants; names of portal.vault.rights."""
    template: str = ""
    """Short name of the rights template that the sender names (portal.vault.templates)."""
    imposed: str = ""
    """That of the one that a rule says; of several rules, the first that says one."""
    keeps_default_date: bool = True
    """It closes when the brand says; then `open_until` means nothing."""
    open_until: date | None = None
    """Last day it can be read; None is for ever."""
    asks_never: bool = False
    """It has no end because its sender asks for none; no rule says so."""
    tag_removed_subject: str = field(default="", repr=False)
    """The subject that the recipient sees."""
    note: str = field(default="", repr=False)
    """The sender's line for the notice, plain text; it is not protected."""
    text: str = ""
    """Why it is refused or held, as a sentence for the sender."""
    split: str = ""
    """`strict`, `escrow` or `off` when the sender says which; else the conversation or the installation does."""
    delivery: str = ""
    """`link` or `attachment` when the sender or the rule says which; else the brand does."""
    receipt: bool | None = None
    """Whether the sender asks to be told when it is opened; None where the mail says nothing of that."""
    level: int = 1
    """Least assurance that a rule or the sender asks for (docs/assurance.md); the brand or what it answers may more."""
    phrase: str = field(default="", repr=False)
    """Agreed between sender and recipients; only its hash is kept."""
    hint: str = field(default="", repr=False)
    """The sender's hint at it, plain text, for whoever has proved the address."""
    bad_wish: bool = False
    """Of a refusal: the trigger header cannot be followed, and an administrator is to see it."""
    brand: str = ""
    """Short name of the brand when a rule says which; else the sender's domain does."""
    tls: str = ""
    """ "verified" when a mail that is passed on may only leave so (portal.delivery.tls)."""
    copies: tuple[str, ...] = field(default=(), repr=False)
    """Further recipients that a rule names."""
    lacks_manager: bool = False
    """A rule names the manager of the sender, and the directory knows none inside."""
    redirect: tuple[str, ...] = field(default=(), repr=False)
    """Recipients in place of the mail's own; empty for its own."""
    edits: Edits = field(default_factory=Edits)
    words: tuple[str, ...] = ()
    """What the sender is told by mail, a sentence each."""
    tags: tuple[str, ...] = ()
    approvers: tuple[str, ...] = field(default=(), repr=False)
    """Of one that is held: the people inside whom its rules name to approve it. Administrators may as well."""
    severity: str = ""
    """The highest that a rule notes: "low", "medium" or "high"; "" for none."""
    reports: tuple[Report, ...] = ()
    sensitive: tuple[tuple[str, int], ...] = ()
    """For reports: the kinds of sensitive information that rules which matched look for, and how many there are."""
    unprotects: bool = False
    """It answers our own protected message and a rule lets it go on as ordinary mail."""
    version: int = 0
    """Of the rules that decided; 0 for the built-in ones."""
    matched: tuple[Matched, ...] = ()
    """Every rule that spoke of it, in order, those that are only logged as well."""
    override: str = ""
    """How its sender set a refusal aside that allows it: "wanted" or "mistaken" (portal.rules.overriding)."""
    overridden: tuple[str, ...] = ()
    """Names of the rules whose refusal was."""
    may_override: bool = False
    """Of a refusal: its sender may send it anyway."""
    wish: bool = False
    """The rule that decided only does what the sender asks for, by a header or a tag."""
