"""A portal in this process, for journeys that also look at its rows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer


@pytest.fixture
def origin(live_server: LiveServer, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where a portal answers; its links, and so the origin that passkeys are bound to, say so."""
    # Playwright's loop runs in this thread; Django would take it for an async view's and refuse the database.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    settings.LETTERLOCK = replace(settings.LETTERLOCK, public_url=live_server.url)
    return str(live_server.url)
