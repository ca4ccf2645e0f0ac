"""Mail that a rule holds: an administrator approves it or refuses it, and who may not, cannot."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
from django.test import Client

from branding.models import Brand
from portal.access import administrators, cookies, sessions
from portal.access.roles import Role
from portal.audit.models import Entry
from portal.console import held as held_mails
from portal.delivery.letters import prepare
from portal.delivery.models import Outbound
from portal.ingest import pipeline, spoolfolder
from portal.ingest.models import Spooled
from portal.mime.reading import read
from portal.rules import live, publishing
from portal.vault.models import Message
from tests.console.conftest import CANARY, Arrive
from tests.console.pages import browser
from tests.mails import JONAS, MAYA

MASKED = "ma•••••@aldervalley.example"
LUNCH = {"if": "subject_words", "values": ["lunch"]}


@pytest.fixture
def held(arrive: Arrive) -> Iterator[UUID]:
    live.forget()
    rule = {"id": "a", "name": "Board approves", "when": [LUNCH], "then": [{"do": "hold"}, {"do": "protect"}]}
    publishing.publish({"format": 1, "rules": [rule]}, expected=0)
    yield arrive(subject="Lunch")
    live.forget()


def at(held: UUID, page: str) -> str:
    return f"/admin/messages/{held}/{page}/"


def test_an_approved_mail_goes_on_by_what_else_the_rule_orders(owner: Client, held: UUID) -> None:
    page = owner.get(f"/admin/messages/{held}/").content.decode()
    assert at(held, "approve") in page
    assert at(held, "retry") not in page
    assert "Board approves" in owner.get(at(held, "approve")).content.decode()
    assert owner.post(at(held, "approve")).status_code == 303
    pipeline.process()
    assert Message.objects.filter(pk=held).exists()
    assert Entry.objects.get(kind="message.approved").facts["by"]
    assert owner.post(at(held, "approve")).status_code == 404, "once is enough"


def test_trying_again_is_no_approval(owner: Client, held: UUID) -> None:
    owner.post(at(held, "retry"))
    assert Spooled.objects.get(pk=held).state == Spooled.State.HELD


def test_a_refused_mail_is_ended_with_a_reason_of_the_list(owner: Client, held: UUID) -> None:
    assert owner.post(at(held, "refuse")).status_code == 422
    assert owner.post(at(held, "refuse"), {"reason": "I do not like it"}).status_code == 422
    assert Spooled.objects.get(pk=held).state == Spooled.State.HELD
    assert owner.post(at(held, "refuse"), {"reason": "people"}).status_code == 303
    assert Spooled.objects.get(pk=held).state == Spooled.State.REFUSED
    facts = Entry.objects.get(kind="message.refused").facts
    assert (facts["told"], facts["reason"]) == (True, "people")
    mail = prepare(Outbound.objects.get(kind="refusal"))
    assert mail is not None
    assert "It is addressed to the wrong people." in (read(b"".join(mail.data)).text or "")


@pytest.mark.parametrize("page", ["approve", "refuse"])
def test_who_only_looks_can_do_neither(brand: Brand, owner: Client, held: UUID, page: str) -> None:
    auditor = administrators.add("auditor@aldervalley.example", Role.AUDITOR, by=None)
    token = sessions.begin(auditor, brand, keep=False, method=sessions.ENTRY, office=True)
    client = browser(brand, cookies.OFFICE, token)
    assert client.get(at(held, page)).status_code in (403, 404)
    assert client.post(at(held, page), {"reason": "people"}).status_code in (403, 404)
    assert Spooled.objects.get(pk=held).state == Spooled.State.HELD


def test_the_timeline_says_what_the_rule_did(owner: Client, held: UUID) -> None:
    page = owner.get(f"/admin/messages/{held}/").content.decode()
    assert "The rule “Board approves” holds it until it is approved." in page
    assert "because of: The subject has words" in page
    assert "subject_words" not in page
    assert "lunch" not in page.lower().replace("launch", "")


def test_the_list_of_held_mails_names_the_rule_the_time_and_the_sender_behind_a_mask(owner: Client, held: UUID) -> None:
    page = owner.get("/admin/messages/?show=held").content.decode()
    assert "the rule “Board approves”" in page
    assert "waits for approval" in page
    assert MASKED in page
    assert page.index(str(held)) < page.index(MASKED)
    assert f'datetime="{Spooled.objects.get(pk=held).held_at:%Y-%m-%dT%H:%M}' in page
    for secret in (MAYA, "Lunch", "lunch", CANARY, JONAS):
        assert secret not in page, secret


def test_the_page_of_a_decision_says_what_approving_and_refusing_do(owner: Client, held: UUID) -> None:
    for which in ("approve", "refuse"):
        page = owner.get(at(held, which)).content.decode()
        assert MASKED in page
        assert "the rule “Board approves”" in page
        assert MAYA not in page
    page = owner.get(at(held, "approve")).content.decode()
    assert "It goes on at once to everyone it is written to." in page
    assert "its sender is told that reason where they are known to be one of yours" in page


def test_a_mail_whose_file_is_gone_is_listed_with_why_and_without_a_sender(owner: Client, held: UUID) -> None:
    spoolfolder.remove(held)
    Spooled.objects.filter(pk=held).update(approval="", last_error="The spool file of this mail is gone.")
    page = owner.get("/admin/messages/?show=held").content.decode()
    assert "(its file cannot be opened)" in page
    assert "The spool file of this mail is gone." in page
    assert "waits for approval" not in page


def test_a_list_that_takes_too_long_to_open_shows_no_sender(
    owner: Client, held: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_mails, "SECONDS", 0.0)
    page = owner.get("/admin/messages/?show=held").content.decode()
    assert "(not looked up: that takes too long just now)" in page
    assert MASKED not in page
    monkeypatch.undo()
    assert MASKED in owner.get(f"/admin/messages/{held}/").content.decode()
