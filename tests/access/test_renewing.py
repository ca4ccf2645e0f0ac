"""A new secret for the seals: nobody is shut out, nothing that somebody wrote is sealed, and it can be cut short."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from branding import choosing
from branding.models import Brand
from portal.access import administrators, grants, renewing, roles
from portal.access.models import Person
from portal.access.roles import Role
from portal.audit.models import Entry
from portal.ingest import enrolling
from portal.ingest.models import Connector
from portal.keys.granting import OBJECT, Grants, Standing
from portal.keys.service import KeyService, configured, keys
from portal.operations.doctor import granting

pytestmark = pytest.mark.django_db
ADA, KIM, EBBA = (f"{name}@aldervalley.example" for name in ("ada", "kim", "ebba"))


class Cut(Exception):
    """The command is ended here."""


@pytest.fixture
def rows(brand: Brand) -> None:
    """An owner, a connector and a brand, as the portal made them; and what an insider wrote."""
    administrators.add(ADA, Role.OWNER, by=None)
    enrolling.add("office", {"networks": "192.0.2.0/24"})
    administrators.add(KIM, Role.AUDITOR, by=None)
    Person.objects.filter(role=Role.AUDITOR).update(role=Role.OWNER)


def secrets() -> int:
    return len(Grants.decode(keys()._keyring.read(OBJECT)[1]).secrets)


def standings(service: KeyService) -> dict[str, list[str]]:
    """How each row stands to its seal for a host."""
    found: dict[str, list[str]] = {}
    for kind in grants.kinds():
        for row in grants.rows_of(kind):
            how = service.grants.standing(kind.name, kind.claims(row), bytes(row.seal))
            found.setdefault(kind.name, []).append(how.value)
    return {name: sorted(hows) for name, hows in found.items()}


def renew(*waits: Callable[[], Any]) -> int:
    """Renew, doing this while it waits for the first and the second time."""
    calls = iter(waits)
    return renewing.renew(300, lambda _: None, lambda _: next(calls, lambda: None)())


@pytest.mark.usefixtures("rows")
def test_every_row_is_sealed_anew_and_nothing_that_somebody_wrote(brand: Brand) -> None:
    before, seals = standings(keys()), {bytes(row.seal) for row in Person.objects.exclude(seal=b"")}
    old = Connector.objects.get()
    assert before["role"] == ["changed", "whole"] and secrets() == 1
    assert renew() >= 3
    assert standings(KeyService(*configured())) == before and secrets() == 1
    assert len(seals & {bytes(row.seal) for row in Person.objects.all()}) == 1, "that of the row that does not fit"
    assert choosing.of_host(brand.host) == brand
    Connector.objects.update(seal=old.seal)
    assert grants.standing(Connector.objects.get()) is Standing.CHANGED
    assert not grants.is_posted(Connector.objects.get(), keys().grants.posted())
    assert [entry.kind for entry in Entry.objects.filter(kind__startswith="grants.re")] == [
        "grants.renewing",
        "grants.renewed",
    ]


@pytest.mark.usefixtures("rows")
def test_a_host_that_knows_the_keyring_of_minutes_ago_shuts_nobody_out(brand: Brand) -> None:
    before = standings(keys())
    host = KeyService(*configured())
    hosts = [host]

    def looks() -> None:
        """What it opened before the wait counts for all of it; then it reads the keyring anew."""
        assert standings(hosts[-1]) == before
        assert choosing.of_host(brand.host) == brand
        hosts.append(KeyService(*configured()))
        assert standings(hosts[-1]) == before

    def seals() -> None:
        looks()
        kind = next(kind for kind in grants.kinds() if kind.model is Person)
        row = Person.objects.filter(role=Role.OWNER).exclude(seal=b"").order_by("pk").first()
        assert row is not None
        owner = next(row for row in grants.rows_of(kind) if grants.fits(row))
        owner.seal = hosts[1].grants.seal(kind.name, kind.claims(owner))  # it seals under the old one still
        owner.save(update_fields=["seal"])
        assert grants.is_under_old(owner)

    assert standings(host) == before
    renew(looks, seals)
    assert standings(hosts[-1]) == before and standings(KeyService(*configured())) == before


@pytest.mark.usefixtures("rows")
def test_it_is_cut_short_and_goes_on() -> None:
    def cut() -> None:
        raise Cut

    before = standings(keys())
    for waits in ((cut,), (cut,), (lambda: None, cut), (lambda: None, cut)):
        with pytest.raises(Cut):
            renew(*waits)
        assert standings(keys()) == before == standings(KeyService(*configured())) and secrets() == 2
        assert [finding.state.word for finding in granting.renewal()] == ["notice"]
    renew()
    assert standings(KeyService(*configured())) == before and secrets() == 1
    assert [finding.state.word for finding in granting.renewal()] == []
    assert Entry.objects.filter(kind="grants.renewing").count() == 1


@pytest.mark.usefixtures("rows")
def test_what_is_taken_away_meanwhile_does_not_come_back_by_its_old_row() -> None:
    kept = Connector.objects.get()

    def remove() -> None:
        enrolling.remove("office")
        kept.save(force_insert=True)

    renew(lambda: None, remove)
    assert grants.standing(Connector.objects.get()) is Standing.CHANGED
    assert not grants.is_posted(Connector.objects.get(), keys().grants.posted())


def test_the_command_says_what_it_would_do_and_does_it(monkeypatch: pytest.MonkeyPatch, brand: Brand) -> None:
    owner = administrators.add(ADA, Role.OWNER, by=None)
    seal = bytes(owner.seal)
    told = StringIO()
    call_command("grants", "renew", stdout=told)
    assert "Nothing was changed" in told.getvalue() and secrets() == 1
    monkeypatch.setattr("portal.access.renewing.time.sleep", lambda _: None)
    told = StringIO()
    call_command("grants", "renew", "--yes", stdout=told)
    assert "the old one is forgotten" in told.getvalue()
    now = Person.objects.get(pk=owner.pk)
    assert bytes(now.seal) != seal and roles.permissions_of(now)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE access_person SET seal = %s WHERE id = %s", [seal, owner.pk.hex])
    assert not roles.permissions_of(Person.objects.get(pk=owner.pk))
