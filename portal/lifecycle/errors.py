"""What cannot be done to a message any more, each with a sentence that says what to do next."""

from __future__ import annotations

from typing import ClassVar


class LifecycleError(Exception):
    """The family of this room; messages hold no content, key or address."""

    sentence: ClassVar[str] = "This cannot be done to the message; see manage.py trace."

    def __init__(self, *sentences: str) -> None:
        super().__init__(*(sentences or (self.sentence,)))


class UnknownMessage(LifecycleError):
    """There is no such message, or it was not addressed to that reader."""

    sentence = "No sealed message with this id, or no reader with this address, is known here; see manage.py trace ID."


class AlreadyDestroyed(LifecycleError):
    """Its keys are gone, or going just now."""

    sentence = "This message is destroyed, or being destroyed just now. Nothing brings it back; ask its sender for it."


class NoPhraseAsked(LifecycleError):
    """It asks for level 1, so a phrase would be asked of nobody."""

    sentence = "Nobody is asked for a phrase at this message: a passcode is enough. Send it again with level=3."


class NotWithdrawn(LifecycleError):
    """There is nothing to undo."""

    sentence = "This is not withdrawn. There is nothing to undo."


class WithdrawnAbove(NotWithdrawn):
    """Somebody higher asked for it as well."""

    sentence = "An administrator withdrew this, and only an administrator can undo it."


class Withdrawn(LifecycleError):
    """Its date cannot be changed while it is withdrawn."""

    sentence = "This message is withdrawn. Undo that first (manage.py undo ID), then change its date."


class DateIsPast(LifecycleError):
    """A message cannot close in the past."""

    sentence = "This date is over. Name today or a later day, or withdraw the message (manage.py withdraw ID)."


class NotHeld(LifecycleError):
    """There is no hold to lift."""

    sentence = "No hold is on this message. There is nothing to lift."


class CannotResend(LifecycleError):
    """A second notice would lead to nothing."""

    sentence = (
        "A second notice would open nothing: part of this message's key, or the message itself, went only with the "
        "first. Ask its sender to send it again."
    )


class ClosedNow(LifecycleError):
    """It is closed or withdrawn, so nobody is told of it."""

    sentence = "This message is closed for this reader. Give it another date, or undo the withdrawal, first."


class ResentLately(LifecycleError):
    """Pressed twice, mostly."""

    sentence = "A notice was sent to this reader in the last five minutes. Wait a little before you send another."


class BadReaderAddress(LifecycleError):
    """It is no address mail can be sent to."""

    sentence = "That is not a complete address. Write one like ada@example.org."


class AlreadyReader(LifecycleError):
    """Each address has one link to a message."""

    sentence = "This address has a link to the message already. Send that reader the notice again instead."


class OwnerNeeded(LifecycleError):
    """Whoever corrects an address chooses who reads the message, and could name their own."""

    sentence = "Only an owner can send a message to another address. Withdraw it, or ask an owner to correct it."


class TooManyReaders(LifecycleError):
    """One message is for so many at most, however they come to it."""

    sentence = "This message has as many recipients as one may have (LETTERLOCK_MAX_RECIPIENTS). Send another."


class BadDate(LifecycleError):
    """It is no day of the calendar."""

    sentence = "Write the last day as 2026-12-17, or “never”."


class DateTooFar(LifecycleError):
    """Further than any message is dated."""

    sentence = "The last day can be at most 730 days from today. Name an earlier day, or let it stay open for ever."


class ChangedMeanwhile(LifecycleError):
    """Two people at the same message."""

    sentence = "Somebody gave this message another date meanwhile. Look at it, and choose again."


class NothingToChange(LifecycleError):
    """Everyone it was asked for has these rights already."""

    sentence = "These rights are as you say already. Nothing was changed."


class TemplateForbids(LifecycleError):
    """More than the template grants that the message was sealed under."""

    sentence = (
        "This message was sent under a rights template that does not grant this. Its rights can be narrowed, and never "
        "widened beyond it; send it again to grant more."
    )


class NothingChosen(LifecycleError):
    """Nobody means every message there is."""

    sentence = "Name at least a sender, a recipient, a brand, a rule, or a day to begin with."


class NoneFound(LifecycleError):
    """There is nothing to do."""

    sentence = "No message matches. Nothing was changed."


class TooMany(LifecycleError):
    """More than one run takes."""

    sentence = "More than 100,000 messages match. Narrow it, by the days on which they were sent for example."


class WrongNumber(LifecycleError):
    """What was typed is not how many there are."""

    sentence = "That is not the number of messages. Look at it again, and type the number that stands there now."


class RunOver(LifecycleError):
    """It was confirmed before, or its time to undo is over."""

    sentence = "This was confirmed already, or the time to undo it is over."
