"""SCIM 2.0 in the forms that identity providers speak: each change is done, found again, and in the record."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client

from portal.api import tokens
from portal.api.scim.paths import ENTERPRISE
from portal.api.scopes import Scope
from portal.audit.models import Entry
from portal.directory import importing, membership
from portal.directory.models import Group, Person
from portal.directory.sealed import lookup_of
from portal.operations.preparing import make_default_brand

pytestmark = pytest.mark.django_db

HOST = {"HTTP_HOST": "localhost"}
USERS, GROUPS = "/scim/v2/Users", "/scim/v2/Groups"
NOBODY = UUID("8b1f8a34-0f0c-4c54-9c1e-2b9a54a1d7e0")
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


class Provider:
    """An identity provider with a token."""

    def __init__(self, *scopes: Scope) -> None:
        token = tokens.create("directory", scopes or (Scope.SCIM,))
        self._client = Client(enforce_csrf_checks=True, headers={"Authorization": f"Bearer {token}"}, **HOST)

    def ask(self, method: str, path: str, document: object = None, **headers: str) -> HttpResponse:
        data = b"" if document is None else json.dumps(document).encode()
        return self._client.generic(method, path, data, "application/scim+json", headers=headers or None)

    def get(self, path: str) -> Any:
        answer = self.ask("GET", path)
        assert answer.status_code == 200, answer.content
        assert answer["Content-Type"] == "application/scim+json"
        return json.loads(answer.content)

    def add(self, path: str, document: object) -> Any:
        answer = self.ask("POST", path, document)
        assert answer.status_code == 201, answer.content
        made = json.loads(answer.content)
        assert answer["Location"] == made["meta"]["location"]
        return made

    def patch(self, path: str, *operations: object) -> Any:
        answer = self.ask("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)})
        assert answer.status_code == 200, answer.content
        return json.loads(answer.content)


@pytest.fixture(autouse=True)
def _brand() -> None:
    make_default_brand(settings.LETTERLOCK)


@pytest.fixture
def provider() -> Provider:
    return Provider()


def user(address: str = "ada@clinic.example", **more: object) -> dict[str, object]:
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
        "userName": address,
        "externalId": f"ext-{address}",
        "name": {"givenName": "Ada", "familyName": "Berg"},
        "emails": [{"value": address, "type": "work", "primary": True}],
        "active": True,
        "password": "never kept",
        **more,
    }


def groups(address: str = "ada@clinic.example") -> set[str]:
    return set(membership.groups_of([address])[address])


@pytest.mark.parametrize("scopes", [[Scope.MESSAGES_SEND], [scope for scope in Scope if scope != Scope.SCIM]])
@pytest.mark.parametrize("path", [USERS, GROUPS, "/scim/v2/ServiceProviderConfig", "/scim/v2/Nothing"])
def test_only_a_token_with_the_scope_gets_in(scopes: list[Scope], path: str) -> None:
    answer = Provider(*scopes).ask("GET", path)
    assert answer.status_code == 403
    assert json.loads(answer.content)["status"] == "403"
    stranger = Client(**HOST).get(path)
    assert stranger.status_code == 401
    assert stranger["WWW-Authenticate"].startswith("Bearer")
    assert json.loads(stranger.content)["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]


def test_a_user_is_added_found_shown_and_removed(provider: Provider) -> None:
    made = provider.add(USERS, user(**{ENTERPRISE: {"department": "Oncology"}}))
    assert "password" not in made
    for asked in (
        'userName eq "ADA@clinic.example"',
        'externalId eq "ext-ada@clinic.example"',
        'emails[value eq "ada@clinic.example"]',
    ):
        assert [one["id"] for one in provider.get(f"{USERS}?filter={asked}")["Resources"]] == [made["id"]]
    assert provider.get(f'{USERS}?filter=userName eq "ben@clinic.example"')["totalResults"] == 0
    assert membership.attributes_of(["ada@clinic.example"])["ada@clinic.example"] == {
        "name": "Ada Berg",
        "department": "Oncology",
    }
    assert provider.ask("DELETE", f"{USERS}/{made['id']}").status_code == 204
    assert provider.ask("GET", f"{USERS}/{made['id']}").status_code == 404
    kinds = list(Entry.objects.filter(kind__startswith="directory.").values_list("kind", flat=True))
    assert kinds == ["directory.person_added", "directory.person_removed"]
    assert "@" not in str([entry.facts for entry in Entry.objects.filter(kind__startswith="directory.")])


@pytest.mark.parametrize(
    "operations",
    [
        [{"op": "Replace", "path": "active", "value": "False"}],
        [{"op": "replace", "value": {"active": False}}],
        [{"op": "replace", "value": {"active": False, "id": "ignored"}}],
    ],
)
def test_who_leaves_is_in_no_group_from_then_on(provider: Provider, operations: list[object]) -> None:
    made = provider.add(USERS, user())
    provider.add(GROUPS, {"displayName": "Nurses", "members": [{"value": made["id"]}]})
    assert groups() == {"nurses"}
    assert provider.patch(f"{USERS}/{made['id']}", *operations)["active"] is False
    assert groups() == set()


def test_changes_in_the_forms_of_entra(provider: Provider) -> None:
    made = provider.add(USERS, user())
    boss = provider.add(USERS, user("boss@clinic.example"))
    changed = provider.patch(
        f"{USERS}/{made['id']}",
        {"op": "Add", "path": "name.givenName", "value": "Åda"},
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "ada.berg@clinic.example"},
        {"op": "Add", "path": f"{ENTERPRISE}:department", "value": "Oncology"},
        {"op": "Add", "path": f"{ENTERPRISE}:manager", "value": boss["id"]},
        {"op": "Add", "path": 'addresses[type eq "work"].country', "value": "DE"},
        {
            "op": "Replace",
            "value": {"title": "Nurse", f"{ENTERPRISE}:organization": "Clinic", "name.familyName": "Bergen"},
        },
        {"op": "Remove", "path": "externalId"},
        {"op": "Add", "path": 'phoneNumbers[type eq "work"].value', "value": "not kept"},
    )
    assert changed["name"] == {"givenName": "Åda", "familyName": "Bergen"}
    assert changed[ENTERPRISE]["manager"] == {"value": boss["id"]}
    assert "externalId" not in changed
    assert "phoneNumbers" not in changed
    known = membership.attributes_of(["ada.berg@clinic.example"])["ada.berg@clinic.example"]
    assert known == {
        "name": "Åda Bergen", "title": "Nurse", "department": "Oncology", "company": "Clinic", "country": "DE",
        "manager": "boss@clinic.example",
    }  # fmt: skip
    assert not Person.objects.filter(lookup=lookup_of("ada@clinic.example")).exists()


def test_members_of_groups_change_in_every_form(provider: Provider) -> None:
    ada, ben = (provider.add(USERS, user(f"{name}@clinic.example"))["id"] for name in ("ada", "ben"))
    group = f"{GROUPS}/{provider.add(GROUPS, {'displayName': 'Nurses', 'externalId': 'g1'})['id']}"

    def after(*operations: object) -> set[str]:
        return {member["value"] for member in provider.patch(group, *operations)["members"]}

    assert after({"op": "Add", "path": "members", "value": [{"value": ada}, {"value": ben}]}) == {ada, ben}
    assert after({"op": "remove", "path": f'members[value eq "{ada}"]'}) == {ben}
    assert after({"op": "add", "value": {"members": [{"value": ada}]}}) == {ada, ben}
    assert after({"op": "Remove", "path": "members", "value": [{"value": ben}]}) == {ada}
    assert after({"op": "replace", "path": "members", "value": [{"value": ben}]}) == {ben}
    assert after({"op": "remove", "path": "members"}) == set()
    assert (
        provider.patch(group, {"op": "replace", "value": {"id": "x", "displayName": "Carers"}})["displayName"]
        == "Carers"
    )
    assert (
        "members"
        not in provider.get(f'{GROUPS}?filter=displayName eq "Carers"&excludedAttributes=members')["Resources"][0]
    )
    assert provider.get(f'{GROUPS}?filter=externalId eq "g1"')["totalResults"] == 1


def test_a_group_keeps_the_short_name_that_rules_know_when_it_is_renamed_and_may_hold_groups(
    provider: Provider,
) -> None:
    ada = provider.add(USERS, user())["id"]
    inner = provider.add(GROUPS, {"displayName": "Nurses", "members": [{"value": ada}]})["id"]
    provider.add(GROUPS, {"displayName": "All", "members": [{"value": inner}]})
    provider.patch(f"{GROUPS}/{inner}", {"op": "replace", "path": "displayName", "value": "Carers"})
    assert groups() == {"nurses", "all"}


def test_who_and_what_came_from_a_file_is_kept_by_the_program_from_then_on(provider: Provider) -> None:
    wanted = importing.read(b"address,groups\nada@clinic.example,Nurses\n", "csv")
    importing.apply(importing.plan(wanted, "csv"))
    ada = provider.add(USERS, user())["id"]
    provider.add(GROUPS, {"displayName": "Nurses", "members": [{"value": ada}]})
    assert (Person.objects.get().source, Group.objects.get().slug, groups()) == ("scim", "nurses", {"nurses"})


def test_a_resource_is_replaced_only_at_the_version_that_was_read(provider: Provider) -> None:
    made = provider.add(USERS, user())
    address = f"{USERS}/{made['id']}"
    first = provider.ask("GET", address)["ETag"]
    assert provider.ask("PUT", address, user(title="Nurse"), **{"If-Match": first}).status_code == 200
    assert provider.ask("PUT", address, user(title="Doctor"), **{"If-Match": first}).status_code == 412
    now = provider.ask("GET", address)
    assert json.loads(now.content)["title"] == "Nurse"
    assert provider.ask("GET", address, **{"If-None-Match": now["ETag"]}).status_code == 304


def test_the_same_again_leaves_no_entry(provider: Provider) -> None:
    made = provider.add(USERS, user())
    entries = Entry.objects.count()
    assert provider.ask("PUT", f"{USERS}/{made['id']}", user()).status_code == 200
    assert Entry.objects.count() == entries


def test_a_list_comes_in_pages(provider: Provider) -> None:
    ids = {provider.add(USERS, user(f"p{number}@clinic.example"))["id"] for number in range(5)}
    pages = [provider.get(f"{USERS}?startIndex={start}&count=2") for start in (1, 3, 5)]
    assert {one["id"] for page in pages for one in page["Resources"]} == ids
    assert [page["itemsPerPage"] for page in pages] == [2, 2, 1]
    assert provider.get(f"{USERS}?count=0") | {"Resources": []} == {
        "schemas": pages[0]["schemas"], "totalResults": 5, "startIndex": 1, "itemsPerPage": 0, "Resources": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "document", "status", "kind"),
    [
        ("POST", USERS, {"emails": []}, 400, "invalidValue"),
        ("POST", USERS, {"userName": 7}, 400, "invalidValue"),
        ("POST", USERS, {"userName": "x", "active": "maybe"}, 400, "invalidValue"),
        ("POST", USERS, [1], 400, "invalidSyntax"),
        ("POST", GROUPS, {"displayName": ""}, 400, "invalidValue"),
        ("POST", GROUPS, {"displayName": "G", "members": [{"value": str(NOBODY)}]}, 400, "invalidValue"),
        ("POST", GROUPS, {"displayName": "G", "members": [{"value": "no id"}]}, 400, "invalidValue"),
        ("GET", f'{USERS}?filter=userName sw "a"', None, 400, "invalidFilter"),
        ("GET", f'{USERS}?filter=password eq "a"', None, 400, "invalidFilter"),
        ("GET", f"{USERS}?filter=" + "x" * 2000, None, 400, "invalidFilter"),
        ("GET", f"{USERS}?count=many", None, 400, "invalidValue"),
        ("DELETE", USERS, None, 405, ""),
        ("GET", f"{USERS}/{NOBODY}", None, 404, ""),
        ("DELETE", f"{GROUPS}/no-id", None, 404, ""),
    ],
)
def test_what_cannot_be_done_is_refused_in_the_form_of_scim(
    provider: Provider, method: str, path: str, document: object, status: int, kind: str
) -> None:
    answer = provider.ask(method, path, document)
    told = json.loads(answer.content)
    assert (answer.status_code, told["status"], told.get("scimType", "")) == (status, str(status), kind)
    assert not Person.objects.exists()
    assert not Group.objects.exists()


@pytest.mark.parametrize(
    "operation",
    [{"op": "move", "path": "x"}, {"op": "remove"}, {"op": "add", "value": 1}, {"op": "add", "path": "a[b gt 1]"}, 7],
)
def test_a_change_that_makes_no_sense_changes_nothing(provider: Provider, operation: object) -> None:
    made = provider.add(USERS, user())
    document = {"Operations": [{"op": "replace", "path": "title", "value": "Changed"}, operation]}
    assert provider.ask("PATCH", f"{USERS}/{made['id']}", document).status_code == 400
    assert "title" not in provider.get(f"{USERS}/{made['id']}")


def test_two_users_have_never_one_name_or_address(provider: Provider) -> None:
    provider.add(USERS, user())
    assert provider.ask("POST", USERS, user()).status_code == 409
    assert provider.ask("POST", USERS, user("ADA@clinic.example", emails=[])).status_code == 409
    other = provider.add(USERS, user("ben@clinic.example"))
    answer = provider.ask("PUT", f"{USERS}/{other['id']}", user())
    assert (answer.status_code, json.loads(answer.content)["scimType"]) == (409, "uniqueness")


def test_what_the_server_can_do_is_told(provider: Provider) -> None:
    assert provider.get("/scim/v2/ServiceProviderConfig")["patch"] == {"supported": True}
    assert [one["id"] for one in provider.get("/scim/v2/ResourceTypes")["Resources"]] == ["User", "Group"]
    named = provider.get("/scim/v2/Schemas")["Resources"]
    assert provider.get(f"/scim/v2/Schemas/{named[0]['id']}") == named[0]


def test_a_request_that_is_too_large_is_refused(provider: Provider) -> None:
    assert provider.ask("POST", USERS, {"userName": "x" * (5 * 1024 * 1024)}).status_code == 413


@pytest.mark.parametrize("text", ["a\ud800", "a\0b"])
def test_what_no_text_can_hold_is_refused_and_not_an_error(provider: Provider, text: str) -> None:
    for path, document in (
        (USERS, {"userName": text}),
        (USERS, {"userName": "ada", "externalId": text}),
        (USERS, {"userName": "ada", "emails": [{"value": f"{text}@clinic.example"}]}),
        (GROUPS, {"displayName": text}),
        (GROUPS, {"displayName": "Doctors", "externalId": text}),
    ):
        assert provider.ask("POST", path, document).status_code == 400
    for asked in ("userName", "externalId"):
        query = urlencode({"filter": f"{asked} eq {json.dumps(text)}"})
        assert provider.ask("GET", f"{USERS}?{query}").status_code == 400
    assert not Person.objects.exists()
