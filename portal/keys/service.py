"""The key service: what other rooms ask for of the keyring."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from datetime import date, timedelta
from typing import Self
from uuid import UUID

from portal.keys.door import DoorPrivate, DoorPublic, seal_share
from portal.keys.epochs import HOLD, EpochId, epoch_name
from portal.keys.errors import (
    KeyDestroyed,
    KeyringDamaged,
    NoSuchKey,
    VersionConflict,
)
from portal.keys.granting import OBJECT as GRANTS
from portal.keys.granting import Granting, Grants
from portal.keys.installation import Secrets
from portal.keys.keyring import Keyring
from portal.keys.keyrings import keyring_of
from portal.keys.objects import ANCHOR, Contents
from portal.keys.opened import Opened
from portal.keys.posting import Posted
from portal.keys.provider import Provider
from portal.keys.providers.addresses import provider_of
from portal.keys.signing import HeadSigner
from portal.keys.spending import Spending
from portal.keys.tree import Tree

AHEAD_DAYS = 8  # keys are made this long before need: any keyring backup of the last week holds what is in use
DOOR_GRACE_DAYS = 2  # a door may still be sealing to yesterday's key, with its spool entry not yet written
CACHE_SECONDS = 300
_ATTEMPTS = 100
_EPOCH, _DOOR = "epoch-", "door-"
_EPOCH_ID = re.compile(r"(?:\d{4}-\d{2}-\d{2}|forever|hold)\.\d{1,4}", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class KeyService:
    """Thread-safe. Every method that opens something raises what Keyring and Provider raise.

    Opened objects are kept at most `cache_seconds`, then read and unwrapped again, so that a root key that was taken
    away is noticed (ProviderUnavailable) and mail is held.
    """

    def __init__(self, provider: Provider, keyring: Keyring, cache_seconds: float = CACHE_SECONDS) -> None:
        self._provider = provider
        self._keyring = keyring
        self._opened = Opened(keyring, cache_seconds)
        self.posted = Posted(lambda: self.grants.posted())
        """The rows that processes without keys believe, and those that must not wait for the root key."""

    @classmethod
    def initialise(cls, provider: Provider, keyring: Keyring, cache_seconds: float = CACHE_SECONDS) -> Self:
        """A first start: makes the keyring with fresh secrets. VersionConflict when there is one already."""
        keyring.initialise(Secrets.fresh().encode(), Contents({GRANTS: Grants.fresh().encode()}))
        return cls(provider, keyring, cache_seconds)

    def health(self) -> None:
        """Raises unless the root key can be reached now and opens this keyring."""
        self._provider.health()
        Secrets.decode(self._keyring.read(ANCHOR)[1])

    # Making what is due

    def prepare(self, today: date, open_days: Collection[int | None]) -> None:
        """Make every key needed in the next 8 days: epochs up to the longest of `open_days`, 'forever', door keys.

        Idempotent, and safe when several processes do it at once.
        """
        longest = max((days for days in open_days if days is not None), default=0)
        there = set(self._keyring.names())
        epochs = [epoch_name(today + timedelta(days=days)) for days in range(longest + AHEAD_DAYS + 1)]
        for epoch in [epoch_name(None), HOLD + ".0", *epochs]:
            if _EPOCH + epoch not in there:
                # Another process was first, or it was destroyed before its day: both are as they should be.
                with suppress(VersionConflict, KeyDestroyed):
                    self._keyring.create(_EPOCH + epoch, Tree.fresh().encode())
        for days in range(AHEAD_DAYS + 1):
            self._prepare_door((today + timedelta(days=days)).isoformat(), there)

    def make(self, epoch: EpochId) -> None:
        """Make an epoch if it is not there. KeyDestroyed when it was destroyed: no epoch is ever made again."""
        with suppress(VersionConflict):
            self._keyring.create(_epoch_object(epoch), Tree.fresh().encode())

    def epochs(self) -> list[EpochId]:
        """The epochs that live, sorted by name."""
        return [name.removeprefix(_EPOCH) for name in self._keyring.names() if name.startswith(_EPOCH)]

    def epoch_version(self, epoch: EpochId) -> int:
        """The version an epoch's object is at; needs no root key."""
        return self._keyring.header(_epoch_object(epoch)).version

    def current(self, base: str) -> EpochId:
        """The newest living generation of a day (2026-12-17), "forever" or "hold"; its first when there is none."""
        numbers = [int(epoch.rpartition(".")[2]) for epoch in self.epochs() if epoch.rpartition(".")[0] == base]
        return f"{base}.{max(numbers, default=0)}"

    def _prepare_door(self, key_id: str, there: set[str]) -> None:
        name = _DOOR + key_id
        if name not in there:
            with suppress(VersionConflict, KeyDestroyed):
                self._keyring.create(name, DoorPrivate.generate().encode())
        # Published only after the private half is on disk, and always from there: mail is never sealed to a key that
        # cannot be opened. What stands there is compared, for whoever swaps a public key reads the next day's mail.
        try:
            published = self._keyring.public(name)
        except NoSuchKey:
            self._keyring.publish(name, self._door(key_id).public())
        except KeyDestroyed:
            return
        else:
            if published != self._door(key_id).public():
                raise KeyringDamaged(
                    "A published door key does not belong to its private half. Find out who changed the keyring, "
                    "then remove that .pub file; it is published again."
                )

    # Message keys

    def leaf(self, epoch: EpochId, number: int, reader_number: int) -> bytes:
        """The wrap key of one message and reader, 32 bytes. KeyDestroyed when it was punctured or its epoch is gone."""
        return self._tree(epoch).leaf(number, reader_number)

    def leaves(self, epoch: EpochId, places: Iterable[tuple[int, int]]) -> list[bytes | None]:
        """The same for many messages' readers of one epoch, None for what was punctured; KeyDestroyed as above."""
        return self._tree(epoch).leaves(places)

    def puncture(self, epoch: EpochId, number: int, reader_number: int | None) -> None:
        """Destroy one reader's leaf, or the whole message's when `reader_number` is None, for good. Idempotent."""
        self.puncture_all(epoch, [(number, reader_number)])

    def puncture_all(self, epoch: EpochId, targets: Iterable[tuple[int, int | None]]) -> None:
        """Destroy all targets (message number; reader number or None) in one rewrite of the epoch's object."""
        targets = list(targets)
        self._rewrite(_epoch_object(epoch), lambda tree: tree.punctured_all(targets))

    def keep_only(self, epoch: EpochId, numbers: Collection[int]) -> None:
        """Destroy all of an epoch but these messages' nodes, as far as they live. Idempotent."""
        self._rewrite(_epoch_object(epoch), lambda tree: tree.only(numbers))

    def _rewrite(self, name: str, change: Callable[[Tree], Tree]) -> None:
        for _ in range(_ATTEMPTS):
            # Never from the cache: writing back an old tree would bring dead leaves to life.
            version, content = self._keyring.read(name)
            before = Tree.decode(content)
            after = change(before)
            if after == before:
                # Another host has destroyed it: from now on it is gone in this process as well.
                self._opened.keep(name, version, before, time.monotonic())
                return
            try:
                self._keyring.replace(name, after.encode(), expected=version)
            except VersionConflict:
                continue
            self._opened.keep(name, version + 1, after, time.monotonic())
            return
        raise VersionConflict

    def destroy_epoch(self, epoch: EpochId) -> None:
        """Destroy an epoch whose day is over, with everything wrapped under it. Idempotent."""
        self._destroy(_epoch_object(epoch))

    # Door keys

    def door_public(self, today: date) -> DoorPublic:
        """The key to seal incoming mail to; needs no root key. NoSuchKey when today's was not made: refuse mail."""
        # Never an older day's key instead: its private half may be destroyed already, and the mail would be lost.
        key_id = today.isoformat()
        return DoorPublic(key_id, self._keyring.public(_DOOR + key_id))

    def open_door_key(self, key_id: str, sealed: bytes, spool_id: UUID) -> bytes:
        """The key of a spooled stream. WrapRefused when it was changed or belongs to another spool entry."""
        return self._door(key_id).open_key(key_id, sealed, spool_id)

    def seal_share(self, today: date, share: bytes, outbound_id: UUID) -> tuple[str, bytes]:
        """A split message's share, sealed until its notice has left, after the id of the door key it is sealed to."""
        public = self.door_public(today)
        return public.key_id, seal_share(public, share, outbound_id)

    def open_share(self, key_id: str, sealed: bytes, outbound_id: UUID) -> bytes:
        """A share that waited. WrapRefused when it was changed or belongs to another mail."""
        return self._door(key_id).open_share(key_id, sealed, outbound_id)

    def forget_door_keys(self, before: date, still_named: set[str]) -> None:
        """Destroy the door keys of days before `before`, but those that a spool entry names and the last two days'."""
        oldest_kept = before - timedelta(days=DOOR_GRACE_DAYS)
        for name in self._keyring.names():
            key_id = name.removeprefix(_DOOR)
            if not name.startswith(_DOOR) or key_id in still_named:
                continue
            if date.fromisoformat(key_id) < oldest_kept:
                self._destroy(name)

    # The installation's secrets

    def secret(self, name: str) -> bytes:
        """One of the installation's secrets (installation.NAMES), 32 bytes."""
        return self._secrets().current(name)

    def secret_versions(self, name: str) -> tuple[bytes, ...]:
        """The same and, while it rotates, the one before it: to verify what was made under either."""
        return self._secrets().versions(name)

    def head_signer(self) -> HeadSigner:
        """What signs the heads of the record."""
        return HeadSigner(self.secret("seal"))

    def seal_field(self, label: str, row: UUID, text: bytes) -> bytes:
        """Seal what one column of one row holds; `label` names the column."""
        return self._secrets().seal_field(label, row, text)

    def open_field(self, label: str, row: UUID, sealed: bytes) -> bytes:
        """The text of a sealed column. WrapRefused when it was changed or moved."""
        return self._secrets().open_field(label, row, sealed)

    def lookup(self, label: str, value: str) -> bytes:
        """A keyed hash to find equal values by, 32 bytes; `value` is normalised by the caller."""
        return self._secrets().lookup(label, value)

    @property
    def grants(self) -> Granting:
        """What binds the rows by which people sign in."""
        return Granting(self._keyring, self._grants, self._newest_grants, self._keep_grants)

    @property
    def used(self) -> Spending:
        """What counts once and only for a while."""
        return Spending(self._keyring)

    # Opened objects

    def _grants(self) -> Grants:
        return self._opened.of(GRANTS, Grants.decode)

    def _newest_grants(self) -> Grants:
        return self._opened.newest(GRANTS, Grants.decode)

    def _keep_grants(self, version: int, value: Grants) -> None:
        self._opened.keep(GRANTS, version, value, time.monotonic())

    def _tree(self, epoch: EpochId) -> Tree:
        return self._opened.of(_epoch_object(epoch), Tree.decode)

    def _door(self, key_id: str) -> DoorPrivate:
        if not _DAY.fullmatch(key_id):
            raise NoSuchKey
        return self._opened.of(_DOOR + key_id, DoorPrivate.decode)

    def _secrets(self) -> Secrets:
        return self._opened.of(ANCHOR, Secrets.decode)

    def _destroy(self, name: str) -> None:
        try:
            for _ in range(_ATTEMPTS):
                with suppress(VersionConflict):
                    self._keyring.destroy(name, self._keyring.header(name).version)
                    return
            raise VersionConflict
        except KeyDestroyed:
            return
        finally:
            self._opened.forget(name)


def _epoch_object(epoch: EpochId) -> str:
    if not _EPOCH_ID.fullmatch(epoch):
        raise NoSuchKey
    return _EPOCH + epoch


_service: KeyService | None = None
_service_lock = threading.Lock()


def keys() -> KeyService:
    """The process's key service, made from the settings at its first use."""
    global _service
    if _service is None:
        with _service_lock:
            if _service is None:
                provider, keyring, cache_seconds = configured()
                _service = KeyService(provider, keyring, cache_seconds)
    return _service


def configured() -> tuple[Provider, Keyring, float]:
    """Provider, keyring and cache time as the settings say; opens nothing. A first start needs the first two."""
    from django.conf import settings  # here, so that all else works without Django

    configuration = settings.LETTERLOCK
    provider = provider_of(configuration.key_url)
    return provider, keyring_of(configuration.keyring_url, provider), configuration.key_cache_seconds


def _forget_after_fork() -> None:
    """A child of a process that was using keys begins anew: a lock held by another thread would never be released."""
    global _service, _service_lock
    _service = None
    _service_lock = threading.Lock()


os.register_at_fork(after_in_child=_forget_after_fork)
