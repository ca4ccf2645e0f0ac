"""`POST /api/v1/messages` with a mail in fields: what it becomes, and all that is refused."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from branding.models import Brand
from portal.api import handing, openapi
from portal.api.endpoint import JSON
from portal.api.models import HandedIn, Token
from portal.api.routes import ROUTES
from portal.api.scopes import Scope
from portal.audit.models import Entry
from portal.ingest.models import Spooled
from portal.ingest.spool import open_spooled
from portal.ingest.spoolfolder import folder
from portal.mime.reading import read
from portal.rules.triggers import parse_trigger
from tests.api.conftest import Program, body_of, refused

Make = Callable[..., Program]
MAIL: dict[str, Any] = {
    "from": "Maya Holm <maya@aldervalley.example>",
    "to": ["Jonas Berg <jonas@mail.example>"],
    "subject": "Your results",
    "text": "All is well.",
}
LAST_DAY = (datetime.now(UTC).date() + timedelta(days=28)).isoformat()


@pytest.fixture
def sending(program: Make) -> Program:
    return program(Scope.MESSAGES_SEND)


def opened(id_: str) -> tuple[tuple[str, ...], bytes]:
    found = open_spooled(Spooled.objects.get(pk=UUID(id_)))
    return found.envelope.recipients, found.read()


def with_(**fields: Any) -> dict[str, Any]:
    return {**MAIL, **{name.rstrip("_"): value for name, value in fields.items()}}


def test_fields_become_a_mail(sending: Program) -> None:
    content = base64.b64encode(b"%PDF-1.7").decode()
    asked = with_(
        cc=["karin@mail.example"],
        bcc=["hidden@mail.example"],
        html="<p>All is <b>well</b>.</p>",
        attachments=[{"name": "Befund – 7.pdf", "content_type": "application/pdf", "content": content}],
        protect={
            "open_until": LAST_DAY, "level": 2, "note": 'Say "hello" \\ there', "receipt": True, "split": "escrow",
            "forward": False, "reply_all": False, "watermark": True, "template": "do-not-forward",
        },
    )  # fmt: skip
    recipients, raw = opened(body_of(sending.post("/messages", asked), 202)["id"])
    assert recipients == ("jonas@mail.example", "karin@mail.example", "hidden@mail.example")
    assert b"hidden" not in raw
    letter = read(raw)
    assert letter.subject == "Your results"
    assert [box.address for box in letter.cc] == ["karin@mail.example"]
    assert letter.sender is not None
    assert (letter.sender.name, letter.sender.address) == ("Maya Holm", "maya@aldervalley.example")
    header = {name.lower(): value for name, value in letter.headers}["x-letterlock-protect"]
    for pair in ("v=1", "until=", LAST_DAY, "level=2", "rcpt=1", "fwd=0", "all=0", "mark=1", "do-not-forward"):
        assert pair in header
    assert "message.handed_in" in Entry.objects.values_list("kind", flat=True)


def test_no_options_at_all_still_ask_for_protection(sending: Program) -> None:
    _, raw = opened(body_of(sending.post("/messages", with_(protect={})), 202)["id"])
    assert b"X-Letterlock-Protect: v=1\r\n" in raw


def test_the_record_names_the_token(sending: Program) -> None:
    id_ = body_of(sending.post("/messages", MAIL), 202)["id"]
    entry = Entry.objects.get(kind="message.handed_in", message=id_)
    assert entry.facts == {"who": "program", "by": str(Token.objects.get().pk)}


def test_the_same_mail_under_the_same_key_is_one_mail(sending: Program, program: Make) -> None:
    key = {"Idempotency-Key": "invoice-7"}
    first = body_of(sending.post("/messages", MAIL, **key), 202)
    assert body_of(sending.post("/messages", dict(reversed(MAIL.items())), **key)) == first
    assert body_of(sending.post("/messages", MAIL, **{"Idempotency-Key": '"invoice-7"'})) == first
    assert "another mail" in refused(sending.post("/messages", with_(text="Other."), **key), 422)
    assert body_of(sending.post("/messages", MAIL), 202) != first
    other = program(Scope.MESSAGES_SEND, Scope.MESSAGES_READ)
    assert body_of(other.post("/messages", MAIL, **key), 202) != first
    assert Spooled.objects.count() == HandedIn.objects.count() == 3


def test_also_a_whole_mail_and_the_addresses_beside_it_count(sending: Program) -> None:
    raw = b"From: maya@aldervalley.example\r\nTo: jonas@mail.example\r\nSubject: x\r\n\r\nHello.\r\n"

    def post(body: bytes, **headers: str) -> Any:
        headers["Idempotency-Key"] = "k"
        return sending.ask("POST", "/messages", body, "message/rfc822", **headers)

    first = body_of(post(raw), 202)
    assert body_of(post(raw)) == first
    assert refused(post(raw + b"more"), 422)
    assert refused(post(raw, **{"Letterlock-Recipients": "other@mail.example"}), 422)
    assert Spooled.objects.count() == 1


def test_who_is_overtaken_by_the_same_mail_is_told_its_id(sending: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    first = body_of(sending.post("/messages", MAIL, **{"Idempotency-Key": "k"}), 202)
    kept = len(list(folder().glob("*-*")))
    monkeypatch.setattr(handing, "_known", _blind_once(handing._known))
    assert body_of(sending.post("/messages", MAIL, **{"Idempotency-Key": "k"})) == first
    assert Spooled.objects.count() == 1
    assert len(list(folder().glob("*-*"))) == kept


def _blind_once(real: Callable[..., UUID | None]) -> Callable[..., UUID | None]:
    """As in the moment before the other request commits."""
    looks = iter([True])
    return lambda *key: None if next(looks, False) else real(*key)


@pytest.mark.parametrize("key", ["x" * 256, "é", "a\tb"])
def test_a_key_that_cannot_be_one_is_refused(sending: Program, key: str) -> None:
    refused(sending.post("/messages", MAIL, **{"Idempotency-Key": key}), 400)
    assert not Spooled.objects.exists()


WRONG: list[tuple[dict[str, Any], int, str]] = [
    (with_(form="x"), 422, "form is not known here"),
    (with_(protect={"expire": 1}), 422, "protect.expire is not known here"),
    (with_(protect={"\ud800": 1}), 422, "not known here"),
    (with_(protect={"level": 4}), 422, "protect.level must be a whole number from 1 to 3"),
    (with_(protect={"level": True}), 422, "whole number"),
    (with_(protect={"open_until": "soon"}), 422, "a day like"),
    (with_(protect={"open_until": "2020-01-01"}), 422, "until must be a day from today"),
    (with_(protect={"split": "half"}), 422, "must be one of"),
    (with_(protect={"note": "see https://x.example"}), 422, "note may hold no link"),
    (with_(protect={"note": "x" * 141}), 422, "140 characters"),
    (with_(protect={"template": "Not A Template"}), 422, "protect.template is not written as it must be"),
    (with_(protect={"template": "nothing\0such"}), 422, "protect.template is not written as it must be"),
    (
        with_(protect={"template": "nothing-such"}),
        422,
        "protect.template must be a rights template that this sender can",
    ),
    (with_(protect={"hint": "x"}), 422, "hint belongs to a phrase"),
    (with_(to=[]), 422, "1 to 500 items"),
    (with_(to="jonas@mail.example"), 422, "must be a list"),
    (with_(to=["a@b.example", "nobody"]), 422, "to[1] is not one mail address"),
    (with_(to=["a@b.example, c@d.example"]), 422, "to[0] is not one mail address"),
    (with_(to=[f"r{n}@b.example" for n in range(501)]), 422, "1 to 500 items"),
    (with_(to=["x" * 601]), 422, "600 characters"),
    (with_(from_=""), 422, "from must have"),
    (with_(text=None), 422, "text must not be null"),
    (with_(text="\ud83d"), 422, "lone surrogate"),
    (with_(subject=7), 422, "subject must be a text"),
    (with_(attachments=[{"name": "x", "content": "%%%"}]), 422, "attachments[0].content must be base64"),
    (with_(attachments=[{"name": "x", "content": "AAA"}]), 422, "attachments[0].content must be base64"),
    (with_(attachments=[{"name": "x", "content": "QQ==\n"}]), 422, "attachments[0].content must be base64"),
    (with_(attachments=[{"content": "QQ=="}]), 422, "attachments[0].name is missing"),
    (with_(attachments=[{"name": "x", "content": "", "size": 1}]), 422, "attachments[0].size is not known"),
    ({"to": ["a@b.example"]}, 422, "from is missing"),
]


def test_fields_that_are_not_usable_are_refused_by_name(sending: Program) -> None:
    for asked, status, word in WRONG:
        assert word in refused(sending.post("/messages", asked), status)
    assert not Spooled.objects.exists()


def test_nothing_in_a_field_becomes_a_header_of_its_own(sending: Program) -> None:
    hostile = "x\r\nBcc: evil@mail.example\r\nX-Letterlock-Protect: v=1; fwd=1\r\n\r\nbody"
    tries = [
        with_(subject=hostile),
        with_(from_=f'"{hostile}" <maya@aldervalley.example>'),
        with_(to=[f"{hostile} <jonas@mail.example>"]),
        with_(cc=["jonas@mail.example\r\nBcc: evil@mail.example"]),
        with_(protect={"note": hostile}),
        with_(attachments=[{"name": hostile, "content": "QQ=="}]),
        with_(attachments=[{"name": "x", "content": "QQ==", "content_type": "text/plain\r\nX-Evil: 1"}]),
        with_(attachments=[{"name": "\0", "content": "QQ=="}]),
    ]
    for asked in tries:
        answer = sending.post("/messages", asked)
        assert answer.status_code in (202, 422), answer.content
        if answer.status_code == 202:
            recipients, raw = opened(json.loads(answer.content)["id"])
            assert recipients == ("jonas@mail.example",)
            names = [name.lower() for name, _ in read(raw).headers]
            assert "bcc" not in names
            assert names.count("x-letterlock-protect") == ("protect" in asked)
            assert b"\r\nx-evil" not in raw.lower()


def test_both_names_of_sender_and_recipients_work_but_not_at_once(sending: Program, program: Make) -> None:
    also = {"from": "sender", "to": "recipients"}
    renamed = {also.get(name, name): value for name, value in MAIL.items()}
    recipients, raw = opened(body_of(sending.post("/messages", renamed), 202)["id"])
    assert recipients == ("jonas@mail.example",)
    assert b"From: Maya Holm <maya@aldervalley.example>\r\n" in raw
    key = {"Idempotency-Key": "invoice-7"}
    first = body_of(sending.post("/messages", MAIL, **key), 202)
    assert body_of(sending.post("/messages", renamed, **key)) == first, "the same mail, whatever its fields are called"
    for name, other in also.items():
        both = MAIL | {other: MAIL[name]}
        assert f"{other} is another name of {name}; name one of the two" in refused(
            sending.post("/messages", both), 422
        )
    assert "recipients must be a list" in refused(sending.post("/messages", {**renamed, "recipients": "x"}), 422)
    assert "from is missing" in refused(sending.post("/messages", {"recipients": ["a@b.example"]}), 422)
    assert body_of(program(Scope.RULES_TEST).post("/rules/test", renamed))


def test_the_document_names_both() -> None:
    mail = openapi.document()["components"]["schemas"]["Mail"]
    assert mail["allOf"] == [
        {"oneOf": [{"required": ["from"]}, {"required": ["sender"]}]},
        {"oneOf": [{"required": ["to"]}, {"required": ["recipients"]}]},
    ]
    assert "required" not in mail
    assert mail["properties"]["recipients"] == {
        **mail["properties"]["to"], "description": "another name of to; name one of the two",
    }  # fmt: skip


BAD_JSON: list[tuple[bytes, str]] = [
    (b"null", "must be an object"),
    (b"{", "JSON"),
    (b"[" * 10_000 + b"]" * 10_000, ""),
    (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, ""),
    (b'{"text":' + b"[" * 40 + b"]" * 40 + b"}", "deeper than 32"),
    (b'{"from": "a@b.example", "from": "c@d.example"}', "twice"),
    (b'{"protect": {"level": NaN}}', "NaN"),
    (b'{"protect": {"level": -Infinity}}', "Infinity"),
    (b'{"protect": {"level": 1e400}}', "too large"),
    (b'{"protect": {"level": ' + b"9" * 5000 + b"}}", "longer than 40"),
    (b'{"text": "\xff"}', "UTF-8"),
    (b'\xef\xbb\xbf{"text": "x"}', "JSON"),
    (b'{"text": "x"} {"text": "y"}', "JSON"),
    (b"{'text': 'x'}", "JSON"),
    (b'{"text": "\x00"}', "JSON"),
    (b"[" + b"[]," * 700_000 + b"[]]", "brackets"),
]


def test_a_body_that_is_no_json_or_could_mean_two_things_is_refused(sending: Program) -> None:
    for raw, word in BAD_JSON:
        answer = sending.post("/messages", raw)
        assert word in refused(answer, 422 if raw == b"null" else 400)
    assert not Spooled.objects.exists()


def test_a_body_has_a_length_a_type_and_a_limit(sending: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = json.dumps(MAIL).encode()
    assert "Content-Length" in refused(sending.post("/messages", raw, **{"Content-Length": ""}), 411)
    for wrong in ("-1", "1e3", "²", "1" * 30):
        refused(sending.post("/messages", raw, **{"Content-Length": wrong}), 411)
    longer = {"CONTENT_LENGTH": str(len(raw) + 1), "wsgi.input": io.BytesIO(raw)}
    headers = {"Authorization": f"Bearer {sending.token}"}
    cut = Client(HTTP_HOST="localhost").generic("POST", "/api/v1/messages", raw, JSON, headers=headers, **longer)
    assert "send the mail again" in refused(cut, 400)  # type: ignore[arg-type]
    large = str(sending_most() + 1)
    assert "at most" in refused(sending.post("/messages", raw, **{"Content-Length": large}), 413)
    for kind in (
        "application/json-patch+json",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ):
        assert "application/json" in refused(sending.ask("POST", "/messages", raw, kind), 415)
    assert not Spooled.objects.exists()
    assert sending.ask("POST", "/messages", raw, "application/json; charset=utf-8").status_code == 202


def sending_most() -> int:
    return next(route.most for route in ROUTES if route.name == "sendMessage")


def test_no_refusal_repeats_what_was_sent(sending: Program) -> None:
    for asked in (with_(to=["canary 7c1f@nowhere"]), with_(protect={"note": "canary https://x.example"})):
        assert "canary" not in refused(sending.post("/messages", asked), 422)


def test_never_is_taken_where_messages_may_stay_open_and_refused_elsewhere(sending: Program) -> None:
    asked = with_(protect={"never": True})
    Brand.objects.update(open_days=30)
    assert "neither this sender’s brand" in json.dumps(
        body_of(sending.post("/messages", asked), 422), ensure_ascii=False
    )
    assert not Spooled.objects.exists()
    Brand.objects.update(open_days=0)
    both = with_(protect={"never": True, "open_until": LAST_DAY})
    assert "open_until names a day" in json.dumps(body_of(sending.post("/messages", both), 422))
    _recipients, raw = opened(body_of(sending.post("/messages", asked), 202)["id"])
    assert parse_trigger(dict(read(raw).headers)["X-Letterlock-Protect"], date(2026, 1, 1)).never
