"""What stops a start, each with a sentence that says what to do next."""

from __future__ import annotations


class OperationsError(Exception):
    """The family of this room."""


class StartRefused(OperationsError):
    """Letterlock must not start as things are: something is missing that would be lost for good if made anew."""


class PortTaken(OperationsError):
    """A port that Letterlock is to listen on cannot be had."""


class KeysRefused(OperationsError):
    """A command on keys would do harm as it was called."""


class SourceRefused(OperationsError):
    """What a bulk run is to be read from cannot be."""


class RecipeRefused(OperationsError):
    """A recipe lacks a value, or cannot use one."""


class BadRetention(OperationsError):
    """No such kind of rows, or no such number of days; the text names what can be."""
