"""A brand, a relay or an outbox, and mail that waits to be sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings

from branding.models import Brand
from portal.delivery import letters
from portal.delivery.letters import Prepared
from portal.delivery.models import Outbound
from portal.delivery.queue import address_of, enqueue
from tests.delivery import relays

PLAIN = b"Subject: hello\r\n\r\nbody\r\n"


@pytest.fixture
def configure(settings: Any) -> Callable[..., None]:
    """Change Letterlock's settings for one test."""

    def change(**changes: Any) -> None:
        settings.LETTERLOCK = replace(django_settings.LETTERLOCK, **changes)

    return change


@pytest.fixture
def relay(configure: Callable[..., None]) -> Iterator[relays.Relay]:
    """A relay that the settings name."""
    with relays.running() as running:
        configure(relay_url=running.url)
        yield running


@pytest.fixture
def outbox(configure: Callable[..., None], tmp_path: Path) -> Path:
    """The outbox that the settings name."""
    configure(relay_url="", data=tmp_path)
    return tmp_path / "outbox"


@pytest.fixture
def brand(db: None) -> Brand:
    return Brand.objects.create(
        slug="alder",
        name="Alder Valley Clinic",
        host="secure.aldervalley.example",
        domains=["aldervalley.example"],
        postal_address="Alder Street 4, 123 45 Alder Valley",
        is_default=True,
    )


@pytest.fixture
def relayed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outbound]:
    """Ask for relayed mail whose bytes are known, as the room that owns the spool would."""
    monkeypatch.setitem(
        letters._builders, "relay", lambda row: Prepared.whole("maya@aldervalley.example", address_of(row), PLAIN)
    )

    def ask(address: str = "jonas.berg@mail.example", **more: Any) -> Outbound:
        return enqueue("relay", address=address, **more)

    return ask
