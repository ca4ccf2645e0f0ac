"""A brand, a reader, a clock and a provider to sign in at, for the tests of the access room."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.utils import timezone

from branding.models import Brand
from portal.access.brake import BRAKE
from portal.vault.models import Reader
from tests.access.visitors import Clock, Visitor, make_brand, make_reader
from tests.peers.issuer import Issuer


@pytest.fixture(autouse=True)
def _guessed_at_nothing() -> None:
    BRAKE.forget()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    standing = Clock()
    monkeypatch.setattr(timezone, "now", standing)
    return standing


@pytest.fixture
def brand(db: None) -> Brand:
    return make_brand("secure.aldervalley.example", is_default=True)


@pytest.fixture
def other_brand(db: None) -> Brand:
    return make_brand("mail.harbour.example", name="Harbour Law")


@pytest.fixture
def reader(brand: Brand) -> Reader:
    return make_reader(brand, "Jonas.Berg@mail.example")


@pytest.fixture
def visitor(brand: Brand) -> Visitor:
    return Visitor(brand)


@pytest.fixture
def stranger(brand: Brand) -> Visitor:
    """Another browser."""
    return Visitor(brand)


@pytest.fixture(scope="session")
def _issuer() -> Iterator[Issuer]:
    with Issuer() as running:
        yield running


@pytest.fixture
def issuer(_issuer: Issuer) -> Issuer:
    _issuer.reset()
    return _issuer
