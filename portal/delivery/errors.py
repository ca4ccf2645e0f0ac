"""What can go wrong with mail that leaves, each with a sentence that says what to do next."""

from __future__ import annotations


class DeliveryError(Exception):
    """The family of this room; messages hold no content, address, code or free text of a relay."""


class Deferred(DeliveryError):
    """Not now: the relay asks to try later, or cannot be talked to. `answer` is codes or a fixed word."""

    def __init__(self, answer: str) -> None:
        super().__init__(f"The relay did not take the mail yet ({answer}). It is tried again by itself.")
        self.answer = answer


class TlsTrouble(Deferred):
    """The way is not as well protected as it must be; nothing was sent. `result` as in RFC 8460 section 4.3."""

    def __init__(self, result: str) -> None:
        super().__init__(f"TLS failed, {result}")
        self.result = result


class Refused(DeliveryError):
    """Never: the relay refuses this mail for this address. `answer` is its codes."""

    def __init__(self, answer: str) -> None:
        super().__init__(f"The relay refused the mail for good ({answer}). Check the address and the relay's log.")
        self.answer = answer


class LeaseLost(DeliveryError):
    """Another worker has this mail now; what was begun here must not be finished."""

    def __init__(self) -> None:
        super().__init__("Another worker took this mail over. Nothing needs to be done.")


class BadAddress(DeliveryError):
    """An address that cannot stand in an SMTP command (RFC 5321 section 4.1.2)."""

    def __init__(self) -> None:
        super().__init__("An address holds characters that no mail server accepts. Correct it and send again.")


class NoBuilder(DeliveryError):
    """Nobody has said how mail of this kind is written."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"No room writes mail of the kind {kind}. Install the app that does and start again.")


class BadDkim(DeliveryError):
    """A DKIM key that cannot be made or found; the text says what to do."""


class NothingToRetry(DeliveryError):
    """Neither a waiting domain nor a mail."""

    def __init__(self) -> None:
        super().__init__(
            "No mail waits under this name. See manage.py delivery queue, and manage.py trace ID for a mail."
        )
