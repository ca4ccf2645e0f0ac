"""Where rows are locked one by one: who claims passes over what another is just claiming, and waits for nobody.

SQLite has one writer at a time; tests/test_on_postgresql.py runs this.
"""

from __future__ import annotations

from threading import Event, Thread

import pytest
from django.db import connection, transaction

from portal.ingest.models import Spooled
from tests.test_leases import claim, due


@pytest.mark.django_db(transaction=True)
def test_a_claim_waits_for_nobody() -> None:
    rows = due(3)
    holds, over = Event(), Event()

    def another() -> None:
        with transaction.atomic():
            Spooled.objects.select_for_update().get(pk=rows[0].pk)
            holds.set()
            over.wait(120)
        connection.close()

    thread = Thread(target=another)
    thread.start()
    try:
        assert holds.wait(120)
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = '15s'")
        assert {row.pk for row in claim(5)} == {row.pk for row in rows[1:]}
    finally:
        over.set()
        thread.join()
    assert [row.pk for row in claim(5)] == [rows[0].pk]
