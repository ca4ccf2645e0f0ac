"""The OpenAPI 3.1 document, made of the table of routes and of the shapes that the code itself reads and writes."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from portal.api import tokens
from portal.api.endpoint import JSON, PROBLEM, Media, Nothing, Route
from portal.api.ids import SLUG
from portal.api.routes import BASE, ROUTES
from portal.api.schemas import Schemas
from portal.api.scopes import Scope

ALWAYS = (400, 401, 403, 429, 503)
"""Refusals of every route: a parameter that is not known, no token, not its scope, too many, keys or database away."""
WITH_BODY = (411, 413, 415, 422)
WORDS = {
    400: "A parameter, a header field or the body cannot be read",
    401: "Without a token that counts",
    403: "The token may not do this",
    404: "Nothing is there, or it is another brand’s",
    409: "Not as it stands now",
    411: "Without a Content-Length",
    413: "Over a limit",
    415: "Another type than is read here",
    422: "A field or the mail is not usable",
    429: "Too many requests of this token",
    503: "The database or the keys are away; try again",
    200: "Done",
    202: "Durable",
}
_PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "const": "about:blank"},
        "title": {"type": "string", "description": "the same for every problem of its kind"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "a sentence that says what to do next"},
    },
}
_PATH = {
    "id": {"type": "string", "format": "uuid"},
    "slug": {"type": "string", "pattern": SLUG},
}


@cache
def document() -> dict[str, Any]:
    """The same for everyone: it holds nothing of this installation."""
    schemas = Schemas()
    paths: dict[str, Any] = {}
    for route in ROUTES:
        paths.setdefault(f"{BASE}{route.path}", {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Letterlock",
            "version": "1",
            "summary": "Hand in mail, follow it, act on it, and read the record.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": f"{tokens.PREFIX}…",
                    "description": "`manage.py token create NAME --scope SCOPE` makes one. Scopes: "
                    + "; ".join(f"`{scope.value}`: {scope.label}" for scope in Scope),
                }
            },
            "schemas": {**schemas.found, "Problem": _PROBLEM},
        },
    }


def statuses(route: Route[Any, Any]) -> list[int]:
    """All that a route answers with, but 405, which no method that it has brings about."""
    body = WITH_BODY if route.takes_body else ()
    return sorted({*route.answers, *ALWAYS, *body, *route.errors})


def _operation(route: Route[Any, Any], schemas: Schemas) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "description": f"{route.text} Needs the scope `{route.scope.value}`.".strip(),
        "security": [{"token": [route.scope.value]}],
        "parameters": _parameters(route, schemas),
        "responses": {str(status): _answer(route, status, schemas) for status in statuses(route)},
    }
    if route.takes_body:
        content = {media.type: {"schema": {"type": "string"}, "x-what": media.text} for media in route.bodies}
        if route.body is not None:
            content = {JSON: {"schema": schemas.of(route.body, asked=True)}, **content}
        found["requestBody"] = {"required": True, "content": content}
    return found


def _parameters(route: Route[Any, Any], schemas: Schemas) -> list[dict[str, Any]]:
    named = [
        {"name": name, "in": "path", "required": True, "schema": _PATH[name]}
        for name in re.findall(r"{(.*?)}", route.path)
    ]
    apart = Schemas()
    (shape,) = [apart.of(route.query or Nothing, asked=True)]
    asked = apart.found.pop(shape["$ref"].rpartition("/")[2])
    for name, schema in asked["properties"].items():
        words = schema.pop("description", "")
        named.append(
            {
                "name": name,
                "in": "query",
                "required": name in asked.get("required", []),
                "schema": _present(schema),
                **({"description": words} if words else {}),
            }
        )
    for name, words in route.headers.items():
        needed = name in route.needed_headers
        schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[!#-~]+$"}
        plain = schema if name == "Idempotency-Key" else {"type": "string"}
        named.append({"name": name, "in": "header", "required": needed, "description": words, "schema": plain})
    return named


def _present(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter is left out and never null."""
    plain = {name: value for name, value in schema.items() if name != "type"}
    if "enum" in plain:
        plain["enum"] = [one for one in plain["enum"] if one is not None]
    kind = schema.get("type")
    return {"type": kind[0] if isinstance(kind, list) else kind, **plain}


def _answer(route: Route[Any, Any], status: int, schemas: Schemas) -> dict[str, Any]:
    shape = route.answers.get(status)
    if shape is None:
        headers = {401: "WWW-Authenticate", 403: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}
        shown = {headers[status]: {"schema": {"type": "string"}}} if status in headers else {}
        content: dict[str, Any] = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        return {"description": WORDS[status], "content": content, **({"headers": shown} if shown else {})}
    if isinstance(shape, Media):
        return {"description": shape.text, "content": {shape.type: {"schema": {"type": "string"}}}}
    return {"description": WORDS[status], "content": {JSON: {"schema": schemas.of(shape)}}}
