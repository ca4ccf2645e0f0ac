"""Root keys kept elsewhere: SoftHSM2, moto's KMS and a transit server, each asked by the real library."""

from __future__ import annotations

import base64
import logging
import os
import select
import signal
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest

from portal.keys.errors import (
    KeyDestroyed,
    KeyringDamaged,
    KeyringForeign,
    KeysError,
    ProviderDenied,
    ProviderUnavailable,
)
from portal.keys.keyring import FolderKeyring
from portal.keys.provider import LocalFile
from portal.keys.providers import guarding
from portal.keys.providers.addresses import provider_of
from portal.keys.service import KeyService
from tests.peers.places import Place
from tests.servers import wait_for

pytestmark = pytest.mark.servers
KEY = bytes(range(32))
CONTEXT = b"letterlock/v1/object-key\x00\x07secrets\x00\x08" + bytes(7) + b"\x01"
TODAY = date(2026, 11, 24)


def test_a_wrapped_key_opens_in_its_context_only(place: Place) -> None:
    provider = place.provider()
    wrapped = provider.wrap(KEY, CONTEXT)
    assert KEY not in wrapped
    assert len(wrapped) < 512
    assert wrapped != provider.wrap(KEY, CONTEXT)
    assert place.provider().unwrap(wrapped, CONTEXT) == KEY
    with pytest.raises(KeyringDamaged):
        provider.unwrap(wrapped, CONTEXT + b"x")


def test_the_service_itself_refuses_another_context(place: Place) -> None:
    """Our own check is made again for the other context, as someone who can write the keyring could."""
    from portal.keys.providers import envelope

    provider = place.provider()
    wrapped = provider.wrap(KEY, CONTEXT)
    kind = envelope.Kind(wrapped[4])
    root, blob = envelope.unpack(kind, wrapped, CONTEXT)
    with pytest.raises(KeysError):
        provider.unwrap(envelope.pack(kind, root, blob, b"elsewhere"), b"elsewhere")


def test_every_byte_of_a_wrapped_key_counts(place: Place) -> None:
    provider = place.provider()
    wrapped = provider.wrap(KEY, CONTEXT)
    for at in range(len(wrapped)):
        changed = bytearray(wrapped)
        changed[at] ^= 1
        with pytest.raises((KeyringDamaged, KeyringForeign)):
            provider.unwrap(bytes(changed), CONTEXT)
    for cut in (b"", wrapped[:4], wrapped[:20], wrapped[:-1], wrapped + b"x"):
        with pytest.raises((KeyringDamaged, KeyringForeign)):
            provider.unwrap(cut, CONTEXT)


def test_another_root_key_is_told_apart_from_damage(place: Place, tmp_path: Path) -> None:
    wrapped = place.provider().wrap(KEY, CONTEXT)
    local = LocalFile.create(tmp_path / "root.key")
    with pytest.raises(KeyringForeign, match="LETTERLOCK_KEY_URL"):
        provider_of(place.other_url).unwrap(wrapped, CONTEXT)
    with pytest.raises(KeyringForeign):
        local.unwrap(wrapped, CONTEXT)
    with pytest.raises(KeyringForeign):
        place.provider().unwrap(local.wrap(KEY, CONTEXT), CONTEXT)


def test_a_service_that_is_away_is_a_reason_to_wait_and_needs_no_hand_when_it_is_back(place: Place) -> None:
    provider = place.provider()
    wrapped = provider.wrap(KEY, CONTEXT)
    place.cut()
    for use in (provider.health, lambda: provider.wrap(KEY, CONTEXT), lambda: provider.unwrap(wrapped, CONTEXT)):
        started = time.monotonic()
        with pytest.raises(ProviderUnavailable, match="ail waits") as seen:
            use()
        assert time.monotonic() - started < 5
        assert not isinstance(seen.value, ProviderDenied)
    place.well()
    wait_for(lambda: works(provider, wrapped), 10, "The provider did not recover")


def test_a_service_that_is_slow_costs_seconds_once_and_then_nothing(place: Place) -> None:
    provider = place.provider()
    wrapped = provider.wrap(KEY, CONTEXT)
    place.slow()
    started = time.monotonic()
    with pytest.raises(ProviderUnavailable, match="wait"):
        provider.unwrap(wrapped, CONTEXT)
    assert guarding.CALL_SECONDS - 0.1 < time.monotonic() - started < 2 * guarding.CALL_SECONDS + 3
    with suppress(ProviderUnavailable):
        provider.unwrap(wrapped, CONTEXT)
    started = time.monotonic()
    for _ in range(20):
        with pytest.raises(ProviderUnavailable):
            provider.health()
    assert time.monotonic() - started < guarding.CALL_SECONDS / 2
    place.well()
    wait_for(lambda: works(provider, wrapped), 30, "The provider did not recover")


def test_a_service_that_may_only_be_read_opens_and_does_not_seal(place: Place) -> None:
    wrapped = place.provider().wrap(KEY, CONTEXT)
    place.read_only()
    provider = place.provider()
    assert provider.unwrap(wrapped, CONTEXT) == KEY
    with pytest.raises(ProviderDenied):
        provider.wrap(KEY, CONTEXT)
    with pytest.raises(ProviderUnavailable):
        provider.health()


def test_a_service_that_answers_garbage_is_never_believed(place: Place) -> None:
    provider = place.provider()
    wrapped = provider.wrap(KEY, CONTEXT)
    place.garbage()
    with pytest.raises(ProviderUnavailable):
        provider.unwrap(wrapped, CONTEXT)
    place.well()
    wait_for(lambda: works(provider, wrapped), 10, "The provider did not recover")
    place.garbage()
    with pytest.raises(ProviderUnavailable):
        provider.wrap(KEY, CONTEXT)


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """For answers whose time is not what is tested: on a busy machine a fork may not get to run for seconds."""
    monkeypatch.setattr(guarding, "CALL_SECONDS", 30.0)


@pytest.mark.usefixtures("unhurried")
def test_credentials_that_are_refused_are_said_to_be(place: Place) -> None:
    wrapped = place.provider().wrap(KEY, CONTEXT)
    place.deny()

    def use() -> None:
        provider = place.provider()
        for _ in range(10):
            with pytest.raises(ProviderDenied):
                provider.unwrap(wrapped, CONTEXT)

    assert in_child(use) == 0  # a login at a token is its process's, and this one has it
    place.well()
    assert place.provider().unwrap(wrapped, CONTEXT) == KEY


@pytest.mark.usefixtures("unhurried")
def test_a_child_of_a_process_that_used_it_can_use_it(place: Place) -> None:
    provider = place.provider()
    wrapped = provider.wrap(KEY, CONTEXT)

    def use() -> None:
        wait_for(lambda: works(place.provider(), wrapped), 30, "The child never opened it")

    assert in_child(use) == 0
    assert provider.unwrap(wrapped, CONTEXT) == KEY


def test_many_threads_may_use_it_at_once(place: Place) -> None:
    provider = place.provider()
    opened: list[bytes] = []

    def use() -> None:
        for _ in range(5):
            opened.append(provider.unwrap(provider.wrap(KEY, CONTEXT), CONTEXT))

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert opened == [KEY] * 30


def test_a_keyring_lives_under_it(place: Place, tmp_path: Path) -> None:
    keyring = FolderKeyring(tmp_path / "keyring", place.provider())
    service = KeyService.initialise(place.provider(), keyring)
    epoch = f"{TODAY}.0"
    service.make(epoch)
    leaf = service.leaf(epoch, 7, 1)
    service.puncture(epoch, 8, None)
    again = KeyService(place.provider(), FolderKeyring(tmp_path / "keyring", place.provider()))
    again.health()
    assert again.leaf(epoch, 7, 1) == leaf
    with pytest.raises(KeyDestroyed):
        again.leaf(epoch, 8, 1)
    with pytest.raises(KeyringForeign):
        FolderKeyring(tmp_path / "keyring", provider_of(place.other_url)).read("secrets")


def test_nothing_is_stored_while_it_cannot_seal_and_what_was_stored_stays(place: Place, tmp_path: Path) -> None:
    keyring = FolderKeyring(tmp_path / "keyring", place.provider())
    service = KeyService.initialise(place.provider(), keyring)
    epoch = f"{TODAY}.0"
    service.make(epoch)
    before = {path.name: path.read_bytes() for path in (tmp_path / "keyring").iterdir()}
    place.cut()
    with pytest.raises(ProviderUnavailable):
        service.make("forever.0")
    with pytest.raises(ProviderUnavailable):
        service.puncture(epoch, 1, None)
    assert {path.name: path.read_bytes() for path in (tmp_path / "keyring").iterdir()} == before


def test_nothing_shows_keys_or_credentials(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []
    provider = place.provider()
    wrapped = provider.wrap(KEY, CONTEXT)
    shown += [repr(provider), str(provider), provider.describe(), repr(vars(provider))]
    for fault in (place.read_only, place.garbage, place.deny, place.cut):
        place.well()
        fault()
        for use in (lambda: place.provider().wrap(KEY, CONTEXT), lambda: place.provider().unwrap(wrapped, CONTEXT)):
            try:
                use()
            except KeysError as error:
                # As a log shows it that prints whole tracebacks, causes and contexts included.
                shown += [repr(error), "".join(traceback.format_exception(error))]
    text = "\n".join([*shown, *map(logging.Formatter().format, caplog.records)])
    assert len(shown) > 8
    for secret in place.credentials:
        assert secret not in text
    for key in (KEY.hex(), base64.b64encode(KEY).decode()[:40], repr(KEY)[2:-1]):
        assert key not in text


def in_child(work: Callable[[], object]) -> int:
    """Exit status of a forked child: 0 when `work` returned.

    A lock that another thread of these tests holds in OpenSSL while this one forks stays locked in the child, which
    then hangs for ever: such a child is ended and another one made. The product's processes fork before they use a key.
    """
    for _ in range(3):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                work()
                status = 0
            except BaseException:
                os.write(2, traceback.format_exc().encode())
            finally:
                os._exit(status)
        if select.select([watched := os.pidfd_open(child)], [], [], 60)[0]:
            os.close(watched)
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os.close(watched)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    raise AssertionError("Three children hung")


def works(provider: object, wrapped: bytes) -> bool:
    """Whether it opens what it wrapped before."""
    try:
        return provider.unwrap(wrapped, CONTEXT) == KEY  # type: ignore[attr-defined,no-any-return]
    except ProviderUnavailable:
        return False
