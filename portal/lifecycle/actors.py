"""Who asks for something, and why: what the record says of it, by rows and fixed words alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _lazy

from portal.audit.record import COMMAND_LINE


class Who(models.TextChoices):
    """The kinds of those who may ask."""

    OFFICE = "office"
    SENDER = "sender"
    DELEGATE = "delegate"
    """Somebody whom the sender, or an administrator, lets act on it (portal.access.delegates)."""
    PROGRAM = "program"
    RECIPIENT = "recipient"
    COMMAND = COMMAND_LINE


class Why(models.TextChoices):
    """Reasons. A fixed list, because the record holds nothing that a person wrote."""

    WRONG_PERSON = "wrong_person", _lazy("It went to the wrong person")
    WRONG_CONTENT = "wrong_content", _lazy("A wrong file or a mistake in the text")
    SENDER = "sender", _lazy("Its sender asked for it")
    RECIPIENT = "recipient", _lazy("Its recipient asked for it")
    MAILBOX = "mailbox", _lazy("A mailbox may be in other hands")
    LAW = "law", _lazy("The law or data protection asks for it")
    DISPUTE = "dispute", _lazy("A dispute or an investigation")
    OTHER = "other", _lazy("Another reason")


OF_SENDER = (Who.SENDER, Who.DELEGATE)
"""Who does no more than a sender may; all others are above them."""


@dataclass(frozen=True)
class Actor:
    """Who does something: someone of the office, a sender or a delegate by their row, a program by its token's, or a
    command."""

    who: Who
    row: str = ""

    def facts(self, why: Why | None = None) -> dict[str, Any]:
        """What an entry says of it."""
        found: dict[str, Any] = {"who": self.who.value}
        if self.row:
            found["by"] = self.row
        return found | ({"reason": why.value} if why else {})


COMMAND = Actor(Who.COMMAND)
