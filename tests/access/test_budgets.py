"""How often a passcode may be asked for and guessed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from branding.models import Brand
from portal.access import budgets, cookies
from portal.access.budgets import Purse
from portal.access.models import Asked, Challenge, Failed, Session
from portal.audit.models import Entry
from portal.vault.models import Reader
from tests.access.visitors import Clock, Visitor, mails, make_reader, newest_code, other_than, words

WAIT = "To keep messages safe, only a few tries are allowed in a short time. You can try again at"
SAFE = "If it was not you, the message is still safe."
LOOKUP = b"L" * 32


def guess_wrong(visitor: Visitor, reader: Reader, times: int) -> int:
    """Guess wrong `times` times, asking anew when a challenge is dead; how many guesses were taken."""
    taken = 0
    for _ in range(times):
        before = Failed.objects.count()
        response = visitor.enter(reader, other_than(newest_code()))
        taken += Failed.objects.count() - before
        if response.status_code == 429:
            break
    return taken


def test_ten_wrong_guesses_an_hour_at_one_message_then_not_even_the_right_one(
    visitor: Visitor, reader: Reader, clock: Clock
) -> None:
    for _ in range(2):
        visitor.ask(reader)
        assert guess_wrong(visitor, reader, 5) == 5
        clock.forward(minutes=2)
    refused = visitor.ask(reader)
    assert refused.status_code == 429
    assert WAIT in words(refused)
    assert SAFE in words(refused)
    assert Failed.objects.count() == 10


def test_a_right_passcode_waits_too_once_others_have_spent_the_guesses(
    visitor: Visitor, reader: Reader, clock: Clock
) -> None:
    visitor.ask(reader)
    code = newest_code()
    lookup = bytes(reader.address_lookup)
    for _ in range(10):
        budgets.count_failure(Purse(lookup), reader.id, clock.moment)
    response = visitor.enter(reader, code)
    assert response.status_code == 429
    assert not Session.objects.exists()
    assert Challenge.objects.get().guesses == 0


def test_the_guesses_come_back_as_the_hour_passes_one_by_one(clock: Clock, db: None) -> None:
    purse, began = Purse(LOOKUP), clock.moment
    for _ in range(10):
        budgets.count_failure(purse, None, clock.moment)
        clock.forward(minutes=1)
    assert budgets.guessing_opens(purse, None, clock.moment) == began + timedelta(hours=1)
    assert budgets.guessing_opens(purse, None, began + timedelta(minutes=59, seconds=59)) is not None
    assert budgets.guessing_opens(purse, None, began + timedelta(hours=1)) is None


def test_ten_at_one_message_leave_another_message_alone(brand: Brand, reader: Reader) -> None:
    other, now = make_reader(brand, "jonas.berg@mail.example"), timezone.now()
    purse = Purse(bytes(reader.address_lookup))
    for _ in range(10):
        budgets.count_failure(purse, reader.id, now)
    assert budgets.guessing_opens(purse, reader.id, now) is not None
    assert budgets.guessing_opens(purse, other.id, now) is None


def test_thirty_wrong_guesses_a_day_for_an_address_over_all_its_messages(brand: Brand, clock: Clock) -> None:
    rows = [make_reader(brand, "jonas@mail.example") for _ in range(4)]
    purse, began = Purse(bytes(rows[0].address_lookup)), clock.moment
    for row in rows[:3]:
        for _ in range(10):
            budgets.count_failure(purse, row.id, clock.moment)
        clock.forward(hours=2)
    assert budgets.guessing_opens(purse, rows[3].id, clock.moment) == began + timedelta(days=1)
    assert budgets.guessing_opens(Purse(b"M" * 32), rows[3].id, clock.moment) is None


@pytest.mark.parametrize(("already", "ahead"), [(0, None), (4, None), (5, timedelta(hours=1))])
def test_five_mails_an_hour(db: None, clock: Clock, already: int, ahead: timedelta | None) -> None:
    began = clock.moment
    for _ in range(already):
        budgets.count_mail(Purse(LOOKUP), clock.moment)
        clock.forward(minutes=2)
    assert budgets.asking_opens(Purse(LOOKUP), clock.moment) == (began + ahead if ahead else None)


def test_twelve_mails_a_day(db: None, clock: Clock) -> None:
    began = clock.moment
    for number in range(12):
        assert budgets.asking_opens(Purse(LOOKUP), clock.moment) is None, number
        budgets.count_mail(Purse(LOOKUP), clock.moment)
        clock.forward(minutes=70)
    assert budgets.asking_opens(Purse(LOOKUP), clock.moment) == began + timedelta(days=1)
    assert budgets.asking_opens(Purse(LOOKUP), began + timedelta(days=1)) is None


def test_the_sixth_mail_of_an_hour_is_not_sent(visitor: Visitor, reader: Reader, clock: Clock) -> None:
    for _ in range(5):
        assert visitor.ask(reader).status_code == 303
        clock.forward(minutes=1)
    response = visitor.ask(reader)
    assert response.status_code == 429
    assert WAIT in words(response)
    assert Asked.objects.count() == 5
    clock.forward(minutes=55)
    assert visitor.ask(reader).status_code == 303


def test_one_mail_a_minute_over_all_browsers_and_messages(
    visitor: Visitor, stranger: Visitor, brand: Brand, reader: Reader, clock: Clock
) -> None:
    other = make_reader(brand, "jonas.berg@mail.example")
    assert visitor.ask(reader).status_code == 303
    assert stranger.ask(reader).status_code == 429
    assert stranger.ask(other).status_code == 429
    assert stranger.find("Jonas.Berg@mail.example").status_code == 429
    assert len(mails()) == 1
    clock.forward(minutes=1)
    assert stranger.ask(other).status_code == 303


def test_a_mail_that_a_clock_set_back_left_in_the_future_counts_for_the_hour_and_not_for_the_minute(
    db: None, clock: Clock
) -> None:
    purse = Purse(LOOKUP)
    for _ in range(4):
        budgets.count_mail(purse, clock.moment + timedelta(hours=1))
    assert budgets.next_mail_at(purse, clock.moment) is None
    assert budgets.asking_opens(purse, clock.moment) is None
    budgets.count_mail(purse, clock.moment)
    assert budgets.next_mail_at(purse, clock.moment) == clock.moment + budgets.MINUTE
    assert budgets.asking_opens(purse, clock.moment) is not None, "setting a clock back gives no more than five an hour"


def test_the_waiting_page_never_tells_which_budget_is_spent(
    visitor: Visitor, stranger: Visitor, brand: Brand, reader: Reader, clock: Clock
) -> None:
    clock.moment = clock.moment.replace(hour=9, minute=0, second=0, microsecond=0)
    purse = Purse(bytes(reader.address_lookup))
    answers = []
    spend = {
        "message": lambda: [budgets.count_failure(purse, reader.id, clock.moment) for _ in range(10)],
        "address": lambda: [budgets.count_failure(purse, None, clock.moment) for _ in range(30)],
        "mails of an hour": lambda: [budgets.count_mail(purse, clock.moment) for _ in range(5)],
        "mails of a day": lambda: [budgets.count_mail(purse, clock.moment) for _ in range(12)],
    }
    for count in spend.values():
        count()
        response = Visitor(brand).ask(reader)
        answers.append((response.status_code, response["Retry-After"], words(response)))
        Failed.objects.all().delete()
        Asked.objects.all().delete()
    assert answers == [answers[0]] * 4
    assert answers[0][:2] == (429, "3600")
    assert f"{WAIT} 10:00." in answers[0][2]
    for tell in ("hour", "day", "address", "limit", "5", "12", "30"):
        assert tell not in answers[0][2].partition("Wait a little")[2].partition("If it was not you")[0]


def test_a_browser_that_proved_itself_keeps_budgets_of_its_own(
    visitor: Visitor, stranger: Visitor, reader: Reader, clock: Clock
) -> None:
    visitor.prove(reader)
    clock.forward(minutes=2)
    common = Purse(bytes(reader.address_lookup))
    for _ in range(30):
        budgets.count_failure(common, reader.id, clock.moment)
    for _ in range(12):
        budgets.count_mail(common, clock.moment)
    assert stranger.ask(reader).status_code == 429
    assert visitor.prove(reader).status_code == 303


def test_a_trusted_browser_has_limits_all_the_same(visitor: Visitor, reader: Reader, clock: Clock) -> None:
    visitor.prove(reader)
    for _ in range(5):
        clock.forward(minutes=2)
        assert visitor.ask(reader).status_code == 303
    clock.forward(minutes=2)
    assert visitor.ask(reader).status_code == 429
    trusted = {bytes(row) for row in Asked.objects.order_by("id").values_list("trusted", flat=True)}
    assert trusted == {b"", cookies.digest(visitor.cookie(cookies.TRUSTED))}


def test_trust_is_for_the_address_that_was_proved_and_no_other(visitor: Visitor, brand: Brand, reader: Reader) -> None:
    visitor.prove(reader)
    token = cookies.digest(visitor.cookie(cookies.TRUSTED))
    other = make_reader(brand, "karin@mail.example")
    assert Purse.of(bytes(reader.address_lookup), token).trusted == token
    assert Purse.of(bytes(other.address_lookup), token).trusted == b""
    assert Purse.of(bytes(reader.address_lookup), b"\0" * 32).trusted == b""


def test_one_browser_may_be_trusted_for_two_addresses(visitor: Visitor, brand: Brand, reader: Reader) -> None:
    visitor.prove(reader)
    token = visitor.cookie(cookies.TRUSTED)
    other = make_reader(brand, "karin@mail.example")
    visitor.prove(other)
    assert visitor.cookie(cookies.TRUSTED) == token
    for row in (reader, other):
        assert Purse.of(bytes(row.address_lookup), cookies.digest(token)).trusted


def test_throttling_is_recorded_once_an_hour(visitor: Visitor, reader: Reader, clock: Clock) -> None:
    purse = Purse(bytes(reader.address_lookup))
    for _ in range(12):
        budgets.count_mail(purse, clock.moment)
    for _ in range(20):
        visitor.ask(reader)
    found = Entry.objects.filter(kind="recipient.throttled", message=reader.message_id, reader=reader.id)
    assert found.count() == 1
    clock.forward(minutes=61)
    visitor.ask(reader)
    assert found.count() == 2
