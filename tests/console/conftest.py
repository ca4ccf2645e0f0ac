"""Mails that went through the real pipeline, and browsers of an administrator, a reader and a stranger."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone

from branding.models import Brand
from portal.access import administrators, cookies, people, sessions
from portal.delivery.models import Outbound
from portal.delivery.sending import send_due
from portal.ingest import pipeline, spool
from portal.ingest.models import Spooled
from portal.operations import record_keeping, tallying
from portal.rules import live
from portal.vault.models import Reader
from tests.console.pages import browser, someone
from tests.mails import JONAS, MAYA, mail

CANARY = "canary-4711"
Arrive = Callable[..., UUID]


@pytest.fixture
def brand(db: None) -> Brand:
    """In one transaction, taken back at the end, where nothing asks for more."""
    return Brand.objects.create(
        slug="alder", name="Alder Valley Clinic", host="localhost", domains=["aldervalley.example"], is_default=True
    )


@pytest.fixture
def arrive(transactional_db: None, brand: Brand) -> Arrive:
    """Hands a mail to the spool and lets the pipeline and the senders run; gives its id."""

    def arrived(*headers: tuple[str, str], subject: str = f"[secure] {CANARY}", to: tuple[str, ...] = (JONAS,)) -> UUID:
        writer = spool.SpoolWriter.begin(spool.Envelope(MAYA, to, "smtp", trusted=True))
        writer.write(
            mail(subject, f"The word is {CANARY}.", files=[(f"{CANARY}.txt", "text/plain", b"x")], headers=headers)
        )
        id_ = writer.commit()
        pipeline.process()
        send_due([Outbound.Kind.NOTICE, Outbound.Kind.RELAY])
        Spooled.objects.update(leased_until=None, due_at=timezone.now())  # as a few seconds later
        pipeline.process()
        return id_

    return arrived


@pytest.fixture
def owner(brand: Brand) -> Client:
    person = administrators.owner("ebba.olsson@aldervalley.example")
    token = sessions.begin(person, brand, keep=False, method=sessions.ENTRY, office=True)
    return browser(brand, cookies.OFFICE, token)


@pytest.fixture
def reading(brand: Brand, arrive: Arrive) -> Client:
    """The browser of a recipient who has proved their address."""
    reader = Reader.objects.get(message_id=arrive(), role=Reader.Role.RECIPIENT)
    token = sessions.begin(people.of_reader(reader), brand, keep=False)
    return browser(brand, cookies.SESSION, token)


@pytest.fixture
def stranger(brand: Brand) -> Client:
    return browser(brand)


@pytest.fixture
def fresh_rules() -> Iterator[None]:
    """No rules are known from before."""
    live.forget()
    yield
    live.forget()


@pytest.fixture
def ruler(brand: Brand, fresh_rules: None) -> Client:
    """The browser of Rita, who keeps the rules."""
    return someone(brand, "rita")


def counted() -> None:
    """Everything that was recorded stands in the tree and in the figures, as it does within a minute."""
    while record_keeping.sequence():
        pass
    tallying.run(timezone.now())
