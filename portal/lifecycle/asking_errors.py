"""Why no more time can be asked for or given now."""

from __future__ import annotations

from portal.lifecycle.errors import LifecycleError


class NotOffered(LifecycleError):
    """It is open, withdrawn, or its keys are gone."""

    sentence = "More time cannot be asked for this message. Ask its sender to send it again."


class AskedToday(LifecycleError):
    """Once a day."""

    sentence = "More time was asked for this message within the last day."


class AskedEnough(LifecycleError):
    """Three times in all."""

    sentence = "More time was asked for this message three times. Write to its sender, or call them."


class NothingAsked(LifecycleError):
    """Answered already, from another window perhaps."""

    sentence = "This was answered already."
