"""Moving a keyring from one root key to another: in use, interrupted, and by the command."""

from __future__ import annotations

import itertools
import threading
from datetime import date, timedelta
from pathlib import Path

import pytest

from portal.keys.errors import KeyDestroyed, KeyringForeign
from portal.keys.keyring import FolderKeyring
from portal.keys.moving import left_to_move, move
from portal.keys.provider import LocalFile
from portal.keys.providers.several import Several
from portal.keys.service import KeyService
from tests.peers.services import TransitServer
from tests.servers import Portal

TODAY = date(2026, 11, 24)


class Move:
    """A keyring with a few epochs, and where it is to go."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "keyring"
        self.old, self.new = (LocalFile.create(folder / name) for name in ("old.key", "new.key"))
        self.service = KeyService.initialise(self.both, self.keyring)
        self.epochs = [f"{TODAY + timedelta(days=days)}.0" for days in range(6)]
        for epoch in self.epochs:
            self.service.make(epoch)

    @property
    def both(self) -> Several:
        return Several([self.old, self.new])

    @property
    def keyring(self) -> FolderKeyring:
        return FolderKeyring(self.folder, self.both)

    @property
    def moved(self) -> FolderKeyring:
        return FolderKeyring(self.folder, self.new)


@pytest.fixture
def there(tmp_path: Path) -> Move:
    return Move(tmp_path)


def test_everything_opens_under_the_new_root_alone_and_nothing_under_the_old(there: Move) -> None:
    leaves = [there.service.leaf(epoch, 7, 1) for epoch in there.epochs]
    there.service.puncture(there.epochs[0], 8, None)
    there.service.destroy_epoch(there.epochs[5])
    names = left_to_move(there.keyring, there.new)
    assert names == there.keyring.names()
    assert list(move(there.keyring, there.moved, there.new, names)) == names
    assert left_to_move(there.keyring, there.new) == []
    after = KeyService(there.new, there.moved)
    after.health()
    assert [after.leaf(epoch, 7, 1) for epoch in there.epochs[:5]] == leaves[:5]
    for dead in ((there.epochs[0], 8), (there.epochs[5], 7)):
        with pytest.raises(KeyDestroyed):
            after.leaf(*dead, 1)
    for name in names:
        with pytest.raises(KeyringForeign):
            FolderKeyring(there.folder, there.old).read(name)


def test_a_move_that_was_interrupted_goes_on_where_it_was(there: Move) -> None:
    names = left_to_move(there.keyring, there.new)
    done = list(itertools.islice(move(there.keyring, there.moved, there.new, names), 3))
    half = KeyService(there.both, there.keyring)
    half.health()
    for epoch in there.epochs:
        half.leaf(epoch, 1, 1)  # the portal works on with half of it moved
    assert left_to_move(there.keyring, there.new) == names[3:]
    versions = {name: there.keyring.header(name).version for name in done}
    list(move(there.keyring, there.moved, there.new, names))
    assert {name: there.keyring.header(name).version for name in done} == versions
    assert left_to_move(there.keyring, there.new) == []


def test_a_move_loses_no_puncture_that_comes_meanwhile(there: Move) -> None:
    stop = threading.Event()
    punctured: list[int] = []

    def destroy() -> None:
        service = KeyService(there.both, there.keyring)
        while not stop.is_set() or not punctured:
            service.puncture(there.epochs[0], len(punctured), None)
            punctured.append(len(punctured))
            stop.wait(0.002)

    thread = threading.Thread(target=destroy)
    thread.start()
    for _ in range(5):
        list(move(there.keyring, there.moved, there.new, there.keyring.names()))
    stop.set()
    thread.join()
    # A running process still seals under the first of its two; what it wrote last may be under the old one again.
    list(move(there.keyring, there.moved, there.new, there.keyring.names()))
    after = KeyService(there.new, there.moved)
    for number in punctured:
        with pytest.raises(KeyDestroyed):
            after.leaf(there.epochs[0], number, 1)
    after.leaf(there.epochs[0], len(punctured), 1)


@pytest.mark.servers
def test_the_command_moves_a_portals_keys_to_a_key_service(tmp_path: Path, transit: TransitServer) -> None:
    transit.key("portal")
    new = transit.url("portal")
    portal = Portal(tmp_path / "data")
    old = f"file:{portal.data}/root.key"
    portal.manage("prepare")

    refused = portal.manage("keys", "move", "--to", new, check=False)
    assert refused.returncode == 1
    assert "does not name that address" in refused.stdout + refused.stderr

    portal.environment["LETTERLOCK_KEY_URL"] = f"{old} {new}"
    tried = portal.manage("keys", "move", "--to", new).stdout
    assert "are to be moved to the transit key portal" in tried
    assert "Nothing was changed" in tried
    done = portal.manage("keys", "move", "--to", new, "--yes").stdout
    assert "All objects are moved." in done
    assert "Put the new address first" in done

    portal.environment["LETTERLOCK_KEY_URL"] = f"{new} {old}"
    again = portal.manage("keys", "move", "--to", new, "--yes", "--rate", "1000").stdout
    assert again.startswith("0 of")
    assert "Take the other addresses out" in again

    portal.environment["LETTERLOCK_KEY_URL"] = new
    (portal.data / "root.key").unlink()
    portal.manage("prepare")
    assert "transit key portal" in portal.manage("keys", "status").stdout
