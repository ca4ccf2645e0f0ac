"""Many at once: real connections, real locks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connections, transaction
from django.utils import timezone

from branding.models import Brand
from portal.access import alarms, cookies, entry, models, passcodes, people
from portal.access.errors import AccessError
from portal.access.models import Asked, CeilingReached, Challenge, Failed, Session
from portal.access.passcodes import Browser, Claim
from portal.delivery.models import Outbound
from portal.vault.models import Reader
from tests.access.visitors import Visitor, mails, other_than

pytestmark = pytest.mark.django_db(transaction=True)
MANY = 20


def at_once(act: Callable[[int], str]) -> Counter[str]:
    """Let 20 threads act in the same moment, each on a connection of its own; what each came to."""
    barrier = Barrier(MANY)

    def run(number: int) -> str:
        barrier.wait(timeout=30)
        try:
            return act(number)
        except AccessError as error:
            return type(error).__name__
        finally:
            connections.close_all()

    with ThreadPoolExecutor(MANY) as pool:
        return Counter(pool.map(run, range(MANY)))


def browser_of(visitor: Visitor) -> Browser:
    return Browser(cookies.digest(visitor.cookie(cookies.BROWSER)))


def test_of_twenty_parallel_wrong_guesses_five_are_counted_and_compared(brand: Brand, reader: Reader) -> None:
    visitor = Visitor(brand)
    visitor.ask(reader)
    browser, wrong = browser_of(visitor), other_than(Challenge.objects.get().code())
    outcomes = at_once(lambda _: str(passcodes.check(brand, reader, browser, wrong)))
    assert outcomes == {"WrongPasscode": 4, "PasscodeDead": 16}
    assert Challenge.objects.get().guesses == 5
    assert Failed.objects.count() == 5


def test_the_device_alone_counts_five_without_the_lock_on_top(brand: Brand, reader: Reader) -> None:
    Visitor(brand).ask(reader)
    challenge = Challenge.objects.get()
    wrong = other_than(challenge.code())
    outcomes = at_once(lambda _: str(Challenge.objects.get(pk=challenge.pk).verify_token(wrong)))
    assert outcomes == {"False": MANY}
    assert Challenge.objects.get().guesses == 5


def test_a_hundred_guesses_at_once_count_a_hundred(
    brand: Brand, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "GUESSES", 1000)
    Visitor(brand).ask(reader)
    challenge = Challenge.objects.get()
    wrong = other_than(challenge.code())
    outcomes = at_once(lambda _: str([Challenge.objects.get(pk=challenge.pk).verify_token(wrong) for _ in range(5)]))
    assert outcomes == {str([False] * 5): MANY}
    assert Challenge.objects.get().guesses == 5 * MANY


def test_a_ceiling_is_told_of_once_by_twenty_who_meet_it_at_once(brand: Brand) -> None:
    people.administrator("ada@aldervalley.example")
    now = timezone.now()

    def meet(_: int) -> str:
        with transaction.atomic():
            alarms.begin(brand, CeilingReached.Ceiling.BRAND, now)
        return "told"

    assert at_once(meet) == {"told": MANY}
    assert CeilingReached.objects.count() == Outbound.objects.filter(kind="alarm").count() == 1
    later = now + timedelta(hours=2)
    assert at_once(lambda _: str(alarms.end_what_is_over(later))) == {"1": 1, "0": MANY - 1}


def test_one_right_code_typed_twenty_times_at_once_proves_once(brand: Brand, reader: Reader) -> None:
    visitor = Visitor(brand)
    visitor.ask(reader)
    browser, code = browser_of(visitor), Challenge.objects.get().code()

    def enter(_: int) -> str:
        passcodes.check(brand, reader, browser, code)
        return "in"

    assert at_once(enter) == {"in": 1, "PasscodeUsed": MANY - 1}


def test_guesses_over_many_challenges_at_once_stop_at_ten(brand: Brand, reader: Reader) -> None:
    claim = Claim.of_reader(reader)
    browsers = [Browser(bytes([number]) * 32) for number in range(MANY)]
    for browser in browsers:
        passcodes.ask(claim, browser)
        Asked.objects.all().delete()
    wrong = {c.browser: other_than(c.code()) for c in Challenge.objects.all()}
    outcomes = at_once(lambda n: str(passcodes.check(brand, reader, browsers[n], wrong[browsers[n].token])))
    assert outcomes == {"WrongPasscode": 10, "TooManyTries": 10}
    assert Failed.objects.count() == 10


def test_twenty_browsers_that_ask_at_once_cause_one_mail(brand: Brand, reader: Reader) -> None:
    claim = Claim.of_reader(reader)

    def ask(number: int) -> str:
        passcodes.ask(claim, Browser(bytes([number]) * 32))
        return "sent"

    assert at_once(ask) == {"sent": 1, "TooManyTries": MANY - 1}
    assert len(mails()) == Asked.objects.count() == 1


def test_an_entry_link_lets_one_in_of_twenty_who_press_at_once(brand: Brand) -> None:
    secret = entry.make(people.administrator("ada@aldervalley.example"))
    outcomes = at_once(lambda _: "in" if entry.redeem(secret) else "out")
    assert outcomes == {"in": 1, "out": MANY - 1}
    assert not Session.objects.exists()
