"""What can go wrong while mail comes in, each with a sentence that says what to do next."""

from __future__ import annotations

from portal.mime.errors import LimitExceeded


class IngestError(Exception):
    """The family of this room; messages hold no content, address or key."""


class NotTaken(IngestError):
    """A mail is refused for good: the same bytes would be refused again.

    `smtp` is the reply code with its enhanced status code (RFC 5321, RFC 3463); `status` is the HTTP status.
    """

    smtp = "554 5.6.0"
    status = 422
    title = "This mail cannot be taken"
    ends_run = False
    """Whether the rest of a bulk run cannot be read because of it."""


class TooLarge(NotTaken):
    """More bytes than LETTERLOCK_MAX_MESSAGE_BYTES."""

    smtp = "552 5.3.4"
    status = 413
    title = "The message is too large"

    def __init__(self, maximum: int) -> None:
        super().__init__(
            f"The message is larger than {maximum:,} bytes, the limit here: send it with fewer or smaller files."
        )


class TooComplex(NotTaken):
    """A limit of portal.mime.limits: parts, depth or the length of a header block."""

    title = "The message is over a limit"

    def __init__(self, exceeded: LimitExceeded) -> None:
        super().__init__(str(exceeded))


class TriggerRefused(NotTaken):
    """The X-Letterlock-Protect header cannot be obeyed, so the mail is not taken at all (fail closed)."""

    title = "The X-Letterlock-Protect header cannot be obeyed"


class AddressRefused(NotTaken):
    """Something given as an address is none."""

    smtp = "553 5.1.3"
    title = "An address is not usable"

    def __init__(self) -> None:
        super().__init__("This is not a mail address that mail can reach: write it like name@example.org.")


class NobodyHere(NotTaken):
    """An address at the portal's own name that nobody has."""

    smtp = "550 5.1.1"
    title = "Nobody has this address"

    def __init__(self) -> None:
        super().__init__("Nobody reads mail at this address: answer on the portal's page, or to whoever wrote to you.")


class NoRecipients(NotTaken):
    """Nobody is named to receive it."""

    smtp = "554 5.5.1"
    title = "The message has no recipients"

    def __init__(self) -> None:
        super().__init__("No valid recipients are named: name at least one.")


class NoSender(NotTaken):
    """Nobody is named to have sent it."""

    title = "The message has no sender"

    def __init__(self) -> None:
        super().__init__("The message names no sender: give it a From header or name the sender beside it.")


class TooManyRecipients(NotTaken):
    """More than LETTERLOCK_MAX_RECIPIENTS. SMTP clients send the rest in another transaction (RFC 5321 §4.5.3.1.10)."""

    smtp = "452 4.5.3"
    title = "The message has too many recipients"

    def __init__(self, maximum: int) -> None:
        super().__init__(f"A message takes at most {maximum:,} recipients: send it to the others in another one.")


class BareLineEnd(NotTaken):
    """A CR without LF or an LF without CR in DATA: where servers disagree on line ends, a second mail can be smuggled
    in (https://www.postfix.org/smtp-smuggling.html), so none is taken (RFC 5321 §2.3.8)."""

    smtp = "550 5.5.2"

    def __init__(self) -> None:
        super().__init__(
            "The message holds a bare <CR> or <LF>: end every line with <CR><LF> (RFC 5321 section 2.3.8)."
        )


class CustomerHeaderRefused(NotTaken):
    """The mail does not show that it is from the organisation whose connector it came by."""

    smtp = "550 5.7.1"

    def __init__(self, connector: str, header: str, fault: str) -> None:
        super().__init__(
            f"The connector {connector} takes only mail with its customer header, and {header} {fault}: set it once, "
            "with the value that manage.py connector printed."
        )


class MailLoop(NotTaken):
    """The mail has been here too often, or has passed too many servers (RFC 5321 §6.3)."""

    smtp = "554 5.4.6"
    title = "The message goes round in a circle"

    def __init__(self, what: str) -> None:
        super().__init__(
            f"Mail loop: {what}. Let your mail server hand over nothing that carries a valid X-Letterlock-Seal header."
        )


class CertificateUnusable(IngestError):
    """A file that TLS needs cannot be read, or certificate and key do not belong together."""

    def __init__(self, error: Exception) -> None:
        # strerror is a fixed text of the system; OpenSSL's reason is one too.
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or type(error).__name__
        super().__init__(
            f"TLS cannot be offered ({reason}): LETTERLOCK_TLS_CERTIFICATE, LETTERLOCK_TLS_KEY and "
            "LETTERLOCK_TLS_CLIENT_CA must name PEM files that the door may read and that belong together."
        )


class ConnectorRefused(IngestError):
    """A connector cannot be made or changed in this way."""


class SpoolUnavailable(IngestError):
    """The mail could not be made durable just now; nothing of it is kept, and its sender should try again."""

    smtp = "451 4.3.0"
    status = 503
    title = "Mail cannot be taken just now"

    def __init__(self, missing: str) -> None:
        super().__init__(f"Mail cannot be stored just now ({missing}): nothing was kept, try again later.")


class BrandUnknown(IngestError):
    """A rule names a brand that there is not, or that is archived."""

    def __init__(self) -> None:
        super().__init__(
            "A rule names a brand that there is not, or that is archived. Name another there, then release the mail."
        )


class AwaitsApproval(IngestError):
    """It waits for approval, which trying again is not."""

    def __init__(self) -> None:
        super().__init__("A rule holds this mail until somebody approves it: manage.py release ID --approve.")


class RecoveryKeyUnset(IngestError):
    """A mail asks for escrow where no recovery key is."""

    def __init__(self) -> None:
        super().__init__(
            "This mail asks for split=escrow, and LETTERLOCK_RECOVERY_KEY names no recovery key. Set it and try again."
        )


NEVER_REFUSED = (
    "The header X-Letterlock-Protect says until=never, and neither the brand, nor a rights template, nor a rule lets "
    "messages stay open. Name a day, like until=2026-12-17."
)


class NeverRefused(IngestError):
    """A mail asks to stay open where nothing lets it."""

    def __init__(self) -> None:
        super().__init__(NEVER_REFUSED)


class TriggerStays(IngestError):
    """A trigger header that names a phrase cannot be taken out of the mail."""

    def __init__(self) -> None:
        super().__init__(
            "The header X-Letterlock-Protect of this mail names a phrase and is written so that it cannot be taken "
            "out. Refuse the mail, and have its program write the header on lines of its own."
        )


class SpoolMissing(IngestError):
    """The file of a spooled mail is not in the spool folder."""

    def __init__(self) -> None:
        super().__init__("The spool file of this mail is not there: mount or restore the spool folder, then try again.")


class SpoolDamaged(IngestError):
    """The file of a spooled mail is not as it was written."""

    def __init__(self) -> None:
        super().__init__("The spool file of this mail is damaged: restore it from a backup, or ask for the mail again.")


class IllegalMove(IngestError):
    """A fault in the code: the state machine has no such step, and nothing was written."""

    def __init__(self, event: str, source: str) -> None:
        super().__init__(f"A mail that is {source} cannot {event}: see the transitions in docs/pipeline.md.")


class Overtaken(IngestError):
    """Another worker took this mail on; what was done here is undone."""

    def __init__(self) -> None:
        super().__init__("Another worker has taken this mail on: nothing is to be done here.")


class NotHeld(IngestError):
    """An administrator asks for what only a held mail can do."""

    def __init__(self, state: str) -> None:
        super().__init__(f"This mail is not held, it is {state}: look at it with `manage.py trace ID`.")


class NotEnoughMemory(IngestError):
    """Reading a mail needs more memory than one worker may take."""

    def __init__(self) -> None:
        super().__init__(
            "This mail needs more memory than a worker may take (LETTERLOCK_WORKER_MEMORY_BYTES): raise it and "
            "release the mail, or refuse it."
        )


class ReasonMissing(IngestError):
    """A mail is to be refused without a word to its sender, or with too many."""

    def __init__(self, maximum: int) -> None:
        super().__init__(f"Say in 1 to {maximum} characters why it is refused: its sender reads that.")


class VirusFound(IngestError):
    """Held back, and whoever wrote it is told. The sentence names the virus; the file's name is content, and only in
    what the sender is told."""

    def __init__(self, virus: str, told: str, words: str) -> None:
        super().__init__(f"A virus was found in it: {virus}.")
        self.told = told
        """Whom to tell; "" for nobody."""
        self.words = words

    def __repr__(self) -> str:
        return "VirusFound(…)"
