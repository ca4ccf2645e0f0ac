"""Levels and agreed phrases on their way in: asked for by header and API, and the phrase kept nowhere as text."""

from __future__ import annotations

import io
import json
import logging
import sys
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client

from portal.api import tokens
from portal.audit.models import Entry
from portal.delivery.models import Outbound
from portal.ingest import pipeline
from portal.ingest.models import Spooled
from portal.rules.compiling import compiled
from portal.rules.deciding import decide
from portal.rules.facts import Facts
from portal.vault import agreed
from portal.vault.errors import PhraseSpent
from portal.vault.models import Message, Phrase
from portal.vault.opening import open_message
from portal.vault.phrases import agreed_with, tries_left, try_phrase
from portal.vault.rights import Rights
from tests.mails import JONAS, KARIN, MAYA, mail
from tests.seals import HOST, default_brand, put, reader_of, seal, turn

pytestmark = pytest.mark.django_db
PHRASE = "BlueCanoeOfAuntVera"
HINT = "HintAtWhatWeRowedIn"


@pytest.fixture(autouse=True)
def _quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agreed, "MEMORY_KIB", 64)


def asking(value: str, **more: Any) -> bytes:
    return mail("Results", headers=[("X-Letterlock-Protect", f"v=1; {value}")], **more)


def level_of(message: Message) -> int:
    return Rights.decode(bytes(message.rights)).level


def everything_stored() -> bytes:
    """Every value of every row, and every file of the data folder."""
    rows = [value for model in apps.get_models() for row in model._default_manager.values_list() for value in row]
    raw = b"\n".join(bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode() for value in rows)
    data: Path = settings.LETTERLOCK.data
    # Not the database's files: whoever closes one of them drops the locks of every connection in this process (POSIX).
    files = (path for path in data.rglob("*") if path.is_file() and ".sqlite3" not in path.name)
    return raw + connection.connection.serialize() + b"".join(path.read_bytes() for path in files)


@pytest.mark.parametrize(("value", "level"), [("level=1", 1), ("level=2", 2), ("level=3", 3), ("dl=1", 1)])
def test_the_header_sets_the_level_and_wraps_are_bound_to_it(value: str, level: int) -> None:
    message = seal(asking(value))
    assert level_of(message) == level
    assert open_message(reader_of(message)).rights.level == level


def test_a_rule_can_ask_for_a_level() -> None:
    facts = Facts("[secure] x", (), MAYA, (JONAS,), True, (), 1)
    rule = {"id": "tag", "name": "tag", "when": [{"if": "subject_tag"}], "then": [{"do": "protect", "level": 2}]}
    decision = decide(facts, compiled({"format": 1, "rules": [rule]}), "relay")
    assert (decision.action, decision.level) == ("protect", 2)


def test_a_phrase_is_for_every_reader_and_stands_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    message = seal(asking(f'level=2; phrase="{PHRASE}"; hint="{HINT}"'), JONAS, KARIN)
    assert level_of(message) == 2
    for address in (JONAS, KARIN, MAYA):
        kept = agreed_with(reader_of(message, address))
        assert kept is not None
        assert kept.hint == HINT
        assert kept.is_it(PHRASE.upper())
        assert PHRASE not in repr(kept)
    original = b"".join(open_message(reader_of(message)).original())
    assert b"X-Letterlock-Protect" not in original
    assert b"Subject: Results" in original
    stored = everything_stored() + caplog.text.encode()
    assert str(message.pk).encode() in stored
    for clear in (PHRASE, PHRASE.lower(), HINT):
        assert clear.encode() not in stored
    assert not any(PHRASE in str(entry.facts) for entry in Entry.objects.all())


def test_an_original_without_a_phrase_stays_as_it_came() -> None:
    raw = asking("level=3")
    assert b"".join(open_message(reader_of(seal(raw))).original()) == raw


@pytest.mark.parametrize(
    "written",
    [
        f'X-Letterlock-Protect: v=1; level=3; phrase="{PHRASE}"\r\n',
        f'x-letterlock-protect: v=1;\r\n level=3;\r\n\tphrase="{PHRASE}"\r\n',
        f'X-Letterlock-Protect : v=1; level=3; PHRASE="{PHRASE}"\r\n',
        f'Oops, no header\r\nX-Letterlock-Protect: v=1; level=3; phrase="{PHRASE}"\r\n',
        "X-Letterlock-Protect: =?utf-8?q?v=3D1=3B_phrase=3D=22BlueCanoeOfAuntVera=22?=\r\n",
    ],
    ids=["plain", "folded", "space", "behind a broken line", "encoded"],
)
def test_however_the_header_is_written_no_reader_finds_the_phrase(written: str) -> None:
    message = seal(written.encode() + mail("[secure] Results", "The text."))
    opened = open_message(reader_of(message))
    shown = b"".join(opened.original()) + opened.body(opened.toc.text).encode() + opened.body(opened.toc.html).encode()
    assert PHRASE.encode() not in shown
    assert b"phrase" not in shown.lower()
    assert level_of(message) == 3


def test_a_header_that_cannot_be_taken_out_holds_the_mail() -> None:
    raw = f'X-Letterlock\x01-Protect: v=1; level=3; phrase="{PHRASE}"\r\n'.encode() + mail()
    row = put(raw)
    assert row.state == Spooled.State.HELD
    assert "cannot be taken out" in " ".join(row.last_error.split())
    assert PHRASE not in row.last_error


def test_a_phrase_that_is_not_followed_is_still_kept_from_readers() -> None:
    row = put(mail(headers=[("X-Letterlock-Protect", f'v=1; phrase="{PHRASE}"')]), trusted=False)
    message = Message.objects.get(pk=row.pk)
    assert level_of(message) == 1
    assert not Phrase.objects.exists()
    assert PHRASE.encode() not in b"".join(open_message(reader_of(message)).original())


def test_an_answer_takes_what_it_answers_took_with_the_same_phrases() -> None:
    first = asking(f'phrase="{PHRASE}"; hint="{HINT}"')
    message = seal(first)
    answered = next(line for line in first.decode().splitlines() if line.startswith("Message-ID")).partition(": ")[2]
    answer = seal(mail("Re: Results", headers=[("In-Reply-To", answered)]), JONAS, KARIN)
    assert answer.thread == message.thread
    assert level_of(answer) == 3
    assert try_phrase(reader_of(answer), PHRASE) is not None
    assert agreed_with(reader_of(answer, KARIN)) is None
    raised = seal(mail("Re: Results", headers=[("In-Reply-To", answered), ("X-Letterlock-Protect", "v=1; level=2")]))
    assert level_of(raised) == 3


def test_a_line_of_the_api_asks_for_level_and_phrase() -> None:
    default_brand()
    fields = {"from": MAYA, "to": [JONAS], "subject": "x", "text": "y"}
    body = json.dumps({**fields, "protect": {"level": 2, "phrase": "Ünser Küchen-Boot", "hint": HINT}}).encode()
    answer = Client(HTTP_HOST=HOST).post(
        "/api/v1/messages:bulk",
        body,
        content_type="application/x-ndjson",
        headers={"Authorization": f"Bearer {tokens.create('t')}", "Idempotency-Key": "a"},
    )
    assert answer.json()["accepted"] == 1, answer.content
    pipeline.process(bulk=True)
    message = Message.objects.get()
    assert level_of(message) == 2
    assert try_phrase(reader_of(message), "ünser küchen-boot") is not None
    assert "Küchen".encode() not in everything_stored()


def set_phrase(monkeypatch: pytest.MonkeyPatch, message: Message, typed: str, *more: str) -> str:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    call_command("phrase", "set", str(message.pk), *more, stdout=out)
    return out.getvalue()


def test_the_command_sets_a_new_phrase_with_new_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    message = seal(asking(f'phrase="{PHRASE}"'), JONAS, KARIN)
    jonas, karin = reader_of(message), reader_of(message, KARIN)
    for _ in range(5):
        assert try_phrase(jonas, "not the phrase") is None
    with pytest.raises(PhraseSpent):
        try_phrase(jonas, PHRASE)
    said = set_phrase(monkeypatch, message, "a red kite\n", "--reader", JONAS, "--hint", "what we flew")
    assert said == "The new phrase holds for 1 reader.\n"
    assert tries_left(jonas) == 5
    assert try_phrase(jonas, "A Red Kite") is not None
    assert try_phrase(karin, PHRASE) is not None
    assert "3 readers" in set_phrase(monkeypatch, message, "four green kites\n")
    assert try_phrase(karin, PHRASE) is None
    assert Entry.objects.filter(kind="message.phrase_set").count() == 4


@pytest.mark.parametrize(
    ("typed", "more", "said"),
    [
        ("tiny\n", (), "at least 6"),
        ("\n", (), "at least 6"),
        ("a red kite\n", ("--reader", KARIN), "no reader"),
    ],
)
def test_what_the_command_cannot_do_it_says(
    monkeypatch: pytest.MonkeyPatch, typed: str, more: tuple[str, ...], said: str
) -> None:
    message = seal(asking(f'phrase="{PHRASE}"'))
    with pytest.raises(SystemExit, match=said):
        set_phrase(monkeypatch, message, typed, *more)
    assert try_phrase(reader_of(message), PHRASE) is not None


def test_a_message_of_level_1_takes_no_phrase(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="a passcode is enough"):
        set_phrase(monkeypatch, seal(asking("level=1")), "a red kite\n")
    assert not Phrase.objects.exists()


def test_a_destroyed_message_keeps_no_hash() -> None:
    from portal.lifecycle import withdrawing

    message = seal(asking(f'phrase="{PHRASE}"'), JONAS, KARIN)
    withdrawing.withdraw_reader(message.pk, JONAS, "why", now=True)
    assert Phrase.objects.count() == 2
    withdrawing.withdraw(message.pk, "why", now=True)
    assert not Phrase.objects.exists()


def test_what_waits_to_leave_is_without_the_header() -> None:
    row = put(asking(f'phrase="{PHRASE}"'), trusted=False)
    assert row.state == Spooled.State.RELAYING
    from portal.delivery.letters import prepare

    prepared = prepare(Outbound.objects.get(message=turn(row.pk).pk))
    assert prepared is not None
    assert PHRASE.encode() not in b"".join(prepared.data)
