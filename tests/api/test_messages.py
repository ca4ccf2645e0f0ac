"""`POST /api/v1/messages`: a program hands in one mail."""

from __future__ import annotations

import dataclasses
import hashlib
import http.client
import io
import json
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from io import StringIO
from pathlib import Path
from uuid import UUID

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.http import HttpResponse
from django.test import Client

from portal.api import tokens
from portal.api.models import Token
from portal.audit.models import Entry
from portal.ingest.models import Spooled
from portal.ingest.spool import Envelope, open_spooled
from portal.ingest.spoolfolder import folder
from portal.operations.preparing import make_default_brand
from tests.servers import Portal

pytestmark = pytest.mark.django_db

MAIL = b"From: Maya <maya@aldervalley.example>\r\nTo: jonas@mail.example\r\nSubject: Hello\r\n\r\nHello.\r\n"
URL = "/api/v1/messages"
HOST = {"HTTP_HOST": "localhost"}


@pytest.fixture
def token() -> str:
    return tokens.create("test")


@pytest.fixture(autouse=True)
def _brand_and_empty_spool() -> Iterator[None]:
    make_default_brand(settings.LETTERLOCK)
    for path in folder().glob("*-*"):
        path.unlink()
    yield
    for path in folder().glob("*-*"):
        path.unlink()


def post(token: str, body: bytes = MAIL, content_type: str = "message/rfc822", **headers: str) -> HttpResponse:
    """CSRF checks on, as in the product."""
    given = {"Authorization": f"Bearer {token}"} if token else {}
    return Client(enforce_csrf_checks=True, **HOST).post(  # type: ignore[return-value]
        URL, body, content_type=content_type, headers={**given, **headers}
    )


def taken(response: HttpResponse) -> tuple[Envelope, bytes]:
    assert response.status_code == 202, response.content
    assert response.headers["Content-Type"] == "application/json"
    body = json.loads(response.content)
    assert set(body) == {"id"}
    found = open_spooled(Spooled.objects.get(pk=UUID(body["id"])))
    return found.envelope, found.read()


def refused(response: HttpResponse, status: int) -> str:
    """A problem document with sentences, and nothing kept. Its detail."""
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == "application/problem+json"
    body = json.loads(response.content)
    assert body["status"] == status
    assert body["title"]
    assert body["detail"].endswith(".")
    assert not Spooled.objects.exists()
    assert not list(folder().glob("*-*"))
    return str(body["detail"])


def test_a_mail_is_taken_and_its_header_says_who_gets_it(token: str) -> None:
    envelope, mail = taken(post(token))
    assert mail == MAIL
    assert (envelope.sender, envelope.recipients) == ("maya@aldervalley.example", ("jonas@mail.example",))
    assert (envelope.source, envelope.trusted) == ("api", True)


def test_headers_of_the_request_may_say_who_gets_it(token: str) -> None:
    sent = {
        "Letterlock-Sender": "<desk@aldervalley.example>",
        "Letterlock-Recipients": "a@b.example, jürgen@bücher.example".encode().decode("latin-1"),
    }
    envelope, _ = taken(post(token, **sent))
    assert envelope.sender == "desk@aldervalley.example"
    assert envelope.recipients == ("a@b.example", "jürgen@bücher.example")


def test_the_null_sender_can_be_given(token: str) -> None:
    assert taken(post(token, **{"Letterlock-Sender": "<>"}))[0].sender == ""


def test_bcc_receives_it_and_is_in_no_copy(token: str) -> None:
    envelope, mail = taken(post(token, MAIL.replace(b"Subject", b"Bcc: secret@mail.example\r\nSubject")))
    assert envelope.recipients == ("jonas@mail.example", "secret@mail.example")
    assert mail == MAIL


def test_bare_line_ends_become_those_of_mail(token: str) -> None:
    assert taken(post(token, MAIL.replace(b"\r\n", b"\n")))[1] == MAIL


@pytest.mark.parametrize("given", ["", "llk_wrong", "llk_" + "A" * 43, "x" * 5000, "llk_" + "\xe9" * 43])
def test_without_a_valid_token_nothing_is_taken(token: str, given: str) -> None:
    response = post(given)
    assert "manage.py token create" in refused(response, 401)
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_token_in_another_place_is_none(token: str) -> None:
    refused(post("", Authorization=f"Basic {token}"), 401)
    response = Client(**HOST).post(f"{URL}?access_token={token}", MAIL, content_type="message/rfc822")
    refused(response, 401)  # type: ignore[arg-type]


def test_a_removed_token_opens_nothing(token: str) -> None:
    call_command("token", "remove", "test")
    refused(post(token), 401)


@pytest.mark.parametrize("content_type", ["application/xml", "text/plain", "multipart/form-data; boundary=x", ""])
def test_another_content_type_is_refused(token: str, content_type: str) -> None:
    assert "message/rfc822" in refused(post(token, content_type=content_type), 415)


def test_parameters_of_the_content_type_do_no_harm(token: str) -> None:
    taken(post(token, content_type="Message/RFC822; charset=utf-8"))


@pytest.mark.parametrize("method", ["put", "delete", "options", "patch"])
def test_other_methods_are_refused_with_those_that_work(token: str, method: str) -> None:
    response = getattr(Client(**HOST), method)(URL, headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == 405
    assert response.headers["Allow"] == "GET, HEAD, POST"


def test_too_many_bytes_are_refused_with_the_limit_named(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "LETTERLOCK", dataclasses.replace(settings.LETTERLOCK, max_message_bytes=10_000))
    assert taken(post(token, MAIL + b"x" * (10_000 - len(MAIL))))[1][-1:] == b"x"
    Spooled.objects.all().delete()
    for path in folder().glob("*-*"):
        path.unlink()
    assert "10,000 bytes" in refused(post(token, MAIL + b"x" * (10_001 - len(MAIL))), 413)
    # Growing over the limit while line ends are mended counts too.
    assert "10,000 bytes" in refused(post(token, MAIL + b"\n" * (10_000 - len(MAIL))), 413)


@pytest.mark.parametrize(
    ("body", "headers", "sentence"),
    [
        (MAIL.replace(b"To:", b"X-To:"), {}, "No valid recipients"),
        (MAIL.replace(b"jonas@mail.example", b"undisclosed-recipients:;"), {}, "No valid recipients"),
        (MAIL.replace(b"To: ", b"To: kar in@mail.example, "), {}, "not a mail address"),
        (b"\r\n", {}, "names no sender"),
        (b"no header", {}, "names no sender"),
        (MAIL, {"Letterlock-Recipients": ""}, "No valid recipients"),
        (MAIL, {"Letterlock-Recipients": "a@b.example, nodomain"}, "not a mail address"),
        (MAIL, {"Letterlock-Recipients": "\xff@b.example"}, "not a mail address"),
        (MAIL, {"Letterlock-Sender": "a b@c.example"}, "not a mail address"),
        (MAIL, {"Letterlock-Recipients": ",".join(f"r{n}@b.example" for n in range(501))}, "at most 500 recipients"),
        (b"X-Letterlock-Protect: v=2\r\n" + MAIL, {}, "must say v=1"),
        (b"X-Letterlock-Protect: v=1; until=soon\r\n" + MAIL, {}, "must be a day like"),
        (b"Content-Type: multipart/mixed; boundary=b\r\n" + MAIL + b"--b\r\n\r\n" * 1001, {}, "1,000 parts"),
        (b"X: " + b"y" * 300_000 + b"\r\n" + MAIL, {}, "header"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_the_reason(
    token: str, body: bytes, headers: dict[str, str], sentence: str
) -> None:
    assert sentence in refused(post(token, body, **headers), 422)


def test_no_address_and_no_content_comes_back_in_a_refusal(token: str) -> None:
    detail = refused(post(token, MAIL, **{"Letterlock-Recipients": "canary 7c1f@nowhere"}), 422)
    assert "canary" not in detail


def test_a_body_that_ends_too_early_is_not_taken(token: str) -> None:
    response = Client(**HOST).generic(
        "POST",
        URL,
        MAIL,
        "message/rfc822",
        headers={"Authorization": f"Bearer {token}"},
        CONTENT_LENGTH="5000",
        **{"wsgi.input": io.BytesIO(MAIL)},
    )
    refused(response, 400)  # type: ignore[arg-type]


def test_a_body_of_unknown_length_is_refused(token: str) -> None:
    response = Client(**HOST).generic(
        "POST", URL, MAIL, "message/rfc822", headers={"Authorization": f"Bearer {token}"}, CONTENT_LENGTH=""
    )
    refused(response, 411)  # type: ignore[arg-type]


class OnlyPieces(io.RawIOBase):
    """A request body that nobody may read whole."""

    def __init__(self, size: int) -> None:
        self.left, self.largest = size, 0

    def read(self, size: int = -1) -> bytes:
        assert 0 <= size <= 1024 * 1024
        self.largest = max(self.largest, size)
        taken = min(size, self.left)
        self.left -= taken
        return (b"x y " * (taken // 4 + 1))[:taken]


def test_a_large_body_is_read_in_pieces_and_reaches_no_temporary_file(
    token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    size = 20_000_000
    response = Client(**HOST).generic(
        "POST", URL, b"", "message/rfc822",
        headers={
            "Authorization": f"Bearer {token}",
            "Letterlock-Sender": "a@b.example",
            "Letterlock-Recipients": "c@d.example",
        },
        CONTENT_TYPE="message/rfc822",
        CONTENT_LENGTH=str(size),
        **{"wsgi.input": OnlyPieces(size)},
    )  # fmt: skip
    envelope, mail = taken(response)  # type: ignore[arg-type]
    assert len(mail) == size
    assert envelope.sender == "a@b.example"


@pytest.mark.django_db(transaction=True)
def test_when_it_cannot_be_made_durable_nothing_is_kept(token: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ingest_spooled RENAME TO away")
    try:
        response = post(token)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE away RENAME TO ingest_spooled")
    assert "try again later" in refused(response, 503)
    assert response.headers["Retry-After"]


@pytest.mark.django_db(transaction=True)
def test_when_the_database_is_away_it_says_try_again(token: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE api_token RENAME TO away")
    try:
        response = post(token)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE away RENAME TO api_token")
    assert "try again later" in refused(response, 503)


class TestTokens:
    def test_a_token_is_shown_once_and_only_its_digest_is_kept(self) -> None:
        out = StringIO()
        call_command("token", "create", "ERP", stdout=out)
        shown = out.getvalue().strip()
        assert shown.startswith("llk_")
        assert len(shown) == 4 + 43
        row = Token.objects.get(name="ERP")
        assert bytes(row.digest) == hashlib.sha256(shown.encode()).digest()
        assert Entry.objects.filter(kind="admin.token_created").count() == 1
        assert shown not in json.dumps(list(Entry.objects.values_list("facts", flat=True)))
        taken(post(shown))

    def test_a_name_is_used_once(self, token: str) -> None:
        with pytest.raises(CommandError, match="a token of this name"):
            call_command("token", "create", "test")
        assert Token.objects.count() == 1

    @pytest.mark.parametrize("name", ["", "  ", "x" * 81])
    def test_a_name_is_needed(self, name: str) -> None:
        with pytest.raises(CommandError, match="1 to 80 characters"):
            call_command("token", "create", name)

    def test_what_is_not_there_cannot_be_removed(self) -> None:
        with pytest.raises(CommandError, match="no token of this name"):
            call_command("token", "remove", "nothing")

    def test_its_last_use_is_seen(self, token: str) -> None:
        assert Token.objects.get().used_at is None
        taken(post(token))
        assert Token.objects.get().used_at is not None


@pytest.mark.servers
def test_a_real_server_takes_a_mail_and_refuses_what_is_too_large(portal: Portal) -> None:
    token = portal.manage("token", "create", "real").stdout.strip()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "message/rfc822"}
    body = MAIL + b"x" * 5_000_000
    assert _status(portal, body, headers) == 202
    assert _status(portal, MAIL, {**headers, "Content-Length": "157286401"}) == 413
    assert _status(portal, iter([MAIL, MAIL]), {**headers, "Transfer-Encoding": "chunked"}) == 411


def _status(portal: Portal, body: object, headers: dict[str, str]) -> int:
    line = http.client.HTTPConnection("localhost", portal.http_port, timeout=60)
    try:
        with suppress(BrokenPipeError):  # a refusal may come before all was sent
            line.request("POST", URL, body, headers, encode_chunked=True)  # type: ignore[arg-type]
        return line.getresponse().status
    finally:
        line.close()
