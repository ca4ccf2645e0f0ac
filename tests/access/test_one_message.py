"""A brand whose sessions are for one message: the session opens that message at every kind of address, and no other."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from branding.models import Brand
from portal.access import cookies
from portal.access.models import Asked, Session
from portal.vault.models import Message, Reader
from tests.access.visitors import newest_code
from tests.grants import change
from tests.mails import mail
from tests.seals import HOST, default_brand, path_of, reader_of, seal, signed_in, words

pytestmark = pytest.mark.django_db
SECRET = "no new tear"
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(200)
PARTS = (
    "",
    "/body",
    "/file/1",
    "/files",
    "/inline/1",
    "/inner/1",
    "/body-1",
    "/original",
    "/reply",
    "/code/",
    "/sent/6a1f3a4e-0000-4000-8000-000000000000",
)


@pytest.fixture
def strict() -> Brand:
    brand = default_brand()
    brand.session_scope = "message"
    brand.save()
    return brand


@pytest.fixture
def one(strict: Brand) -> Reader:
    return reader_of(seal(mail("[secure] One", html=f"<p>{SECRET}</p>", files=[("a.txt", "text/plain", b"one")])))


@pytest.fixture
def other(strict: Brand) -> Reader:
    files = [("b.txt", "text/plain", SECRET.encode())]
    return reader_of(seal(mail("[secure] Other", f"{SECRET} other", html=f"<p>{SECRET}</p>", files=files)))


def prove(client: Client, reader: Reader) -> Any:
    Asked.objects.all().delete()
    client.post(f"{path_of(reader)}/ask/")
    return client.post(f"{path_of(reader)}/passcode/", {"code": newest_code()})


def body(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def test_the_session_opens_the_message_it_was_proved_at(one: Reader) -> None:
    client = Client(HTTP_HOST=HOST)
    prove(client, one)
    assert Session.objects.get().reader == one
    for part in ("", "/body", "/file/1", "/reply"):
        assert client.get(path_of(one) + part).status_code == 200, part


@pytest.mark.parametrize("part", PARTS)
def test_it_opens_nothing_of_another_message_to_the_same_address(one: Reader, other: Reader, part: str) -> None:
    client = Client(HTTP_HOST=HOST)
    prove(client, one)
    for answer in (client.get(path_of(other) + part), client.get(path_of(other).upper().replace("/M/", "/m/") + part)):
        shown = body(answer).decode()
        assert SECRET not in shown
        assert answer.status_code in (200, 302)
        if answer.status_code == 200:
            assert "First, confirm that you can use" in words(answer.content)
            assert "Here each message is confirmed on its own." in words(answer.content)
        else:
            assert answer["Location"].lower() == path_of(other)
    other.refresh_from_db()
    assert other.first_opened_at is None


@pytest.mark.parametrize("part", ["/reply", "/code/"])
def test_it_sends_nothing_from_another_message(one: Reader, other: Reader, part: str) -> None:
    client = Client(HTTP_HOST=HOST)
    prove(client, one)
    answer = client.post(path_of(other) + part, {"message": "hello", "share": "0" * 26}, follow=True)
    # What was written waits, for it is theirs; nothing of the message is shown.
    assert ("What you wrote is saved and not sent yet." in words(answer.content)) == (part == "/reply")
    assert "First, confirm that you can use" in words(answer.content)
    assert SECRET not in answer.content.decode()
    assert Message.objects.count() == 2


def test_there_is_no_list_of_messages_and_nothing_leads_to_one(one: Reader, other: Reader) -> None:
    client = Client(HTTP_HOST=HOST)
    prove(client, one)
    answer = client.get("/inbox/")
    assert (answer.status_code, answer["Location"]) == (302, path_of(one))
    for page in ("", "/reply", "/file/9"):
        assert "/inbox/" not in client.get(path_of(one) + page).content.decode()
    for place in ("/settings/", "/signed-out/"):
        assert "/inbox/" not in client.get(place).content.decode()


def test_the_rest_of_the_conversation_is_not_shown(strict: Brand) -> None:
    first = seal(mail("[secure] First", f"{SECRET} first", headers=[]))
    second = seal(mail("[secure] Second", "second"))
    Message.objects.filter(pk=second.pk).update(thread=first.thread)
    client = Client(HTTP_HOST=HOST)
    prove(client, reader_of(Message.objects.get(pk=second.pk)))
    page = client.get(path_of(reader_of(second)))
    assert page.status_code == 200
    assert SECRET not in page.content.decode()
    change(Brand.objects.all(), session_scope="brand")
    assert SECRET in signed_in(reader_of(second)).get(path_of(reader_of(second))).content.decode()


def test_a_fresh_proof_for_the_settings_leads_there_and_keeps_the_message(one: Reader, other: Reader) -> None:
    client = Client(HTTP_HOST=HOST)
    prove(client, one)
    Asked.objects.all().delete()
    assert client.post("/settings/confirm/")["Location"] == "/settings/confirm/passcode/"
    assert client.post("/settings/confirm/passcode/", {"code": newest_code()})["Location"] == "/settings/"
    assert client.get(path_of(one)).status_code == 200
    assert "First, confirm" in words(client.get(path_of(other)).content)


def test_what_another_brand_wrote_in_the_conversation_is_not_shown() -> None:
    first, second = seal(mail("[secure] First", f"{SECRET} first")), seal(mail("[secure] Second", "second"))
    harbour = Brand.objects.create(slug="harbour", name="Harbour Law", host="mail.harbour.example")
    Message.objects.filter(pk=second.pk).update(thread=first.thread)
    shown = signed_in(reader_of(second))
    assert SECRET in shown.get(path_of(reader_of(second))).content.decode()
    Message.objects.filter(pk=first.pk).update(brand=harbour)
    assert SECRET not in shown.get(path_of(reader_of(second))).content.decode()


def test_a_proof_at_another_message_moves_the_session_there(one: Reader, other: Reader) -> None:
    client = Client(HTTP_HOST=HOST)
    prove(client, one)
    assert prove(client, other)["Location"] == path_of(other)
    assert SECRET in body(client.get(f"{path_of(other)}/file/1")).decode()
    assert "First, confirm" in words(client.get(path_of(one)).content)
    assert Session.objects.count() == 1


def test_proved_without_a_message_it_opens_the_newest_one(one: Reader, other: Reader) -> None:
    client = Client(HTTP_HOST=HOST)
    client.post("/m/", {"address": "jonas.berg@mail.example"})
    proved = client.post("/m/passcode/", {"code": newest_code()})
    assert (proved.status_code, proved["Location"]) == (303, path_of(other))
    assert client.get(path_of(other)).status_code == 200
    assert "First, confirm" in words(client.get(path_of(one)).content)


def test_sessions_from_before_the_brand_became_strict_open_nothing(one: Reader) -> None:
    change(Brand.objects.all(), session_scope="brand")
    client = signed_in(one)
    assert client.get(path_of(one)).status_code == 200
    change(Brand.objects.all(), session_scope="message")
    assert "First, confirm" in words(client.get(path_of(one)).content)
    assert client.get(f"{path_of(one)}/file/1").status_code == 302
    assert "Enter the email address" in words(client.get("/inbox/").content)


def test_a_session_for_one_message_stays_so_when_the_brand_is_strict_no_more(one: Reader, other: Reader) -> None:
    client = Client(HTTP_HOST=HOST)
    prove(client, one)
    change(Brand.objects.all(), session_scope="brand")
    assert "First, confirm" in words(client.get(path_of(other)).content)


def test_the_session_ends_with_its_message(one: Reader) -> None:
    client = Client(HTTP_HOST=HOST)
    prove(client, one)
    one.delete()
    assert not Session.objects.exists()
    assert client.cookies[cookies.SESSION].value
    assert client.get("/settings/").status_code == 200
    assert "Signed-in devices" not in words(client.get("/settings/").content)
