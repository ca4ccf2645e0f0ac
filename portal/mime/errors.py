"""What can go wrong in the mime room."""

_LIMIT_SENTENCES = {
    "parts": "The message has more than {maximum} parts: send it with fewer files, or the files in one archive.",
    "depth": "The message nests its parts more than {maximum} levels deep: send it with a flatter structure.",
    "header": "A header of the message is longer than {maximum} bytes: send it with shorter headers.",
}


class MimeError(Exception):
    """The family of this room. Messages never hold mail content or addresses."""


class LimitExceeded(MimeError):
    """A message is larger in one measure (`parts`, `depth` or `header`) than is accepted."""

    def __init__(self, limit: str, maximum: int) -> None:
        self.limit = limit
        self.maximum = maximum
        super().__init__(_LIMIT_SENTENCES[limit].format(maximum=f"{maximum:,}"))


class BadAddress(MimeError):
    """Something given as a mail address is none."""

    def __init__(self) -> None:
        super().__init__("This is not a mail address: write it like name@example.org.")


class BadHeader(MimeError):
    """A header field cannot be written."""

    def __init__(self) -> None:
        super().__init__("A header name may hold only visible ASCII letters, digits and signs, without a colon.")


class NotReadable(MimeError):
    """A part is not of the format that it says, or larger or deeper than is read of that format."""

    def __init__(self, what: str) -> None:
        super().__init__(f"This is no {what} that can be read here: it stays a plain file.")
