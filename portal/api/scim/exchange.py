"""What every request and answer of SCIM has: a token, a JSON body, a version, lists and errors (RFC 7644)."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any

from django.db import Error as DatabaseFailure
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from portal.api import tokens
from portal.api.errors import ApiError
from portal.api.scim import told
from portal.api.scim.errors import ScimError, bad_value
from portal.api.scim.paths import holds_no_letter
from portal.api.scopes import Scope
from portal.keys.errors import KeysError

MOST_BYTES = 4 * 1024 * 1024
"""Of a request."""
PER_PAGE = 100
SHOWS = ("GET", "HEAD")
_LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
View = Callable[..., HttpResponse]


def guarded_by_token(view: View) -> View:
    """Called as `view(request, token, …)` with a token of the scope scim; what is refused is told in SCIM's form."""

    # A token is not sent by a browser on its own, so no other site can make one speak here.
    @csrf_exempt
    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, tokens.authorise(request, Scope.SCIM), *args, **kwargs)
        except ScimError as error:
            return answer(error.document(), error.status)
        except ApiError as refused:
            response = answer(ScimError(refused.status, str(refused)).document(), refused.status)
            for name, value in refused.headers().items():
                response.headers[name] = value
            return response
        except (DatabaseFailure, KeysError):
            response = answer(ScimError(503, "Not now; try again in half a minute.").document(), 503)
            response.headers["Retry-After"] = "30"
            return response

    return guarded


def body(request: HttpRequest) -> dict[str, Any]:
    """The JSON object of a request. Raises ScimError."""
    data = request.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ScimError(413, f"A request can have up to {MOST_BYTES // (1024 * 1024)} MiB.")
    try:
        given = json.loads(data)
    except (ValueError, RecursionError):
        raise ScimError(400, "The request is not JSON.", "invalidSyntax") from None
    if not isinstance(given, dict):
        raise ScimError(400, "The request must be a JSON object.", "invalidSyntax")
    if holds_no_letter(given):
        raise bad_value("A text holds a character that no text has.")
    return given


def operations(request: HttpRequest) -> list[Any]:
    """The changes of a PATCH (RFC 7644 section 3.5.2). Raises ScimError."""
    given = {name.lower(): value for name, value in body(request).items()}
    changes = given.get("operations")
    if not isinstance(changes, list) or not 0 < len(changes) <= told.MOST_OPERATIONS:
        raise ScimError(400, f"Operations must be a list of 1 to {told.MOST_OPERATIONS} changes.", "invalidSyntax")
    return changes


def check_version(request: HttpRequest, version: int) -> None:
    """If-Match (RFC 7644 section 3.14)."""
    wanted = request.headers.get("If-Match", "")
    if wanted and wanted != "*" and f'W/"{version}"' not in wanted:
        raise ScimError(412, "It was changed meanwhile. Read it again.")


def one(request: HttpRequest, document: dict[str, Any], version: int, status: int = 200) -> HttpResponse:
    """A resource with its version as ETag (RFC 7644 section 3.14)."""
    tag = f'W/"{version}"'
    if request.method in SHOWS and tag in request.headers.get("If-None-Match", ""):
        return HttpResponse(status=304, headers={"ETag": tag})
    response = answer(document, status)
    response.headers["ETag"] = tag
    if status == 201:
        response.headers["Location"] = document["meta"]["location"]
    return response


def several(request: HttpRequest, rows: QuerySet[Any], show: Callable[[Any], dict[str, Any]]) -> HttpResponse:
    """A page of resources (RFC 7644 section 3.4.2.4)."""
    start, count = max(1, _number(request, "startIndex", 1)), _number(request, "count", PER_PAGE)
    count = max(0, min(count, told.MOST_RESULTS))
    found = [show(row) for row in rows.order_by("pk")[start - 1 : start - 1 + count]] if count else []
    return in_a_list(found, rows.count(), start)


def in_a_list(found: list[dict[str, Any]], total: int, start: int = 1) -> HttpResponse:
    """Some of `total` resources, from the place `start` on, which counts from 1."""
    return answer(
        {
            "schemas": [_LIST],
            "totalResults": total,
            "startIndex": start,
            "itemsPerPage": len(found),
            "Resources": found,
        }
    )


def answer(document: Mapping[str, Any], status: int = 200) -> HttpResponse:
    """A document, which nobody on the way keeps."""
    response = HttpResponse(json.dumps(document, ensure_ascii=False), "application/scim+json", status)
    response.headers["Cache-Control"] = "no-store"
    return response


def _number(request: HttpRequest, name: str, usual: int) -> int:
    written = request.GET.get(name, "")
    if not written:
        return usual
    try:
        return int(written[:12])
    except ValueError:
        raise bad_value(f"{name} is a whole number.") from None
