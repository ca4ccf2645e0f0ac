"""What a mail can ask for that no rule can grant, each with a sentence that says what to write instead."""

from __future__ import annotations


class RulesError(Exception):
    """The family of this room; the text is for the sender and repeats nothing that the mail holds."""


class BadTrigger(RulesError):
    """The trigger header is there and cannot be followed: the mail is refused, never sent with less than was asked."""


class UnknownTriggerVersion(BadTrigger):
    """The trigger header is of another version, or of none."""
