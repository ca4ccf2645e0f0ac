"""The demo is on this computer only, and only when it is on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from branding.models import Brand
from portal.access.models import Person, Session
from portal.configuration import Configuration
from portal.operations.demo.urls import urlpatterns
from portal.values import Address

NAMES = [pattern.name or "" for pattern in urlpatterns]
OPEN = settings.LETTERLOCK
CLOSED: dict[str, Configuration] = {
    "off": replace(OPEN, demo=False),
    "public": replace(OPEN, public_url="https://secure.example.org"),
    "listening to everyone": replace(OPEN, http=Address("0.0.0.0", 8000)),
}


@pytest.fixture
def browser(db: None) -> Client:
    for slug, host in (("alder", "localhost"), ("real", "secure.example.org")):
        Brand.objects.create(slug=slug, name=slug, host=host, is_default=slug == "alder")
    return Client(HTTP_HOST="localhost:8000")


@pytest.fixture(autouse=True)
def _settings() -> Iterator[None]:
    yield
    settings.LETTERLOCK = OPEN


def address(name: str) -> str:
    arguments = {"demo-sent": [uuid4()], "demo-box": ["0123456789ab"]}
    one = {"demo-one", "demo-text", "demo-source", "demo-html"}
    return reverse(name, args=arguments.get(name, [str(uuid4())] if name in one else []))


@pytest.mark.parametrize("how", CLOSED)
@pytest.mark.parametrize("name", NAMES)
def test_it_is_not_there(browser: Client, name: str, how: str) -> None:
    settings.LETTERLOCK = CLOSED[how]
    host = "secure.example.org" if how == "public" else "localhost:8000"
    assert browser.get(address(name), headers={"host": host}).status_code == 404
    assert browser.post(address(name), {"from": "maya"}, headers={"host": host}).status_code == 404
    assert not Session.objects.exists()


def test_it_is_there_when_it_is_on(browser: Client) -> None:
    answer = browser.get("/demo/")
    assert answer.status_code == 200
    page = answer.content.decode()
    assert "Press Send, then follow the mail." in page
    assert "Demo. Keys are not secret." in page


def test_looking_signs_nobody_in(browser: Client) -> None:
    for method in (browser.get, browser.head):
        assert method("/demo/administrator/").status_code == 405
    assert not Session.objects.exists()
    assert not Person.objects.exists()


def test_a_form_that_cannot_be_sent_says_why_and_keeps_what_was_written(browser: Client) -> None:
    posted = {"from": "nobody", "to": "jonas.berg", "subject": "[secure] Hello", "text": "A letter <b>to keep</b>"}
    answer = browser.post("/demo/", posted)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "Choose one of the senders." in page
    assert "Write one to ten addresses" in page
    assert "A letter &lt;b&gt;to keep&lt;/b&gt;" in page
    assert "Error: Demo" in page


def test_a_door_that_is_away_is_named(browser: Client) -> None:
    settings.LETTERLOCK = replace(OPEN, smtp=Address("127.0.0.1", 1))
    posted = {"from": "maya", "to": "jonas.berg@mail.example", "subject": "[secure] Hello", "text": "A letter"}
    answer = browser.post("/demo/", posted)
    assert answer.status_code == 422
    assert "The SMTP door does not answer on 127.0.0.1:1." in answer.content.decode()


def test_nothing_is_loaded_where_the_demo_is_off(browser: Client) -> None:
    settings.LETTERLOCK = CLOSED["off"]
    with pytest.raises(CommandError, match="LETTERLOCK_DEMO"):
        call_command("demo", "load")
    assert Brand.objects.count() == 2
