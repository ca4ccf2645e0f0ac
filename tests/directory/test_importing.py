"""People and groups from CSV and LDIF: what would change is told first, and nothing is lost by a bad file."""

from __future__ import annotations

import base64
import time
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from portal.audit.models import Entry
from portal.directory import importing, membership
from portal.directory.importing import TooManyRemoved
from portal.directory.models import Group, Person
from portal.directory.sealed import lookup_of
from portal.directory.wanted import BadFile

pytestmark = pytest.mark.django_db

PEOPLE = """Email;Display name;Department;Manager;Groups
Ada@Clinic.example;Ada Berg;Oncology;boss@clinic.example;Nurses; Night shift
boss@clinic.example;=HYPERLINK("http://x");Board;;
"""
LDIF = f"""dn: uid=ada,ou=people,dc=clinic,dc=example
objectClass: inetOrgPerson
uid: ada
mail: ada@clinic.example
displayName:: {base64.b64encode("Åda Berg".encode()).decode()}
title: Head of a very long dep
 artment
manager: UID=boss, ou=people,dc=clinic,dc=example
memberOf: cn=Partners\\, all,ou=groups,dc=clinic,dc=example

# a comment
dn: uid=boss,ou=people,dc=clinic,dc=example
objectClass: inetOrgPerson
mail: boss@clinic.example
userAccountControl: 514

dn: cn=Nurses,ou=groups,dc=clinic,dc=example
objectClass: groupOfNames
cn: Nurses
member: uid=ada,ou=people,dc=clinic,dc=example
member: uid=gone,ou=people,dc=clinic,dc=example

dn: cn=Staff,ou=groups,dc=clinic,dc=example
objectClass: posixGroup
cn: Staff
memberUid: ADA
member: cn=nurses,ou=groups,dc=clinic,dc=example
"""


def take(text: str | bytes, source: str = "csv", *, complete: bool = False, confirmed: bool = False) -> importing.Plan:
    data = text.encode() if isinstance(text, str) else text
    made = importing.plan(importing.read(data, source), source, removes_missing=complete)
    importing.apply(made, confirmed=confirmed)
    return made


def groups(address: str) -> set[str]:
    return set(membership.groups_of([address])[address])


def test_people_come_from_csv_with_attributes_and_groups() -> None:
    made = take(PEOPLE.replace("Nurses; Night shift", '"Nurses; Night shift"'))
    assert made.added == ["ada@clinic.example", "boss@clinic.example"]
    assert groups("ada@clinic.example") == {"nurses", "night-shift"}
    assert membership.attributes_of(["ada@clinic.example"])["ada@clinic.example"]["manager"] == "boss@clinic.example"
    assert membership.attributes_of(["boss@clinic.example"])["boss@clinic.example"]["name"] == '=HYPERLINK("http://x")'


@pytest.mark.parametrize("coding", ["utf-8-sig", "utf-16", "cp1252"])
def test_a_file_of_excel_is_read_in_any_coding(coding: str) -> None:
    take("address,name\nada@clinic.example,Åda Bérg\n".encode(coding))
    assert membership.attributes_of(["ada@clinic.example"])["ada@clinic.example"]["name"] == "Åda Bérg"


def test_members_come_from_a_list_of_groups_and_leave_what_is_known_of_people() -> None:
    take("address,department\nada@clinic.example,Oncology\n")
    take("group,member\nPartners,ada@clinic.example\nPartners,@lab.example\nAll,group:Partners\n")
    assert groups("ada@clinic.example") == {"partners", "all"}
    assert groups("any@lab.example") == {"partners", "all"}
    assert membership.attributes_of(["ada@clinic.example"])["ada@clinic.example"] == {"department": "Oncology"}


def test_ldif_resolves_names_to_addresses() -> None:
    made = take(LDIF, "ldif")
    assert groups("ada@clinic.example") == {"nurses", "staff", "partners-all"}
    known = membership.attributes_of(["ada@clinic.example"])["ada@clinic.example"]
    assert known == {"name": "Åda Berg", "title": "Head of a very long department", "manager": "boss@clinic.example"}
    assert not Person.objects.filter(lookup=lookup_of("boss@clinic.example"), active=True).exists()
    assert len(made.wanted.problems) == 1


def test_the_same_file_again_changes_nothing() -> None:
    for text, source in ((PEOPLE, "csv"), (LDIF, "ldif")):
        take(text, source)
        assert importing.plan(importing.read(text.encode(), source), source).is_empty


def test_nobody_is_removed_unless_the_file_is_said_to_be_complete() -> None:
    take("address,groups\nada@clinic.example,Nurses\nben@clinic.example,Nurses\n")
    take("address,groups\nada@clinic.example,Doctors\n")
    assert (groups("ada@clinic.example"), groups("ben@clinic.example")) == ({"nurses", "doctors"}, {"nurses"})
    take("address,groups\nada@clinic.example,Doctors\n", complete=True)
    assert (groups("ada@clinic.example"), Person.objects.count(), Group.objects.count()) == ({"doctors"}, 1, 1)


def test_more_than_a_fifth_is_not_removed_without_another_word() -> None:
    take("address\n" + "".join(f"p{number}@clinic.example\n" for number in range(50)))
    rest = "address\n" + "".join(f"p{number}@clinic.example\n" for number in range(30))
    with pytest.raises(TooManyRemoved):
        take(rest, complete=True)
    assert Person.objects.count() == 50
    take(rest, complete=True, confirmed=True)
    assert Person.objects.count() == 30


def test_each_source_leaves_the_others_people_alone() -> None:
    take("address,department\nada@clinic.example,Oncology\n")
    made = take(LDIF, "ldif", complete=True)
    assert made.elsewhere == 1
    assert membership.attributes_of(["ada@clinic.example"])["ada@clinic.example"] == {"department": "Oncology"}
    assert "nurses" in groups("ada@clinic.example")


@pytest.mark.parametrize(
    ("data", "source"),
    [
        (b"", "csv"),
        (b"name,department\nAda,X\n", "csv"),
        (b"PK\x03\x04\0\0\0", "csv"),
        (b'address\n"' + b"x" * 200_000 + b'"\n', "csv"),
        (b"", "ldif"),
        (b"dn: cn=x\nno ldif at all\n", "ldif"),
        (b"dn: cn=x\nmail:: %%%\n", "ldif"),
        (b"dn: cn=x\nchangetype: delete\n", "ldif"),
        (b"x", "xlsx"),
    ],
)
def test_a_bad_file_is_refused_with_a_sentence(data: bytes, source: str) -> None:
    with pytest.raises(BadFile) as refused:
        importing.read(data, source)
    assert str(refused.value).endswith(".")


def test_a_bad_line_is_left_out_and_told_without_its_words() -> None:
    made = take("address,manager\nno address here,\nada@clinic.example,also none\n,\n")
    assert made.added == ["ada@clinic.example"]
    assert [problem.partition(":")[0] for problem in made.wanted.problems] == ["Line 2", "Line 3"]
    assert "no address here" not in str(made.wanted.problems)


def test_an_import_is_in_the_record_without_an_address() -> None:
    take(PEOPLE)
    entry = Entry.objects.get(kind="directory.imported")
    assert (entry.facts["added"], entry.facts["source"], entry.facts["by"]) == (2, "csv", "command line")
    assert "@" not in str(entry.facts)


def test_the_command_shows_first_and_changes_nothing_on_a_dry_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "people.csv"
    file.write_text("address,groups\nada@clinic.example,Nurses\n")
    call_command("directory", "import", str(file), "--dry-run")
    assert "+ ada@clinic.example" in capsys.readouterr().out
    assert not Person.objects.exists()
    call_command("directory", "import", str(file))
    call_command("directory", "list")
    call_command("directory", "show", "nurses")
    assert capsys.readouterr().out.endswith("nurses: Nurses (1, CSV)\n1 groups, 1 people.\nada@clinic.example\n")
    with pytest.raises(CommandError, match=r"no group"):
        call_command("directory", "show", "none")


def test_a_name_with_very_many_blanks_takes_no_time_to_speak_of() -> None:
    begun = time.process_time()
    importing.read(b"dn: cn=a" + b" " * 1_000_000 + b"b\nmail: ada@clinic.example\n", "ldif")
    assert time.process_time() - begun < 2
