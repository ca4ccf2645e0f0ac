"""Whoever writes the database signs nobody in, and is read nobody's mail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from branding.models import Brand
from portal.access import binding, cookies, letters, levels, people, sessions
from portal.access.models import LIFE, LONGEST, Challenge, Person, Session
from portal.audit.models import Entry
from portal.delivery.models import Outbound
from portal.keys.errors import WrapRefused
from portal.vault import readers
from portal.vault.errors import SealBroken
from portal.vault.models import Reader
from portal.vault.opening import open_message
from tests.access.visitors import Clock, Visitor, make_brand, make_reader, newest_code
from tests.mails import mail
from tests.seals import reader_of, seal

pytestmark = pytest.mark.django_db
OWN = "insider@mail.example"

CLAIMS: dict[str, Callable[[Reader], Any]] = {
    "person": lambda reader: people.of_address(OWN),
    "brand": lambda reader: make_brand("other.example"),
    "reader": lambda reader: reader,
    "method": lambda reader: "provider",
    "provider": lambda reader: "corp",
    "level": lambda reader: 3,
    "factor_at": lambda reader: timezone.now() - timedelta(days=9),
    "office": lambda reader: True,
    "sender": lambda reader: True,
    "anew": lambda reader: False,
    "made_at": lambda reader: timezone.now() + timedelta(hours=1),
    "idle_seconds": lambda reader: 9_999_999,
    "ends_at": lambda reader: timezone.now() + timedelta(days=99),
    "token": lambda reader: cookies.digest("another"),
}


def begun(reader: Reader) -> str:
    return sessions.begin(people.of_reader(reader), reader.message.brand, keep=False)


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_session_that_was_changed_signs_nobody_in(reader: Reader, claim: str) -> None:
    token = begun(reader)
    value = CLAIMS[claim](reader)
    Session.objects.update(**{claim: value})
    token = "another" if claim == "token" else token
    assert sessions.of_token(token, Session.objects.get().brand) is None


def test_what_a_session_claims_is_all_of_its_row_but_what_grants_nothing() -> None:
    left = {field.name for field in Session._meta.concrete_fields} - set(CLAIMS)
    assert left == {"id", "device", "seen_at", "seal"}


def test_a_session_that_was_put_there_signs_nobody_in_and_is_recorded_once(reader: Reader, brand: Brand) -> None:
    begun(reader)
    row = Session.objects.get()
    row.pk, row.token = None, cookies.digest("own")
    row.save(force_insert=True)  # with a seal that was copied
    assert sessions.of_token("own", brand) is None and sessions.of_token("own", brand) is None
    assert [entry.kind for entry in Entry.objects.filter(kind="session.forged")] == ["session.forged"]
    assert Session.objects.count() == 1


def test_a_session_without_a_seal_signs_nobody_in(reader: Reader, brand: Brand) -> None:
    token = begun(reader)
    Session.objects.update(seal=b"")
    assert sessions.of_token(token, brand) is None
    assert Session.objects.exists() and not Entry.objects.filter(kind="session.forged").exists()


def test_an_own_session_is_nobody_elses_when_the_persons_row_is_changed(reader: Reader, brand: Brand) -> None:
    token = sessions.begin(people.of_address(OWN), brand, keep=False)
    Person.objects.update(lookup=bytes(reader.address_lookup).hex())
    assert sessions.of_token(token, brand) is None


def test_a_session_lives_on_through_another_token_and_being_used(reader: Reader, brand: Brand) -> None:
    row = sessions.of_token(begun(reader), brand)
    assert row is not None
    sessions.touch(row, timezone.now() + timedelta(minutes=1))
    raised = sessions.of_token(sessions.raise_level(row, factor_at=timezone.now()), brand)
    assert raised is not None and raised.level == 3


def test_taking_a_factor_away_makes_no_forged_session_whole(reader: Reader, brand: Brand) -> None:
    token = begun(reader)
    Session.objects.update(level=3, ends_at=F("ends_at") + timedelta(days=9))
    levels.lower(people.of_reader(reader), None)
    assert sessions.of_token(token, brand) is None


def test_a_session_that_was_lowered_is_whole(reader: Reader, brand: Brand) -> None:
    token = sessions.begin(people.of_reader(reader), brand, keep=False, level=3, factor_at=timezone.now())
    levels.lower(people.of_reader(reader), None)
    row = sessions.of_token(token, brand)
    assert row is not None and row.level == 1 and binding.fits(row)


def test_a_message_is_not_read_by_whose_look_up_was_put_at_its_reader() -> None:
    reader = reader_of(seal(mail()))
    assert open_message(reader)
    Reader.objects.filter(pk=reader.pk).update(address_lookup=readers.address_lookup(OWN))
    moved = Reader.objects.select_related("message__brand").get(pk=reader.pk)
    with pytest.raises(SealBroken):
        open_message(moved)
    with pytest.raises(WrapRefused):
        people.of_reader(moved)


def test_a_passcode_goes_to_nobody_but_whom_it_proves(visitor: Visitor, reader: Reader, brand: Brand) -> None:
    own = make_reader(brand, OWN)
    visitor.ask(own)
    Challenge.objects.update(address_lookup=bytes(reader.address_lookup))
    assert letters.passcode(Outbound.objects.get(kind="passcode")) is None


def test_a_used_passcode_proves_nothing_later_though_its_row_is_put_back(
    visitor: Visitor, reader: Reader, clock: Clock
) -> None:
    visitor.ask(reader)
    code = newest_code()
    assert visitor.enter(reader, code).status_code == 303
    clock.forward(seconds=LONGEST.total_seconds())
    Challenge.objects.update(
        used_at=None, began=b"", guesses=0, made_at=clock(), sent_at=clock(), expires_at=clock() + LIFE
    )
    assert "That passcode is too old" in visitor.enter(reader, code).content.decode()


def test_a_passcode_lasts_its_whole_time_however_often_it_is_asked_for_again(
    visitor: Visitor, reader: Reader, clock: Clock
) -> None:
    for _ in range(int(LONGEST / (LIFE - timedelta(minutes=1))) + 1):
        visitor.ask(reader)
        clock.forward(seconds=LIFE.total_seconds() - 60)
    assert visitor.enter(reader, newest_code()).status_code == 303
