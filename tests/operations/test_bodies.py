"""A request that is cut off is refused, not taken for a shorter one."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.http import UnreadablePostError

from portal.operations.bodies import whole_bodies

BOUNDARY = b"letterlockboundary"
FORM = (
    b"--" + BOUNDARY + b'\r\nContent-Disposition: form-data; name="text"\r\n\r\nhello\r\n'
    b"--" + BOUNDARY + b'\r\nContent-Disposition: form-data; name="more"\r\n\r\n' + b"x" * 200_000 + b"\r\n"
    b"--" + BOUNDARY + b"--\r\n"
)


def request_with(body: bytes, announced: int) -> WSGIRequest:
    """What Django makes of a body as our web server hands it on."""
    seen: list[WSGIRequest] = []
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "CONTENT_TYPE": f"multipart/form-data; boundary={BOUNDARY.decode()}",
        "CONTENT_LENGTH": str(announced),
        "wsgi.input": io.BytesIO(body),
    }
    whole_bodies(lambda given, start: seen.append(WSGIRequest(given)))(environ, print)
    return seen[0]


def test_a_whole_form_is_read() -> None:
    request = request_with(FORM, len(FORM))
    assert request.POST["text"] == "hello"
    assert len(request.POST["more"]) == 200_000


@pytest.mark.parametrize("kept", [0, 10, 100, 150_000, len(FORM) - 1])
def test_a_form_that_ends_early_is_refused(kept: int) -> None:
    request = request_with(FORM[:kept], len(FORM))
    with pytest.raises(UnreadablePostError):
        assert request.POST


def test_a_body_that_ends_early_is_refused_when_read_in_pieces() -> None:
    request = request_with(b"x" * 100_000, 200_000)
    assert len(request.read(65536)) == 65536
    with pytest.raises(UnreadablePostError):
        request.read(65536)


def test_a_body_that_ends_early_is_refused_when_read_at_once() -> None:
    request = request_with(b"x" * 1000, 2000)
    with pytest.raises(UnreadablePostError):
        assert request.body
