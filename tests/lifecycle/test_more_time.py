"""A reader of a closed message asks for more time: who may, how often, who answers, and when the keys die after all."""

from __future__ import annotations

import email
import re
from datetime import timedelta
from email.message import EmailMessage
from email.policy import default

import pytest
from django.test import Client
from django.utils import timezone

from branding.models import Brand
from portal.access import administrators, cookies, sessions
from portal.audit.models import Entry
from portal.delivery import letters
from portal.delivery.models import Outbound
from portal.lifecycle import asking, changing, withdrawing
from portal.lifecycle.asking_errors import AskedEnough, AskedToday, NotOffered
from portal.lifecycle.errors import AlreadyDestroyed
from portal.lifecycle.models import MoreTime
from portal.vault import destroying
from portal.vault.models import Message, Reader, Wrap
from portal.vault.wrapping import base_of
from tests.mails import JONAS, KARIN, MAYA, mail
from tests.seals import HOST, default_brand, path_of, reader_of, seal, signed_in, words

pytestmark = pytest.mark.django_db
GRACE = 7
K = Outbound.Kind


@pytest.fixture
def message() -> Message:
    """Closed an hour ago, and kept for a week more."""
    default_brand()
    Brand.objects.update(grace_days=GRACE, open_days=3)
    sealed = seal(mail("[secure] Your results", "Kanarienvogel"), JONAS, KARIN)
    assert sealed.open_until
    assert sealed.keys_until == sealed.open_until + timedelta(days=GRACE)
    assert {epoch.epoch.rpartition(".")[0] for epoch in sealed.epochs.all()} == {base_of(sealed.keys_until)}
    ended = timezone.now() - timedelta(hours=1)
    Message.objects.update(open_until=ended, keys_until=ended + timedelta(days=GRACE))
    return Message.objects.select_related("brand").get()


def again(reader: Reader) -> Reader:
    return Reader.objects.select_related("message__brand").get(pk=reader.pk)


def mailed(kind: str) -> EmailMessage:
    row = Outbound.objects.filter(kind=kind).latest("made_at")
    prepared = letters.prepare(row)
    assert prepared
    found = email.message_from_bytes(b"".join(prepared.data), policy=default)
    assert isinstance(found, EmailMessage)
    return found


def text_of(found: EmailMessage) -> str:
    part = found.get_body(("plain",))
    assert part
    return " ".join(part.get_content().split())


def link_to_answer() -> str:
    found = re.search(r"/more-time/[A-Za-z0-9_-]{43}", text_of(mailed(K.MORE_TIME)))
    assert found
    return found[0]


def ask(reader: Reader) -> Client:
    client = signed_in(reader)
    assert client.post(f"{path_of(reader)}/more-time/").status_code == 303
    return client


def test_the_closed_page_offers_it_and_the_sender_gets_a_mail(message: Message) -> None:
    reader = reader_of(message)
    client = signed_in(reader)
    page = client.get(path_of(reader))
    assert page.status_code == 410
    assert "Ask Dr Maya Lindqvist to open it again" in words(page.content)
    ask(reader)
    page = client.get(path_of(reader))
    assert "You asked Dr Maya Lindqvist for more time" in words(page.content)
    assert "/more-time/" not in page.content.decode(), "once a day"
    found = mailed(K.MORE_TIME)
    assert found["To"].addresses[0].addr_spec == MAYA
    assert f"{JONAS} asks for more time" in text_of(found)
    assert "Kanarienvogel" not in found.as_string()
    assert "Your results" not in found.as_string()


def test_looking_at_the_link_or_pressing_its_button_without_a_choice_opens_nothing(message: Message) -> None:
    ask(reader_of(message))
    sender, link = Client(HTTP_HOST=HOST), link_to_answer()
    before = Message.objects.get().open_until
    assert sender.get(link).status_code == 200
    assert sender.head(link).status_code == 200
    assert sender.post(link).status_code == 422
    assert sender.post(link, {"days": "5000"}).status_code == 422
    assert Message.objects.get().open_until == before
    assert JONAS in sender.get(link).content.decode()


def test_the_sender_opens_it_again_once_and_who_asked_is_told(message: Message) -> None:
    reader = reader_of(message)
    client = ask(reader)
    sender, link = Client(HTTP_HOST=HOST), link_to_answer()
    page = sender.post(link, {"days": "7"})
    assert "The message is open again" in words(page.content)
    assert client.get(path_of(reader)).status_code == 200
    told = mailed(K.REOPENED)
    assert told["To"] == JONAS
    assert told["Subject"] == "Open again: protected message from Dr Maya Lindqvist"
    assert "You can read it until" in text_of(told)
    assert "Kanarienvogel" not in told.as_string()
    assert Outbound.objects.filter(kind=K.REOPENED).count() == 1, "who did not ask is not told"
    before = Message.objects.get().open_until
    assert sender.post(link, {"days": "30"}).status_code == 404
    assert Message.objects.get().open_until == before
    assert Entry.objects.get(kind="message.date_changed").facts["who"] == "sender"


def test_the_sender_may_let_it_stay_closed(message: Message) -> None:
    reader = reader_of(message)
    client = ask(reader)
    sender, link = Client(HTTP_HOST=HOST), link_to_answer()
    assert "stays closed" in words(sender.post(link, {"days": "no"}).content)
    assert client.get(path_of(reader)).status_code == 410
    assert MoreTime.objects.get().state == MoreTime.State.DECLINED
    assert sender.get(link).status_code == 404


def test_another_date_from_the_office_answers_the_request_too(message: Message) -> None:
    ask(reader_of(message))
    assert [row.reader_id for row in asking.waiting()] == [reader_of(message).id]
    changing.change_date(message.id, None)
    assert not asking.waiting().exists()
    assert "You can read it again." in text_of(mailed(K.REOPENED))
    assert letters.prepare(Outbound.objects.get(kind=K.MORE_TIME)) is None


def test_once_a_day_and_three_times_in_all(message: Message) -> None:
    reader = reader_of(message)
    for _ in range(asking.MOST):
        asking.ask(again(reader))
        with pytest.raises((AskedToday, AskedEnough)):
            asking.ask(again(reader))
        MoreTime.objects.update(asked_at=timezone.now() - timedelta(days=2))
    with pytest.raises(AskedEnough):
        asking.ask(again(reader))
    asking.ask(again(reader_of(message, KARIN)))


@pytest.mark.parametrize("change", ["open", "withdrawn", "withdrawn from them", "over", "no grace", "destroyed"])
def test_it_is_offered_only_while_something_can_be_opened(message: Message, change: str) -> None:
    reader, now = reader_of(message), timezone.now()
    if change == "open":
        Message.objects.update(open_until=now + timedelta(days=1))
    elif change == "withdrawn":
        withdrawing.withdraw(message.id, "wrong")
    elif change == "withdrawn from them":
        withdrawing.withdraw_reader(message.id, JONAS, "wrong")
    elif change == "over":
        Message.objects.update(keys_until=now)
    elif change == "no grace":
        Message.objects.update(keys_until=None)
    else:
        withdrawing.withdraw(message.id, "wrong", now=True)
    client = signed_in(reader)
    assert "/more-time/" not in client.get(path_of(reader)).content.decode()
    client.post(f"{path_of(reader)}/more-time/")
    assert not MoreTime.objects.exists()
    with pytest.raises((NotOffered, AlreadyDestroyed)):
        asking.ask(again(reader))


def test_nobody_asks_who_has_not_proved_their_address(message: Message) -> None:
    reader = reader_of(message)
    for client in (Client(HTTP_HOST=HOST), signed_in(reader_of(message, KARIN))):
        client.post(f"{path_of(reader)}/more-time/")
    assert not MoreTime.objects.exists()


def test_keys_live_for_the_days_of_grace_and_not_a_round_longer(message: Message) -> None:
    assert message.keys_until
    late = message.keys_until + destroying.grace()
    destroying.destroy_due(late - timedelta(minutes=1))
    assert Wrap.objects.filter(reader__message=message).exists()
    destroying.destroy_due(late + timedelta(days=1))
    assert not Wrap.objects.filter(reader__message=message).exists()
    assert Message.objects.get().state == Message.State.GONE


def test_without_grace_a_message_dies_when_it_closes() -> None:
    default_brand()
    sealed = seal(mail(), JONAS)
    assert sealed.keys_until is None
    assert sealed.open_until
    destroying.destroy_due(sealed.open_until + timedelta(days=1))
    assert Message.objects.get().state == Message.State.GONE


def test_the_office_lists_who_waits_and_says_so_at_the_message(message: Message) -> None:
    reader = reader_of(message)
    asking.ask(again(reader))
    person = administrators.owner("ebba.olsson@aldervalley.example")
    client = Client(HTTP_HOST=HOST)
    client.cookies[cookies.OFFICE] = sessions.begin(
        person, message.brand, keep=False, method=sessions.PASSKEY, office=True
    )
    listed = client.get("/admin/messages/asked/").content.decode()
    assert f"/admin/messages/{message.id}/" in listed
    assert JONAS not in listed
    assert "asked for more time" in client.get(f"/admin/messages/{message.id}/").content.decode()
    changing.change_date(message.id, None)
    assert "Nobody waits" in client.get("/admin/messages/asked/").content.decode()
