"""A part of the overview or the health page that cannot be had leaves the others standing, in calm words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from django.db import connection
from django.test import Client
from pytest_django.fixtures import Settings

from portal.operations import health
from tests.console.conftest import Arrive, counted

AWAY = "Cannot be looked up now."


@contextmanager
def without(table: str) -> Iterator[None]:
    """As when the database cannot give one table."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO {table}_away")
        try:
            yield
        finally:
            cursor.execute(f"ALTER TABLE {table}_away RENAME TO {table}")


@pytest.mark.parametrize(
    ("table", "away", "stays"),
    [
        ("operations_tally", 7, "No backup of the keyring was made yet"),
        ("ingest_spooled", 1, "sealed messages that are kept"),
        ("delivery_bounce", 0, "No backup of the keyring was made yet"),
    ],
)
def test_one_card_fails_alone(owner: Client, arrive: Arrive, table: str, away: int, stays: str) -> None:
    arrive()
    counted()
    with without(table):
        answer = owner.get("/admin/")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert (page.count(AWAY), stays in page) == (away, True)
    assert page.count('<li class="panel">') == 9
    assert ("The figures cannot be looked up now." in page) == (table == "operations_tally")
    if table != "operations_tally":
        assert "Not everything that may need you can be looked up now." in page and "1 protected message" in page
    assert AWAY not in owner.get("/admin/").content.decode()


def test_both_pages_stand_while_broker_blob_store_and_last_look_are_away(
    owner: Client, arrive: Arrive, settings: Settings
) -> None:
    arrive()
    chosen = replace(settings.LETTERLOCK, broker_url="redis://127.0.0.1:9/0")
    settings.LETTERLOCK = replace(chosen, blob_url="s3://bucket?endpoint=http://127.0.0.1:9")
    health._ALL.last = None
    with without("operations_looked"):
        pages = [owner.get(path) for path in ("/admin/", "/admin/health/")]
    assert [page.status_code for page in pages] == [200, 200]
    assert "Not everything is well." in pages[0].content.decode()
    assert "What was found last cannot be looked up now." in pages[1].content.decode()
    health._ALL.last = None
