"""Refusals as problem documents (RFC 9457)."""

from __future__ import annotations

import json

from django.http import HttpResponse


def problem(status: int, title: str, detail: str, allowed: str = "POST") -> HttpResponse:
    """`title` is the same for every problem of its kind; `detail` is a sentence that says what to do next."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    response = HttpResponse(json.dumps(body, ensure_ascii=False), "application/problem+json", status)
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="letterlock"'
    if status == 405:
        response.headers["Allow"] = allowed
    if status == 503:
        response.headers["Retry-After"] = "30"
    return response
