"""Refusals as problem documents (RFC 9457)."""

from __future__ import annotations

import json

from django.http import HttpResponse

from portal.api.errors import ApiError


def problem(status: int, title: str, detail: str) -> HttpResponse:
    """`title` is the same for every problem of its kind; `detail` is a sentence that says what to do next."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    response = HttpResponse(json.dumps(body, ensure_ascii=False), "application/problem+json", status)
    if status == 503:
        response.headers["Retry-After"] = "30"
    return response


def refusal(error: ApiError) -> HttpResponse:
    """What this room refuses, with the headers that go with it."""
    response = problem(error.status, error.title, str(error))
    for name, value in error.headers().items():
        response.headers[name] = value
    return response
