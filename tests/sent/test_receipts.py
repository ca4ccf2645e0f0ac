"""M7 and M8: a sender who asked for it is told that a message was opened; every sender, that one did not arrive."""

from __future__ import annotations

import pytest
from django.test import Client

from portal.access import cookies, people, sessions
from portal.access.models import Provider
from portal.delivery import telling
from portal.delivery.letters import prepare
from portal.delivery.models import Outbound
from portal.vault.models import Message
from tests.mails import JONAS, KARIN, MAYA, mail
from tests.seals import HOST, default_brand, path_of, reader_of, seal, signed_in

pytestmark = pytest.mark.django_db
ASKED = [("X-Letterlock-Protect", "v=1; rcpt=1")]


def opened_mails() -> list[Outbound]:
    return list(Outbound.objects.filter(kind="opened"))


def text(row: Outbound) -> str:
    prepared = prepare(row)
    assert prepared is not None
    return b"".join(prepared.data).decode().replace("=\r\n", "")


def with_page() -> None:
    corp = Provider.objects.create(slug="corp", kind="oidc", name="Corp", senders=True, enabled=True)
    corp.brands.set([default_brand()])


def test_the_first_opening_is_told_once_and_a_head_or_the_author_s_own_is_not() -> None:
    message = seal(mail(headers=ASKED), JONAS, KARIN)
    reader, author = reader_of(message), reader_of(message, MAYA)
    signed_in(author).get(path_of(author))
    client = signed_in(reader)
    client.head(path_of(reader))
    Client(HTTP_HOST=HOST).get(path_of(reader))
    assert not opened_mails()
    client.get(path_of(reader))
    client.get(path_of(reader))
    (row,) = opened_mails()
    said = text(row)
    assert f"{JONAS} opened your message on" in said and "They had confirmed the address by passcode." in said
    assert f"Subject: Opened: protected message to {JONAS}" in said and "Auto-Submitted: auto-replied" in said
    assert KARIN not in said and "/sent/" not in said


def test_without_being_asked_nobody_is_told() -> None:
    message = seal(mail())
    reader = reader_of(message)
    signed_in(reader).get(path_of(reader))
    assert not opened_mails()


def test_it_names_the_provider_and_leads_to_the_message() -> None:
    with_page()
    message = seal(mail(headers=ASKED))
    reader = reader_of(message)
    client = Client(HTTP_HOST=HOST)
    client.cookies[cookies.SESSION] = sessions.begin(
        people.of_reader(reader), message.brand, keep=False, method="provider", provider="google", level=2
    )
    client.get(path_of(reader))
    (row,) = opened_mails()
    assert "They had confirmed the address with Google." in text(row) and f"/sent/{message.pk}/" in text(row)


def test_what_did_not_arrive_leads_to_the_message_where_its_sender_can_sign_in() -> None:
    message = seal(mail())
    notice = Outbound.objects.get(kind="notice")
    Outbound.objects.filter(pk=notice.pk).update(state=Outbound.State.FAILED, last_answer="550 5.1.1 unknown")
    notice.refresh_from_db()
    telling.failed(notice)
    row = Outbound.objects.get(kind="telling")
    assert "/sent/" not in text(row) and "The address does not exist" in text(row)
    with_page()
    assert f"/sent/{message.pk}/" in text(row)


def test_whoever_only_wrote_that_they_sent_it_gets_no_link_to_its_page() -> None:
    """The mail goes to the address of the From line; the page is its who handed it in."""
    with_page()
    ebba = "ebba@aldervalley.example"
    message = seal(mail(headers=ASKED), JONAS, sender=ebba)
    reader = reader_of(message)
    signed_in(reader).get(path_of(reader))
    (row,) = opened_mails()
    assert "/sent/" not in text(row)
    assert Message.objects.get(pk=message.pk).receipt
