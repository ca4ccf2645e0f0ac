"""The health pages: what is wrong by name, no details for strangers, and no way to hammer what they ask."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal.operations import health
from portal.operations.commands import sentences
from portal.operations.health import OK, Panel
from portal.values import Address
from tests.servers import free_port

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _fresh() -> None:
    health._ALL.last = health._NEEDED.last = None


def test_ready_when_all_that_is_needed_is_there(client: Client) -> None:
    answer = client.get("/readyz", HTTP_HOST="any.example")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "missing": []})
    assert answer["Cache-Control"] == "no-store"


def test_what_is_missing_is_named_and_nothing_else_told(client: Client, settings: Any, tmp_path: Path) -> None:
    there = tmp_path / "blobs"
    there.write_text("no folder")
    settings.LETTERLOCK = replace(
        settings.LETTERLOCK, blob_url=f"file://{there}", broker_url=f"redis://secret@127.0.0.1:{free_port()}/0"
    )
    from portal.celery import app

    before = dict(app.conf.changes)
    app.conf.update(broker_url=settings.LETTERLOCK.broker_url, broker_transport=None)
    try:
        found = health.ready()
        health._NEEDED.last = None
        answer = client.get("/readyz")
    finally:
        app.conf.changes.clear()
        app.conf.changes.update(before)
    assert answer.status_code == 503
    assert set(answer.json()["missing"]) >= {"broker"}
    assert str(tmp_path) not in answer.content.decode()
    assert "secret" not in answer.content.decode() + str(found)
    assert "LETTERLOCK_BROKER_URL" in found["broker"]


def test_migrations_that_are_not_applied_are_said() -> None:
    assert health.migrated() == OK
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'operations'")
    try:
        assert "manage.py prepare" in health.migrated()
        with pytest.raises(SystemExit, match=r"older than this program\. Run: manage\.py prepare"), sentences():
            raise OperationalError
    finally:
        from django.db.migrations.recorder import MigrationRecorder

        for name in sorted(path.stem for path in Path("portal/operations/migrations").glob("0*.py")):
            MigrationRecorder(connection).record_applied("operations", name)
    assert health.migrated() == OK
    with pytest.raises(SystemExit, match=r"cannot be used \(OperationalError\)"), sentences():
        raise OperationalError


def test_a_spool_that_takes_no_file_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert health.spool() == OK
    monkeypatch.setattr(health, "spool_folder", lambda: tmp_path / "gone")
    assert "The spool folder cannot be written" in health.spool()


def test_a_store_of_large_messages_that_is_away_is_said(settings: Any) -> None:
    assert health.blobs() == OK
    settings.LETTERLOCK = replace(
        settings.LETTERLOCK, blob_url=f"s3://bucket/x?endpoint=http://127.0.0.1:{free_port()}&region=eu-north-1"
    )
    assert "LETTERLOCK_BLOB_URL" in health.blobs()


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_whoever_comes_through_a_proxy_reads_no_sentence(client: Client, settings: Any, header: str) -> None:
    settings.LETTERLOCK = replace(settings.LETTERLOCK, smtp=Address("127.0.0.1", free_port()))
    asked = client.get("/healthz")
    told = client.get("/healthz", headers={header: "203.0.113.9"})
    assert asked.status_code == told.status_code == 503
    assert "LETTERLOCK_SMTP" in asked.json()["door"], "nobody started one"
    assert set(told.json().values()) <= {"ok", "not well"}
    assert told.json()["door"] == "not well"


def test_healthz_knows_the_store_of_large_messages(client: Client) -> None:
    found = client.get("/healthz").json()
    assert list(found) == ["web", "door", "database", "worker", "keys", "storage", "audit"]
    assert found["storage"] == OK


def test_a_hundred_askers_cause_one_round_of_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def question() -> str:
        asked.append(1)
        time.sleep(0.05)
        return OK

    monkeypatch.setattr(health, "CACHE_SECONDS", 60.0)
    panel = Panel({"one": question})
    threads = [threading.Thread(target=panel.answers) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(asked) == 1


def test_a_question_that_hangs_is_given_up_and_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PART_SECONDS", 0.1)
    go_on, asked = threading.Event(), []

    def question() -> str:
        asked.append(1)
        go_on.wait(120)
        return OK

    panel = Panel({"one": question, "two": lambda: OK})
    for _ in range(3):
        found = panel.ask()
        assert found["one"].startswith("No answer within")
    assert len(asked) == 1
    monkeypatch.setattr(health, "PART_SECONDS", 120.0)
    go_on.set()
    panel.hanging["one"].join()
    panel.ask()
    assert panel.ask() == {"one": OK, "two": OK}


def test_a_check_that_breaks_is_named_and_tells_nothing_foreign() -> None:
    def broken() -> str:
        raise ValueError("postgresql://user:canary@host")

    found = Panel({"one": broken}).ask()
    assert found["one"].startswith("The check itself failed with ValueError")
    assert "canary" not in found["one"]


def test_alive_without_asking_anything(client: Client) -> None:
    with CaptureQueriesContext(connection) as seen:
        assert client.get("/livez", HTTP_HOST="10.1.2.3").status_code == 200
    assert len(seen) == 0
