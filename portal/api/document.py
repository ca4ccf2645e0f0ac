"""The description of the API for everyone: as OpenAPI for programs, and as one page for people."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal.api.endpoint import JSON
from portal.api.openapi import document
from portal.api.scopes import Scope
from portal.api.tokens import A_MINUTE

KEPT_SECONDS = 3600
_REF = "#/components/schemas/"


@require_safe
def openapi(request: HttpRequest) -> HttpResponse:
    """OpenAPI 3.1. The same for everyone, without a token, and a browser may keep it."""
    written, etag = _written()
    known = etag in request.headers.get("If-None-Match", "")
    response = HttpResponse(b"" if known else written, JSON, 304 if known else 200)
    response.headers["Cache-Control"] = f"public, max-age={KEPT_SECONDS}"
    response.headers["ETag"] = etag
    return response


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The same document, to be read."""
    return render(request, "api/reference.html", {"groups": _groups(), "scopes": list(Scope), "a_minute": A_MINUTE})


@cache
def _written() -> tuple[bytes, str]:
    written = json.dumps(document(), ensure_ascii=False, indent=1).encode()
    return written, f'"{hashlib.sha256(written).hexdigest()[:32]}"'


@cache
def _groups() -> list[dict[str, Any]]:
    """Operations by the first word of their address, each with its fields in rows."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path, operations in document()["paths"].items():
        group = path.split("/")[3].partition(":")[0]
        for method, operation in operations.items():
            found.setdefault(group, []).append(_operation(method, path, operation))
    return [{"name": name, "operations": operations} for name, operations in found.items()]


def _operation(method: str, path: str, operation: dict[str, Any]) -> dict[str, Any]:
    body = operation.get("requestBody", {}).get("content", {})
    answers = {int(status): answer for status, answer in operation["responses"].items()}
    good: dict[str, Any] = next((answer for status, answer in answers.items() if status < 300), {})
    return {
        "id": operation["operationId"],
        "method": method.upper(),
        "path": path,
        "summary": operation["summary"],
        "text": operation["description"].replace("`", ""),
        "parameters": [
            {"name": one["name"], "place": one["in"], "kind": _kind(one["schema"]), "text": one.get("description", "")}
            | {"needed": one["required"]}
            for one in operation["parameters"]
        ],
        "types": list(body),
        "fields": _fields(body.get(JSON, {}).get("schema")),
        "gives": list(good.get("content", {})),
        "given": _fields(good.get("content", {}).get(JSON, {}).get("schema")),
        "answers": [{"status": status, "text": answer["description"]} for status, answer in sorted(answers.items())],
    }


def _fields(schema: dict[str, Any] | None, before: str = "") -> list[dict[str, Any]]:
    """The fields of a shape, and of the shapes in it, by dotted names."""
    shape = _shape(schema or {})
    rows: list[dict[str, Any]] = []
    either = [one["oneOf"][0]["required"] for one in shape.get("allOf", [])]
    needed = [*shape.get("required", []), *(name for (name,) in either)]
    for name, inner in shape.get("properties", {}).items():
        inside = inner.get("items", inner)
        rows.append(
            {
                "name": f"{before}{name}",
                "kind": _kind(inner),
                "text": inner.get("description", ""),
                "needed": name in needed,
            }
        )
        rows += _fields(inside, f"{before}{name}{'[]' if 'items' in inner else ''}.")
    return rows


def _shape(schema: dict[str, Any]) -> dict[str, Any]:
    for one in (schema, *schema.get("anyOf", [])):
        if one.get("$ref", "").startswith(_REF):
            found: dict[str, Any] = document()["components"]["schemas"][one["$ref"].removeprefix(_REF)]
            return found
    return {}


def _kind(schema: dict[str, Any]) -> str:
    """A schema in a few words."""
    if "enum" in schema:
        return ", ".join(str(one) for one in schema["enum"] if one is not None)
    if "const" in schema:
        return json.dumps(schema["const"])
    kinds = schema.get("type", "object")
    kind = kinds[0] if isinstance(kinds, list) else kinds
    words = str(schema.get("format", "list" if kind == "array" else kind))
    least, most = schema.get("minimum", schema.get("minLength")), schema.get("maximum", schema.get("maxLength"))
    if least is not None and most is not None and abs(most) < 2**31 and kind in ("integer", "string"):
        words += f", {least:,} to {most:,}" + (" characters" if kind == "string" else "")
    return words + (" or null" if isinstance(kinds, list) or "anyOf" in schema else "")
