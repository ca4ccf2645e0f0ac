"""One more recipient, named by the sender or by somebody who asks for it at another address."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from branding.models import Brand
from portal.access import people, sender_requests
from portal.access.models import AskedSender, Provider, Session
from portal.audit.models import Entry
from portal.delivery.letters import prepare
from portal.delivery.models import Outbound
from portal.lifecycle import asking
from portal.lifecycle.models import MoreTime
from portal.rules import live, publishing
from portal.vault import readers
from portal.vault.models import Message
from portal.vault.rights import Rights
from tests.access.resealing import reseal
from tests.mails import JONAS, MAYA, mail
from tests.seals import default_brand, path_of, reader_of, seal, signed_in, words
from tests.sent.browsing import browser

pytestmark = pytest.mark.django_db
ANNA = "anna@other.example"
EBBA = "ebba@aldervalley.example"


@pytest.fixture
def message() -> Message:
    return seal(mail("[secure] Your results"))


def add(message: Message, address: str) -> str:
    return words(browser().post(f"/sent/{message.pk}/add/", {"address": address}, follow=True).content)


def with_a_provider() -> None:
    corp = Provider.objects.create(slug="corp", kind="oidc", name="Corp", senders=True, enabled=True)
    corp.brands.set([default_brand()])


def asked(message: Message, address: str = ANNA, note: str = "It is me") -> AskedSender:
    assert sender_requests.ask(reader_of(message), people.of_address(address), note, timezone.now()) is None
    return AskedSender.objects.get()


def test_the_new_recipient_reads_by_a_link_of_their_own(message: Message) -> None:
    assert "The message is sent to the new address." in add(message, ANNA)
    anna = reader_of(message, ANNA)
    assert path_of(anna) != path_of(reader_of(message))
    page = signed_in(anna).get(path_of(anna))
    assert page.status_code == 200 and "Your results" in words(page.content)
    assert Outbound.objects.filter(kind="notice", reader=anna).count() == 1
    entry = Entry.objects.get(kind="message.added")
    assert entry.reader == anna.pk and entry.facts == {"who": "sender", "by": str(people.of_address(MAYA).pk)}
    assert ANNA in words(browser().get(f"/sent/{message.pk}/").content)


def test_their_rights_and_level_are_the_message_s(message: Message) -> None:
    browser().post(f"/sent/{message.pk}/rights/", {"off": "download", "reader": str(reader_of(message).pk)})
    add(message, ANNA)
    assert not readers.rights_of(reader_of(Message.objects.get(pk=message.pk), ANNA)).download


def test_rights_that_are_written_into_the_message_s_row_are_given_to_nobody_new(message: Message) -> None:
    wishes = [("X-Letterlock-Protect", "v=1; dl=0; level=2")]
    strict = seal(mail("[secure] Your results", headers=wishes))
    # Everybody has the same as rights of their own, so that their wraps open; and the message says more.
    strict.readers.update(rights=strict.rights)
    Message.objects.filter(pk=strict.pk).update(rights=Rights(forward=True).encode())
    add(strict, ANNA)
    granted = readers.rights_of(reader_of(Message.objects.get(pk=strict.pk), ANNA))
    assert (granted.download, granted.forward, granted.level) == (False, False, 2)


@pytest.mark.parametrize(
    ("address", "said"),
    [("anna", "That is not a complete address."), (JONAS, "was sent to that address already"), ("", "not a complete")],
)
def test_what_is_no_new_address_is_refused(message: Message, address: str, said: str) -> None:
    assert said in add(message, address)
    assert message.readers.count() == 2


def test_so_many_and_no_more(message: Message, settings: Settings) -> None:
    settings.LETTERLOCK = replace(settings.LETTERLOCK, max_recipients=1)
    assert "as many recipients as one may have" in add(message, ANNA)


def test_a_closed_withdrawn_or_split_message_goes_to_nobody_more(message: Message) -> None:
    Message.objects.filter(pk=message.pk).update(open_until=timezone.now())
    assert "This message is closed." in add(message, ANNA)
    split = seal(mail("[secure] Split", headers=[("X-Letterlock-Protect", "v=1; split=strict")]))
    assert "cannot be sent on from here" in add(split, ANNA)
    Message.objects.filter(pk=message.pk).update(open_until=None, state=Message.State.WITHDRAWN)
    add(message, ANNA)
    assert not Outbound.objects.filter(kind="notice", address__isnull=False).exclude(reader__number=0).exists()


def test_a_rule_that_would_refuse_or_hold_a_mail_to_them_refuses_here(message: Message) -> None:
    for verdict in ({"do": "refuse", "text": "Not there."}, {"do": "hold"}, {"do": "protect", "level": 3}):
        document = {
            "format": 1,
            "mode": "first",
            "rules": [
                {
                    "id": "r0",
                    "name": "There",
                    "when": [{"if": "recipient_domain", "values": ["other.example"]}],
                    "then": [verdict],
                }
            ],
        }
        publishing.publish(document, expected=publishing.live_number())
        live.forget()
        assert "A rule of your organisation does not let this message go to that address." in add(message, ANNA)
        row = AskedSender.objects.first() or asked(message)
        answer = browser().post(f"/sent/asked/{row.pk}/", {"do": "send"})
        assert answer.status_code == 409 and "A rule of your organisation" in words(answer.content)
        assert "The message is sent to the new address." in add(message, f"{verdict['do']}@elsewhere.example")
    live.forget()
    assert not message.readers.filter(address_lookup=readers.address_lookup(ANNA)).exists()


@pytest.mark.parametrize(
    ("also", "goes"),
    [
        ({"do": "copy_to", "addresses": ["review@aldervalley.example"]}, False),
        ({"do": "copy_to", "addresses": [JONAS]}, True),  # who has it already
        ({"do": "protect", "open": 3}, False),
        ({"do": "protect", "open": 90}, True),
    ],
)
def test_what_a_rule_orders_for_that_address_is_not_gone_around(
    message: Message, also: dict[str, object], goes: bool
) -> None:
    rule = {"id": "r0", "name": "There", "when": [{"if": "recipient_domain", "values": ["other.example"]}]}
    document = {"format": 1, "mode": "first", "rules": [{**rule, "then": [also]}]}
    publishing.publish(document, expected=publishing.live_number())
    live.forget()
    said = add(message, ANNA)
    live.forget()
    assert ("The message is sent to the new address." in said) is goes
    assert ("A rule of your organisation does not let this message go to that address." in said) is not goes


def test_a_split_message_is_in_the_list_without_its_subject() -> None:
    split = seal(mail("[secure] Split secret", headers=[("X-Letterlock-Protect", "v=1; split=strict")]))
    client = browser()
    text = words(client.get("/sent/").content)
    assert "(not shown in this list)" in text and JONAS in text and "Split secret" not in text
    one = words(client.get(f"/sent/{split.pk}/").content)
    assert JONAS in one and "Split secret" not in one and "Add a recipient" not in one and "Withdraw" in one


def test_its_sender_finds_no_split_message_in_what_they_read() -> None:
    """There their row would open nothing: they have no code."""
    split = seal(mail("[secure] Split secret", headers=[("X-Letterlock-Protect", "v=1; split=strict")]))
    maya = reader_of(split, MAYA)
    mine = readers.of_person(bytes(maya.address_lookup), split.brand)
    assert not mine.exists()
    browser().post(f"/sent/{split.pk}/withdraw/", {"reader": str(reader_of(split).pk), "reason": "other"})
    assert Message.objects.get(pk=split.pk).state == Message.State.WITHDRAWN


def test_who_asks_is_named_and_nothing_is_sent_by_looking(message: Message) -> None:
    row = asked(message)
    page = browser().get(f"/sent/asked/{row.pk}/")
    text = words(page.content)
    assert "Someone asks to read" in text and "Your results" in text and ANNA in text and "It is me" in text
    assert "Do you know that this address is theirs?" in text
    browser().post(f"/sent/asked/{row.pk}/", {"do": "x"})
    assert message.readers.count() == 2


def test_send_it_there_adds_them_once(message: Message) -> None:
    row = asked(message)
    client = browser()
    for _ in range(2):
        said = words(client.post(f"/sent/asked/{row.pk}/", {"do": "send"}, follow=True).content)
        assert "The message is sent there" in said
    assert message.readers.count() == 3
    assert Outbound.objects.filter(kind="notice").count() == 2
    assert Entry.objects.filter(kind="message.added").count() == 1


def test_no_closes_it_and_tells_nobody(message: Message) -> None:
    row, client = asked(message), browser()
    mails = Outbound.objects.count()
    assert "It was not sent there" in words(client.post(f"/sent/asked/{row.pk}/", {"do": "no"}, follow=True).content)
    client.post(f"/sent/asked/{row.pk}/", {"do": "send"})
    assert message.readers.count() == 2 and Outbound.objects.count() == mails
    assert Entry.objects.get(kind="message.request_declined").facts["who"] == "sender"


def test_to_let_somebody_else_read_takes_a_sign_in_of_the_last_ten_minutes(message: Message) -> None:
    """A browser that was left open on an office's computer shows no message, and opens none by this way either."""
    row, client = asked(message), browser()
    Session.objects.update(made_at=timezone.now() - timezone.timedelta(minutes=11))
    reseal()
    assert client.get(f"/sent/{message.pk}/").status_code == 200
    for path, form in ((f"{message.pk}/add/", {"address": ANNA}), (f"asked/{row.pk}/", {"do": "send"})):
        for answer in (client.get(f"/sent/{path}"), client.post(f"/sent/{path}", form)):
            assert "sign in again" in words(answer.content)
    assert message.readers.count() == 2
    with_a_provider()
    page = client.get(f"/sent/{message.pk}/add/").content.decode()
    assert f'name="next" value="/sent/{message.pk}/add/"' in page and 'name="again"' in page


def test_what_is_asked_of_another_is_not_there(message: Message) -> None:
    row = asked(message)
    for method in ("get", "post"):
        assert getattr(browser(EBBA), method)(f"/sent/asked/{row.pk}/", {"do": "send"}).status_code == 404
    assert message.readers.count() == 2


def test_the_mail_leads_to_the_page_where_they_can_sign_in(message: Message) -> None:
    row = asked(message)
    assert sender_requests.answer_url(row) == ""
    with_a_provider()
    assert sender_requests.answer_url(row).endswith(f"/sent/asked/{row.pk}/")
    prepared = prepare(Outbound.objects.get(kind="request"))
    assert prepared is not None and f"/sent/asked/{row.pk}/".encode() in b"".join(prepared.data)
    Message.objects.filter(pk=message.pk).update(split="strict")
    assert sender_requests.answer_url(AskedSender.objects.select_related("reader__message__brand").get()) == ""


def test_more_time_is_answered_on_the_message_s_page(message: Message) -> None:
    Brand.objects.update(grace_days=7)
    now = timezone.now()
    Message.objects.filter(pk=message.pk).update(
        open_until=now - timezone.timedelta(hours=1), keys_until=now + timezone.timedelta(days=6)
    )
    asking.ask(reader_of(message))
    client = browser()
    text = words(client.get(f"/sent/{message.pk}/").content)
    assert "asks for more time." in text and JONAS in text
    assert "The message stays closed" in words(client.post(f"/sent/{message.pk}/more-time/", follow=True).content)
    assert MoreTime.objects.get().state == MoreTime.State.DECLINED
    assert "asks for more time" not in words(client.get(f"/sent/{message.pk}/").content)
    assert browser(EBBA).post(f"/sent/{message.pk}/more-time/").status_code == 404
