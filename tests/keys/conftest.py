"""Real key services, started once for the tests that need them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers import places
from tests.peers.hardware import SoftHsm
from tests.peers.relay import Relay
from tests.peers.services import KmsServer, TransitServer

KINDS = ("pkcs11", "awskms", "vault")


@pytest.fixture(scope="session")
def hsm(tmp_path_factory: pytest.TempPathFactory) -> SoftHsm:
    made = places.hardware(tmp_path_factory.mktemp("hsm"))
    # The module reads them once, when this process first uses it.
    os.environ.update(made.environment)
    return made


@pytest.fixture(scope="session")
def kms() -> Iterator[KmsServer]:
    with KmsServer() as server:
        server.key("letters")
        server.key("others")
        yield server


@pytest.fixture(scope="session")
def transit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TransitServer]:
    with TransitServer(tmp_path_factory.mktemp("transit")) as server:
        server.key("letters")
        server.key("others")
        yield server


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[places.Place]:
    """One of each kind after the other; well when the test begins and when it is over."""
    monkeypatch.setenv("HOME", str(tmp_path))
    found: places.Place
    if request.param == "pkcs11":
        found = places.HardwarePlace(request.getfixturevalue("hsm"))
        found.well()
        yield found
        found.well()
        return
    server = request.getfixturevalue({"awskms": "kms", "vault": "transit"}[request.param])
    with Relay(server.port) as relay:
        if request.param == "awskms":
            found = places.KmsPlace(server, relay, monkeypatch)
        else:
            found = places.TransitPlace(server, relay)
        found.well()
        yield found
        found.well()
