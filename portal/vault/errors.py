"""What can go wrong with sealed storage, each with a sentence that says what to do next."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar


class VaultError(Exception):
    """The family of this room; messages hold no content, key or address."""

    sentence: ClassVar[str] = "Sealed storage cannot do this; see the log line before this one."

    def __init__(self, *sentences: str) -> None:
        super().__init__(*(sentences or (self.sentence,)))


class UnknownFormat(VaultError):
    """The bytes are not a sealed stream that this version can read."""

    sentence = "This is not a sealed stream of a known version; check that it is whole and the software new enough."


class NotAStream(UnknownFormat):
    """Other bytes lie where a sealed stream should."""

    sentence = "Where a sealed stream should be there are other bytes; restore this row or blob from a backup."


class UnknownVersion(UnknownFormat):
    """A sealed stream of a version of the format that is not known here."""

    sentence = (
        "This stream is sealed in a version of the format that this software does not know. Nothing is lost: run the "
        "newest version that ever wrote here."
    )


class UnknownSuite(UnknownFormat):
    """A sealed stream under a cipher suite that is not known here."""

    sentence = (
        "This stream is sealed with a cipher suite that this software does not have. Nothing is lost: run the newest "
        "version that ever wrote here."
    )


class PhraseRefused(VaultError):
    """A phrase cannot be agreed; the text says what to choose instead and repeats nothing of it."""


class PhraseSpent(VaultError):
    """The tries of a phrase are used up; it was not even looked at."""

    sentence = "The agreed phrase was wrong five times; set a new one with `manage.py phrase set`."


class SealBroken(VaultError):
    """Bytes failed authentication: changed, moved, or sealed under another key. Nothing of them may be shown."""

    sentence = "The sealed bytes are damaged or belong elsewhere; show nothing of them and restore them from a backup."


class Truncated(SealBroken):
    """The stream ends where no stream can end."""

    sentence = "The sealed bytes end too early; show nothing of them and restore them from a backup."


class EmptyStream(Truncated):
    """Not one byte lies where a sealed stream should."""

    sentence = "A sealed stream is empty, and even one of nothing has 86 bytes; restore this row or blob from a backup."


class StreamTooLong(VaultError):
    """More than 2^32 chunks were fed to one stream."""

    sentence = "A sealed stream holds at most 2^32 chunks; send the content in several messages."


class BlobMissing(VaultError):
    """A row names a blob that the store does not have."""

    sentence = "A part of this message is missing in the blob store; restore the blobs from a backup."


class BlobsUnavailable(VaultError, OSError):
    """The blob store does not answer or takes nothing: hold what needs it and try again later."""

    # An OSError as well, because the pipeline and the door treat every failing disk alike, and this is one.
    sentence = (
        "The blob store (LETTERLOCK_BLOB_URL, or LETTERLOCK_SPOOL_URL where the spool is a bucket) cannot be used. "
        "Mend it; mail waits until then."
    )


class BlobSettingRefused(VaultError):
    """LETTERLOCK_BLOB_URL names no place."""

    sentence = (
        "LETTERLOCK_BLOB_URL must be file:///an/absolute/folder or s3://bucket/prefix?endpoint=…&region=…; credentials "
        "belong into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
    )


class ExportRefused(VaultError):
    """A message that nobody may read any more is not copied out."""

    sentence = (
        "This message is withdrawn or closed, so no copy of it is made; only one under a legal hold can be exported."
    )


class GarbageRefused(VaultError):
    """Most blobs have no row."""

    sentence = (
        "The database names less than half of the stored blobs, so it may be an older copy or another installation's. "
        "Nothing was deleted. If it is the right one, say so with --even-most."
    )


class ShareNeeded(VaultError):
    """A split message, asked for without the share that its reader's notice holds."""

    sentence = "The key of this message needs the message code, which only the mail to its reader holds."


class ShareRefused(ShareNeeded):
    """The share is another message's or reader's, or what it opens was changed."""

    sentence = "The message code does not belong to this message and reader; compare it with the mail that brought it."


class NoEscrow(VaultError):
    """No share in escrow is there."""

    sentence = (
        "No share is in escrow here: the message is not split, or was split as strict, or is withdrawn from that "
        "reader, or the file is none that `manage.py keys recover --write` wrote."
    )


class MessageAway(VaultError):
    """Nothing but keys of this message is stored; its sealed streams went with its notices."""

    sentence = (
        "This message is kept only in the file message.html that went to each of its recipients; open it from there."
    )


class NotAParcel(VaultError):
    """Posted bytes are no parcel of the message they name."""

    sentence = "This is no whole copy of the message it names; open message.html again from the mail it came with."


class NoRoom(VaultError):
    """As much is parked as may be; `until` is when the first of it goes."""

    sentence = "Too many messages are being opened from files just now; try again in half an hour."

    def __init__(self, until: datetime) -> None:
        super().__init__()
        self.until = until


class TooManyReaders(VaultError):
    """More readers than a message's node in the key tree has leaves."""

    sentence = "A message has at most 4,096 readers; send it in several mails."


class KeyringOlder(VaultError):
    """Messages are wrapped under an epoch that the keyring does not have."""

    sentence = "The keyring lacks a key that messages here are wrapped under: restore its newest copy, then try again."


class KeyringOfOthers(VaultError):
    """The keyring is whole, but what is stored here was sealed with another."""

    sentence = (
        "The keyring belongs to another installation than this database. Name this database's own in "
        "LETTERLOCK_KEYRING_URL, or the keyring's own database in LETTERLOCK_DATABASE_URL."
    )


class NotArriving(VaultError):
    """No such file is on its way in this draft: it was taken out, is damaged, or was never begun."""

    sentence = "No such file is on its way in this draft; begin it again."


class WrongPlace(VaultError):
    """A piece does not begin where the last one ended, reaches beyond the file, or is too small or too large.

    `have` is where the next one begins, in bytes.
    """

    sentence = "This piece does not follow the last one; ask how much is there, and go on from that."

    def __init__(self, have: int) -> None:
        super().__init__()
        self.have = have


class TemplateUnknown(VaultError):
    """A mail is to be sealed under a rights template that there is not, or that its sender may not choose."""

    sentence = (
        "A rule or the brand names a rights template that there is not. Name another one there "
        "(manage.py rights_template list), then release the mail."
    )
