"""What this server can do in SCIM (RFC 7644 section 4), and every address below /scim/v2/ that it has not."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from portal.api.models import Token
from portal.api.scim import told
from portal.api.scim.errors import not_found
from portal.api.scim.exchange import answer, guarded_by_token, in_a_list


@guarded_by_token
@require_safe
def configuration(_request: HttpRequest, _token: Token) -> HttpResponse:
    return answer(told.CONFIGURATION)


@guarded_by_token
@require_safe
def resource_types(_request: HttpRequest, _token: Token, id_: str = "") -> HttpResponse:
    return _told(told.resource_types(), id_)


@guarded_by_token
@require_safe
def schemas(_request: HttpRequest, _token: Token, id_: str = "") -> HttpResponse:
    return _told(told.schemas(), id_)


@guarded_by_token
def nothing(_request: HttpRequest, _token: Token, rest: str = "") -> HttpResponse:
    """Any other address below /scim/v2/."""
    raise not_found()


def _told(documents: list[dict[str, Any]], id_: str) -> HttpResponse:
    if not id_:
        return in_a_list(documents, len(documents))
    found = next((document for document in documents if document["id"].lower() == id_.lower()), None)
    if found is None:
        raise not_found()
    return answer(found)
