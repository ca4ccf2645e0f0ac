"""What an operator sees of rows of sign-in that do not fit, and what they can do about them."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from branding.models import Brand
from portal.access import administrators, delegates, grants, people, roles
from portal.access.delegates import By
from portal.access.models import Delegation, Person
from portal.access.roles import Role
from portal.api import tokens
from portal.api.models import Token
from portal.audit.models import Entry
from portal.operations.doctor import granting
from portal.operations.doctor.finding import State
from tests.grants import keyring_of_before

pytestmark = pytest.mark.django_db
ADA, KIM = "ada@aldervalley.example", "kim@aldervalley.example"


def run(*words: str) -> tuple[int, str]:
    """The exit status and what was said."""
    out = StringIO()
    try:
        call_command("grants", *words, stdout=out)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()


def row_of(address: str) -> Person:
    return Person.objects.get(pk=people.of_address(address).pk)


def test_it_says_that_all_is_well_and_the_doctor_too() -> None:
    administrators.add(ADA, Role.OWNER, by=None)
    assert run("list") == (0, "Every row by which people sign in or mail is handed in is as the portal wrote it.\n")
    (finding,) = granting.rows()
    assert finding.state is State.WELL


def test_it_shows_whose_each_is_and_changes_nothing_unless_told() -> None:
    Person.objects.filter(pk=people.of_address(KIM).pk).update(role=Role.OWNER)
    Token.objects.create(name="own", digest=b"d", scopes=["audit:read"])
    status, said = run("list")
    assert status == 1
    assert f"role {row_of(KIM).pk} has no seal: role owner of {KIM}" in said
    assert "has no seal: token own, for ['audit:read']" in said
    (finding,) = granting.rows()
    assert finding.state is State.WRONG and "2 rows" in finding.seen and "role 1, token 1" in finding.seen
    for verb in ("seal", "drop"):
        assert "Nothing was changed" in run(verb)[1]
    assert not roles.permissions_of(row_of(KIM)) and Token.objects.exists()


def test_what_is_sealed_counts_and_what_is_dropped_is_gone() -> None:
    tokens.create("erp")
    Token.objects.update(scopes=["audit:read"])
    administrators.add(ADA, Role.OWNER, by=None)
    Person.objects.filter(role=Role.OWNER).update(seal=b"")
    Person.objects.filter(pk=people.of_address(KIM).pk).update(role=Role.OWNER)
    assert run("seal", str(row_of(ADA).pk), "--yes")[1].endswith("1 sealed.\n")
    assert roles.permissions_of(row_of(ADA)) and not roles.permissions_of(row_of(KIM))
    assert run("drop", "--yes")[1].endswith("2 taken away.\n")
    assert row_of(KIM).role == Role.READER and not Token.objects.exists()
    assert run("list")[0] == 0
    noted = Entry.objects.filter(kind__startswith="grants.").order_by("id")
    assert [(entry.kind, entry.facts["rows"]) for entry in noted] == [("grants.sealed", 1), ("grants.dropped", 2)]


def test_what_was_taken_away_and_put_back_is_never_sealed_again(brand: Brand) -> None:
    owner = people.of_address(ADA)
    row = delegates.give(owner, KIM, brand, By(delegates.SENDER, owner.pk))
    delegates.end(row, By(delegates.SENDER, owner.pk))
    row.save(force_insert=True)
    _, said = run("seal", "--yes")
    assert "it is never sealed again, drop it" in said and said.endswith("0 sealed.\n")
    assert Delegation.objects.exists() and run("list")[0] == 1


def test_a_database_of_before_the_upgrade_under_the_keyring_of_now_is_sealed_by_hand(
    brand: Brand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring_of_before(tmp_path, monkeypatch)
    grants.seal_once()
    administrators.add(ADA, Role.OWNER, by=None)
    tokens.create("erp")
    for model in (Person, Token):
        model.objects.update(seal=b"")  # as a backup of before has them
    grants.seal_once()
    assert not roles.permissions_of(row_of(ADA)) and run("list")[0] == 1
    run("seal", "--yes")
    assert roles.permissions_of(row_of(ADA)) and run("list")[0] == 0


def test_a_command_gives_no_link_to_a_role_that_nobody_gave() -> None:
    Person.objects.filter(pk=people.of_address(KIM).pk).update(role=Role.OWNER)
    with pytest.raises(CommandError, match="not as the portal wrote it"):
        call_command("administrator", KIM, stdout=StringIO())


@pytest.fixture
def brand() -> Brand:
    return Brand.objects.create(
        slug="alder", name="A", host="secure.aldervalley.example", is_default=True, domains=["aldervalley.example"]
    )
