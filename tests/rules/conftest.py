"""Rules that are looked for each time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from portal.rules import live


@pytest.fixture
def asked_at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The live version is asked anew for every mail, and none is known from before."""
    monkeypatch.setattr(live, "FRESH_SECONDS", -1.0)
    live.forget()
    yield
    live.forget()
