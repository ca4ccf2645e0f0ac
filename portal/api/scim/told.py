"""What this server can do, told to programs (RFC 7643 sections 5 to 7)."""

from __future__ import annotations

from typing import Any

from portal.api.scim.groups import GROUP
from portal.api.scim.paths import ENTERPRISE
from portal.api.scim.users import USER

MOST_RESULTS = 200
MOST_OPERATIONS = 1000
"""In one request to change something."""
_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Schema"
_TYPE = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"

CONFIGURATION: dict[str, Any] = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
    "patch": {"supported": True},
    "bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0},
    "filter": {"supported": True, "maxResults": MOST_RESULTS},
    "changePassword": {"supported": False},
    "sort": {"supported": False},
    "etag": {"supported": True},
    "authenticationSchemes": [
        {
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": "A token with the scope scim, made by manage.py token create.",
            "primary": True,
        }
    ],
    "meta": {"resourceType": "ServiceProviderConfig", "location": "/scim/v2/ServiceProviderConfig"},
}


def resource_types() -> list[dict[str, Any]]:
    return [
        {
            "schemas": [_TYPE],
            "id": "User",
            "name": "User",
            "endpoint": "/Users",
            "schema": USER,
            "schemaExtensions": [{"schema": ENTERPRISE, "required": False}],
            "meta": {"resourceType": "ResourceType", "location": "/scim/v2/ResourceTypes/User"},
        },
        {
            "schemas": [_TYPE],
            "id": "Group",
            "name": "Group",
            "endpoint": "/Groups",
            "schema": GROUP,
            "meta": {"resourceType": "ResourceType", "location": "/scim/v2/ResourceTypes/Group"},
        },
    ]


def schemas() -> list[dict[str, Any]]:
    name = _complex("name", [_text("formatted"), _text("familyName"), _text("givenName")])
    mails = _complex("emails", [_text("value"), _text("type"), _attribute("primary", "boolean")], several=True)
    places = _complex("addresses", [_text("type"), _text("locality"), _text("country")], several=True)
    user = [
        {**_text("userName"), "required": True, "uniqueness": "server"},
        name, _text("displayName"), _text("title"), _attribute("active", "boolean"), mails, places,
    ]  # fmt: skip
    manager = _complex("manager", [_text("value")])
    members = _complex("members", [_text("value"), _text("type")], several=True)
    return [
        _schema(USER, "User", user),
        _schema(ENTERPRISE, "EnterpriseUser", [_text("department"), _text("organization"), manager]),
        _schema(GROUP, "Group", [{**_text("displayName"), "required": True}, members]),
    ]


def _schema(id_: str, name: str, attributes: list[dict[str, Any]]) -> dict[str, Any]:
    meta = {"resourceType": "Schema", "location": f"/scim/v2/Schemas/{id_}"}
    return {"schemas": [_SCHEMA], "id": id_, "name": name, "attributes": attributes, "meta": meta}


def _attribute(name: str, kind: str) -> dict[str, Any]:
    return {
        "name": name, "type": kind, "multiValued": False, "required": False, "caseExact": False,
        "mutability": "readWrite", "returned": "default", "uniqueness": "none",
    }  # fmt: skip


def _text(name: str) -> dict[str, Any]:
    return _attribute(name, "string")


def _complex(name: str, parts: list[dict[str, Any]], *, several: bool = False) -> dict[str, Any]:
    return {**_attribute(name, "complex"), "multiValued": several, "subAttributes": parts}
