"""What the message page and the sign-in page make a browser load: at most 3 requests and 60 kB, all from here."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client

from tests.mails import mail
from tests.seals import HOST, path_of, reader_of, seal, signed_in

pytestmark = pytest.mark.django_db
MOST_REQUESTS, MOST_BYTES = 3, 60_000
LOADS = {"link": "href", "script": "src", "img": "src", "iframe": "src", "source": "src", "object": "data"}
FILES = [("a.txt", "text/plain", b"a"), ("b.txt", "text/plain", b"b")]


class Page(HTMLParser):
    """The addresses that a browser fetches to show a page, each once."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.loads: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        assert "srcset" not in given
        if address := given.get(LOADS.get(tag, "")):
            self.loads.add(address)


def weight(client: Client, answer: Any, message: str) -> tuple[int, int]:
    """How many requests a page needs beyond itself and the message's own document, and all bytes beyond those."""
    assert answer.status_code == 200
    html = answer.content.decode()
    loads = Page(html).loads - {f"{message}/body"}
    total = len(answer.content)
    for address in loads:
        assert address.startswith("/"), "nothing from a third party"
        assert not address.startswith("//")
        loaded = client.get(address, headers={"Accept-Encoding": "gzip"})
        assert loaded.status_code == 200
        assert "immutable" in loaded["Cache-Control"]
        total += len(loaded.content)
    return len(loads), total


@pytest.mark.parametrize("html", ["", "<p>Good news</p>"])
def test_the_message_page_is_light(html: str) -> None:
    reader = reader_of(seal(mail(html=html, files=FILES)))
    client = signed_in(reader)
    requests, size = weight(client, client.get(path_of(reader)), path_of(reader))
    assert requests <= MOST_REQUESTS
    assert size <= MOST_BYTES


def test_the_sign_in_page_is_light() -> None:
    reader = reader_of(seal(mail()))
    stranger = Client(HTTP_HOST=HOST)
    requests, size = weight(stranger, stranger.get(path_of(reader)), path_of(reader))
    assert requests <= MOST_REQUESTS
    assert size <= MOST_BYTES


def test_even_for_a_browser_that_takes_nothing_compressed() -> None:
    reader = reader_of(seal(mail()))
    client = signed_in(reader)
    loads = Page(client.get(path_of(reader)).content.decode()).loads
    assert sum(len(client.get(address).content) for address in loads) <= MOST_BYTES
