"""The key service: what is made ahead, kept for a while, destroyed, and refused."""

from __future__ import annotations

import multiprocessing
import shutil
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from portal.keys.door import DoorPrivate, seal_key
from portal.keys.errors import (
    KeyDestroyed,
    KeyringDamaged,
    KeyringForeign,
    KeyringMissing,
    NoSuchKey,
    ProviderUnavailable,
    SettingRefused,
    VersionConflict,
    WrapRefused,
)
from portal.keys.installation import NAMES
from portal.keys.keyring import FolderKeyring
from portal.keys.places import file_of
from portal.keys.provider import LocalFile
from portal.keys.service import KeyService

fork = multiprocessing.get_context("fork")
TODAY = date(2026, 11, 24)
EPOCH = "2026-12-24.0"
ROW = UUID("01890a5d-ac96-774b-bcce-b302099a8057")


class Place:
    """A root key and a keyring in a folder, and any number of services on them."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root.key"
        self.folder = folder / "keyring"
        self.provider = LocalFile(self.root) if self.root.exists() else LocalFile.create(self.root)
        self.keyring = FolderKeyring(self.folder, self.provider)

    def service(self, cache_seconds: float = 300) -> KeyService:
        return KeyService(self.provider, self.keyring, cache_seconds)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prepared")
    made = Place(folder)
    KeyService.initialise(made.provider, made.keyring).prepare(TODAY, {30, None})
    return folder


@pytest.fixture
def place(prepared: Path, tmp_path: Path) -> Place:
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    return Place(tmp_path)


@pytest.fixture
def service(place: Place) -> KeyService:
    return place.service()


# Made ahead


def test_everything_needed_in_the_next_eight_days_is_made(place: Place) -> None:
    names = set(place.keyring.names())
    days = [(TODAY + timedelta(days=days)).isoformat() for days in range(39)]
    doors = {f"door-{day}" for day in days[:9]}
    assert (
        names == {"secrets", "grants", "epoch-forever.0", "epoch-hold.0"} | {f"epoch-{day}.0" for day in days} | doors
    )
    for name in doors:
        assert len(place.keyring.public(name)) == 1216


def test_making_it_again_changes_nothing(place: Place) -> None:
    before = {path.name: path.read_bytes() for path in place.folder.iterdir()}
    place.service().prepare(TODAY, {30, None})
    assert {path.name: path.read_bytes() for path in place.folder.iterdir()} == before


def test_the_next_day_adds_one_epoch_and_one_door_key(place: Place, service: KeyService) -> None:
    before = set(place.keyring.names())
    service.prepare(TODAY + timedelta(days=1), {30, None})
    assert set(place.keyring.names()) - before == {"epoch-2027-01-02.0", "door-2026-12-03"}


def test_processes_that_prepare_at_once_agree(tmp_path: Path) -> None:
    place = Place(tmp_path)
    KeyService.initialise(place.provider, place.keyring)
    children = [fork.Process(target=lambda: place.service().prepare(TODAY, {2})) for _ in range(4)]
    for child in children:
        child.start()
    for child in children:
        child.join(120)
    assert [child.exitcode for child in children] == [0] * 4
    place.service().prepare(TODAY, {2})
    assert len(place.keyring.names()) == 2 + 2 + 11 + 9


def test_an_epoch_is_made_on_demand(place: Place, service: KeyService) -> None:
    with pytest.raises(NoSuchKey):
        service.leaf("2030-01-01.0", 1, 1)
    service.make("2030-01-01.0")
    assert service.leaf("2030-01-01.0", 1, 1) == place.service().leaf("2030-01-01.0", 1, 1)
    service.make("2030-01-01.0")
    assert service.leaf("2030-01-01.0", 1, 1) == place.service().leaf("2030-01-01.0", 1, 1)


def test_a_published_door_key_that_was_swapped_is_noticed(place: Place, service: KeyService) -> None:
    (place.folder / "door-2026-11-25.pub").write_bytes(DoorPrivate.generate().public())
    with pytest.raises(KeyringDamaged, match="door key"):
        service.prepare(TODAY, {30})


def test_a_door_key_that_was_made_but_not_published_is_published(place: Place, service: KeyService) -> None:
    before = (place.folder / "door-2026-11-25.pub").read_bytes()
    (place.folder / "door-2026-11-25.pub").unlink()
    service.prepare(TODAY, {30})
    assert (place.folder / "door-2026-11-25.pub").read_bytes() == before


# Destroyed


def test_a_punctured_leaf_is_gone_for_every_process_and_the_others_live(place: Place, service: KeyService) -> None:
    kept = service.leaf(EPOCH, 7, 2)
    service.puncture(EPOCH, 7, 1)
    service.puncture(EPOCH, 7, 1)
    for any_service in (service, place.service()):
        with pytest.raises(KeyDestroyed):
            any_service.leaf(EPOCH, 7, 1)
        assert any_service.leaf(EPOCH, 7, 2) == kept
    assert place.keyring.header(f"epoch-{EPOCH}").version == 2


def test_many_punctures_are_one_write(place: Place, service: KeyService) -> None:
    service.puncture_all(EPOCH, [(number, None) for number in range(0, 3000, 3)])
    assert place.keyring.header(f"epoch-{EPOCH}").version == 2
    assert service.leaf(EPOCH, 1, 0) != service.leaf(EPOCH, 2, 0)
    with pytest.raises(KeyDestroyed):
        service.leaf(EPOCH, 2997, 4095)


def test_a_puncture_does_not_rest_on_an_old_copy(place: Place) -> None:
    one, two = place.service(), place.service()
    one.leaf(EPOCH, 1, 1)
    two.leaf(EPOCH, 1, 1)
    one.puncture(EPOCH, 1, None)
    two.puncture(EPOCH, 2, None)
    for number in (1, 2):
        with pytest.raises(KeyDestroyed):
            place.service().leaf(EPOCH, number, 1)


def test_whoever_is_asked_to_destroy_what_another_has_destroyed_forgets_it_too(place: Place) -> None:
    one, two = place.service(), place.service()
    two.leaf(EPOCH, 1, 1)
    one.puncture(EPOCH, 1, None)
    assert two.leaf(EPOCH, 1, 1)  # as it remembers, for a few minutes at most
    two.puncture(EPOCH, 1, None)
    with pytest.raises(KeyDestroyed):
        two.leaf(EPOCH, 1, 1)
    assert place.keyring.header(f"epoch-{EPOCH}").version == 2


def test_a_puncture_that_was_overtaken_keeps_no_older_tree(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads of one process: the first to write is the last to come back, and what it wrote is old by then."""
    service, replace = place.service(), place.keyring.replace
    overtaken: list[str] = []

    def slow(name: str, content: bytes, expected: int) -> None:
        replace(name, content, expected)
        if not overtaken:
            overtaken.append(name)
            service.puncture(EPOCH, 2, None)

    monkeypatch.setattr(place.keyring, "replace", slow)
    service.puncture(EPOCH, 1, None)
    assert overtaken
    for number in (1, 2):
        with pytest.raises(KeyDestroyed):
            service.leaf(EPOCH, number, 0)


def test_processes_that_puncture_at_once_lose_no_puncture(place: Place) -> None:
    def puncture(first: int) -> None:
        service = place.service()
        for number in range(first, first + 12):
            service.puncture(EPOCH, number, None)

    children = [fork.Process(target=puncture, args=(first,)) for first in (0, 100, 200)]
    for child in children:
        child.start()
    for child in children:
        child.join(120)
    assert [child.exitcode for child in children] == [0, 0, 0]
    service = place.service()
    for number in [first + more for first in (0, 100, 200) for more in range(12)]:
        with pytest.raises(KeyDestroyed):
            service.leaf(EPOCH, number, 0)
    assert service.leaf(EPOCH, 12, 0)


def test_a_destroyed_epoch_is_gone_for_good(place: Place, service: KeyService) -> None:
    service.leaf(EPOCH, 1, 1)
    service.destroy_epoch(EPOCH)
    service.destroy_epoch(EPOCH)
    service.prepare(TODAY, {30, None})
    for use in (
        lambda: service.leaf(EPOCH, 1, 1),
        lambda: service.puncture(EPOCH, 1, 1),
        lambda: service.make("2026-12-24.0"),
    ):
        with pytest.raises(KeyDestroyed):
            use()


@pytest.mark.parametrize("epoch", ["", "2026-12-24", "secrets", "../root.key", "2026-12-24.0/..", "door-2026-11-24"])
def test_what_is_no_epoch_has_no_leaf(service: KeyService, epoch: str) -> None:
    for use in (lambda: service.leaf(epoch, 1, 1), lambda: service.puncture(epoch, 1, 1)):
        with pytest.raises(NoSuchKey):
            use()


# Door keys


def test_the_door_needs_no_root_key(place: Place, service: KeyService) -> None:
    place.root.rename(place.root.with_suffix(".away"))
    spool = uuid4()
    public = place.service().door_public(TODAY)
    sealed = seal_key(public, b"k" * 32, spool)
    with pytest.raises(ProviderUnavailable):
        place.service().open_door_key(public.key_id, sealed, spool)
    place.root.with_suffix(".away").rename(place.root)
    assert service.open_door_key(public.key_id, sealed, spool) == b"k" * 32
    with pytest.raises(WrapRefused):
        service.open_door_key(public.key_id, sealed, uuid4())


def test_without_todays_key_the_door_gets_none(service: KeyService) -> None:
    with pytest.raises(NoSuchKey):
        service.door_public(TODAY + timedelta(days=9))
    for key_id in ("2026-12-31", "../root", ""):
        with pytest.raises(NoSuchKey):
            service.open_door_key(key_id, bytes(1168), uuid4())


def test_old_door_keys_go_when_no_spool_entry_names_them(place: Place, service: KeyService) -> None:
    spool = uuid4()
    sealed = {
        key_id: seal_key(service.door_public(date.fromisoformat(key_id)), b"k" * 32, spool)
        for key_id in ("2026-11-24", "2026-11-25", "2026-11-26")
    }
    service.forget_door_keys(date(2026, 11, 28), {"2026-11-24"})
    assert service.open_door_key("2026-11-24", sealed["2026-11-24"], spool) == b"k" * 32
    with pytest.raises(KeyDestroyed):
        service.open_door_key("2026-11-25", sealed["2026-11-25"], spool)
    with pytest.raises(KeyDestroyed):
        service.door_public(date(2026, 11, 25))
    # Yesterday's and the day's before: a door may have taken them just before midnight.
    assert service.open_door_key("2026-11-26", sealed["2026-11-26"], spool) == b"k" * 32
    assert f"epoch-{TODAY}.0" in place.keyring.names()


# Secrets


def test_secrets_are_the_same_for_every_process(place: Place, service: KeyService) -> None:
    assert len({service.secret(name) for name in NAMES}) == len(NAMES)
    other = place.service()
    assert all(other.secret(name) == service.secret(name) for name in NAMES)
    assert other.open_field("reader", ROW, service.seal_field("reader", ROW, b"text")) == b"text"
    assert other.lookup("address", "a@b.example") == service.lookup("address", "a@b.example")
    with pytest.raises(NoSuchKey):
        service.secret("root")


def test_lost_secrets_are_not_made_anew(place: Place) -> None:
    (place.folder / "secrets.key").unlink()
    service = place.service()
    for use in (lambda: service.secret("directory"), lambda: service.prepare(TODAY, {30}), service.health):
        with pytest.raises(KeyringDamaged):
            use()
    with pytest.raises(KeyringDamaged):
        KeyService.initialise(place.provider, place.keyring)


# What is away, wrong or stale


def test_a_root_key_that_is_taken_away_is_noticed_when_the_cache_ends(place: Place) -> None:
    service = place.service(cache_seconds=0.2)
    leaf = service.leaf(EPOCH, 1, 1)
    place.root.chmod(0)
    time.sleep(0.25)
    for use in (lambda: service.leaf(EPOCH, 1, 1), lambda: service.secret("seal"), service.health):
        with pytest.raises(ProviderUnavailable):
            use()
    assert service._opened._kept == {}
    place.root.chmod(0o600)
    assert service.leaf(EPOCH, 1, 1) == leaf
    service.health()


def test_opened_objects_serve_until_the_cache_ends(place: Place) -> None:
    service = place.service(cache_seconds=60)
    leaf = service.leaf(EPOCH, 1, 1)
    place.root.unlink()
    assert service.leaf(EPOCH, 1, 1) == leaf
    with pytest.raises(ProviderUnavailable):
        service.leaf("forever.0", 1, 1)


def test_health_tells_what_is_wrong(place: Place, tmp_path: Path) -> None:
    place.service().health()
    other = LocalFile.create(tmp_path / "other.key")
    with pytest.raises(KeyringForeign):
        KeyService(other, FolderKeyring(place.folder, other)).health()
    place.folder.rename(tmp_path / "away")
    with pytest.raises(KeyringMissing):
        place.service().health()
    with pytest.raises(KeyringMissing):
        place.service().prepare(TODAY, {30})
    assert not place.folder.exists()


def test_a_first_start_does_not_replace_a_keyring(place: Place) -> None:
    before = place.service().secret("directory")
    with pytest.raises(VersionConflict):
        KeyService.initialise(place.provider, place.keyring)
    assert place.service().secret("directory") == before


# From the settings


@pytest.mark.parametrize(("url", "path"), [("file:///srv/a b%20/keyring", "/srv/a b%20/keyring"), ("file:/k", "/k")])
def test_a_file_address_is_a_path(url: str, path: str) -> None:
    assert file_of(url, "LETTERLOCK_KEYRING_URL") == Path(path)


@pytest.mark.parametrize(
    "url", ["", "/srv/keyring", "file:", "file:keyring", "file://host/keyring", "postgres://db/keys"]
)
def test_other_addresses_name_the_setting(url: str) -> None:
    with pytest.raises(SettingRefused, match="LETTERLOCK_KEYRING_URL"):
        file_of(url, "LETTERLOCK_KEYRING_URL")


def test_a_process_has_one_service_and_its_children_their_own(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from django import conf

    from portal.keys import service as module

    chosen = SimpleNamespace(
        data=tmp_path,
        keyring_url=f"file://{place.folder}",
        key_url=f"file:{place.root}",
        key_cache_seconds=300,
        open_days=30,
    )
    monkeypatch.setattr(conf, "settings", SimpleNamespace(LETTERLOCK=chosen))
    monkeypatch.setattr(module, "_service", None)
    service = module.keys()
    assert module.keys() is service
    assert service.leaf(EPOCH, 1, 1) == place.service().leaf(EPOCH, 1, 1)
    child = fork.Process(target=lambda: exit(0 if module.keys() is not service and module.keys().secret("seal") else 1))
    with module._service_lock:  # as if another thread held it at the moment of forking
        child.start()
    child.join(120)
    assert child.exitcode == 0


# Any sequence of making, puncturing and restarting

NUMBERS = st.sampled_from([0, 1, 16, 0x12345678, 0x12345679, (1 << 32) - 1])
READERS = st.sampled_from([0, 1, 16, 4095])
DAYS = st.sampled_from([0, 1, 5])


class KeyringModel(RuleBasedStateMachine):
    """A plain set of what died, beside the real thing on a real disk."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.place = Place(self.folder)
        self.service = KeyService.initialise(self.place.provider, self.place.keyring)
        self.made: set[str] = set()
        self.gone: set[str] = set()
        self.dead: set[tuple[str, int, int | None]] = set()
        self.leaves: dict[tuple[str, int, int], bytes] = {}

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    @initialize()
    def first(self) -> None:
        self.make(0)

    @rule(days=DAYS)
    def make(self, days: int) -> None:
        epoch = f"{TODAY + timedelta(days=days)}.0"
        try:
            self.service.make(epoch)
            self.made.add(epoch)
            assert epoch not in self.gone
        except KeyDestroyed:
            assert epoch in self.gone

    @rule(data=st.data(), number=NUMBERS, reader=st.one_of(st.none(), READERS))
    def puncture(self, data: st.DataObject, number: int, reader: int | None) -> None:
        epoch = data.draw(st.sampled_from(sorted(self.made)))
        if epoch in self.gone:
            with pytest.raises(KeyDestroyed):
                self.service.puncture(epoch, number, reader)
        else:
            self.service.puncture(epoch, number, reader)
            self.dead.add((epoch, number, reader))

    @rule(data=st.data(), pairs=st.lists(st.tuples(NUMBERS, st.one_of(st.none(), READERS)), max_size=4))
    def puncture_many_from_another_process(self, data: st.DataObject, pairs: list[tuple[int, int | None]]) -> None:
        epoch = data.draw(st.sampled_from(sorted(self.made)))
        if epoch not in self.gone:
            self.place.service().puncture_all(epoch, pairs)
            self.dead.update((epoch, number, reader) for number, reader in pairs)
            # This process may use its copy until its cache ends; the model asks what is true after that.
            self.restart()

    @rule(data=st.data())
    def destroy(self, data: st.DataObject) -> None:
        epoch = data.draw(st.sampled_from(sorted(self.made)))
        self.service.destroy_epoch(epoch)
        self.gone.add(epoch)

    @rule()
    def restart(self) -> None:
        self.service = self.place.service()

    @rule(data=st.data(), number=NUMBERS, reader=READERS)
    def ask(self, data: st.DataObject, number: int, reader: int) -> None:
        self.look(data.draw(st.sampled_from(sorted(self.made))), number, reader)

    def look(self, epoch: str, number: int, reader: int) -> None:
        dead = epoch in self.gone or (epoch, number, None) in self.dead or (epoch, number, reader) in self.dead
        try:
            leaf = self.service.leaf(epoch, number, reader)
        except KeyDestroyed:
            assert dead
        else:
            assert not dead
            assert self.leaves.setdefault((epoch, number, reader), leaf) == leaf

    @invariant()
    def what_lived_lives_and_what_died_is_dead(self) -> None:
        for epoch, number, reader in list(self.leaves):
            self.look(epoch, number, reader)
        for epoch, number, target in list(self.dead):
            self.look(epoch, number, target or 0) if target is not None else self.look(epoch, number, 1)


TestKeyringModel = KeyringModel.TestCase
TestKeyringModel.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
