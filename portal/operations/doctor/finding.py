"""What the doctor found about one thing: the state, what was seen, why it matters and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class State(IntEnum):
    """The worst of all findings is the exit status."""

    WELL = 0
    NOTICE = 1
    """Works, and deserves a look; also what could not be checked."""
    WRONG = 2

    @property
    def word(self) -> str:
        return self.name.lower()


@dataclass(frozen=True)
class Finding:
    """One check. `fix` is a sentence or a command, and empty only when all is well."""

    check: str
    state: State
    seen: str
    why: str = ""
    fix: str = ""

    def __post_init__(self) -> None:
        if self.state is not State.WELL and not (self.fix and self.why):
            raise ValueError(f"{self.check}: a finding that is not well says why it matters and what to do")


def well(check: str, seen: str) -> Finding:
    """As it should be, or not needed here."""
    return Finding(check, State.WELL, seen)


def notice(check: str, seen: str, why: str, fix: str) -> Finding:
    """Works, and deserves a look."""
    return Finding(check, State.NOTICE, seen, why, fix)


def wrong(check: str, seen: str, why: str, fix: str) -> Finding:
    """Will fail, or fails already."""
    return Finding(check, State.WRONG, seen, why, fix)


def unknown(check: str, seen: str, fix: str) -> Finding:
    """Could not be checked, and so is not green."""
    return Finding(check, State.NOTICE, f"Could not be checked: {seen}", "What is not looked at may be wrong.", fix)
