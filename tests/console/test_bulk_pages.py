"""The pages on which many messages are withdrawn: what they count, what they never show, and what they refuse."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from branding.models import Brand
from portal.access.models import Session
from portal.audit.models import Entry
from portal.lifecycle import bulk
from portal.lifecycle.models import Run
from portal.vault.models import Message
from tests.access.resealing import reseal
from tests.console.conftest import CANARY, Arrive
from tests.mails import JONAS, KARIN, MAYA

BULK = "/admin/messages/bulk/"


@pytest.fixture
def brand(db: None) -> Brand:
    return Brand.objects.create(
        slug="alder", name="Alder Valley Clinic", host="localhost", domains=["aldervalley.example"], is_default=True
    )


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())


def test_they_are_counted_confirmed_by_number_carried_out_and_undone(owner: Client, arrive: Arrive) -> None:
    ids = [arrive(to=(JONAS, KARIN)), arrive(to=(KARIN,))]
    assert "Many messages at once" in owner.get("/admin/messages/").content.decode()
    assert '<option value="tag in the subject">' in owner.get(BULK).content.decode(), "rules are offered by name"
    answer = owner.post(BULK, {"sender": MAYA, "state": "open", "action": "withdraw"})
    assert answer.status_code == 303
    page = answer["Location"]
    assert MAYA not in page
    shown = owner.get(page).content.decode()
    assert "Withdraw 2 messages?" in shown
    for secret in (MAYA, JONAS, KARIN, CANARY):
        assert secret not in shown
    answer = owner.post(page, {"number": "3"})
    assert answer.status_code == 422
    summary = text_of(re.findall(r"(?s)<div class=.summary.*?</div>", answer.content.decode())[0])
    assert "Choose a reason. That is not the number of messages." in summary
    for wrong in ({"number": "2"}, {"number": "3", "reason": "other"}, {"number": "", "reason": "other"}):
        assert owner.post(page, wrong).status_code == 422
    assert owner.post(page, {"number": "2", "reason": "wrong_content", "tell": "no"}).status_code == 303
    shown = owner.get(page).content.decode()
    assert "data-again" in shown
    assert "0 of 2 messages" in text_of(shown)
    bulk.carry_out()
    shown = owner.get(page).content.decode()
    assert "data-again" not in shown
    assert "Undo all of it" in shown
    assert set(Message.objects.filter(state="withdrawn").values_list("pk", flat=True)) == set(ids)
    assert page in owner.get(BULK).content.decode()
    assert owner.post(f"{page}undo/").status_code == 303
    bulk.carry_out()
    assert "Undone" in owner.get(page).content.decode()
    assert not Message.objects.exclude(state="open").exists()
    assert owner.post(f"{page}undo/").status_code == 422
    done = Entry.objects.filter(kind="bulk.finished").latest("id").facts
    assert (done["who"], done["undone"]) == ("office", 2)


def test_what_cannot_be_meant_is_refused_with_a_sentence(owner: Client, arrive: Arrive) -> None:
    arrive()
    for asked, said in (
        ({}, "Name at least a sender"),
        ({"sender": "nobody"}, "not a complete address"),
        ({"since": "2026-02-30"}, "Write a day like"),
        ({"since": "9999-12-31", "to": "9999-12-31"}, "Write a day like"),
    ):
        answer = owner.post(BULK, asked)
        assert answer.status_code == 422
        assert said in answer.content.decode()
    page = owner.post(BULK, {"sender": "nobody", "recipient": "no one", "since": "x", "to": "y"}).content.decode()
    for field in ("sender", "recipient", "since", "to"):
        assert f'href="#{field}"' in page and f'id="{field}-error"' in page
    answer = owner.post(BULK, {"sender": KARIN})
    assert "No message matches" in owner.get(answer["Location"]).content.decode()
    assert not Run.objects.exclude(state=Run.State.ASKED).exists()


def test_confirming_needs_a_proof_of_this_moment(owner: Client, arrive: Arrive) -> None:
    arrive()
    page = owner.post(BULK, {"sender": MAYA})["Location"]
    Session.objects.update(made_at=timezone.now() - timedelta(minutes=11))
    reseal()
    answer = owner.post(page, {"number": "1", "reason": "other"})
    assert answer["Location"].startswith("/admin/enter/")
    assert Run.objects.get().state == Run.State.ASKED


def test_another_date_for_many(owner: Client, arrive: Arrive) -> None:
    arrive()
    page = owner.post(BULK, {"sender": MAYA, "action": "date"})["Location"]
    assert "Change the date of 1 message?" in owner.get(page).content.decode()
    answer = owner.post(page, {"number": "7", "until": "2001-01-01"})
    assert answer.status_code == 422
    for field in ("until", "reason", "number"):
        assert f'<a href="#{field}">' in answer.content.decode(), "all that is wrong is said at once"
    assert owner.post(page, {"number": "1", "reason": "sender", "never": "yes"}).status_code == 303
    bulk.carry_out()
    assert Message.objects.get().open_until is None
    assert "for ever" in owner.get(page).content.decode()
