"""What can be wrong with a wish or with a rule set, each with a sentence that says what to write instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class RulesError(Exception):
    """The family of this room; the text is for whoever wrote it and repeats nothing that a mail holds."""


class BadTrigger(RulesError):
    """The trigger header is there and cannot be followed: the mail is refused, never sent with less than was asked."""


class UnknownTriggerVersion(BadTrigger):
    """The trigger header is of another version, or of none."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong. `path` is where it stands in the document, like ("rules", 2, "when", "all", 0)."""

    path: tuple[str | int, ...]
    sentence: str


class BadRules(RulesError):
    """A rule set that cannot be used; `problems` are what was found, each a sentence with the rule and the field."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problem.sentence for problem in self.problems))


class RulesForged(BadRules):
    """A version is not as it was published here: somebody wrote the database, or put a backup of it back."""

    def __init__(self, number: int) -> None:
        said = (
            f"Version {number} of the rules is not as the portal published it. No mail is decided by it, and nothing "
            "is published after it. Look at it on the command line: manage.py grants list."
        )
        super().__init__([Problem((), said)])


class StaleRules(RulesError):
    """Somebody else published meanwhile."""

    def __init__(self, expected: int, live: int) -> None:
        self.live = live
        super().__init__(
            f"These rules were read as version {expected}, and version {live} has been published since. "
            "Nothing was changed; look at what is new and publish again."
        )


class NoSuchVersion(RulesError):
    """There is no version of this number."""

    def __init__(self, number: int) -> None:
        super().__init__(f"There is no version {number} of the rules.")


class NoSuchRule(RulesError):
    """No rule has this id or name."""

    def __init__(self) -> None:
        super().__init__("There is no rule of this id or name; `manage.py rules list` shows them.")
