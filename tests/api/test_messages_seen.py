"""Messages over the API: listed, looked at and acted on, by whoever may and nobody else."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from branding.models import Brand
from portal.api import messages
from portal.api.models import Token
from portal.api.scopes import Scope
from portal.audit.models import Entry
from portal.delivery.models import Outbound
from portal.lifecycle import withdrawing
from portal.lifecycle.actors import Actor, Who, Why
from portal.vault.models import Message, Reader
from tests.api.conftest import CANARY, Arrive, Program, body_of, refused, run_pipeline
from tests.mails import JONAS, KARIN, MAYA

S = Scope
Make = Callable[..., Program]
QUAY = "maya@quay.example"


def first_recipient(message: UUID) -> Reader:
    return Reader.objects.filter(message=message, role=Reader.Role.RECIPIENT).order_by("number")[0]


def test_a_message_is_shown_with_its_recipients_and_nothing_of_its_content(arrive: Arrive, program: Make) -> None:
    id_ = arrive()
    Reader.objects.filter(pk=first_recipient(id_).pk).update(first_opened_at=timezone.now())
    reading = program(S.MESSAGES_READ)
    told = body_of(reading.get(f"/messages/{id_}"))
    assert (told["id"], told["state"], told["brand"], told["held"]) == (str(id_), "open", "alder", False)
    assert [one["notice"] for one in told["recipients"]] == ["sent", "sent"]
    assert [one["opened_at"] is None for one in told["recipients"]] == [False, True]
    events = body_of(reading.get(f"/messages/{id_}/timeline"))["events"]
    assert {"message.received", "message.accepted", "message.sealed"} <= {event["kind"] for event in events}
    whole = json.dumps([told, events, body_of(reading.get("/messages"))])
    for secret in (CANARY, JONAS, KARIN, MAYA):
        assert secret not in whole


def test_the_list_goes_on_from_page_to_page_and_keeps_its_filters(arrive: Arrive, program: Make) -> None:
    ids = [str(arrive()) for _ in range(3)]
    other = str(arrive(QUAY))
    reading = program(S.MESSAGES_READ)
    found, page = [], body_of(reading.get("/messages?limit=2&brand=alder&state=open"))
    while True:
        found += [line["id"] for line in page["messages"]]
        if page["next"] is None:
            break
        page = body_of(reading.get(page["next"]))
    assert found == ids[::-1]
    assert [line["id"] for line in body_of(reading.get("/messages?brand=quay"))["messages"]] == [other]
    assert body_of(reading.get("/messages?brand=nobody"))["messages"] == []
    Message.objects.filter(pk=ids[0]).update(open_until=timezone.now() - timedelta(days=1))
    assert [line["id"] for line in body_of(reading.get("/messages?state=closed"))["messages"]] == [ids[0]]
    past, ahead = "2020-01-01T00:00:00Z", "2099-01-01T00:00:00%2B02:00"
    assert body_of(reading.get(f"/messages?until={past}"))["messages"] == []
    assert body_of(reading.get(f"/messages?since={ahead}"))["messages"] == []
    assert len(body_of(reading.get(f"/messages?since={past}&until={ahead}"))["messages"]) == 4


def test_a_page_looks_through_so_many_and_then_says_where_to_go_on(
    arrive: Arrive, program: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "LOOKED_AT", 2)
    oldest, _, _ = (arrive() for _ in range(3))
    Message.objects.filter(pk=oldest).update(state=Message.State.GONE)
    reading = program(S.MESSAGES_READ)
    page = body_of(reading.get("/messages?state=gone"))
    assert page["messages"] == []
    assert [line["id"] for line in body_of(reading.get(page["next"]))["messages"]] == [str(oldest)]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=201", "limit=x", "limit=1e1", "limit=1&limit=2", "state=held", "since=yesterday",
        "since=2026-11-26T10:00:00", "cursor=x", "cursor=99999999999999999-" + "f" * 31, "address=jonas", "brand=%00",
        "since=0001-13-01T00:00:00Z",
    ],
)  # fmt: skip
def test_parameters_that_make_no_sense_are_refused_by_name(program: Make, query: str) -> None:
    assert query.partition("=")[0] in refused(program(S.MESSAGES_READ).get(f"/messages?{query}"), 400)


def test_moments_at_the_ends_of_time_are_no_trouble(arrive: Arrive, program: Make) -> None:
    arrive()
    reading = program(S.MESSAGES_READ)
    whole = "/messages?since=0001-01-01T00:00:00%2B14:00&until=9999-12-31T23:59:59-14:00"
    assert len(body_of(reading.get(whole))["messages"]) == 1
    auditor = program(S.AUDIT_READ)
    assert auditor.get("/audit/entries?since=0001-01-01T00:00:00Z&until=9999-12-31T23:59:59Z").content.count(b"\n") > 2


def test_withdrawing_undoing_and_a_new_date_are_recorded_with_the_token(arrive: Arrive, program: Make) -> None:
    id_, acting = arrive(), program(S.MESSAGES_ACT)
    token = str(Token.objects.get().pk)
    told = body_of(acting.post(f"/messages/{id_}/withdraw", {"reason": "wrong_person"}))
    assert told["state"] == "withdrawn"
    assert told["undo_until"] is not None
    assert body_of(acting.post(f"/messages/{id_}/undo", {}))["state"] == "open"
    assert "nothing to undo" in refused(acting.post(f"/messages/{id_}/undo", {}), 409)
    told = body_of(acting.post(f"/messages/{id_}/extend", {"days": 90}))
    day = timezone.localdate() + timedelta(90)
    assert told["open_until"] is not None
    assert body_of(acting.post(f"/messages/{id_}/extend", {"open_until": day.isoformat()})) == told
    assert body_of(acting.post(f"/messages/{id_}/extend", {"never": True}))["open_until"] is None
    facts = Entry.objects.filter(
        message=id_, kind__in=("message.withdrawn", "message.withdrawal_undone", "message.date_changed")
    ).values_list("facts", flat=True)
    assert len(facts) == 5
    assert {(found["who"], found["by"]) for found in facts} == {("program", token)}


@pytest.mark.parametrize("first", ["office", "program"])
def test_what_an_administrator_withdrew_too_is_not_undone_by_a_program(
    arrive: Arrive, program: Make, first: str
) -> None:
    id_, acting = arrive(), program(S.MESSAGES_ACT)
    for who in (first, "office", "program"):
        if who == "office":
            withdrawing.withdraw(id_, "", by=Actor(Who.OFFICE, "x"), why=Why.LAW)
        else:
            body_of(acting.post(f"/messages/{id_}/withdraw", {"reason": "other"}))
    assert "only an administrator can undo" in refused(acting.post(f"/messages/{id_}/undo", {}), 409)
    assert Message.objects.get(pk=id_).state == "withdrawn"
    withdrawing.undo(id_, by=Actor(Who.OFFICE, "x"))
    assert Message.objects.get(pk=id_).state == "open"


def test_one_recipient_is_withdrawn_from_and_the_others_keep_it(arrive: Arrive, program: Make) -> None:
    id_, acting = arrive(), program(S.MESSAGES_ACT)
    reader = str(first_recipient(id_).pk)
    told = body_of(acting.post(f"/messages/{id_}/withdraw", {"reason": "law", "recipients": [reader], "tell": False}))
    assert told["state"] == "open"
    assert [one["withdrawn_at"] is None for one in told["recipients"]] == [False, True]
    told = body_of(acting.post(f"/messages/{id_}/undo", {"recipients": [reader]}))
    assert [one["withdrawn_at"] for one in told["recipients"]] == [None, None]


def test_a_notice_is_sent_again_but_not_at_once(arrive: Arrive, program: Make) -> None:
    id_, acting = arrive(), program(S.MESSAGES_ACT)
    reader = str(first_recipient(id_).pk)
    assert "five minutes" in refused(acting.post(f"/messages/{id_}/resend", {"recipient": reader}), 409)
    Outbound.objects.update(made_at=timezone.now() - timedelta(minutes=10))
    body_of(acting.post(f"/messages/{id_}/resend", {"recipient": reader}))
    assert Outbound.objects.filter(reader=reader, kind=Outbound.Kind.NOTICE).count() == 2
    assert refused(acting.post(f"/messages/{id_}/resend", {"recipient": str(uuid4())}), 404)


WRONG: list[tuple[str, object, str]] = [
    ("withdraw", {}, "reason is missing"),
    ("withdraw", {"reason": "because"}, "must be one of"),
    ("withdraw", {"reason": "law", "recipients": []}, "1 to 500 items"),
    ("withdraw", {"reason": "law", "recipients": ["x"]}, "recipients[0] must be an id"),
    ("withdraw", {"reason": "law", "recipent": []}, "recipent is not known here"),
    ("withdraw", {"reason": "law", "tell": 1}, "true or false"),
    ("withdraw", [], "must be an object"),
    ("extend", {}, "must name one of"),
    ("extend", {"days": 1, "never": True}, "must name one of"),
    ("extend", {"never": False}, "can only be true"),
    ("extend", {"days": None}, "must name one of"),
    ("extend", {"days": 731}, "0 to 730"),
    ("extend", {"days": True}, "0 to 730"),
    ("extend", {"days": 1e300}, "0 to 730"),
    ("extend", {"open_until": "2020-01-01"}, "withdraw"),
    ("extend", {"open_until": "2099-01-01"}, "730 days"),
    ("extend", {"open_until": "2026-W01-1"}, "a day like"),
    ("resend", {"recipient": None}, "must not be null"),
]


def test_what_cannot_be_done_is_refused_by_name_and_nothing_changes(arrive: Arrive, program: Make) -> None:
    id_, acting = arrive(), program(S.MESSAGES_ACT)
    before = Entry.objects.filter(message=id_).count()
    for verb, body, word in WRONG:
        assert word in refused(acting.post(f"/messages/{id_}/{verb}", body), 422)
    assert Entry.objects.filter(message=id_).count() == before
    assert Message.objects.get(pk=id_).state == Message.State.OPEN


def test_a_token_of_one_brand_sees_and_touches_nothing_of_another(
    arrive: Arrive, program: Make, brands: tuple[Brand, Brand]
) -> None:
    own, others = arrive(QUAY), arrive()
    restricted = program(S.MESSAGES_READ, S.MESSAGES_ACT, S.BRANDS_READ, brand=brands[1])
    reader = str(first_recipient(others).pk)
    assert [line["id"] for line in body_of(restricted.get("/messages"))["messages"]] == [str(own)]
    assert body_of(restricted.get("/messages?brand=alder"))["messages"] == []
    assert [brand["slug"] for brand in body_of(restricted.get("/brands"))["brands"]] == ["quay"]
    nobodys = uuid4()
    tries: list[tuple[str, object]] = [
        ("withdraw", {"reason": "law"}),
        ("withdraw", {"reason": "law", "recipients": [reader]}),
        ("undo", {}),
        ("extend", {"never": True}),
        ("resend", {"recipient": reader}),
    ]
    for verb, body in tries:
        answers = [restricted.post(f"/messages/{id_}/{verb}", body) for id_ in (others, nobodys)]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].content == answers[1].content
        if "recipient" in json.dumps(body):
            assert restricted.post(f"/messages/{own}/{verb}", body).status_code == 404
    for path in ("", "/timeline"):
        answers = [restricted.get(f"/messages/{id_}{path}") for id_ in (others, nobodys, "x", "%00")]
        assert {answer.status_code for answer in answers} == {404}
        assert len({answer.content for answer in answers}) == 1
        assert restricted.get(f"/messages/{own}{path}").status_code == 200
    assert {restricted.get(f"/brands/{slug}").status_code for slug in ("alder", "nobody", "%00", "a%2Fb")} == {404}
    assert Message.objects.get(pk=others).state == Message.State.OPEN


def test_before_it_is_sealed_only_the_token_that_sent_it_sees_it(program: Make, brands: tuple[Brand, Brand]) -> None:
    both = (S.MESSAGES_SEND, S.MESSAGES_READ)
    sending, other, unbound = program(*both, brand=brands[1]), program(S.MESSAGES_READ, brand=brands[1]), program(*both)
    mail = {"from": QUAY, "to": [JONAS], "subject": "[secure] x", "text": "y"}
    id_ = body_of(sending.post("/messages", mail), 202)["id"]
    assert body_of(sending.get(f"/messages/{id_}"))["state"] == "received"
    assert other.get(f"/messages/{id_}").status_code == 404
    assert unbound.get(f"/messages/{id_}").status_code == 200
    run_pipeline()
    assert [one.get(f"/messages/{id_}").status_code for one in (sending, other, unbound)] == [200, 200, 200]
    assert body_of(other.get(f"/messages/{id_}"))["state"] == "open"
