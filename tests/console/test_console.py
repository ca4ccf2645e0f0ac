"""The administrators' pages: what they show, what they never show, and to whom."""

from __future__ import annotations

import re
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.urls import NoReverseMatch, reverse

from portal.access.models import Person
from portal.audit.models import Entry
from portal.audit.record import record
from portal.console import listing
from portal.console.urls import urlpatterns
from portal.delivery.models import Outbound
from portal.ingest.models import Spooled
from portal.operations import health
from portal.vault.models import Message, Reader
from tests.console.conftest import CANARY, Arrive, counted
from tests.mails import JONAS, KARIN, MAYA

NAMES = [pattern.name or "" for pattern in urlpatterns]
UNKNOWN_VERSION = ("X-Letterlock-Protect", "v=9")


def address(name: str, id_: UUID | None = None) -> str:
    """Of a page; those about a message, a person or a passkey take an id."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return reverse(name, args=[id_ or uuid4()])


def held(arrive: Arrive) -> UUID:
    """A mail that cannot go on: nobody knows version 9 of the header."""
    id_ = arrive(UNKNOWN_VERSION)
    assert Spooled.objects.get(pk=id_).state == Spooled.State.HELD
    return id_


def test_a_stranger_and_a_signed_in_reader_get_no_page(stranger: Client, reading: Client, arrive: Arrive) -> None:
    id_ = held(arrive)
    for name in NAMES:
        for someone in (stranger, reading):
            for answer in (someone.get(address(name, id_)), someone.post(address(name, id_))):
                assert answer.status_code == 303, name
                assert answer.headers["Location"].partition("?")[0] == "/admin/enter/", name
                assert not answer.content
    assert Spooled.objects.get(pk=id_).state == Spooled.State.HELD


def test_who_is_no_administrator_any_more_is_out_at_once(owner: Client) -> None:
    assert owner.get("/admin/").status_code == 200
    Person.objects.filter(role=Person.Role.OWNER).update(role=Person.Role.READER)
    assert owner.get("/admin/").status_code == 303


def test_an_administrator_opens_no_message(owner: Client, arrive: Arrive) -> None:
    from portal.vault.readers import link_of

    reader = Reader.objects.get(message_id=arrive(), role=Reader.Role.RECIPIENT)
    page = owner.get(f"/m/{link_of(reader)}")
    assert CANARY not in page.content.decode()
    assert owner.get(f"/m/{link_of(reader)}/file/1").status_code != 200


def test_the_pages_show_no_content_and_no_whole_address(owner: Client, arrive: Arrive) -> None:
    ids = [arrive(to=(JONAS, KARIN)), arrive(subject=CANARY), held(arrive)]
    pages = ["/admin/", "/admin/messages/", "/admin/messages/?show=held", "/admin/health/"]
    pages += [address("console-message", id_) for id_ in ids]
    for page in pages:
        answer = owner.get(page)
        assert answer.status_code == 200
        text = answer.content.decode()
        assert CANARY not in text
        for whole in (JONAS, KARIN, MAYA, "jonas.berg", "Lindqvist"):
            assert whole not in text


def test_the_overview_counts_what_is_there(owner: Client, arrive: Arrive) -> None:
    id_ = arrive(to=(JONAS, KARIN))
    record("message.opened", message=id_, reader=Reader.objects.get(number=0).pk, first=True)
    assert "No data yet" in owner.get("/admin/").content.decode()
    counted()
    text = " ".join(owner.get("/admin/").content.decode().replace("\u00a0", "~").split())
    assert "1 protected message in 30 days. 50~% opened, median less than a minute." in text
    assert "of 2 recipients" in text
    held(arrive)
    text = owner.get("/admin/").content.decode()
    assert "1 mail is held and cannot go on by itself." in text
    assert "Nothing needs you." not in text


def test_the_list_shows_the_senders_domain_and_the_state_in_words(owner: Client, arrive: Arrive) -> None:
    arrive(to=(JONAS, KARIN))
    text = owner.get("/admin/messages/").content.decode()
    assert "<bdi>aldervalley.example</bdi>" in text
    assert "<td>Notice sent</td>" in text
    Outbound.objects.update(state=Outbound.State.FAILED)
    assert "Not delivered to 2 of 2" in owner.get("/admin/messages/").content.decode()
    Outbound.objects.update(state=Outbound.State.SENT)
    Reader.objects.filter(number=0).update(first_opened_at=Message.objects.get().made_at)
    assert "Opened by 1 of 2" in owner.get("/admin/messages/").content.decode()
    Message.objects.update(state=Message.State.WITHDRAWN)
    assert "<td>Withdrawn</td>" in owner.get("/admin/messages/").content.decode()


def test_pages_of_the_list_hold_every_message_once(
    owner: Client, arrive: Arrive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "PAGE", 2)
    ids = {str(arrive()) for _ in range(5)}
    Message.objects.update(made_at=Message.objects.order_by("pk")[0].made_at)  # all in one moment: the hard case
    seen: list[str] = []
    older = ""
    for _ in range(3):
        text = owner.get(f"/admin/messages/{older}").content.decode()
        seen += re.findall(r'<th scope="row"><a href="/admin/messages/([0-9a-f-]{36})/"', text)
        older = next(iter(re.findall(r'href="(\?after=[0-9a-f-]{36})"', text)), "")
    assert older == ""
    assert len(seen) == 5
    assert set(seen) == ids


def test_it_finds_a_message_by_the_id_of_the_250_answer(owner: Client, arrive: Arrive) -> None:
    id_ = arrive()
    for typed in (str(id_), f"250 2.0.0 queued as {id_}", f" <{id_}> "):
        answer = owner.get("/admin/messages/", {"id": typed})
        assert answer.headers["Location"] == f"/admin/messages/{id_}/"
    for typed in (str(uuid4()), "nothing", "'; DROP TABLE"):
        answer = owner.get("/admin/messages/", {"id": typed})
        assert answer.status_code == 200
        assert "No mail with this id is known here." in answer.content.decode()
    assert owner.get(address("console-message")).status_code == 404


def test_the_timeline_says_in_order_what_happened(owner: Client, arrive: Arrive) -> None:
    text = owner.get(address("console-message", arrive())).content.decode()
    told = [
        "Received by the door",
        "The rule “tag in the subject” asks for protection.",
        "Sealed for 2 readers with key 20",
        "A notice is ready to be sent.",
        "Notice handed to the mail server: 250 2.0.0.",
    ]
    places = [text.index(sentence) for sentence in told]
    assert places == sorted(places)
    assert "jo•••••@mail.example" in text


def test_looking_changes_nothing(owner: Client, arrive: Arrive) -> None:
    id_ = held(arrive)
    entries = Entry.objects.count()
    for name in NAMES:
        for method in (owner.get, owner.head):
            assert method(address(name, id_)).status_code in (200, 404, 405), name
    assert Entry.objects.count() == entries
    assert Spooled.objects.get(pk=id_).state == Spooled.State.HELD


def test_a_held_mail_tries_again_when_it_is_told_to(owner: Client, arrive: Arrive) -> None:
    id_ = held(arrive)
    assert "Try again" in owner.get(address("console-message", id_)).content.decode()
    answer = owner.post(address("console-retry", id_))
    assert answer.status_code == 303
    assert Spooled.objects.get(pk=id_).state == Spooled.State.RECEIVED
    assert "An administrator let it try again." in owner.get(address("console-message", id_)).content.decode()


def test_a_mail_that_is_not_held_is_not_tried_again(owner: Client, arrive: Arrive) -> None:
    id_ = arrive()
    assert "Try again" not in owner.get(address("console-message", id_)).content.decode()
    owner.post(address("console-retry", id_))
    assert Spooled.objects.get(pk=id_).state == Spooled.State.DONE
    assert owner.post(address("console-retry")).status_code == 404


def test_a_retry_needs_the_token_of_its_page(brand: object, owner: Client, arrive: Arrive) -> None:
    strict = Client(enforce_csrf_checks=True, HTTP_HOST="localhost:8000")
    strict.cookies = owner.cookies
    id_ = held(arrive)
    assert strict.post(address("console-retry", id_)).status_code == 403
    assert Spooled.objects.get(pk=id_).state == Spooled.State.HELD


def test_the_health_page_says_what_is_wrong_and_what_to_do(owner: Client) -> None:
    states = health.check()
    text = owner.get("/admin/health/").content.decode()
    assert states["database"] == health.OK
    assert states["door"] != health.OK
    assert "The SMTP door on" in text
    assert "manage.py door" in text
    assert "Not everything is well" in text
    assert text.index("manage.py door") < text.index("It knows every message"), "what is wrong stands first"
