"""Dataclasses as the shapes of what comes and goes: read strictly, written plainly.

portal.api.schemas describes the same, so the document (portal.api.openapi) says what the code does.
"""

from __future__ import annotations

import json
import re
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from datetime import UTC, date, datetime
from enum import Enum
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints
from uuid import UUID

from portal.api.errors import FieldRefused, ParameterRefused

T = TypeVar("T")
MOST_ITEMS = 500
LONGEST_TEXT = 4096
SMALLEST, LARGEST = -(2**63), 2**63 - 1
"""What a database's number holds; JSON knows no end of numbers."""
EARLIEST, LATEST = datetime(1970, 1, 2, tzinfo=UTC), datetime(9990, 1, 1, tzinfo=UTC)
EXACTLY_ONE = "exactly_one"
"""Class attribute of a shape of which one field is to be named and no more."""


@dataclass(frozen=True)
class Says:
    """What an annotation adds to a type: words for the document, and limits (of a length, or of a number)."""

    text: str = ""
    least: int | None = None
    most: int | None = None
    pattern: str = ""
    example: Any = None
    also: str = ""
    """Another name that a field which must be there may have."""


@dataclass(frozen=True)
class Kind:
    """One field's type, taken apart."""

    type: Any
    says: Says
    nullable: bool


def read(shape: type[T], value: object, where: str = "") -> T:
    """A JSON value as this dataclass. FieldRefused names the field, and the limit where there is one."""
    if not isinstance(value, dict):
        raise FieldRefused(where, "must be an object, like {…}")
    known = {outside(field): field for field in fields(cast(Any, shape))}
    others = others_of(cast(Any, shape))
    for name, also in others.items():
        if name in value and also in value:
            raise FieldRefused(_joined(where, also), f"is another name of {name}; name one of the two")
    for name in value:
        if name not in known and name not in others.values():
            raise FieldRefused(_joined(where, name), f"is not known here; known are {', '.join(known)}")
    if hasattr(shape, EXACTLY_ONE) and (len(value) != 1 or None in value.values()):
        raise FieldRefused(where, f"must name one of {', '.join(known)}, and no other")
    hints, given = hints_of(cast(Any, shape)), {}
    for name, field in known.items():
        written = others[name] if others.get(name) in value else name
        if written in value:
            given[field.name] = _value(taken_apart(hints[field.name]), value[written], _joined(where, written))
        elif not has_default(field):
            raise FieldRefused(_joined(where, name), "is missing")
    return shape(**given)


def read_query(shape: type[T], given: Mapping[str, list[str]]) -> T:
    """The parameters of an address, each named at most once. Raises ParameterRefused."""
    try:
        return _read_query(shape, given)
    except FieldRefused as refused:
        raise ParameterRefused(*refused.told) from None


def _read_query(shape: type[T], given: Mapping[str, list[str]]) -> T:
    hints = hints_of(cast(Any, shape))
    kinds = {outside(field): taken_apart(hints[field.name]) for field in fields(cast(Any, shape))}
    found: dict[str, object] = {}
    for name, words in given.items():
        if name not in kinds:
            raise FieldRefused(name, f"is not known here; known are {', '.join(kinds) or 'none'}")
        if len(words) != 1:
            raise FieldRefused(name, "is named more than once")
        found[name] = _number(words[0], name) if kinds[name].type is int else words[0]
    return read(shape, found)


def write(value: Any) -> Any:
    """What an answer holds, as `json.dumps` takes it."""
    if is_dataclass(value) and not isinstance(value, type):
        return {outside(field): write(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    if isinstance(value, date | UUID):
        return str(value)
    if isinstance(value, list | tuple):
        return [write(one) for one in value]
    if isinstance(value, Mapping):
        return {str(name): write(one) for name, one in value.items()}
    return value


def read_moment(text: str, where: str) -> datetime:
    """RFC 3339. FieldRefused when it is none."""
    sentence = "must be a moment like 2026-11-26T09:30:00Z, with its time zone"
    if not _MOMENT.fullmatch(text):
        raise FieldRefused(where, sentence)
    try:
        found = datetime.fromisoformat(text.upper())
    except ValueError:
        raise FieldRefused(where, sentence) from None
    # Nothing here is older or newer, and within them no sum of times overflows.
    return EARLIEST if found.year < EARLIEST.year else LATEST if found.year > LATEST.year else found.astimezone(UTC)


_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def _value(kind: Kind, value: object, where: str) -> Any:
    if value is None:
        if kind.nullable:
            return None
        raise FieldRefused(where, "must not be null")
    found = kind.type
    if is_dataclass(found):
        return read(cast(type, found), value, where)
    if get_origin(found) in (list, tuple):
        return _list(kind, value, where)
    if get_origin(found) is Literal:
        (only,) = get_args(found)
        if type(value) is type(only) and value == only:
            return only
        raise FieldRefused(where, f"can only be {json.dumps(only)}")
    if isinstance(found, type) and issubclass(found, Enum):
        if isinstance(value, str) and value in [one.value for one in found]:
            return found(value)
        raise FieldRefused(where, f"must be one of {', '.join(str(one.value) for one in found)}")
    return _READERS[found](kind, value, where)


def _list(kind: Kind, value: object, where: str) -> Any:
    least, most = kind.says.least or 0, kind.says.most or MOST_ITEMS
    if not isinstance(value, list) or not least <= len(value) <= most:
        raise FieldRefused(where, f"must be a list of {least:,} to {most:,} items")
    inner = taken_apart(get_args(kind.type)[0])
    return tuple(_value(inner, one, f"{where}[{place}]") for place, one in enumerate(value))


def _text(kind: Kind, value: object, where: str) -> str:
    if not isinstance(value, str):
        raise FieldRefused(where, "must be a text")
    most, least = kind.says.most or LONGEST_TEXT, kind.says.least or 0
    if not least <= len(value) <= most:
        raise FieldRefused(where, f"must have {least:,} to {most:,} characters")
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a pair, as JSON can write it
        raise FieldRefused(where, "holds half a character (a lone surrogate)") from None
    if kind.says.pattern and not re.search(kind.says.pattern, value):
        raise FieldRefused(where, "is not written as it must be; see the description")
    return value


def _truth(kind: Kind, value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise FieldRefused(where, "must be true or false")
    return value


def _whole(kind: Kind, value: object, where: str) -> int:
    least = SMALLEST if kind.says.least is None else kind.says.least
    most = LARGEST if kind.says.most is None else kind.says.most
    # 7.0 is a whole number for JSON Schema; true is none, though it is one for Python.
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) is not int or not least <= value <= most:
        raise FieldRefused(where, f"must be a whole number from {least:,} to {most:,}")
    return value


def _number(text: str, where: str) -> int:
    if not re.fullmatch(r"-?(0|[1-9][0-9]{0,18})", text):
        raise FieldRefused(where, "must be a whole number")
    return int(text)


def _id(kind: Kind, value: object, where: str) -> UUID:
    if not isinstance(value, str) or not _UUID.fullmatch(value):
        raise FieldRefused(where, "must be an id like 0191e0a8-7c3b-7000-8000-000000000000")
    return UUID(value)


def _moment(kind: Kind, value: object, where: str) -> datetime:
    return read_moment(value if isinstance(value, str) else "", where)


def _day(kind: Kind, value: object, where: str) -> date:
    try:
        if isinstance(value, str) and _DAY.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise FieldRefused(where, "must be a day like 2026-12-17")


_READERS: dict[Any, Callable[[Kind, object, str], Any]] = {
    str: _text,
    bool: _truth,
    int: _whole,
    UUID: _id,
    datetime: _moment,
    date: _day,
}


@cache
def others_of(shape: Any) -> dict[str, str]:
    """The other names of fields, by their names."""
    says = {outside(field): taken_apart(hints_of(shape)[field.name]).says for field in fields(shape)}
    return {name: found.also for name, found in says.items() if found.also}


@cache
def hints_of(shape: Any) -> dict[str, Any]:
    """The annotations of a shape's fields, by the fields' names."""
    return get_type_hints(shape, include_extras=True)


def taken_apart(annotation: Any) -> Kind:
    """What an annotation says, `Annotated` and `| None` looked through."""
    says, nullable = Says(), False
    while True:
        if get_origin(annotation) is Annotated:
            annotation, *notes = get_args(annotation)
            says = next((note for note in notes if isinstance(note, Says)), says)
        elif get_origin(annotation) in (Union, types.UnionType):
            inner = [one for one in get_args(annotation) if one is not type(None)]
            nullable = nullable or len(inner) < len(get_args(annotation))
            (annotation,) = inner
        else:
            return Kind(annotation, says, nullable)


def has_default(field: Field[Any]) -> bool:
    return field.default is not MISSING or field.default_factory is not MISSING


def outside(field: Field[Any]) -> str:
    """`from_` is "from" for others."""
    return field.name.rstrip("_")


def _joined(where: str, name: object) -> str:
    shown = str(name).encode("ascii", "backslashreplace").decode()[:60]
    return f"{where}.{shown}" if where else shown
