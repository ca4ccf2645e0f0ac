"""People as SCIM shows and changes them (RFC 7643 section 4.1): a short list of attributes, all else is ignored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from portal.api.scim.errors import ScimError, bad_value
from portal.api.scim.paths import ENTERPRISE, Path, read_path
from portal.directory.models import Person
from portal.directory.sealed import Held, held_in
from portal.directory.wanted import address_or_nothing, clean

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
Document = dict[str, Any]
_TEXTS = {name.lower(): name for name in ("userName", "externalId", "displayName", "title")}
_NAMES = {name.lower(): name for name in ("formatted", "familyName", "givenName")}
_PLACES = {name.lower(): name for name in ("type", "locality", "country", "primary")}
_MAILS = {name.lower(): name for name in ("value", "type", "primary")}
_EXTENSION = {name.lower(): name for name in ("department", "organization")}
_SEVERAL = {"emails": _MAILS, "addresses": _PLACES}
MOST_VALUES = 20


def document_of(given: Mapping[str, Any]) -> Document:
    """What is kept of a resource that a program sent. ScimError."""
    made: Document = {}
    for name, value in given.items():
        key = name.lower()
        if key == ENTERPRISE.lower():
            if isinstance(value, Mapping):
                for inner, held in value.items():
                    _put_extension(made, inner.lower(), held)
        else:
            _put(made, key, value)
    return made


def patched(document: Document, operations: list[Any]) -> Document:
    """The document after these changes (RFC 7644 section 3.5.2), in the forms of Entra, Okta and others. ScimError."""
    made: Document = {**document}
    for operation in operations:
        verb, path, value = parted(operation)
        if path:
            _change(made, verb, read_path(path), value)
        elif isinstance(value, Mapping):
            for name, held in value.items():
                if isinstance(held, Mapping) and name.lower() == ENTERPRISE.lower():
                    for inner, one in held.items():
                        _change(made, verb, Path(True, inner.lower()), one)
                else:
                    _change(made, verb, read_path(name), held)
        else:
            raise ScimError(400, "A change needs a path, or a value with attributes.", "noTarget")
    return made


def parted(operation: object) -> tuple[str, str, Any]:
    """`op`, `path` and `value` of a change; `op` in lower case. ScimError."""
    if not isinstance(operation, Mapping):
        raise ScimError(400, "Operations must be a list of changes.", "invalidSyntax")
    verb, path = str(operation.get("op", "")).lower(), operation.get("path") or ""
    if verb not in ("add", "replace", "remove") or not isinstance(path, str):
        raise ScimError(400, "A change's op is add, replace or remove, and its path is text.", "invalidSyntax")
    if verb == "remove" and not path:
        raise ScimError(400, "What is removed needs a path.", "noTarget")
    return verb, path, operation.get("value")


def held_of(document: Document) -> Held:
    """Address and attributes for the rules, and the document itself. ScimError for a manager that is not here."""
    extension = document.get(ENTERPRISE, {})
    name = document.get("name", {})
    place: Document = next(iter(document.get("addresses", ())), {})
    whole = " ".join(filter(None, (name.get("givenName"), name.get("familyName"))))
    said = {
        "name": document.get("displayName") or name.get("formatted") or whole,
        "title": document.get("title", ""),
        "department": extension.get("department", ""),
        "company": extension.get("organization", ""),
        "city": place.get("locality", ""),
        "country": place.get("country", ""),
        "manager": _manager(extension.get("manager", {}).get("value", "")),
    }
    return Held(_address(document), {key: short for key, value in said.items() if (short := clean(value))}, document)


def shown(person: Person, location: str, groups: list[tuple[UUID, str]]) -> Document:
    """The whole resource; `groups` are those the person is directly in, by id and name."""
    held = held_in(person)
    document = dict(held.scim) or _of_import(held)
    extended = ENTERPRISE in document
    return {
        "schemas": [USER, ENTERPRISE] if extended else [USER],
        "id": str(person.id),
        **document,
        "active": person.active,
        "groups": [{"value": str(id_), "display": name} for id_, name in groups],
        "meta": {
            "resourceType": "User",
            "created": person.made_at.isoformat(),
            "lastModified": person.changed_at.isoformat(),
            "location": location,
            "version": f'W/"{person.version}"',
        },
    }


def is_active(document: Document) -> bool:
    return bool(document.get("active", True))


def _of_import(held: Held) -> Document:
    """Of somebody from a file, as if a program had said it."""
    told = {"userName": held.address, "displayName": held.attributes.get("name", "")}
    return {
        **{key: value for key, value in told.items() if value},
        "emails": [{"value": held.address, "primary": True}],
    }


def _address(document: Document) -> str:
    mails = document.get("emails", [])
    primary = sorted(mails, key=lambda mail: not mail.get("primary"))
    candidates = [*(mail.get("value", "") for mail in primary), document.get("userName", "")]
    return next((plain for value in candidates if (plain := address_or_nothing(value))), "")


def _manager(value: str) -> str:
    if not value or "@" in value:
        return address_or_nothing(value)
    try:
        person = Person.objects.filter(pk=UUID(value)).first()
    except ValueError:
        return ""
    return held_in(person).address if person else ""


def _change(made: Document, verb: str, path: Path, value: Any) -> None:
    if verb == "remove":
        value = None
    if path.extension:
        if not path.attribute:
            for name, held in (value or {}).items() if isinstance(value, Mapping) or value is None else ():
                _put_extension(made, name.lower(), held)
            return
        _put_extension(made, path.attribute, value if path.sub != "value" else {"value": value})
    elif path.attribute in _SEVERAL:
        _change_several(made, verb, path, value)
    elif path.attribute == "name" and path.sub:
        _put(made, "name", {**made.get("name", {}), path.sub: value})
    elif path.attribute == "name" and isinstance(value, Mapping):
        _put(made, "name", {**made.get("name", {}), **value})
    else:
        _put(made, path.attribute, value)


def _change_several(made: Document, verb: str, path: Path, value: Any) -> None:
    """Of emails and addresses: all, or those that a condition picks, or one thing about these."""
    name = path.attribute
    there = [dict(one) for one in made.get(name, [])]
    if path.where is None:
        listed = value if isinstance(value, list) else [value]
        added = [*there, *listed] if verb == "add" else listed
        _put(made, name, added if value is not None else None)
        return
    key, wanted = _SEVERAL[name].get(path.where[0], path.where[0]), path.where[1]
    picked = [one for one in there if one.get(key) == wanted]
    if verb == "remove" and not path.sub:
        _put(made, name, [one for one in there if one not in picked])
        return
    if not picked and verb != "remove":
        picked = [{key: wanted}]
        there += picked
    for one in picked:
        one.update({path.sub: value} if path.sub else value if isinstance(value, Mapping) else {"value": value})
    _put(made, name, [one for one in there if one.get("value") is not None or name == "addresses"])


def _put(made: Document, key: str, value: Any) -> None:
    """One attribute; None takes it away. What is not kept here is passed over."""
    if key in _TEXTS:
        _set(made, _TEXTS[key], None if value is None else _text(value))
    elif key == "active":
        _set(made, "active", None if value is None else _switch(value))
    elif key == "name":
        _set(made, "name", _mapped(value, _NAMES) or None)
    elif key in _SEVERAL:
        values = [] if value is None else value if isinstance(value, list) else [value]
        if len(values) > MOST_VALUES:
            raise bad_value(f"There can be up to {MOST_VALUES} values of {key}.")
        _set(made, key, [held for one in values if (held := _mapped(one, _SEVERAL[key]))] or None)


def _put_extension(made: Document, key: str, value: Any) -> None:
    extension = dict(made.get(ENTERPRISE, {}))
    if key in _EXTENSION:
        _set(extension, _EXTENSION[key], None if value is None else _text(value))
    elif key == "manager":
        id_ = value.get("value") if isinstance(value, Mapping) else value
        _set(extension, "manager", {"value": _text(id_)} if id_ else None)
    _set(made, ENTERPRISE, extension or None)


def _set(made: Document, name: str, value: Any) -> None:
    if value is None or value == "":
        made.pop(name, None)
    else:
        made[name] = value


def _mapped(value: Any, names: Mapping[str, str]) -> Document:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise bad_value("A value that has parts must be an object.")
    held = {names[key.lower()]: one for key, one in value.items() if key.lower() in names and one is not None}
    return {key: _switch(one) if key == "primary" else _text(one) for key, one in held.items()}


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise bad_value("This attribute is text.")
    return clean(value)


def _switch(value: Any) -> bool:
    """Entra writes booleans as text."""
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise bad_value("This attribute is true or false.")
    return value
