"""`manage.py department`: whom anyone may write to, changed by an administrator's hand; never anyone outside."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from branding.models import Brand, Department
from portal.audit.models import Entry
from tests.seals import default_brand

pytestmark = pytest.mark.django_db
DESK = "reception@aldervalley.example"


@pytest.fixture
def brand(settings: Any) -> Brand:
    settings.LETTERLOCK = replace(settings.LETTERLOCK, inside_domains=("aldervalley.example",))
    return default_brand()


def run(*arguments: str, command: str = "department") -> str:
    out = io.StringIO()
    call_command(command, *arguments, stdout=out, stderr=out)
    return out.getvalue()


def test_it_is_added_changed_shown_removed_and_recorded(brand: Brand) -> None:
    said = run("add", "alder", "desk", "--name", "Reception", "--name", "de=Empfang", "--to", DESK.upper())
    assert said == f"alder/desk (on, place 0): de “Empfang”, en “Reception”; to {DESK}\n"
    assert "manage.py brand set alder --write-to on" in run("list")
    assert "write-to on" in run("set", "alder", "--write-to", "on", command="brand")
    run("change", "alder", "desk", "--note", "Closed on Sunday.", "--to", f"b@{DESK[10:]}", "--to", DESK, "--off")
    row = Department.objects.get()
    assert (row.notes, row.addresses, row.enabled) == ({"en": "Closed on Sunday."}, [f"b@{DESK[10:]}", DESK], False)
    assert run("list", "alder") == run("change", "alder", "desk", "--note", "en=")
    assert run("remove", "alder", "desk") == "alder: desk is removed.\n"
    kinds = Entry.objects.filter(kind__startswith="department.").order_by("id").values_list("kind", flat=True)
    assert list(kinds) == ["department.added", "department.changed", "department.changed", "department.removed"]


def test_an_address_that_is_inside_no_more_is_told(brand: Brand, settings: Any) -> None:
    run("add", "alder", "desk", "--name", "Reception", "--to", DESK)
    settings.LETTERLOCK = replace(settings.LETTERLOCK, inside_domains=())
    assert f"{DESK} is not inside any more, and gets nothing." in run("list")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("add", "alder", "desk", "--to", DESK), "needs a name"),
        (("add", "alder", "desk", "--name", "x"), "at least one complete address"),
        (("add", "alder", "desk", "--name", "x", "--to", "desk@elsewhere.example"), "is not inside"),
        (("add", "alder", "desk", "--name", "x", "--to", DESK, "--to", "a@elsewhere.example"), "is not inside"),
        (("add", "alder", "desk", "--name", "x", "--to", "no address"), "at least one complete address"),
        (("add", "alder", "desk", "--name", "x" * 81, "--to", DESK), "The limit is 80 characters."),
        (("add", "alder", "sent", "--name", "x", "--to", DESK), "cannot stand in an address"),
        (("add", "alder", "../x", "--name", "x", "--to", DESK), "cannot stand in an address"),
        (("add", "nobody", "desk", "--name", "x", "--to", DESK), "There is no brand nobody."),
        (("change", "alder", "desk", "--off"), "alder has no department desk."),
        (("remove", "alder", "desk"), "alder has no department desk."),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_to_write_instead(
    brand: Brand, arguments: tuple[str, ...], why: str
) -> None:
    with pytest.raises(CommandError, match=why.replace("?", r"\?")):
        run(*arguments)
    assert not Department.objects.exists()
