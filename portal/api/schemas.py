"""The shapes of what comes and goes (portal.api.shapes), described as JSON Schema."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any, Literal, cast, get_args, get_origin
from uuid import UUID

from portal.api.shapes import (
    EXACTLY_ONE,
    LARGEST,
    LONGEST_TEXT,
    MOST_ITEMS,
    SMALLEST,
    Kind,
    has_default,
    hints_of,
    others_of,
    outside,
    taken_apart,
)

_SIMPLE: dict[Any, dict[str, Any]] = {
    bool: {"type": "boolean"},
    UUID: {"type": "string", "format": "uuid"},
    datetime: {"type": "string", "format": "date-time"},
    date: {"type": "string", "format": "date"},
}


class Schemas:
    """JSON Schemas (2020-12, as OpenAPI 3.1 uses them); dataclasses go into `found` once, by their names."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, Any]] = {}

    def of(self, annotation: Any, *, asked: bool = False, given: bool = False) -> dict[str, Any]:
        """The schema of a type; `asked` is for what others send, where nothing unknown may stand. `given`: it is not
        named as null.
        """
        kind = taken_apart(annotation)
        schema = self._plain(kind, asked=asked)
        if kind.nullable and not given:
            schema = {"anyOf": [schema, {"type": "null"}]} if "$ref" in schema else _nullable(schema)
        if kind.says.text:
            schema["description"] = kind.says.text
        if kind.says.example is not None:
            schema["examples"] = [kind.says.example]
        return schema

    def _plain(self, kind: Kind, *, asked: bool) -> dict[str, Any]:
        found, says = kind.type, kind.says
        if is_dataclass(found):
            return self._object(cast(type, found), asked=asked)
        if get_origin(found) in (list, tuple):
            inner = self.of(get_args(found)[0], asked=asked)
            most = {"maxItems": says.most or MOST_ITEMS} if asked else {}
            return {"type": "array", "items": inner, **most, **_named(minItems=says.least)}
        if get_origin(found) is Literal:
            return {"const": get_args(found)[0]}
        if get_origin(found) is dict:
            return {"type": "object", "additionalProperties": True}
        if isinstance(found, type) and issubclass(found, Enum):
            return {"type": "string", "enum": [one.value for one in found]}
        if found is str:
            most_text = says.most or (LONGEST_TEXT if asked else None)
            return {"type": "string", **_named(minLength=says.least, maxLength=most_text, pattern=says.pattern or None)}
        if found is int:
            limits = (SMALLEST, LARGEST) if asked else (None, None)
            least = limits[0] if says.least is None else says.least
            most_number = limits[1] if says.most is None else says.most
            return {"type": "integer", **_named(minimum=least, maximum=most_number)}
        return dict(_SIMPLE[found])

    def _object(self, shape: type, *, asked: bool) -> dict[str, Any]:
        if shape.__name__ not in self.found:
            self.found[shape.__name__] = {}  # so that a shape may hold itself
            hints = hints_of(shape)
            known, one = fields(shape), hasattr(shape, EXACTLY_ONE)
            others = others_of(shape) if asked else {}
            properties: dict[str, Any] = {}
            for field in known:
                name = outside(field)
                properties[name] = self.of(hints[field.name], asked=asked, given=one)
                if also := others.get(name):
                    said = f"another name of {name}; name one of the two"
                    properties[also] = {**properties[name], "description": said}
            schema: dict[str, Any] = {"type": "object", "properties": properties}
            needed = [outside(field) for field in known if not asked or not has_default(field)]
            if others:
                schema["allOf"] = [{"oneOf": [{"required": [each]} for each in both]} for both in others.items()]
            if needed := [name for name in needed if name not in others]:
                schema["required"] = needed
            if asked:
                schema["additionalProperties"] = False
            if one:
                schema |= {"minProperties": 1, "maxProperties": 1}
            self.found[shape.__name__] = schema
        return {"$ref": f"#/components/schemas/{shape.__name__}"}


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    more = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, "type": [schema["type"], "null"], **more}


def _named(**limits: Any) -> dict[str, Any]:
    return {name: value for name, value in limits.items() if value is not None}
