"""What an administrator does with one message from its page: each action, who may not, and what the record keeps."""

from __future__ import annotations

import email
import email.policy
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from branding.models import Brand
from portal.access import administrators, cookies, sessions
from portal.access.models import Session
from portal.access.roles import Role
from portal.audit.models import Entry
from portal.delivery import letters
from portal.delivery.models import Outbound
from portal.lifecycle import resending, withdrawing
from portal.lifecycle.actors import Actor, Who, Why
from portal.vault import readers
from portal.vault.models import Message, Reader
from portal.vault.opening import key_for
from tests.access.resealing import reseal
from tests.console.conftest import Arrive
from tests.console.pages import HOST
from tests.mails import JONAS, KARIN, MAYA
from tests.seals import reader_of

RIGHT = "j.berg@right.example"


@pytest.fixture
def brand(db: None) -> Brand:
    return Brand.objects.create(
        slug="alder", name="Alder Valley Clinic", host="localhost", domains=["aldervalley.example"], is_default=True
    )


@pytest.fixture
def message(arrive: Arrive) -> Message:
    return Message.objects.select_related("brand").get(pk=arrive(to=(JONAS, KARIN)))


def at(message: Message, page: str) -> str:
    return f"/admin/messages/{message.id}/{page}/"


def read_by(reader: Reader) -> Client:
    from portal.access import people

    client = Client(HTTP_HOST=HOST)
    client.cookies[cookies.SESSION] = sessions.begin(people.of_reader(reader), reader.message.brand, keep=False)
    return client


def link(reader: Reader) -> str:
    return f"/m/{readers.link_of(reader)}"


def facts(kind: str) -> dict[str, object]:
    found: dict[str, object] = Entry.objects.filter(kind=kind).latest("id").facts
    return found


def test_withdrawing_names_who_opened_it_and_closes_it_for_those_who_are_ticked(
    owner: Client, message: Message
) -> None:
    jonas, karin = reader_of(message), reader_of(message, KARIN)
    berg = read_by(jonas)
    assert berg.get(link(jonas)).status_code == 200
    assert b"".join(berg.get(f"{link(jonas)}/file/1").streaming_content)  # type: ignore[attr-defined]
    page = owner.get(at(message, "withdraw")).content.decode()
    said = " ".join(re.sub(r"<[^>]*>", " ", page).split())
    assert "has opened it and downloaded 1 file. What was downloaded cannot be taken back." in said
    assert "has not opened it." in said
    assert JONAS not in page
    asked = {"reader": str(jonas.id), "reason": Why.WRONG_PERSON.value}
    answer = owner.post(at(message, "withdraw"), asked)
    assert answer.status_code == 303
    after = owner.get(answer["Location"]).content.decode()
    assert 'href="#acts"' in after and 'id="acts"' in after, "undoing is one press away"
    assert "· Administrator</span>" in after
    assert berg.get(link(jonas)).status_code == 410
    assert read_by(karin).get(link(karin)).status_code == 200
    noted = facts("message.withdrawn")
    assert (noted["who"], noted["reason"]) == ("office", "wrong_person")
    assert noted["by"]
    assert owner.post(at(message, "undo"), {"reader": str(jonas.id)}).status_code == 303
    assert berg.get(link(jonas)).status_code == 200


def test_all_recipients_ticked_is_the_whole_message_and_its_author_as_well(owner: Client, message: Message) -> None:
    everyone = [str(reader.id) for reader in message.readers.filter(role=Reader.Role.RECIPIENT)]
    asked = {"reader": everyone, "reason": Why.WRONG_CONTENT.value, "tell": "yes"}
    assert owner.post(at(message, "withdraw"), asked).status_code == 303
    message.refresh_from_db()
    assert message.state == Message.State.WITHDRAWN
    assert Outbound.objects.filter(kind=Outbound.Kind.WITHDRAWN).count() == len(everyone)
    assert "Withdrawn on" in owner.get(f"/admin/messages/{message.id}/").content.decode()
    assert owner.post(at(message, "undo")).status_code == 303
    message.refresh_from_db()
    assert message.state == Message.State.OPEN


def test_without_a_reason_or_anyone_ticked_nothing_is_withdrawn(owner: Client, message: Message) -> None:
    answer = owner.post(at(message, "withdraw"), {"reader": str(reader_of(message).id)})
    assert answer.status_code == 422
    assert "Choose a reason." in answer.content.decode()
    answer = owner.post(at(message, "withdraw"), {"reason": Why.OTHER.value})
    assert answer.status_code == 422
    assert "Tick at least one recipient." in answer.content.decode()
    stranger = Reader(id=message.id)
    answer = owner.post(at(message, "withdraw"), {"reason": Why.OTHER.value, "reader": str(stranger.id)})
    assert answer.status_code == 404
    assert not Reader.objects.exclude(withdrawn_at=None).exists()


def test_another_date_takes_effect_without_sending_again(owner: Client, message: Message) -> None:
    mails = Outbound.objects.count()
    last = timezone.localdate() + timedelta(days=90)
    asked = {"until": last.isoformat(), "reason": Why.SENDER.value}
    assert owner.post(at(message, "date"), asked).status_code == 303
    message.refresh_from_db()
    assert message.open_until
    assert timezone.localtime(message.open_until).date() == last
    assert Outbound.objects.count() == mails
    assert owner.post(at(message, "date"), {"never": "yes", "reason": Why.SENDER.value}).status_code == 303
    message.refresh_from_db()
    assert message.open_until is None


@pytest.mark.parametrize("until", ["", "yesterday", "2026-02-29", "2001-01-01", "9999-12-31", "2027-13-01"])
def test_a_date_that_is_none_is_refused_with_a_sentence(owner: Client, message: Message, until: str) -> None:
    before = message.open_until
    answer = owner.post(at(message, "date"), {"until": until, "reason": Why.SENDER.value})
    assert answer.status_code == 422
    assert "Nothing was changed" in answer.content.decode()
    assert ("Withdraw this message" in answer.content.decode()) == (until == "2001-01-01")
    message.refresh_from_db()
    assert message.open_until == before


def test_of_two_who_change_the_date_the_later_one_is_told(owner: Client, message: Message) -> None:
    page = owner.get(at(message, "date")).content.decode()
    found = re.search(r'name="was" value="([^"]*)"', page)
    assert found
    asked = {"until": (timezone.localdate() + timedelta(days=5)).isoformat(), "reason": "sender", "was": found[1]}
    assert owner.post(at(message, "date"), asked).status_code == 303
    late = owner.post(at(message, "date"), {**asked, "until": (timezone.localdate() + timedelta(days=50)).isoformat()})
    assert late.status_code == 409
    assert "another date meanwhile" in late.content.decode()


def test_a_hold_is_set_and_lifted_with_a_reason(owner: Client, message: Message) -> None:
    assert owner.post(at(message, "hold"), {"do": "set"}).status_code == 422
    assert owner.post(at(message, "hold"), {"do": "set", "reason": Why.DISPUTE.value}).status_code == 303
    message.refresh_from_db()
    assert message.held_at
    assert facts("message.hold_set")["reason"] == "dispute"
    assert owner.post(at(message, "hold"), {"do": "lift", "reason": Why.LAW.value}).status_code == 303
    assert owner.post(at(message, "hold"), {"do": "lift", "reason": Why.LAW.value}).status_code == 409
    message.refresh_from_db()
    assert message.held_at is None


def test_a_notice_goes_out_again_once_in_five_minutes(owner: Client, message: Message) -> None:
    reader = reader_of(message)
    asked = {"reader": str(reader.id)}
    assert owner.post(at(message, "resend"), asked).status_code == 409
    Outbound.objects.update(made_at=timezone.now() - timedelta(minutes=6))
    assert owner.post(at(message, "resend"), asked).status_code == 303
    assert Outbound.objects.filter(kind=Outbound.Kind.NOTICE, reader=reader).count() == 2
    Message.objects.update(open_until=timezone.now() - timedelta(minutes=1))
    Outbound.objects.update(made_at=timezone.now() - timedelta(minutes=6))
    answer = owner.post(at(message, "resend"), asked)
    assert answer.status_code == 409
    assert "closed for this reader" in answer.content.decode()


def test_a_corrected_address_gets_a_link_of_its_own_and_the_wrong_one_opens_nothing(
    owner: Client, message: Message
) -> None:
    wrong = reader_of(message)
    page = at(message, "correct")
    assert owner.get(f"{page}?reader={wrong.id}").status_code == 200
    for bad, status in (("", 422), ("nobody", 422), (KARIN, 409)):
        asked = {"reader": str(wrong.id), "address": bad, "reason": Why.WRONG_PERSON.value}
        assert owner.post(page, asked).status_code == status
    both = owner.post(page, {"reader": str(wrong.id), "address": "nobody"}).content.decode()
    assert '<a href="#address">' in both and '<a href="#reason">' in both
    assert message.readers.count() == 3
    assert owner.post(page, {**asked, "address": RIGHT}).status_code == 303
    made = reader_of(message, RIGHT)
    assert read_by(made).get(link(made)).status_code == 200
    assert read_by(wrong).get(link(wrong)).status_code == 410
    assert key_for(made) == key_for(reader_of(message, KARIN))
    told = Outbound.objects.get(kind=Outbound.Kind.NOTICE, reader=made)
    assert RIGHT.encode() not in bytes(told.address)
    entry = Entry.objects.get(kind="message.readdressed")
    assert (entry.reader, entry.facts["was"]) == (made.id, str(wrong.id))
    assert RIGHT not in str(list(Entry.objects.values()))
    assert RIGHT not in owner.get(f"/admin/messages/{message.id}/").content.decode()
    assert str(Why.WRONG_PERSON.label) in owner.get(f"/admin/messages/{message.id}/").content.decode()
    said = letters.prepare(Outbound.objects.get(kind=Outbound.Kind.CORRECTED))
    assert said is not None and said.recipient == MAYA
    mail = email.message_from_bytes(b"".join(said.data), policy=email.policy.default)
    text = " ".join(mail.get_body(("plain",)).get_content().split())  # type: ignore[union-attr]
    assert f"withdrew your protected message from {JONAS} and sent it to {RIGHT}." in text
    assert "The administrator’s reason: It went to the wrong person The wrong address is not told." in text
    withdrawing.withdraw_some(message.id, [made.id], "x", by=Actor(Who.OFFICE), why=Why.OTHER)
    assert letters.prepare(Outbound.objects.get(kind=Outbound.Kind.CORRECTED)) is None, "it is not true any more"


def test_a_sender_who_corrects_it_themselves_is_not_told(message: Message) -> None:
    by = Actor(Who.SENDER, str(message.readers.get(role="author").id))
    resending.readdress(message.id, reader_of(message).id, RIGHT, by=by, why=Why.WRONG_PERSON)
    assert not Outbound.objects.filter(kind=Outbound.Kind.CORRECTED).exists()


def test_who_is_no_owner_has_no_message_sent_to_an_address_of_their_choice(brand: Brand, message: Message) -> None:
    person = administrators.add("adam.holm@aldervalley.example", Role.ADMINISTRATOR, by=None)
    client = Client(HTTP_HOST=HOST)
    client.cookies[cookies.OFFICE] = sessions.begin(person, brand, keep=False, method=sessions.PASSKEY, office=True)
    wrong = reader_of(message)
    asked = {"reader": str(wrong.id), "address": "adam.holm@aldervalley.example", "reason": Why.WRONG_PERSON.value}
    answer = client.post(at(message, "correct"), asked)
    assert answer.status_code == 409
    assert "Only an owner can send a message to another address." in answer.content.decode()
    assert message.readers.count() == 3
    assert read_by(wrong).get(link(wrong)).status_code == 200


def test_what_was_left_open_for_long_asks_for_a_proof_first(owner: Client, message: Message) -> None:
    """Before whatever may end in destruction, or gives somebody more."""
    Session.objects.update(made_at=timezone.now() - timedelta(minutes=11))
    reseal()
    for page in ("withdraw", "correct", "date", "hold", "rights"):
        assert owner.post(at(message, page), {"do": "lift", "reason": "sender"})["Location"].startswith("/admin/enter/")


def test_what_is_destroyed_offers_nothing(owner: Client, message: Message) -> None:
    from portal.lifecycle import withdrawing

    withdrawing.withdraw(message.id, "gone", now=True)
    page = owner.get(f"/admin/messages/{message.id}/").content.decode()
    assert "Nothing can be done to it any more." in page
    assert "/withdraw/" not in page
    asked = {"until": (timezone.localdate() + timedelta(days=5)).isoformat(), "reason": "sender"}
    assert owner.post(at(message, "date"), asked).status_code == 409
