"""Whether keyring and database belong together: asked at each start, before any key is made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from portal.keys.epochs import EpochId
from portal.keys.errors import KeyDestroyed, NoSuchKey, WrapRefused
from portal.keys.service import keys
from portal.vault.errors import KeyringOfOthers, KeyringOlder
from portal.vault.models import Epoch, Message
from portal.vault.readers import envelope_of

_SAMPLE = 3


def check() -> None:
    """Return when the keyring holds, or has destroyed, every epoch that messages are wrapped under.

    Raises:
        KeyringOfOthers: it opens none of the newest messages' rows.
        KeyringOlder: it has never held some of the epochs. Making them anew would hide that for good.
        KeyringMissing, KeyringDamaged, KeyringForeign, ProviderUnavailable: as their sentences say.
    """
    keys().secret("directory")
    newest = list(Message.objects.defer("container", "rights").order_by("-made_at")[:_SAMPLE])
    # One row may be damaged; it is not the keyring when any opens.
    if newest and not any(_opens(message) for message in newest):
        raise KeyringOfOthers
    if lacking():
        raise KeyringOlder


def lacking() -> list[EpochId]:
    """The epochs in the database that the keyring has never held."""
    living = set(keys().epochs())
    return [name for name in _used() if name not in living and not _destroyed(name)]


def _used() -> Iterator[EpochId]:
    """Every epoch in the database once: a step along the index for each, however many messages there are."""
    names = Epoch.objects.order_by("epoch").values_list("epoch", flat=True)
    name = names.first()
    while name is not None:
        yield name
        name = names.filter(epoch__gt=name).first()


def _destroyed(epoch: EpochId) -> bool:
    with suppress(NoSuchKey):
        try:
            keys().epoch_version(epoch)
        except KeyDestroyed:
            return True
    return False


def _opens(message: Message) -> bool:
    with suppress(WrapRefused):
        envelope_of(message)
        return True
    return False
