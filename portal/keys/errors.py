"""What can go wrong with keys, each with a sentence that says what to do next."""

from __future__ import annotations

from typing import ClassVar


class KeysError(Exception):
    """The family of this room; messages hold no key, content or address."""

    sentence: ClassVar[str] = "The key room cannot do this; see the log line before this one."

    def __init__(self, *sentences: str) -> None:
        super().__init__(*(sentences or (self.sentence,)))


class ProviderUnavailable(KeysError):
    """The root key cannot be reached just now: hold what needs it and try again later."""

    sentence = (
        "The root key cannot be reached. Mend the key provider that LETTERLOCK_KEY_URL names; mail waits until then."
    )


class ProviderDenied(ProviderUnavailable):
    """The key service answers, and refuses: asking again at once would not help."""


class SettingRefused(KeysError):
    """A setting of this room cannot be used; the sentence names it."""


class KeyringMissing(KeysError):
    """There is no keyring where one should be. Never made anew by itself: that would orphan everything sealed."""

    sentence = (
        "The keyring is missing. Mount or restore the place that LETTERLOCK_KEYRING_URL names; "
        "only a first start makes a new one."
    )


class KeyringDamaged(KeysError):
    """A keyring object is not as it was written."""

    sentence = "A keyring object is damaged. Restore the keyring from its newest backup."


class KeyringForeign(KeysError):
    """A keyring object is sealed under another root key."""

    sentence = "The keyring belongs to another root key. Point LETTERLOCK_KEY_URL at the root key it was made with."


class NoSuchKey(KeysError):
    """The keyring has never held this key."""

    sentence = "The keyring does not hold this key. Make the keys that are due, or restore the keyring's newest backup."


class KeyDestroyed(KeysError):
    """The key was destroyed on purpose; what it protected is gone for good."""

    sentence = "This key has been destroyed. What it protected cannot be opened again."


class WrapRefused(KeysError):
    """A wrapped key does not open here: changed, or made for another message, reader, rights or door key."""

    sentence = (
        "A wrapped key does not open here: it is damaged or was made for something else. Restore its row or file."
    )


class VersionConflict(KeysError):
    """Another process wrote the same object first."""

    sentence = "Another process changed this keyring object first. Read it again and repeat the change."


class RecoveryKeyBad(KeysError):
    """A file that should hold one half of the recovery key does not."""

    sentence = (
        "This file holds no recovery key of that kind. Name the public half where something is sealed and the private "
        "half where it is opened; manage.py keys pair makes both."
    )


class BackupRefused(KeysError):
    """A backup of the keyring cannot be used here; the sentence says why."""

    sentence = "This file is no backup of a keyring. Name one that `manage.py keys backup` wrote."
