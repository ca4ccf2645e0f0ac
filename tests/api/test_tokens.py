"""Tokens: what each may do, when it ends, and how often it may ask."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.utils import timezone

from branding.models import Brand
from portal.api import scopes, tokens
from portal.api.errors import NameTaken, TokenCannotBe, TokenUnknown
from portal.api.models import Token
from portal.api.scopes import Scope
from portal.audit.models import Entry
from portal.ingest.models import Spooled
from portal.operations.preparing import make_default_brand
from tests.grants import change

pytestmark = pytest.mark.django_db

MAIL = b"From: Maya <maya@aldervalley.example>\r\nTo: jonas@mail.example\r\nSubject: Hello\r\n\r\nHello.\r\n"


@pytest.fixture
def brand() -> Brand:
    make_default_brand(settings.LETTERLOCK)
    return Brand.objects.create(
        slug="harbour", name="Harbour Law", host="quay.example", domains=["quay.example", "harbour.test"]
    )


@tokens.required(Scope.AUDIT_READ)
def door(request: HttpRequest, token: Token) -> HttpResponse:
    return HttpResponse(token.name)


def ask(token: str = "", **headers: str) -> HttpResponse:
    given = {"Authorization": f"Bearer {token}"} if token else {}
    return door(RequestFactory().get("/", headers={**given, **headers}))


def row() -> Token:
    return Token.objects.get()


def test_a_token_does_what_its_scopes_say_and_nothing_else() -> None:
    assert ask(tokens.create("auditor", [Scope.AUDIT_READ])).content == b"auditor"
    others = [scope for scope in Scope if scope != Scope.AUDIT_READ]
    refused = ask(tokens.create("all others", others))
    assert refused.status_code == 403
    assert refused["WWW-Authenticate"] == ('Bearer realm="letterlock", error="insufficient_scope", scope="audit:read"')
    assert "audit:read" in json.loads(refused.content)["detail"]


def test_a_token_from_before_there_were_scopes_sends_and_nothing_else() -> None:
    token = tokens.create("old")
    change(Token.objects.all(), scopes=None)
    assert scopes.of(row().scopes) == {Scope.MESSAGES_SEND}
    assert ask(token).status_code == 403


@pytest.mark.parametrize("kept", ["audit:read", {"audit:read": 1}, ["audit:write"], [["audit:read"]], 7, []])
def test_scopes_that_make_no_sense_allow_nothing(kept: object) -> None:
    token = tokens.create("odd", [Scope.AUDIT_READ])
    change(Token.objects.all(), scopes=kept)
    assert ask(token).status_code == 403


def test_what_is_unknown_expired_or_revoked_is_answered_alike() -> None:
    expired, revoked = tokens.create("expired", [Scope.AUDIT_READ]), tokens.create("revoked", [Scope.AUDIT_READ])
    change(Token.objects.filter(name="expired"), expires_at=timezone.now())
    tokens.revoke(tokens.named("revoked"))
    answers = [ask(token) for token in (expired, revoked, "llk_" + "A" * 43, "other")]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert {answer["WWW-Authenticate"] for answer in answers} == {'Bearer realm="letterlock", error="invalid_token"'}


def test_without_a_token_no_code_says_that_it_is_wrong() -> None:
    answer = ask()
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Bearer realm="letterlock"'


def test_a_revoked_token_is_nowhere_and_its_name_is_free() -> None:
    token = tokens.create("erp", [Scope.AUDIT_READ])
    before = bytes(row().digest)
    tokens.revoke(row(), by=uuid4())
    assert bytes(row().digest) != before, "not even code from before there was revoking finds it"
    with pytest.raises(TokenUnknown):
        tokens.revoke(row())
    with pytest.raises(TokenUnknown):
        tokens.renew(row())
    assert ask(token).status_code == 401
    assert ask(tokens.create("erp", [Scope.AUDIT_READ])).status_code == 200
    with pytest.raises(NameTaken):
        tokens.create("erp")
    assert [kept.revoked_at is None for kept in Token.objects.order_by("pk")] == [False, True]


def test_the_old_secret_counts_for_a_day_after_it_was_renewed() -> None:
    old = tokens.create("erp", [Scope.AUDIT_READ])
    new = tokens.renew(row())
    assert {ask(old).status_code, ask(new).status_code} == {200}
    change(Token.objects.all(), old_until=timezone.now() - timedelta(seconds=1))
    assert (ask(old).status_code, ask(new).status_code) == (401, 200)


def test_or_ends_at_once() -> None:
    old = tokens.create("erp", [Scope.AUDIT_READ])
    new = tokens.renew(row(), at_once=True)
    assert (ask(old).status_code, ask(new).status_code) == (401, 200)


def test_too_many_requests_in_a_minute_are_refused_until_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "A_MINUTE", 3)
    now = timezone.now().replace(second=20)
    monkeypatch.setattr(timezone, "now", lambda: now)
    token, other = tokens.create("busy", [Scope.AUDIT_READ]), tokens.create("other", [Scope.AUDIT_READ])
    assert [ask(token).status_code for _ in range(4)] == [200, 200, 200, 429]
    refused = ask(token)
    assert refused["Retry-After"] == "40"
    assert "3 requests a minute" in json.loads(refused.content)["detail"]
    assert ask(other).status_code == 200
    now += timedelta(seconds=40)
    assert ask(token).status_code == 200


def test_a_refused_scope_counts_as_a_request_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "A_MINUTE", 1)
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    token = tokens.create("prober")
    assert [ask(token).status_code for _ in range(2)] == [403, 429]


def test_the_record_says_who_made_renewed_and_revoked_it_and_holds_no_secret(brand: Brand) -> None:
    person = uuid4()
    token = tokens.create("Harbour’s", [Scope.MESSAGES_SEND, Scope.MESSAGES_READ], brand=brand, by=person)
    renewed = tokens.renew(row(), by=person)
    tokens.revoke(row(), by=person)
    entries = list(Entry.objects.order_by("id").values_list("kind", "facts"))
    assert [kind for kind, _ in entries] == ["admin.token_created", "admin.token_renewed", "admin.token_removed"]
    assert {facts["by"] for _, facts in entries} == {str(person)}
    assert entries[0][1]["scopes"] == "messages:read messages:send"
    assert entries[0][1]["brand"] == "harbour"
    assert not any(word in json.dumps(entries) for word in (token, renewed, "Harbour’s"))


@pytest.mark.parametrize("scope", sorted(set(Scope) - tokens.OF_ONE_BRAND))
def test_what_belongs_to_all_brands_is_not_given_for_one(brand: Brand, scope: Scope) -> None:
    with pytest.raises(TokenCannotBe, match=scope.value):
        tokens.create("x", [scope, Scope.MESSAGES_SEND], brand=brand)
    assert not Token.objects.exists()


def send(token: str, mail: bytes, sender: str | None = None) -> int:
    beside = {} if sender is None else {"Letterlock-Sender": sender}
    headers = {"Authorization": f"Bearer {token}", **beside}
    client = Client(HTTP_HOST="localhost")
    return client.post("/api/v1/messages", mail, content_type="message/rfc822", headers=headers).status_code


def test_a_token_of_one_brand_sends_as_that_brand_and_nobody_else(brand: Brand) -> None:
    token = tokens.create("harbour", brand=brand)
    own = MAIL.replace(b"aldervalley.example", b"quay.example")
    assert send(token, own) == 202
    assert send(token, own, "<>") == 202
    assert send(token, own, "desk@HARBOUR.test") == 202
    for refused, sender in (
        (MAIL, None),
        (MAIL, "maya@quay.example"),
        (own, "maya@aldervalley.example"),
        (b"Sender: x@aldervalley.example\r\n" + own, "maya@quay.example"),
        (b"From: x@aldervalley.example\r\n" + own, "maya@quay.example"),
        (own.replace(b"maya@quay.example", b"maya@quay.example, x@aldervalley.example"), None),
        (own.replace(b"From", b"X-From"), "maya@quay.example"),
        (own.replace(b"quay.example", b"quay.example.org"), "maya@quay.example"),
    ):
        assert send(token, refused, sender) == 403
    assert Spooled.objects.count() == 3


def test_also_in_bulk(brand: Brand) -> None:
    token = tokens.create("harbour", brand=brand)
    lines = [
        json.dumps({"sender": f"maya@{domain}", "recipients": ["jonas@mail.example"], "text": "x"})
        for domain in ("quay.example", "aldervalley.example")
    ]
    answer = Client(HTTP_HOST="localhost").post(
        "/api/v1/messages:bulk", "\n".join(lines), content_type="application/x-ndjson",
        headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "k"},
    )  # fmt: skip
    told = json.loads(answer.content)
    assert (told["accepted"], told["refused"]) == (1, 1)
    assert "only for the brand harbour" in told["failures"][0]["reason"]


def command(*words: str) -> str:
    out = StringIO()
    call_command("token", *words, stdout=out)
    return out.getvalue().strip()


def test_the_command_makes_lists_renews_and_revokes(brand: Brand) -> None:
    first = command("create", "erp", "--scope", "messages:send", "--scope", "messages:read", "--brand", "harbour")
    assert tokens.find(f"Bearer {first}") == row()
    assert row().expires_at is not None
    assert abs(row().expires_at - timezone.now() - tokens.LIFETIME) < timedelta(minutes=1)  # type: ignore[operator]
    told = json.loads(command("list", "--json"))[0]
    assert (told["name"], told["scopes"], told["brand"]) == ("erp", ["messages:read", "messages:send"], "harbour")
    assert "messages:read messages:send  harbour  expires" in command("list")
    second = command("renew", "erp", "--at-once")
    assert tokens.find(f"Bearer {first}") is None
    assert tokens.find(f"Bearer {second}") == row()
    command("revoke", "erp")
    assert tokens.find(f"Bearer {second}") is None
    assert command("list").startswith("There is no token.")


@pytest.mark.parametrize(("written", "days"), [("30", 30), ("2099-12-31", None), ("never", None)])
def test_when_it_expires_can_be_said(written: str, days: int | None) -> None:
    command("create", "erp", "--expires", written)
    at = row().expires_at
    if written == "never":
        assert at is None
        return
    assert at is not None
    day = timezone.localtime(at).date()
    assert day.isoformat() == written if days is None else day - timezone.localdate() == timedelta(days)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--expires", "soon"], "Write --expires as a day"),
        (["--expires", "2020-01-01"], "expired already"),
        (["--expires", "9" * 30], "Write --expires as a day"),
        (["--brand", "nobody"], "no brand"),
        (["--scope", "everything"], "invalid choice"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(words: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        command("create", "erp", *words)
    assert not Token.objects.exists()
