"""Whatever is done to a keyring, in any order and killed anywhere: no living leaf is lost, no dead one comes back."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from portal.keys.errors import KeyDestroyed, NoSuchKey
from portal.keys.keyring import FolderKeyring
from portal.keys.provider import LocalFile
from portal.keys.renewing import renew_root
from portal.keys.service import KeyService
from tests.keys.killing import killed_at

EPOCHS = ("2026-12-17.0", "2026-12-17.1")
NUMBERS = (0, 1, 0x12345678, 0x12345679, 0xFFFFFFFF)
READERS = (0, 1, 0xFFF)
PROBES = [(number, reader) for number in NUMBERS for reader in READERS]
Leaf = tuple[int, int]
Target = tuple[int, int | None]

epochs = st.sampled_from(EPOCHS)
numbers = st.sampled_from(NUMBERS)
targets = st.tuples(numbers, st.one_of(st.none(), st.sampled_from(READERS)))
processes = st.integers(0, 1)
steps = st.integers(0, 40)


class KeyringModel(RuleBasedStateMachine):
    """Beside the keyring stands what must be true of it: each epoch's living leaves, by their bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="letterlock-model-"))
        self.living: dict[str, dict[Leaf, bytes]] = {}
        self.destroyed: set[str] = set()

    def teardown(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def keyring(self) -> FolderKeyring:
        return FolderKeyring(self.folder / "keyring", LocalFile(self.folder / "root.key"))

    def process(self) -> KeyService:
        return KeyService(LocalFile(self.folder / "root.key"), self.keyring())

    @initialize()
    def first_start(self) -> None:
        provider = LocalFile.create(self.folder / "root.key")
        KeyService.initialise(provider, FolderKeyring(self.folder / "keyring", provider))
        self.services = [self.process(), self.process()]
        self.secret = self.services[0].secret("directory")
        self.make(EPOCHS[0], 0)

    # What is done

    @rule(epoch=epochs, at=processes)
    def make(self, epoch: str, at: int) -> None:
        if epoch in self.destroyed:
            with pytest.raises(KeyDestroyed):
                self.services[at].make(epoch)
            return
        self.services[at].make(epoch)
        self._made(epoch)

    @rule(epoch=epochs, dead=st.lists(targets, min_size=1, max_size=4), at=processes)
    def puncture(self, epoch: str, dead: list[Target], at: int) -> None:
        if epoch not in self.living:
            with pytest.raises((NoSuchKey, KeyDestroyed)):
                self.services[at].puncture_all(epoch, dead)
            return
        self.services[at].puncture_all(epoch, dead)
        self._died(epoch, dead)

    @rule(epoch=epochs, kept=st.sets(numbers, max_size=2), at=processes)
    def keep_only(self, epoch: str, kept: set[int], at: int) -> None:
        if epoch in self.living:
            self.services[at].keep_only(epoch, kept)
            self.living[epoch] = {leaf: key for leaf, key in self.living[epoch].items() if leaf[0] in kept}

    @rule(epoch=epochs, at=processes)
    def destroy(self, epoch: str, at: int) -> None:
        if epoch in self.living:
            self.services[at].destroy_epoch(epoch)
            self._gone(epoch)

    @rule(at=processes)
    def rotate_the_root(self, at: int) -> None:
        renew_root(LocalFile(self.folder / "root.key"), self.keyring(), lambda: None, settle_seconds=0)

    @rule(at=processes)
    def restart(self, at: int) -> None:
        self.services[at] = self.process()

    # The same, killed on the way

    @rule(epoch=epochs, step=steps)
    def make_killed(self, epoch: str, step: int) -> None:
        if epoch not in self.destroyed:
            finished = killed_at(step, lambda: self.process().make(epoch))
            if finished or epoch in self.process().epochs():
                self._made(epoch)

    @rule(epoch=epochs, dead=st.lists(targets, min_size=1, max_size=3), step=steps)
    @precondition(lambda self: self.living)
    def puncture_killed(self, epoch: str, dead: list[Target], step: int) -> None:
        if epoch not in self.living:
            return
        finished = killed_at(step, lambda: self.process().puncture_all(epoch, dead))
        before = dict(self.living[epoch])
        self._died(epoch, dead)
        if not finished and before != self.living[epoch] and self._found(epoch) == before:
            self.living[epoch] = before  # nothing of it happened; anything between is found by the invariant

    @rule(epoch=epochs, step=steps)
    @precondition(lambda self: self.living)
    def destroy_killed(self, epoch: str, step: int) -> None:
        if epoch in self.living:
            finished = killed_at(step, lambda: self.process().destroy_epoch(epoch))
            if finished or epoch not in self.process().epochs():
                self._gone(epoch)

    @rule(step=st.integers(0, 120))
    def rotate_the_root_killed(self, step: int) -> None:
        killed_at(
            step,
            lambda: renew_root(LocalFile(self.folder / "root.key"), self.keyring(), lambda: None, settle_seconds=0),
        )

    # What must hold

    @invariant()
    def every_living_leaf_is_there_and_no_dead_one(self) -> None:
        for epoch in EPOCHS:
            assert self._found(epoch) == self.living.get(epoch, {}), epoch

    @invariant()
    def processes_that_run_on_lose_no_living_leaf(self) -> None:
        # What died by another process may live in their memory for the time of the cache, and only there.
        for service in getattr(self, "services", ()):
            for epoch, leaves in self.living.items():
                for (number, reader), key in leaves.items():
                    assert service.leaf(epoch, number, reader) == key

    @invariant()
    def the_secrets_are_those_of_the_first_start(self) -> None:
        if hasattr(self, "secret"):
            assert self.process().secret("directory") == self.secret

    def _found(self, epoch: str) -> dict[Leaf, bytes]:
        service, found = self.process(), {}
        # Only what was never made is not there; what died says so.
        refusal = KeyDestroyed if epoch in self.living or epoch in self.destroyed else NoSuchKey
        for number, reader in PROBES:
            with suppress(refusal):
                found[number, reader] = service.leaf(epoch, number, reader)
        return found

    def _made(self, epoch: str) -> None:
        if epoch not in self.living:
            self.living[epoch] = {}
            self.living[epoch] = self._found(epoch)
            assert len(set(self.living[epoch].values())) == len(PROBES)

    def _died(self, epoch: str, dead: list[Target]) -> None:
        for number, reader in dead:
            gone = [leaf for leaf in self.living[epoch] if leaf[0] == number and reader in (None, leaf[1])]
            for leaf in gone:
                del self.living[epoch][leaf]

    def _gone(self, epoch: str) -> None:
        del self.living[epoch]
        self.destroyed.add(epoch)


KeyringModel.TestCase.settings = settings(
    max_examples=40, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
)
test_no_living_leaf_is_lost_and_no_dead_one_comes_back = KeyringModel.TestCase
