"""What can go wrong with the record, each in a sentence that says what to do."""

from __future__ import annotations


class AuditError(Exception):
    """Anything that this room refuses."""


class HeadRefused(AuditError):
    """A tree head or its key is not what it should be; the text says why."""


class NothingSigned(AuditError):
    """There is no head yet."""

    def __init__(self) -> None:
        super().__init__("Nothing was signed yet. It is within seconds of the first entry: is manage.py beat running?")
