"""The health page: what was found last and since when, a text for support, and the test message."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from branding.models import Brand
from portal.access.models import Person
from portal.audit.models import Entry
from portal.operations import looking, trying
from portal.operations.doctor import mail as doctor_mail
from portal.operations.doctor.examining import Area
from portal.operations.doctor.finding import well, wrong
from portal.operations.models import Looked, Trial
from portal.vault.models import Message, Reader
from portal.vault.sealing import mail_id_lookup
from tests.console.conftest import CANARY, Arrive
from tests.console.test_roles import with_role
from tests.grants import change
from tests.mails import JONAS


def ill(seen: str = "It is away.") -> Area:
    return Area("parts", (wrong("SMTP door", seen, "No mail comes in.", "Start it."),))


@pytest.mark.django_db
def test_a_state_is_kept_with_since_when_it_is_so() -> None:
    first, later = timezone.now() - timedelta(hours=2), timezone.now()
    looking.keep([ill(), Area("disk", (well("space", "Enough."),))], first)
    looking.keep([ill("It is still away.")], later)
    row = Looked.objects.get()
    assert (row.seen, row.since, row.at) == ("It is still away.", first, later)
    looking.keep([Area("parts", (well("SMTP door", "Works."),))], later + timedelta(hours=1))
    assert Looked.objects.get().since == later + timedelta(hours=1)


def test_the_page_says_why_it_matters_and_what_to_do(owner: Client) -> None:
    assert "Not yet." in owner.get("/admin/health/").content.decode()
    looking.keep([ill()], timezone.now())
    text = owner.get("/admin/health/").content.decode()
    for words in ("Parts: SMTP door", "It is away.", "No mail comes in.", "Start it.", "Not everything is well"):
        assert words in text


def test_a_button_looks_at_everything_and_not_twice_at_once(owner: Client) -> None:
    assert owner.get("/admin/health/look/").status_code == 405
    assert owner.post("/admin/health/look/").status_code == 303
    found = {row.name: row for row in looking.rows()}
    assert {"version/version", "keys/restore test", "DNS/MTA-STS and TLS-RPT"} <= set(found)
    at = found["version/version"].at
    assert owner.post("/admin/health/look/").status_code == 303
    assert Looked.objects.get(pk="version/version").at == at


def test_the_text_for_support_names_nobody_and_no_place(owner: Client, brand: Brand) -> None:
    said = f"{JONAS} at 192.0.2.7 and 2001:db8::7 of Alder Valley Clinic, /m/{'x' * 22}"
    looking.keep([ill(said)], timezone.now())
    page, saved = owner.get("/admin/health/support/"), owner.get("/admin/health/support/?as=file")
    assert "attachment" in saved.headers["Content-Disposition"]
    for text in (page.content.decode(), saved.content.decode()):
        assert "wrong   parts/SMTP door" in text
        for secret in (JONAS, "192.0.2.7", "2001:db8::7", "Alder Valley", "x" * 22):
            assert secret not in text
    change(Brand.objects.all(), host="secure.aldervalley.example")
    assert looking.redacted("MX of Secure.AlderValley.example") == "MX of <brand 1>"


def trial_of(id_: object, by: Person) -> Trial:
    return Trial.objects.create(by=by.id, mail_id_lookup=mail_id_lookup("<x@y>"), message=id_, made_at=timezone.now())


def test_a_test_message_is_told_step_by_step(owner: Client, arrive: Arrive) -> None:
    person = Person.objects.get(role="owner")
    trial = trial_of(arrive(), person)
    assert [step.state for step in trying.steps(trial)] == ["done", "done", "done", "waiting"]
    Reader.objects.filter(message=trial.message, role="recipient").update(first_opened_at=timezone.now())
    page = owner.get(f"/admin/health/test/{trial.id}/").content.decode()
    assert "The whole chain works" in page
    assert CANARY not in page


def test_a_test_message_that_is_held_says_why(owner: Client, arrive: Arrive) -> None:
    trial = trial_of(arrive(("X-Letterlock-Protect", "v=9")), Person.objects.get(role="owner"))
    states = {step.name: step for step in trying.steps(trial)}
    assert states["Sealed"].state == "wrong"
    assert "v=1" in states["Sealed"].seen


def test_a_door_that_is_away_is_said_to_be(owner: Client) -> None:
    answer = owner.post("/admin/health/test/")
    assert answer.status_code == 303
    text = owner.get(answer.headers["Location"]).content.decode()
    assert "does not answer" in text
    assert Entry.objects.get(kind="health.tested").facts["taken"] is False
    again = owner.post("/admin/health/test/")
    assert again.headers["Location"] == answer.headers["Location"], "one a minute"
    assert not Message.objects.exists()


def test_it_goes_to_whoever_asks_and_is_shown_to_nobody_else(
    owner: Client, brand: Brand, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(trying, "hand_in", lambda probe, *rest: asked.append(probe.address) or iter(()))
    where = owner.post("/admin/health/test/", {"address": JONAS}).headers["Location"]
    assert asked == ["ebba.olsson@aldervalley.example"]
    assert with_role(brand, Person.Role.SUPPORT).get(where).status_code == 404
    assert owner.get(f"/admin/health/test/{uuid4()}/").status_code == 404
    assert doctor_mail.hand_in is not trying.hand_in
    assert settings.LETTERLOCK
