"""The directory's page: what a file changes is shown before it does, to whoever gave the file and nobody else."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from branding.models import Brand
from portal.access import administrators, cookies, sessions
from portal.access.roles import Role
from portal.audit.models import Entry
from portal.directory import membership
from portal.directory.models import Person, Upload
from portal.operations.tasks import sweep_parked
from tests.console.pages import browser

GIVE, LIST = "/admin/directory/import/", "/admin/directory/"
ADA = "ada.berg@aldervalley.example"


def who(brand: Brand, name: str = "kim") -> Client:
    person = administrators.add(f"{name}@aldervalley.example", Role.ADMINISTRATOR, by=None)
    token = sessions.begin(person, brand, keep=False, method=sessions.PASSKEY, office=True)
    return browser(brand, cookies.OFFICE, token)


@pytest.fixture
def kim(brand: Brand) -> Client:
    return who(brand)


def give(client: Client, text: str, name: str = "people.csv", **more: str) -> HttpResponse:
    return client.post(GIVE, {"file": SimpleUploadedFile(name, text.encode()), **more})  # type: ignore[return-value]


def digest(page: HttpResponse) -> str:
    found = re.search(r'name="plan" value="([0-9a-f]{64})"', page.content.decode())
    assert found
    return found[1]


def take(client: Client, text: str, **more: str) -> HttpResponse:
    address = give(client, text, complete=more.pop("complete", ""))["Location"]
    return client.post(address, {"plan": digest(client.get(address)), **more})  # type: ignore[arg-type,return-value]


def test_a_file_is_shown_masked_and_taken_over_when_that_was_said(kim: Client) -> None:
    given = give(kim, f"address,groups\n{ADA},Nurses\n")
    assert given.status_code == 303
    page = kim.get(given["Location"])
    assert "ad•••••@aldervalley.example" in page.content.decode()
    assert ADA not in page.content.decode()
    assert not Person.objects.exists()
    assert kim.post(given["Location"], {"plan": digest(page)})["Location"] == LIST  # type: ignore[arg-type]
    assert membership.groups_of([ADA])[ADA] == {"nurses"}
    assert not Upload.objects.exists()
    assert Entry.objects.get(kind="directory.imported").facts["by"] != "command line"
    listed = kim.get(LIST).content.decode()
    assert "Nurses" in listed
    assert ADA not in listed


def test_a_file_waits_sealed_for_whoever_gave_it_alone_and_for_half_an_hour(brand: Brand, kim: Client) -> None:
    address = give(kim, f"address\n{ADA}\n")["Location"]
    assert ADA.encode() not in bytes(Upload.objects.get().sealed)
    assert who(brand, "lou").get(address).status_code == 404
    assert kim.get(address).status_code == 200
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert kim.get(address).status_code == 404
    sweep_parked()
    assert not Upload.objects.exists()
    assert not Person.objects.exists()


def test_what_was_not_shown_is_not_done(kim: Client) -> None:
    address = give(kim, f"address\n{ADA}\n")["Location"]
    shown = digest(kim.get(address))  # type: ignore[arg-type]
    other = take(who(Brand.objects.get(), "lou"), "address\nben@aldervalley.example\n")
    assert other.status_code == 303
    assert kim.post(address, {"plan": shown}).status_code == 303  # the same for Ada as before
    address = give(kim, "address,name\nben@aldervalley.example,Ben\n")["Location"]
    shown = digest(kim.get(address))  # type: ignore[arg-type]
    Person.objects.all().delete()
    answer = kim.post(address, {"plan": shown})
    assert answer.status_code == 409
    assert not Person.objects.exists()


def test_removing_a_fifth_needs_another_word(kim: Client) -> None:
    take(kim, "address\n" + "".join(f"p{number}@aldervalley.example\n" for number in range(20)))
    rest = "address\n" + "".join(f"p{number}@aldervalley.example\n" for number in range(5))
    assert take(kim, rest, complete="yes").status_code == 422
    assert Person.objects.count() == 20
    assert take(kim, rest, complete="yes", drastic="yes").status_code == 303
    assert Person.objects.count() == 5


@pytest.mark.parametrize(
    ("name", "text"), [("people.xlsx", "address\n"), ("people.csv", "name\nAda\n"), ("a.ldif", "x")]
)
def test_a_bad_file_is_refused_with_what_is_wrong(kim: Client, name: str, text: str) -> None:
    answer = give(kim, text, name)
    assert answer.status_code == 422
    assert "Nothing was taken from the file" in answer.content.decode()
    assert not Upload.objects.exists()


def test_a_file_that_is_too_large_or_missing_is_refused(kim: Client) -> None:
    assert give(kim, "address\n" + "x" * 8_000_001).status_code == 422
    assert kim.post(GIVE, {}).status_code == 422


def test_groups_come_in_pages(kim: Client) -> None:
    take(kim, "group,member\n" + "".join(f"Group {number:03},{ADA}\n" for number in range(120)))
    first = kim.get(LIST).content.decode()
    assert "Group 099" in first
    assert "Group 100" not in first
    assert "Group 119" in kim.get(LIST + "?after=group-099").content.decode()
