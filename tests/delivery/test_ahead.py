"""What is read for many notices at once: it saves statements, and what changes before one is begun still counts."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from branding import versions
from branding.models import Brand
from portal.access import language, people
from portal.delivery import ahead, asking, refusing
from portal.delivery.asking import AsksFor
from portal.delivery.models import Outbound
from portal.delivery.outcomes import Lease
from portal.delivery.queue import enqueue
from portal.delivery.sending import send_due
from portal.mime.errors import BadAddress
from portal.vault import readers
from portal.vault.models import Message, Reader
from tests.delivery.conftest import JONAS, KARIN

pytestmark = pytest.mark.django_db
Meanwhile = Callable[[Callable[[], object]], None]


def _waiting(seal: Any, number: int, **written: Any) -> list[Outbound]:
    """So many notices, each of a message of its own."""
    found = []
    for _ in range(number):
        message = seal(**written)
        reader = message.readers.order_by("number").first()
        found.append(enqueue("notice", address=readers.address_of(reader), message=message.id, reader=reader))
    return found


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Have something happen after mails were taken up and looked at, and before the first of them is begun."""

    def happen(change: Callable[[], object]) -> None:
        def looked(rows: list[Outbound], look: Callable[..., None] = ahead.look) -> None:
            look(rows)
            assert all(row.ahead for row in rows), "so what happens now is newer"
            change()

        monkeypatch.setattr(ahead, "look", looked)

    return happen


def _state(row: Outbound) -> tuple[str, str]:
    row.refresh_from_db()
    return row.state, row.last_answer


def _texts(relay: Any) -> list[str]:
    found = [email.message_from_bytes(one.data, policy=email.policy.default) for one in relay.taken]
    return [str(one.get_body(("plain",)).get_content()) for one in found]


def test_a_notice_more_costs_three_statements(seal: Any, relay: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "AHEAD_SECONDS", 600.0)

    def asked(number: int) -> int:
        """The fewest of three rounds: a slow one asks now and then for what has grown old meanwhile."""
        return min(asked_once(number) for _ in range(3))

    def asked_once(number: int) -> int:
        _waiting(seal, number)
        with CaptureQueriesContext(connection) as queries:
            assert send_due(["notice"]) == number
        # What is due and which domain rests is asked as often as somebody was waited for, and sessions are as many.
        told = [one["sql"] for one in queries.captured_queries if "SAVEPOINT" not in one["sql"]]
        return len(
            [
                sql
                for sql in told
                if not re.match(r'SELECT .*"delivery_(lane|outbound)"', sql, re.DOTALL)
                and '"delivery_tlsresult"' not in sql
            ]
        )

    asked_once(2)
    assert asked(8) - asked(3) == 5 * 3, "begun, sent, recorded"


def test_a_message_that_is_withdrawn_meanwhile_is_not_told_of(seal: Any, relay: Any, meanwhile: Meanwhile) -> None:
    stays, goes = _waiting(seal, 2)
    meanwhile(lambda: Message.objects.filter(pk=goes.message).update(state=Message.State.WITHDRAWN))
    send_due(["notice"])
    assert (_state(stays)[0], _state(goes)[0]) == ("sent", "dropped")
    assert len(relay.taken) == 1


def test_one_withdrawn_from_its_reader_meanwhile_is_not_told_of(seal: Any, relay: Any, meanwhile: Meanwhile) -> None:
    stays, goes = _waiting(seal, 2)
    meanwhile(lambda: Reader.objects.filter(pk=goes.reader_id).update(withdrawn_at=timezone.now()))
    send_due(["notice"])
    assert (_state(stays)[0], _state(goes)[0]) == ("sent", "dropped")


def test_an_address_that_is_suppressed_meanwhile_gets_nothing(seal: Any, relay: Any, meanwhile: Meanwhile) -> None:
    (goes,) = _waiting(seal, 1, to=(KARIN,))
    (stays,) = _waiting(seal, 1, to=(JONAS,))
    meanwhile(lambda: refusing.suppress(readers.address_lookup(KARIN.address), uuid4(), "bounces"))
    send_due(["notice"])
    assert _state(stays)[0] == "sent"
    assert _state(goes) == ("failed", refusing.SUPPRESSED)
    assert [one.recipients for one in relay.taken] == [(JONAS.address,)]


def test_a_brand_that_is_published_meanwhile_is_the_one_that_is_shown(
    seal: Any, relay: Any, meanwhile: Meanwhile, brand: Brand
) -> None:
    rows = _waiting(seal, 2)

    def publish() -> None:
        Brand.objects.update(name="Alder Valley Hospital")
        versions.note(brand)

    meanwhile(publish)
    send_due(["notice"])
    assert {_state(row)[0] for row in rows} == {"sent"}
    assert all("call Alder Valley Hospital on" in " ".join(text.split()) for text in _texts(relay))


def test_a_last_day_that_is_moved_meanwhile_is_the_one_that_is_said(
    seal: Any, relay: Any, meanwhile: Meanwhile
) -> None:
    _first, second = _waiting(seal, 2)
    until = timezone.now() + timedelta(days=400)
    meanwhile(lambda: Message.objects.filter(pk=second.message).update(open_until=until))
    send_due(["notice"])
    day = f"{timezone.localtime(until):%-d %B %Y}"
    assert sorted(day in text for text in _texts(relay)) == [False, True]


def test_what_was_read_too_long_ago_is_read_again(seal: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "AHEAD_SECONDS", -1.0)
    rows = _waiting(seal, 2)
    ahead.look(rows)
    assert Lease(rows[0]).begin()
    assert rows[0].ahead is None


def test_a_row_that_another_has_taken_is_not_begun_by_what_was_read(seal: Any) -> None:
    (row,) = _waiting(seal, 1)
    ahead.look([row])
    Outbound.objects.update(leased_by="another")
    assert not Lease(row).begin()
    assert Outbound.objects.get().state == Outbound.State.DUE


def test_a_mail_that_was_pointed_at_another_reader_reaches_nobody_among_others_either(seal: Any, relay: Any) -> None:
    well, wrong = _waiting(seal, 2)
    other = Reader.objects.filter(message=wrong.message).exclude(pk=wrong.reader_id).get()
    Outbound.objects.filter(pk=wrong.pk).update(reader=other)
    send_due(["notice"])
    assert (_state(well)[0], _state(wrong)) == ("sent", ("failed", "damaged"))


def test_each_is_written_in_the_language_its_own_reader_chose(seal: Any, relay: Any) -> None:
    language.remember(people.of_address(KARIN.address), "sv")
    _waiting(seal, 1, to=(KARIN,))
    _waiting(seal, 1, to=(JONAS,))
    send_due(["notice"])
    assert ["17 november 2026" in text for text in _texts(relay)] == [True, False]


def test_one_reader_of_whom_nothing_can_be_said_holds_up_no_other(
    seal: Any, relay: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address of long ago, say, that is none by the rules of today."""
    (well,) = _waiting(seal, 1, to=(JONAS,))
    (wrong,) = _waiting(seal, 1, to=(KARIN,))

    def asks(found: Sequence[Reader]) -> list[AsksFor]:
        if any(readers.address_of(one) == KARIN.address for one in found):
            raise BadAddress
        return [AsksFor(passcode=True, provider="")] * len(found)

    monkeypatch.setattr(asking, "_asks", asks)
    send_due(["notice"])
    assert (_state(well)[0], _state(wrong)) == ("sent", ("due", "BadAddress"))
