"""Browsers of senders, where an address was proved by the organisation's provider just now."""

from __future__ import annotations

from django.test import Client

from branding.models import Brand
from portal.access import cookies, people, sessions
from tests.mails import MAYA
from tests.seals import HOST, default_brand, words

INSIDE = "aldervalley.example"


def browser(address: str = MAYA, brand: Brand | None = None) -> Client:
    """Where this address has been proved."""
    client = Client(HTTP_HOST=brand.host if brand else HOST)
    client.cookies[cookies.SENDER] = sessions.begin(
        people.of_address(address),
        brand or default_brand(),
        keep=False,
        method="provider",
        provider="corp",
        sender=True,
        level=2,
    )
    return client


def page(address: str = MAYA, query: str = "") -> str:
    answer = browser(address).get(f"/sent/{query}")
    assert answer.status_code == 200
    return words(answer.content)
