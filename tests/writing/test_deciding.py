"""Whom a rule names approves a mail that it holds, or refuses it, after reading it; nobody else does."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from portal.access import back, sessions
from portal.access.models import Session
from portal.access.roles import Role
from portal.audit.models import Entry
from portal.delivery.models import Outbound
from portal.directory import keeping
from portal.directory.sealed import Held
from portal.ingest import holding, pipeline
from portal.ingest.models import Spooled
from portal.operations.wording import sentence
from portal.rules import publishing
from portal.rules.errors import BadRules
from portal.vault.models import Message, Reader
from portal.vault.opening import open_message
from portal.vault.readers import address_of
from tests.access.resealing import reseal
from tests.access.visitors import newest_code
from tests.ingest.test_rules import publish, rule
from tests.mails import JONAS, MAYA, mail
from tests.rules.test_diverting import somebody
from tests.seals import path_of, put, reader_of, signed_in, turn, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_inside")]
BOSS, DEPUTY = "boss@aldervalley.example", "deputy@aldervalley.example"
HOLD = {"do": "hold", "manager": True, "addresses": [DEPUTY]}


def held(*, manager: str = BOSS, sender: str = MAYA) -> Spooled:
    """A mail that waits, and those asked are asked."""
    keeping.new_person(Held(MAYA, {"manager": manager}), "csv", active=True).save()
    publish(rule(HOLD, {"do": "protect"}))
    row = put(mail("Lunch", "Soup and a secret."), sender=sender)
    assert (row.state, row.approval) == (Spooled.State.HELD, "asked")
    pipeline.process()
    return Spooled.objects.get(pk=row.pk)


def asked(row: Spooled, address: str = BOSS) -> Reader:
    return reader_of(Message.objects.get(pk=row.asked_in), address)


def decide(client: Client, reader: Reader, answer: str) -> int:
    return client.post(f"{path_of(reader)}/decide/", {"answer": answer}).status_code


def test_those_whom_the_rule_names_read_the_mail_and_nothing_more_may_be_done_with_it() -> None:
    row = held()
    message = Message.objects.get(pk=row.asked_in)
    assert {address_of(one) for one in message.readers.all()} == {BOSS, DEPUTY}
    opened = open_message(asked(row))
    (inner,) = opened.toc.inner
    assert "Soup and a secret." in inner.text.here
    rights = opened.rights
    assert not any((rights.forward, rights.reply, rights.reply_all, rights.download, rights.print, rights.copy))
    told = Entry.objects.get(kind="message.approval_asked", message=row.pk)
    assert told.facts == {"rule": "Lunch rule", "request": str(message.pk), "people": 2}
    assert "2 people are asked" in sentence("message.approval_asked", told.facts)
    page = signed_in(asked(row)).get(path_of(asked(row))).content
    assert f"{path_of(asked(row))}/decide/".encode() in page


def test_reading_it_takes_no_less_than_the_mail_that_it_asks_about() -> None:
    publish(rule({**HOLD, "manager": False}, {"do": "protect", "level": 2}))
    for headers, level in (([], 2), ([("X-Letterlock-Protect", "v=1; level=3")], 3)):
        row = put(mail("Lunch", headers=headers))
        pipeline.process()
        row = Spooled.objects.get(pk=row.pk)
        assert open_message(asked(row, DEPUTY)).rights.level == level
        client, page = signed_in(asked(row, DEPUTY)), f"{path_of(asked(row, DEPUTY))}/decide/"
        assert client.get(page).cookies[back.COOKIE].value == page, "where more that is proved leads back to"
        assert client.post(page, {"answer": "approve"}).status_code == 403, "a passcode is not enough"
        assert Spooled.objects.get(pk=row.pk).state == Spooled.State.HELD


def test_one_of_them_approves_it_and_it_goes_on() -> None:
    row = held()
    reader = asked(row)
    client = signed_in(reader)
    assert "Approve this message?" in words(client.get(f"{path_of(reader)}/decide/").content)
    assert "Refuse it, and tell its sender: This may not be sent outside" in words(
        client.get(f"{path_of(reader)}/decide/").content
    )
    assert decide(client, reader, "") == 422
    assert decide(client, reader, "because I say so") == 422
    assert Spooled.objects.get(pk=row.pk).state == Spooled.State.HELD
    assert decide(client, reader, "approve") == 303
    assert turn(row.pk).state == Spooled.State.DONE
    assert Message.objects.filter(pk=row.pk).exists()
    facts = Entry.objects.get(kind="message.approved").facts
    assert facts["who"] == "named"
    assert "whom the rule names" in sentence("message.approved", facts)
    other = asked(row, DEPUTY)
    assert "was approved" in words(signed_in(other).get(f"{path_of(other)}/decide/").content)
    assert decide(signed_in(other), other, "people") == 200, "it was decided, and stays so"
    assert Spooled.objects.get(pk=row.pk).state == Spooled.State.DONE


def test_one_of_them_refuses_it_with_a_reason_of_the_list_that_its_sender_reads() -> None:
    row = held()
    reader = asked(row)
    assert decide(signed_in(reader), reader, "outside") == 303
    assert Spooled.objects.get(pk=row.pk).state == Spooled.State.REFUSED
    assert Outbound.objects.filter(kind="refusal", message=row.pk).count() == 1
    facts = Entry.objects.get(kind="message.refused").facts
    assert (facts["reason"], facts["who"]) == ("outside", "named")
    assert "was refused" in words(signed_in(reader).get(f"{path_of(reader)}/decide/").content)


def left_open() -> None:
    """Ten minutes go by since anybody proved anything."""
    Session.objects.update(made_at=timezone.now() - sessions.FRESH)
    reseal()


def test_a_browser_that_was_left_open_decides_nothing_until_its_person_shows_anew_who_they_are() -> None:
    row = held()
    reader = asked(row)
    client = signed_in(reader)
    page = f"{path_of(reader)}/decide/"
    left_open()
    for answer in (client.get(page), client.post(page, {"answer": "outside"})):
        assert (answer.status_code, b'value="outside"' in answer.content) == (403, False)
        assert "show once more that it is you" in words(answer.content)
    assert Spooled.objects.get(pk=row.pk).state == Spooled.State.HELD
    client.post(f"{path_of(reader)}/ask/")
    shown = client.post(f"{path_of(reader)}/passcode/", {"code": newest_code()})
    assert shown["Location"] == f"{page}outside/", "what they had chosen"
    assert b'value="outside" checked' in client.get(shown["Location"]).content
    assert client.post(shown["Location"], {"answer": "outside"})["Location"] == page
    assert Spooled.objects.get(pk=row.pk).state == Spooled.State.REFUSED
    left_open()
    assert "was refused" in words(client.get(page).content), "how it stands, takes no more than reading"


def test_a_sign_in_at_a_provider_that_asked_nobody_is_no_proof_of_this_moment() -> None:
    row = held()
    client = signed_in(asked(row))
    Session.objects.update(anew=False)
    reseal()
    assert decide(client, asked(row), "approve") == 403
    assert Spooled.objects.get(pk=row.pk).state == Spooled.State.HELD


def test_nobody_else_decides_and_no_other_message_asks_anything() -> None:
    row = held()
    reader = asked(row)
    assert Client(HTTP_HOST="localhost").post(f"{path_of(reader)}/decide/", {"answer": "approve"}).status_code != 303
    publish(rule({"do": "protect"}, name="approval request"))
    another = reader_of(Message.objects.get(pk=put(mail("Lunch")).pk))
    assert decide(signed_in(another), reader, "approve") != 303
    page = signed_in(another).get(f"{path_of(another)}/decide/")
    assert b'<form method="post" class="stack"' not in page.content
    assert decide(signed_in(another), another, "approve") == 200
    assert Spooled.objects.get(pk=row.pk).state == Spooled.State.HELD


@pytest.mark.parametrize("manager", [MAYA, JONAS, ""], ids=["themselves", "outside", "unknown"])
def test_nobody_approves_their_own_and_nobody_outside_is_asked(manager: str) -> None:
    row = held(manager=manager)
    assert {address_of(one) for one in Message.objects.get(pk=row.asked_in).readers.all()} == {DEPUTY}
    assert Entry.objects.get(kind="message.accepted", message=row.pk).facts["no_manager"] is True


def test_where_nobody_can_be_asked_it_waits_for_an_administrator() -> None:
    publish(rule({"do": "hold", "manager": True}))
    row = put(mail("Lunch"))
    pipeline.process()
    assert (row.state, row.asked_in) == (Spooled.State.HELD, None)
    assert not Message.objects.exists()
    holding.approve(row)
    assert turn(row.pk).state == Spooled.State.RELAYING


def test_only_an_owner_has_people_read_what_they_are_to_approve() -> None:
    document = {"format": 1, "rules": [{"id": "r", **rule(HOLD)}]}
    me = somebody(Role.RULES)
    with pytest.raises(BadRules, match="Only an owner"):
        publishing.publish(document, expected=0, by=me)
    outside = {"format": 1, "rules": [{"id": "r", **rule({**HOLD, "addresses": [JONAS]})}]}
    with pytest.raises(BadRules, match="outside the organisation"):
        publishing.publish(outside, expected=0)
    plain = {"format": 1, "rules": [{"id": "r", **rule({"do": "hold"})}]}
    publishing.publish(plain, expected=0, by=me)
