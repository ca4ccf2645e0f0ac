"""Recipients that are added to one message at once: it never has more than it may, and nobody is there twice."""

from __future__ import annotations

import pytest

from portal.delivery.models import Outbound
from portal.lifecycle import adding
from portal.lifecycle.actors import Actor, Who
from portal.lifecycle.errors import AlreadyReader, TooManyReaders
from portal.vault.models import Message, Reader
from tests.access.test_races import MANY, at_once
from tests.mails import JONAS, MAYA, mail
from tests.seals import reader_of, seal

pytestmark = pytest.mark.django_db(transaction=True)
MOST = 4


def add(message: Message, address: str) -> str:
    try:
        adding.add(reader_of(message, MAYA), address, most=MOST, by=Actor(Who.SENDER, "1"))
    except (AlreadyReader, TooManyReaders) as refused:
        return type(refused).__name__
    return "added"


def test_of_twenty_at_once_so_many_are_added_as_may_be() -> None:
    message = seal(mail())
    assert at_once(lambda n: add(message, f"a{n}@web.example")) == {
        "added": MOST - 1,
        "TooManyReaders": MANY - MOST + 1,
    }
    recipients = message.readers.filter(role=Reader.Role.RECIPIENT)
    assert recipients.count() == MOST and recipients.values("number").distinct().count() == MOST
    assert Outbound.objects.filter(kind="notice", message=message.pk).count() == MOST


def test_one_address_that_is_added_twenty_times_at_once_is_there_once() -> None:
    message = seal(mail(), JONAS)
    assert at_once(lambda _: add(message, "anna@web.example")) == {"added": 1, "AlreadyReader": MANY - 1}
    assert message.readers.filter(role=Reader.Role.RECIPIENT).count() == 2
