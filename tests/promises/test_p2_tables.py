"""P2 in the tables themselves: what a mail says, and whom it concerns, stands in no row of any of them in clear."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.test import Client
from django.utils import timezone

from portal.access import administrators, cookies, sessions
from portal.api import tokens
from portal.api.scopes import Scope
from portal.delivery import refusing
from portal.delivery.models import Outbound
from portal.directory import importing, parked
from portal.directory.models import Source
from portal.ingest import pipeline
from portal.lifecycle import bulk, changing, resending
from portal.lifecycle.actors import COMMAND, Why
from portal.lifecycle.choosing import Choice
from portal.lifecycle.models import Run
from portal.rules import live, publishing
from portal.vault.models import Message
from portal.vault.readers import address_lookup
from tests.promises.test_p2_no_plaintext_at_rest import forms
from tests.seals import default_brand, reader_of

pytestmark = pytest.mark.django_db
WORD, NAME = "KanarienVogel7Zwitschert", "kanarienvogel9"
HERE, THERE, RIGHT = f"{NAME}.a@aldervalley.example", f"{NAME}.b@mail.example", f"{NAME}.c@mail.example"


def rows_with(*canaries: str) -> list[str]:
    """Columns that hold one of these in any form, as `app.Model.column`."""
    wanted = [form.lower() for canary in canaries for form in forms(canary)]
    held = set()
    for model in apps.get_models():
        for row in model._default_manager.values():
            for column, value in row.items():
                raw = bytes(value) if isinstance(value, bytes | memoryview) else json.dumps(value, default=str).encode()
                if any(form in raw.lower() for form in wanted):
                    held.add(f"{model._meta.label}.{column}")
    return sorted(held)


def office() -> Client:
    person = administrators.owner("ebba@aldervalley.example")
    client = Client(HTTP_HOST="localhost")
    brand = default_brand()
    client.cookies[cookies.OFFICE] = sessions.begin(person, brand, keep=False, method=sessions.ENTRY, office=True)
    return client


def handed_in(**more: Any) -> Message:
    """By the API, under a key, and through the pipeline."""
    token = tokens.create("program", [Scope.MESSAGES_SEND])
    mail = {"from": f"A <{HERE}>", "to": [THERE], "subject": WORD, "text": f"Dear B, {WORD}.", **more}
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"for {THERE}"}
    answer = Client(HTTP_HOST="localhost", headers=headers).post(
        "/api/v1/messages", json.dumps(mail), content_type="application/json"
    )
    assert answer.status_code == 202, answer.content
    pipeline.process()
    return Message.objects.get(pk=json.loads(answer.content)["id"])


def test_the_search_would_find_it() -> None:
    default_brand()
    administrators.owner("ebba@aldervalley.example")
    document = {
        "id": "r",
        "name": WORD,
        "when": [{"if": "subject_words", "values": ["x"]}],
        "then": [{"do": "protect"}],
    }
    publishing.publish({"format": 1, "rules": [document]}, expected=0)
    assert rows_with(WORD) == ["rules.Version.document"]


def test_a_canary_is_in_no_table_whatever_the_office_and_programs_do_with_it() -> None:
    client = office()
    then = [
        {"do": "protect"},
        {"do": "disclaimer", "text": "Do not print."},
        {"do": "prepend_subject", "text": "[X]"},
        {"do": "notify_sender", "text": "It is protected."},
    ]
    rule = {"id": "r", "name": "R", "when": [{"if": "recipient_is", "place": "outside"}], "then": then}
    held = {"id": "h", "name": "H", "when": [{"if": "subject_words", "values": ["wait"]}], "then": [{"do": "hold"}]}
    publishing.publish({"format": 1, "rules": [held, rule]}, expected=0)
    live.forget()
    message = handed_in(protect={"note": WORD, "phrase": WORD, "hint": WORD})
    mail = Outbound.objects.filter(message=message.pk, kind="notice").get()
    refusing.note(mail, f"550 5.1.1 <{THERE}>: no such user {NAME}")
    refusing.suppress(address_lookup(THERE), uuid4(), "gone")
    typed = {"sender": HERE, "recipient": THERE, "mail_id": f"{WORD}@mail.example"}
    assert client.post("/admin/messages/search/", typed).status_code == 303
    client.get(client.post("/admin/messages/search/", typed)["Location"])
    client.post("/admin/messages/export/", {"format": "csv"})
    run = bulk.ask(Run.Action.DATE, Choice(sender=HERE, recipient=THERE), COMMAND)
    bulk.confirm(run, 1, COMMAND, Why.DISPUTE, until=None)
    bulk.carry_out()
    resending.readdress(message.pk, reader_of(message, THERE).pk, RIGHT, by=COMMAND, why=Why.WRONG_PERSON)
    changing.hold(message.pk)
    data = f"address,name,manager,groups\n{HERE},{WORD},{THERE},doctors\n".encode()
    parked.park(data, Source.CSV, removes_missing=False, by=uuid4())
    importing.apply(importing.plan(importing.read(data, Source.CSV), Source.CSV))
    scim = Client(HTTP_HOST="localhost", headers={"Authorization": f"Bearer {tokens.create('s', [Scope.SCIM])}"})
    user = {"userName": RIGHT, "displayName": WORD, "emails": [{"value": RIGHT}], "externalId": WORD}
    assert scim.post("/scim/v2/Users", json.dumps(user), content_type="application/scim+json").status_code == 201
    assert timezone.now() > message.made_at
    assert rows_with(WORD, NAME) == []
    live.forget()
