"""An ending of a key that two administrators must want: whoever drops it in that moment is heard."""

from __future__ import annotations

import threading
import time
from uuid import uuid4

import pytest
from django.db import connections, transaction

from portal.audit.models import Entry
from portal.keys.service import keys
from portal.operations import keyending
from portal.operations.errors import KeysRefused
from tests.access.test_races import MANY, at_once

pytestmark = pytest.mark.django_db(transaction=True)
SECONDS = 0.3


def asked() -> str:
    """An epoch of its own whose ending somebody asks for."""
    epoch = f"2099-01-01.{int(time.monotonic() * 1000) % 9000 + 1000}"
    keys().make(epoch)
    keyending.ask(epoch, uuid4(), keyending.Reason.CLOSING)
    return epoch


def test_what_is_dropped_while_another_agrees_is_not_destroyed() -> None:
    epoch, said = asked(), []

    def agree() -> None:
        try:
            keyending.agree(epoch, uuid4())
        except KeysRefused as refused:
            said.append(str(refused))
        finally:
            connections.close_all()

    thread = threading.Thread(target=agree)
    with transaction.atomic():
        keyending.drop(epoch, uuid4())
        thread.start()
        time.sleep(SECONDS)  # it waits for the row that is being closed, or comes later
    thread.join(60)
    assert [sentence.partition(".")[0] for sentence in said] == ["Nobody asks for this any more"]
    assert epoch in keys().epochs()


def test_of_twenty_who_agree_at_once_one_destroys_it() -> None:
    epoch = asked()

    def agree(_: int) -> str:
        try:
            keyending.agree(epoch, uuid4())
        except KeysRefused:
            return "refused"
        return "destroyed"

    assert at_once(agree) == {"destroyed": 1, "refused": MANY - 1}
    assert Entry.objects.filter(kind="keys.ending_agreed").count() == 1
    assert epoch not in keys().epochs()
