"""`manage.py trace` and `manage.py release`: sealed, relayed, held and unknown mails."""

from __future__ import annotations

import io
import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command

from portal.delivery.models import Outbound
from portal.ingest.models import Spooled
from portal.operations import tracing, wording
from tests.console.conftest import CANARY, Arrive
from tests.mails import JONAS, KARIN, MAYA


def told(id_: UUID | str) -> str:
    out = io.StringIO()
    call_command("trace", str(id_), stdout=out)
    return out.getvalue()


def traced(id_: UUID) -> dict[str, Any]:
    out = io.StringIO()
    call_command("trace", str(id_), "--json", stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def test_a_sealed_message_is_told_with_its_readers_and_mails(arrive: Arrive) -> None:
    id_ = arrive(to=(JONAS, KARIN))
    found = traced(id_)
    assert found["id"] == str(id_)
    assert found["state"] == "open"
    assert found["sentence"] == "Notice sent"
    assert [event["kind"] for event in found["events"]][:3] == [
        "message.received",
        "message.accepted",
        "message.sealed",
    ]
    assert {mail["state"] for mail in found["mails"]} == {"sent"}
    assert {mail["to"] for mail in found["mails"]} == {"jo•••••@mail.example", "ka•••••@post.example"}
    assert [reader["role"] for reader in found["readers"]] == ["recipient", "recipient", "author"]
    text = told(id_)
    for sentence in ("Sealed for 3 readers with key 20", "Notice to jo•••••@mail.example  Sent, 1 attempt  250 2.0.0"):
        assert sentence in text


def test_a_mail_that_was_passed_on_is_told_too(arrive: Arrive) -> None:
    found = traced(arrive(subject=CANARY))
    assert found["state"] == "done"
    assert found["sentence"] == "Passed on, unprotected as the rules say"
    assert [mail["kind"] for mail in found["mails"]] == ["relay"]
    assert "No rule asks for protection: passed on as it is." in [event["sentence"] for event in found["events"]]
    assert found["readers"] == []


def test_a_held_mail_says_why_and_how_to_go_on(arrive: Arrive) -> None:
    id_ = arrive(("X-Letterlock-Protect", "v=9"))
    found = traced(id_)
    assert found["state"] == "held"
    assert found["held"] is True
    assert "v=1" in found["last_error"]
    text = told(id_)
    assert f"manage.py release {id_}" in text
    assert found["last_error"] in text


def test_nothing_of_a_trace_is_content_or_a_whole_address(arrive: Arrive) -> None:
    for id_ in (arrive(), arrive(subject=CANARY), arrive(("X-Letterlock-Protect", "v=9"))):
        for text in (told(id_), json.dumps(traced(id_)), repr(tracing.trace(id_))):
            for word in (CANARY, JONAS, MAYA, "jonas.berg", "Lindqvist"):
                assert word not in text


def test_an_unknown_id_is_said_to_be_unknown(brand: object) -> None:
    with pytest.raises(CommandError, match="No mail with this id is known here"):
        told(uuid4())
    with pytest.raises(CommandError, match="An id looks like"):
        told("queued")


def test_a_release_lets_a_held_mail_try_again(arrive: Arrive) -> None:
    id_ = arrive(("X-Letterlock-Protect", "v=9"))
    call_command("release", str(id_), stdout=io.StringIO())
    row = Spooled.objects.get(pk=id_)
    assert (row.state, row.attempts) == (Spooled.State.RECEIVED, 0)
    assert "message.released" in [event["kind"] for event in traced(id_)["events"]]


def test_a_release_refuses_what_is_not_held(arrive: Arrive) -> None:
    id_ = arrive()
    with pytest.raises(SystemExit, match="not held"):
        call_command("release", str(id_))
    with pytest.raises(CommandError, match="known here"):
        call_command("release", str(uuid4()))
    assert Spooled.objects.get(pk=id_).state == Spooled.State.DONE


def test_a_mail_that_is_tried_again_by_itself_says_so(arrive: Arrive) -> None:
    id_ = arrive()
    Outbound.objects.update(state=Outbound.State.DUE, attempts=3, last_answer="451 4.3.0")
    found = traced(id_)
    assert found["mails"][0]["sentence"] == "Not taken yet, tried again by itself"
    assert found["mails"][0]["last_answer"] == "451 4.3.0"
    assert found["sentence"] == "Waiting to be sent"


@pytest.mark.parametrize("kind", sorted({**wording.SENTENCES, **wording.WRITTEN}))
def test_an_entry_without_its_facts_is_still_told(kind: str) -> None:
    assert wording.sentence(kind, {}).endswith(".")


def test_a_sign_in_is_told_with_where_it_was_made() -> None:
    assert wording.sentence("recipient.confirmed", {"method": "passcode"}) == "Confirmed by passcode."
    proved = {"method": "provider", "provider": "corp"}
    assert wording.sentence("recipient.confirmed", proved) == "Confirmed by signing in at corp."
    refused = {"provider": "corp", "reason": "unverified"}
    assert wording.sentence("recipient.sign_in_refused", refused) == "Signing in at corp proved nothing: unverified."
