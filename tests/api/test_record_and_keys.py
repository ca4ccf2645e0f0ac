"""The record, the keys and the webhooks over the API."""

from __future__ import annotations

import base64
import csv
import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from portal.api import auditing, telling, webhooks
from portal.api.models import Delivery, Token, Webhook
from portal.api.scopes import Scope
from portal.audit import finding, heads, leaves, merkle, sequencing
from portal.audit.models import Entry
from portal.audit.record import record
from portal.keys.service import keys
from portal.operations import record_keeping
from tests.api.conftest import Program, body_of, refused

Make = Callable[..., Program]


@pytest.fixture
def auditor(program: Make) -> Program:
    return program(Scope.AUDIT_READ)


def signed() -> None:
    sequencing.sequence(timezone.now(), record_keeping.origin(), keys().head_signer())


def lines(raw: bytes) -> list[Any]:
    return [json.loads(line) for line in raw.splitlines()]


def test_entries_come_in_pages_and_the_header_names_the_next(auditor: Program) -> None:
    message = uuid4()
    for number in range(5):
        record("file.downloaded", message=message, file=number)
    record("file.downloaded", message=uuid4(), file=9)
    found, path = [], f"/audit/entries?message={message}&kind=file.downloaded&limit=2"
    while path:
        answer = auditor.get(path)
        assert answer.headers["Content-Type"] == "application/x-ndjson"
        found += lines(answer.content)
        path = answer.headers.get("Link", "").partition(">")[0].removeprefix("<")
    assert [entry["facts"]["file"] for entry in found] == list(range(5))
    assert {entry["message"] for entry in found} == {str(message)}
    assert lines(auditor.get(f"/audit/entries?after={found[-1]['id']}").content)[0]["facts"] == {"file": 9}


def test_entries_of_a_time_are_found_without_reading_all(auditor: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    Entry.objects.all().delete()
    now = timezone.now()
    made = [
        Entry(at=now - timezone.timedelta(hours=hours), kind="file.previewed", facts={"file": hours})  # type: ignore[attr-defined]
        for hours in range(40, 0, -1)
    ]
    Entry.objects.bulk_create(made)
    since = (now - timezone.timedelta(hours=20)).isoformat().replace("+00:00", "Z")  # type: ignore[attr-defined]
    until = (now - timezone.timedelta(hours=10)).isoformat().replace("+00:00", "Z")  # type: ignore[attr-defined]
    found = lines(auditor.get(f"/audit/entries?kind=file.previewed&since={since}&until={until}").content)
    assert [entry["facts"]["file"] for entry in found] == list(range(20, 10, -1))
    assert finding._first_id(now - timezone.timedelta(hours=20)) == made[20].pk  # type: ignore[attr-defined]


def test_what_is_read_can_be_verified_by_whoever_holds_a_head(auditor: Program) -> None:
    first = record("file.downloaded", message=uuid4(), file=1)
    signed()
    kept = body_of(auditor.get("/audit/head"))
    for number in range(3):
        record("file.downloaded", message=uuid4(), file=number)
    signed()
    head = body_of(auditor.get("/audit/head"))
    _, public = heads.read_key(head["key"])
    old, new = (heads.read(one["note"], public) for one in (kept, head))
    proof = body_of(auditor.get(f"/audit/proof?entry={first.pk}"))
    committed = leaves.commitment(bytes.fromhex(proof["salt"]), first.reader, proof["entry"]["facts"])
    leaf = merkle.leaf_hash(leaves.leaf(first.pk, first.at, first.kind, first.message, committed))
    hashes = [base64.b64decode(one) for one in proof["proof"]]
    assert merkle.included(leaf, proof["index"], proof["size"], hashes, new.root)
    since = body_of(auditor.get(f"/audit/consistency?old={old.size}"))
    between = [base64.b64decode(one) for one in since["proof"]]
    assert merkle.consistent(old.size, old.root, new.size, new.root, between)
    earlier = body_of(auditor.get(f"/audit/proof?entry={first.pk}&size={old.size}"))
    assert merkle.included(
        leaf, earlier["index"], old.size, [base64.b64decode(one) for one in earlier["proof"]], old.root
    )


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("proof", 400), ("proof?entry=0", 400), ("proof?entry=999999999", 404), ("proof?entry=1&size=999999", 404),
        ("proof?entry=99999999999999999999", 400), ("consistency", 400), ("consistency?old=0", 400),
        ("consistency?old=9999999", 404), ("consistency?old=1&size=9999999", 404), ("export?format=xml", 400),
        ("export?since=x", 400), ("entries?kind=x", 400), ("entries?after=-1", 400), ("entries?message=x", 400),
    ],
)  # fmt: skip
def test_what_cannot_be_proved_or_read_is_refused(auditor: Program, path: str, status: int) -> None:
    signed()
    refused(auditor.get(f"/audit/{path}"), status)


def test_before_anything_is_signed_there_is_no_head(auditor: Program) -> None:
    refused(auditor.get("/audit/head"), 404)
    refused(auditor.get("/audit/export"), 404)


def test_the_record_is_exported_as_it_is_made_and_says_by_whom(auditor: Program) -> None:
    message = uuid4()
    for number in range(300):
        record("file.downloaded", message=message, file=number)
    signed()
    for form, kind in auditing.TYPES.items():
        answer = auditor.get(f"/audit/export?format={form}")
        assert answer.streaming
        assert answer.headers["Content-Type"] == kind
        text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
        assert text.count(str(message)) == 300
        if form == "csv":
            assert len(list(csv.reader(text.splitlines()))) > 300
        if form == "jsonl":
            assert json.loads(text.splitlines()[0])["format"] == "letterlock-audit-1"
    exported = list(Entry.objects.filter(kind="audit.exported").order_by("id").values_list("facts", flat=True))
    assert [facts["format"] for facts in exported] == list(auditing.TYPES)
    assert {(facts["who"], facts["by"]) for facts in exported} == {("program", str(Token.objects.get().pk))}


def test_the_keys_are_shown_as_they_stand_and_never_one_of_them(program: Make) -> None:
    told = body_of(program(Scope.KEYS_READ).get("/keys"))
    assert told["works"] is True
    assert told["rotating"] is False
    assert "/" not in json.dumps(told), "not where the root key is"


class TestWebhooks:
    @pytest.fixture
    def hook(self, db: None) -> Webhook:
        return webhooks.add("erp", "https://erp.example/in?password=hunter2", ["message.*"], private=False)[0]

    @pytest.fixture
    def managing(self, program: Make) -> Program:
        return program(Scope.WEBHOOKS_MANAGE)

    def deliveries(self, hook: Webhook, *states: str) -> list[Delivery]:
        now = timezone.now()
        return [
            Delivery.objects.create(webhook=hook, entry=number, made_at=now, due_at=now, state=state, tries=9)
            for number, state in enumerate(states, start=1)
        ]

    def test_they_are_listed_without_their_secrets(self, managing: Program, hook: Webhook) -> None:
        self.deliveries(hook, "failed", "waiting", "waiting")
        answer = managing.get("/webhooks")
        (told,) = body_of(answer)["webhooks"]
        assert (told["name"], told["url"], told["on"]) == ("erp", "https://erp.example/in", True)
        assert (told["waiting"], told["failed"]) == (2, 1)
        assert b"hunter2" not in answer.content
        assert webhooks.where(hook).secret.encode() not in answer.content

    def test_deliveries_come_in_pages(self, managing: Program, hook: Webhook) -> None:
        made = self.deliveries(hook, "failed", "failed", "delivered", "failed")
        found, path = [], f"/webhooks/{hook.pk}/deliveries?state=failed&limit=2"
        while path:
            page = body_of(managing.get(path))
            found += [one["id"] for one in page["deliveries"]]
            path = page["next"]
        assert sorted(found) == sorted(str(made[place].pk) for place in (0, 1, 3))

    def test_one_or_all_that_were_given_up_are_sent_again_and_it_is_recorded(
        self, managing: Program, hook: Webhook
    ) -> None:
        made = self.deliveries(hook, "failed", "failed", "delivered")
        again = f"/webhooks/{hook.pk}/redeliver"
        assert body_of(managing.post(again, {"delivery": str(made[2].pk)})) == {"deliveries": 1}
        assert body_of(managing.post(again, {})) == {"deliveries": 2}
        assert set(Delivery.objects.values_list("state", "tries")) == {("waiting", 0)}
        facts = Entry.objects.filter(kind="webhook.redelivered").order_by("id").values_list("facts", flat=True)
        assert [found["deliveries"] for found in facts] == [1, 2]
        assert {found["by"] for found in facts} == {str(Token.objects.get().pk)}

    def test_what_another_webhook_was_told_is_not_there(self, managing: Program, hook: Webhook) -> None:
        other = webhooks.add("other", "https://other.example/", [], private=False)[0]
        (theirs,) = self.deliveries(other, "failed")
        refused(managing.post(f"/webhooks/{hook.pk}/redeliver", {"delivery": str(theirs.pk)}), 404)
        refused(managing.get(f"/webhooks/{uuid4()}/deliveries"), 404)
        refused(managing.post("/webhooks/x/redeliver", {}), 404)
        theirs.refresh_from_db()
        assert theirs.state == "failed"

    def test_what_is_not_in_the_record_any_more_is_given_up_with_its_reason(self, hook: Webhook) -> None:
        gone = Delivery.objects.create(webhook=hook, entry=10**9, made_at=timezone.now(), due_at=timezone.now())
        assert telling.tell(timezone.now()) == 1
        gone.refresh_from_db()
        assert (gone.state, gone.answer) == ("failed", "the entry is gone")
        assert Entry.objects.get(kind="webhook.given_up").facts["reason"] == "entry_gone"
        assert telling.tell(timezone.now()) == 0
