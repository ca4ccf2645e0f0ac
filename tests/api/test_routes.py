"""The table of routes: printed in docs/api.md, described at openapi.json, and kept by every route with every scope."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone
from jsonschema import Draft202012Validator

from portal.api import openapi, tokens
from portal.api.endpoint import Endpoint
from portal.api.models import Webhook
from portal.api.routes import BASE, ROUTES
from portal.api.scopes import Scope
from portal.audit import sequencing
from portal.audit.models import Entry
from portal.keys.service import keys
from tests.api.conftest import Program
from tests.servers import ROOT

PAGE = (ROOT / "docs" / "api.md").read_text()
Make = Callable[..., Program]


def printed() -> dict[tuple[str, str], str]:
    """Method and address to scope, as the documentation prints them."""
    rows = re.findall(r"^\| `([A-Z]+)` \| `(/[^`]*)` \| `([a-z:]+)` \|", PAGE, re.MULTILINE)
    return {(method, path): scope for method, path, scope in rows}


def test_the_printed_table_is_the_one_that_is_kept() -> None:
    assert printed() == {(route.method, route.path): route.scope.value for route in ROUTES}


def test_every_scope_is_printed() -> None:
    table = PAGE[PAGE.index("| scope | what") : PAGE.index("## Routes")]
    rows = dict(re.findall(r"^\| `([a-z:]+)` \| ([^|]+) \|$", table, re.MULTILINE))
    assert rows == {scope.value: scope.label for scope in Scope}


def test_each_route_answers_its_own_scope_and_no_other(program: Make) -> None:
    holders = {scope: program(scope) for scope in Scope}
    for route in ROUTES:
        path = route.path.replace("{id}", str(uuid4())).replace("{slug}", "nobody")
        for scope, holder in holders.items():
            answer = holder.ask(route.method, path, b"{}")
            where = f"{route.method} {path} with {scope}"
            if scope == route.scope:
                assert answer.status_code not in (401, 403, 405, 500), where
            else:
                assert answer.status_code == 403, where
                assert f'scope="{route.scope.value}"' in answer.headers["WWW-Authenticate"], where
        assert Program("llk_wrong").ask(route.method, path, b"{}").status_code == 401
    kinds = set(Entry.objects.exclude(kind__startswith="admin.").values_list("kind", flat=True))
    assert kinds <= {"audit.exported"}, "what was refused changed nothing"


def test_scim_is_no_route_of_this_table() -> None:
    assert {scope for scope in Scope if scope not in {route.scope for route in ROUTES}} <= {Scope.SCIM}


def test_every_address_below_the_base_is_of_the_table_or_says_that_nothing_is_there() -> None:
    routes = [one for found in get_resolver().url_patterns for one in getattr(found, "url_patterns", [])]
    ours = [one for one in routes if str(one.pattern).startswith("api/v1")]
    described = {one.name for one in ours if not isinstance(one.callback, Endpoint)}
    assert described == {"api-page", "api-openapi", "api-nothing"}
    found = {(method, route.path) for one in ours if isinstance(one.callback, Endpoint)
             for method, route in one.callback.routes.items()}  # fmt: skip
    assert found == {(route.method, route.path) for route in ROUTES}


def test_the_document_describes_every_route_and_no_other() -> None:
    document = openapi.document()
    described = {
        (method.upper(), path.removeprefix(BASE)): operation
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    assert set(described) == {(route.method, route.path) for route in ROUTES}
    for route in ROUTES:
        operation = described[route.method, route.path]
        assert operation["security"] == [{"token": [route.scope.value]}]
        assert set(operation["responses"]) == {str(status) for status in openapi.statuses(route)}
        assert ("requestBody" in operation) == route.takes_body
    names = [operation["operationId"] for operation in described.values()]
    assert len(names) == len(set(names))


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(references, value.values())) if value else own
    return set().union(*map(references, value)) if isinstance(value, list) and value else set()


def test_its_schemas_are_schemas_and_all_it_refers_to_is_there() -> None:
    document = openapi.document()
    schemas = document["components"]["schemas"]
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    assert references(document) <= {f"#/components/schemas/{name}" for name in schemas}


@pytest.mark.django_db
def test_anyone_may_read_and_keep_the_document(program: Make) -> None:
    client = Client(HTTP_HOST="localhost")
    answer = client.get("/api/v1/openapi.json")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    assert json.loads(answer.content) == openapi.document()
    again = client.get("/api/v1/openapi.json", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.post("/api/v1/openapi.json").status_code == 405


def test_people_read_the_same_on_a_page_without_scripts_of_others(program: Make) -> None:
    answer = Client(HTTP_HOST="localhost").get("/api/v1/")
    text = answer.content.decode()
    for route in ROUTES:
        assert f'id="{route.name}"' in text
        assert route.summary.replace("’", "’") in text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert not re.search(r'(src|href)="https?://', text)


def test_an_address_that_nothing_has_is_answered_in_json(program: Make) -> None:
    for path in ("/nothing", "/messages/", "/messages/x/y/z", "/../admin", "/keys/root"):
        answer = program_or_nobody().get(path)
        assert answer.status_code == 404, path
        assert answer.headers["Content-Type"] == "application/problem+json"


def program_or_nobody() -> Program:
    return Program("")


def test_head_is_answered_as_get_is_and_changes_nothing(program: Make) -> None:
    auditor = program(Scope.AUDIT_READ)
    sequencing.sequence(timezone.now(), "test", keys().head_signer())
    before = Entry.objects.count()
    assert auditor.ask("HEAD", "/audit/export").status_code == 200
    assert auditor.ask("HEAD", "/audit/entries").content == b""
    assert Entry.objects.count() == before
    assert Webhook.objects.count() == 0


def test_the_rate_is_one_for_all_routes(program: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "A_MINUTE", 2)
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    reading = program(Scope.MESSAGES_READ, Scope.BRANDS_READ)
    statuses = [reading.get(path).status_code for path in ("/messages", "/brands", "/messages")]
    assert statuses == [200, 200, 429]
