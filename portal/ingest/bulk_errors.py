"""What can go wrong with a bulk run, beside its mails (portal.ingest.errors); each says what to do next."""

from __future__ import annotations

from portal.ingest.errors import IngestError, NotTaken


class ItemRefused(NotTaken):
    """One item of a bulk run is not what it should be; the others go on."""

    title = "This item cannot be taken"


class ItemTooLarge(NotTaken):
    """A line of NDJSON that would have to be in memory whole, and is too long for that."""

    status = 413
    title = "The line is too long"

    def __init__(self, maximum: int) -> None:
        super().__init__(
            f"The line is longer than {maximum:,} bytes, the limit here: hand this mail in by itself "
            "(POST /api/v1/messages), or in a zip archive."
        )


class BodyRefused(NotTaken):
    """The body of a bulk run cannot be read on from here; what came before is taken."""

    title = "The body cannot be read on"
    ends_run = True


class TooManyItems(BodyRefused):
    """More items than a run may have."""

    status = 413
    title = "The bulk run has too many items"

    def __init__(self, maximum: int) -> None:
        super().__init__(
            f"A bulk run takes at most {maximum:,} items. Those are taken: send the others under another key."
        )


class OtherBody(BodyRefused):
    """The key of a run came with another body."""

    title = "The Idempotency-Key was used for another body"

    def __init__(self) -> None:
        super().__init__(
            "This key belongs to a run with another body: send the same body again, or another key with this one."
        )


class KeyRefused(NotTaken):
    """There is no key, or it cannot be one."""

    status = 400
    title = "An Idempotency-Key is needed"

    def __init__(self, maximum: int) -> None:
        super().__init__(
            f"Give the run an Idempotency-Key of 1 to {maximum} ASCII characters: sent again with the same key, "
            "the same body is taken only once."
        )


class RunBusy(IngestError):
    """Another request feeds this run at the moment."""

    status = 409
    title = "The run is being fed by another request"

    def __init__(self) -> None:
        super().__init__("Another request sends this run now: wait until it has ended, then send it again if need be.")
