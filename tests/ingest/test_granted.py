"""Whoever writes the database lets no mail server in: the door believes what the keyring lists, and holds no key."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from portal.access import grants
from portal.audit.models import Entry
from portal.ingest import enrolling
from portal.ingest.errors import ConnectorRefused
from portal.ingest.models import Connector
from portal.ingest.roster import Roster
from portal.keys import service
from portal.keys.granting import OBJECT
from portal.keys.keyring import FolderKeyring
from portal.keys.provider import LocalFile
from portal.keys.service import KeyService, keys
from portal.operations.doctor import granting
from portal.operations.doctor.finding import State
from tests.grants import keyring_of_before
from tests.ingest.doors import Line, RunningDoor
from tests.ingest.test_smtp import configure


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """LETTERLOCK_NETWORKS lists nothing, so that only connectors count."""
    configure(monkeypatch, networks=())


@pytest.fixture(autouse=True)
def _this_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look in this thread leaves the connection of its test open."""
    monkeypatch.setattr("portal.ingest.roster.close_old_connections", lambda: None)


def known() -> list[str]:
    """The connectors that a door believes when it looks now."""
    roster = Roster()
    try:
        roster._read()
        return [connector.name for connector in roster.connectors]
    finally:
        roster._pool.shutdown()


def sql(statement: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def add(name: str = "office", **fields: str | bool | int) -> Connector:
    return enrolling.add(name, {"networks": "192.0.2.0/24", "domains": "aldervalley.example", **fields})


def forged() -> list[tuple[Any, Any]]:
    found = Entry.objects.filter(kind="grant.forged").order_by("id")
    return [(entry.facts["what"], entry.facts["how"]) for entry in found]


@pytest.mark.usefixtures("at_once", "nobody")
def test_no_mail_comes_by_a_connector_that_was_put_there(door: RunningDoor, caplog: pytest.LogCaptureFixture) -> None:
    add(networks="192.0.2.0/24")
    sql(
        "INSERT INTO ingest_connector (name, networks, certificate, login, password, domains, tls_required, "
        "max_sessions, max_hourly, header, header_digests, made_at, seal) SELECT 'own', '127.0.0.0/8', '', '', '', '', "
        "tls_required, 0, 0, '', '', made_at, seal FROM ingest_connector"
    )
    with Line(door.port) as line:
        assert line.ask(b"MAIL FROM:<maya@aldervalley.example>").startswith("550 5.7.1")
        assert line.ask(b"MAIL FROM:<maya@aldervalley.example>").startswith("550 5.7.1")
    assert caplog.text.count("connector own is not as the portal wrote it") == 1
    assert forged() == [("connector", "unlisted")]
    enrolling.add("good", {"networks": "127.0.0.0/8"})
    with Line(door.port) as line:
        assert line.ask(b"MAIL FROM:<maya@aldervalley.example>").startswith("250")


CHANGED: list[tuple[str, object]] = [
    ("name", "other"),
    ("networks", "0.0.0.0/0"),
    ("certificate", ""),
    ("login", "other"),
    ("password", "pbkdf2_sha256$1$a$b"),
    ("domains", ""),
    ("tls_required", False),
    ("max_sessions", 9),
    ("max_hourly", 0),
    ("header", ""),
    ("header_digests", "0" * 64),
    ("seal", b"x" * 48),
    ("seal", b""),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("column", "value"), CHANGED)
@pytest.mark.usefixtures("nobody")
def test_a_connector_that_was_changed_is_none(column: str, value: object) -> None:
    add(certificate="mx.example", login="app", tls_required=True, max_hourly=5, header="X-Own")
    assert known() == ["office"]
    Connector.objects.update(**{column: value})
    assert known() == []
    assert known() == [] and len(forged()) == 1, "recorded once as it is"
    assert next(granting.connectors()).state is State.WRONG


def test_all_of_a_connector_is_sealed_but_when_it_was_made() -> None:
    columns = {field.name for field in Connector._meta.concrete_fields}
    assert columns - {column for column, _ in CHANGED} == {"id", "made_at"}


@pytest.mark.django_db
@pytest.mark.usefixtures("nobody")
def test_a_connector_of_before_does_not_come_back_by_its_old_row() -> None:
    add(domains="")
    old = Connector.objects.get()
    enrolling.change("office", {"domains": "aldervalley.example"})
    assert known() == ["office"]
    sql("UPDATE ingest_connector SET domains = '', seal = %s", bytes(old.seal))
    assert known() == [] and grants.standing(Connector.objects.get()) == "ended"
    Connector.objects.all().delete()
    enrolling.add("office", {"networks": "192.0.2.0/24"})
    removed = Connector.objects.get()
    enrolling.remove("office")
    removed.save(force_insert=True)
    assert known() == []
    with pytest.raises(SystemExit):
        call_command("grants", "list", stdout=StringIO())
    call_command("grants", "seal", "--yes", stdout=StringIO())
    assert known() == [], "what was taken away is never sealed again"
    call_command("grants", "drop", "--yes", stdout=StringIO())
    assert not Connector.objects.exists()


@pytest.mark.django_db
@pytest.mark.usefixtures("nobody")
def test_nothing_that_somebody_wrote_is_changed_into_something_sealed() -> None:
    add(login="app")
    sql("UPDATE ingest_connector SET domains = ''")
    for change in (lambda: enrolling.change("office", {"max_hourly": 9}), lambda: enrolling.new_password("office")):
        with pytest.raises(ConnectorRefused, match="not as the portal wrote it"):
            change()
    assert ("connector", "changed") in forged()
    told = StringIO()
    call_command("connector", "list", stdout=told)
    assert told.getvalue() == "office; not as the portal wrote it, so no mail comes by it: see manage.py grants list\n"
    told = StringIO()
    with pytest.raises(SystemExit):
        call_command("grants", "list", stdout=told)
    assert "from 192.0.2.0/24, with login app, sending as anyone" in told.getvalue()
    call_command("grants", "seal", "--yes", stdout=StringIO())
    assert known() == ["office"], "an operator has looked"


@pytest.mark.django_db
@pytest.mark.usefixtures("nobody")
def test_a_row_that_reads_as_nothing_stops_no_other() -> None:
    add()
    Connector.objects.create(name="bad", networks="nonsense")
    assert known() == ["office"]


@pytest.mark.django_db
@pytest.mark.usefixtures("nobody")
def test_connectors_of_before_are_sealed_once_and_none_that_comes_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring_of_before(tmp_path, monkeypatch)
    Connector.objects.create(name="office", networks="192.0.2.0/24")
    assert known() == [], "a door that starts before manage.py prepare"
    assert grants.seal_once()["connector"] == 1
    assert known() == ["office"]
    Connector.objects.create(name="later", networks="192.0.2.0/24")
    assert grants.seal_once() == {}
    assert known() == ["office"]


@pytest.mark.django_db
@pytest.mark.usefixtures("nobody")
def test_a_door_looks_without_the_root_key_and_can_make_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keyring_of_before(tmp_path, monkeypatch).grants.begin()
    add()
    away = LocalFile(tmp_path / "none.key")
    monkeypatch.setattr(service, "_service", KeyService(away, FolderKeyring(tmp_path / "keyring", away)))
    assert known() == ["office"]
    with pytest.raises(CommandError, match="root key"):
        call_command("connector", "add", "own", "--networks", "127.0.0.0/8", stdout=StringIO())
    assert known() == ["office"]


@pytest.mark.django_db
@pytest.mark.usefixtures("nobody")
def test_a_list_that_was_lost_lets_nobody_in_until_it_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring_of_before(tmp_path, monkeypatch).grants.begin()
    add()
    published = tmp_path / "keyring" / f"{OBJECT}.pub"
    for left in (None, b"LLP1" + b"x" * 7, b"LLP1"):
        published.unlink() if left is None else published.write_bytes(left)
        assert known() == []
        assert next(granting.connectors()).state is State.WRONG
        grants.post_whole()
        assert known() == ["office"]
        assert next(granting.connectors()).state is State.WELL


@pytest.mark.django_db
@pytest.mark.usefixtures("nobody")
def test_the_list_keeps_nothing_that_has_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = keyring_of_before(tmp_path, monkeypatch).grants
    held.begin()
    add(domains="a.example")
    enrolling.change("office", {"domains": "b.example"})
    assert len(keys().grants.posted()) == 1
    before = keys().grants.posted()
    enrolling.remove("office")
    assert keys().grants.posted() == frozenset()
    held.post(before)
    assert keys().grants.posted() == frozenset()
