"""Answers to all: to whom the message names and its reader leaves ticked, never to anyone else, whatever is posted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings as product
from django.test import Client

from branding.models import Brand
from portal.delivery.models import Outbound
from portal.delivery.queue import address_of
from portal.ingest.models import Spooled
from portal.vault.models import Message, Reader, Unsent
from portal.vault.opening import open_message
from portal.vault.unsent import words_of
from portal.writing import recipients
from tests.mails import JONAS, KARIN, MAYA, mail
from tests.seals import path_of, reader_of, seal, signed_in, turn, words

pytestmark = pytest.mark.django_db
OTTO, BLIND = "otto.weiss@web.example", "blind@hidden.example"


@pytest.fixture(autouse=True)
def _inside(settings: Any) -> None:
    settings.LETTERLOCK = replace(product.LETTERLOCK, inside_domains=("aldervalley.example",))


@pytest.fixture
def message() -> Message:
    """To Jonas and Karin, a copy to Otto and, twice, to Maya's colleague; a blind copy to someone named nowhere."""
    raw = mail(
        to=f'"Jonas Berg" <{JONAS}>, "Karin Berg" <{KARIN}>',
        headers=[("Cc", f"Otto <{OTTO}>, {OTTO.upper()}, leo@aldervalley.example, not-an-address")],
    )
    return seal(raw, JONAS, KARIN, OTTO, BLIND)


def post(client: Client, reader: Reader, *to: str, do: str = "send", form: str = "reply-all") -> Any:
    return client.post(f"{path_of(reader)}/{form}", {"do": do, "message": "Yes.", "to": list(to)})


def sent_to(message: Message) -> dict[str, str]:
    """Address and kind of each mail that the newest answer causes."""
    row = turn(Spooled.objects.exclude(pk=message.pk).get().pk)
    return {address_of(outbound): outbound.kind for outbound in Outbound.objects.filter(message=row.pk)}


def test_everyone_is_named_and_ticked_and_nobody_else(message: Message) -> None:
    jonas = reader_of(message)
    page = signed_in(jonas).get(f"{path_of(jonas)}/reply-all").content.decode()
    assert page.count('name="to"') == 4
    for address in (MAYA, KARIN, OTTO, "leo@aldervalley.example"):
        assert f'value="{address}" checked' in page
    assert BLIND not in page
    assert JONAS not in page.partition("<main")[2]
    shown = words(signed_in(jonas).get(path_of(jonas)).content)
    assert "Reply to all" in shown


def test_inside_people_get_the_mail_and_outside_participants_a_notice(message: Message) -> None:
    jonas = reader_of(message)
    client = signed_in(jonas)
    done = post(client, jonas, MAYA, KARIN, OTTO, "leo@aldervalley.example")
    assert sent_to(message) == {MAYA: "reply", "leo@aldervalley.example": "reply", KARIN: "notice", OTTO: "notice"}
    answer = Message.objects.exclude(pk=message.pk).get()
    assert {box.address for box in open_message(reader_of(answer, KARIN)).toc.to} == set(sent_to(message))
    assert answer.thread == message.thread
    shown = words(client.get(done["Location"]).content)
    assert "To: Dr Maya Lindqvist, Karin Berg, Otto, leo@aldervalley.example" in shown


def test_people_can_be_left_out(message: Message) -> None:
    jonas = reader_of(message)
    done = post(signed_in(jonas), jonas, KARIN)
    assert sent_to(message) == {KARIN: "notice"}
    assert "To: Karin Berg" in words(signed_in(jonas).get(done["Location"]).content)


@pytest.mark.parametrize(
    "added",
    [
        BLIND,
        JONAS,
        "anyone@evil.example",
        f"{KARIN},x@evil.example",
        f"{KARIN}\r\nBcc: x@evil.example",
        "",
        KARIN.upper(),
    ],
)
def test_nobody_can_be_added(message: Message, added: str) -> None:
    jonas = reader_of(message)
    client = signed_in(jonas)
    page = post(client, jonas, MAYA, added)
    assert page.status_code == 422
    assert "You can answer only those whom the message names." in words(page.content)
    assert Spooled.objects.count() == 1
    post(client, jonas, MAYA, added, do="save")
    assert words_of(open_message(jonas), Unsent.objects.get()).to == (MAYA,)


def test_other_fields_add_nobody_and_a_plain_reply_takes_none(message: Message) -> None:
    jonas = reader_of(message)
    extra = {"message": "Yes.", "to": [KARIN, "x@evil.example"], "cc": BLIND, "bcc": BLIND, "do": "send"}
    signed_in(jonas).post(f"{path_of(jonas)}/reply", extra)
    assert sent_to(message) == {MAYA: "reply"}


@pytest.mark.parametrize("free", [False, True])
def test_the_message_itself_goes_to_others_only_where_it_may_be_forwarded(message: Message, free: bool) -> None:
    if free:
        Brand.objects.update(rights={"forward": True})
        message = seal(mail(to=f"{JONAS}, {KARIN}"), JONAS, KARIN)
    jonas = reader_of(message)
    client = signed_in(jonas)
    url = f"{path_of(jonas)}/reply-all"
    assert ('name="original" checked' in client.get(url).content.decode()) == free
    client.post(url, {"message": "Yes.", "to": [KARIN], "original": "on"})
    answer = Message.objects.get(pk=turn(Spooled.objects.latest("received_at").pk).pk)
    opened = open_message(reader_of(answer, KARIN))
    assert ("no new tear" in opened.body(opened.toc.text)) == free


def test_with_nobody_left_it_is_not_sent(message: Message) -> None:
    jonas = reader_of(message)
    page = post(signed_in(jonas), jonas)
    assert page.status_code == 422
    assert "Enter at least one address." in words(page.content)
    assert Spooled.objects.count() == 1


def test_a_blind_copy_s_reader_can_answer_all_and_is_offered_the_named_only(message: Message) -> None:
    blind = reader_of(message, BLIND)
    found = recipients.offered("all", blind, open_message(blind))
    assert {box.address for box in found} == {MAYA, JONAS, KARIN, OTTO, "leo@aldervalley.example"}


def test_without_the_right_or_with_one_person_there_is_none() -> None:
    alone = reader_of(seal(mail()))
    client = signed_in(alone)
    assert "Reply to all" not in words(client.get(path_of(alone)).content)
    assert client.get(f"{path_of(alone)}/reply-all").status_code == 404
    assert post(client, alone, MAYA).status_code == 404
    Brand.objects.update(rights={"reply": False})
    two = reader_of(seal(mail(to=f"{JONAS}, {KARIN}"), JONAS, KARIN))
    client = signed_in(two)
    for form in ("reply", "reply-all"):
        assert f"{path_of(two)}/{form}" not in client.get(path_of(two)).content.decode()
        assert client.get(f"{path_of(two)}/{form}").status_code == 404
        for do in ("send", "save", "swap", "delete"):
            assert post(client, two, MAYA, do=do, form=form).status_code == 404
    assert Spooled.objects.count() == 2
    assert not Unsent.objects.exists()


def test_neither_the_author_nor_anyone_after_it_closed(message: Message) -> None:
    author, jonas = reader_of(message, MAYA), reader_of(message)
    assert post(signed_in(author), author, KARIN).status_code == 404
    Message.objects.update(state=Message.State.WITHDRAWN)
    assert post(signed_in(jonas), jonas, KARIN).status_code == 410
    assert post(Client(HTTP_HOST="localhost"), jonas, KARIN).status_code == 403
    assert Spooled.objects.count() == 1
