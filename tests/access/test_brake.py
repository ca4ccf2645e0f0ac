"""Whoever writes the database empties every budget of guesses, and guesses no more for that."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import timedelta

import pytest

from branding.models import Brand
from portal.access import authenticators, brake, budgets, levels, people, sessions
from portal.access.brake import BRAKE, Brake
from portal.access.errors import FactorRefused, TooManyCodes
from portal.access.models import Challenge, Failed, Session, WrongFactor
from portal.vault import phrases
from portal.vault.agreed import agree
from portal.vault.errors import PhraseSpent
from portal.vault.models import Phrase, Reader
from tests.access.test_authenticators import set_up, shown, wrong
from tests.access.visitors import Clock, Visitor, newest_code, other_than


def insider() -> None:
    """Puts all back that rows count of wrong guesses, and lets passcodes live on."""
    Failed.objects.all().delete()
    WrongFactor.objects.all().delete()
    Phrase.objects.update(tries=0)
    for challenge in Challenge.objects.all():
        Challenge.objects.update(guesses=0, expires_at=challenge.expires_at + timedelta(days=1))


def test_a_passcode_is_guessed_at_no_more_often_for_it(
    visitor: Visitor, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(brake, "OF_AN_ADDRESS", 12)  # more than the ten an hour that rows allow
    visitor.ask(reader)
    code, compared = newest_code(), 0
    while compared <= 12 and visitor.enter(reader, other_than(code)).status_code == 422:
        compared += 1
        insider()
    assert compared == 12
    assert visitor.enter(reader, code).status_code == 429
    assert not Session.objects.exists()


def test_nor_are_those_of_all_addresses_of_a_brand_together(
    visitor: Visitor, reader: Reader, brand: Brand, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor.ask(reader)
    code = newest_code()
    most = {("passcodes", brand.pk): 3, ("passcode", bytes(reader.address_lookup)): 100}
    monkeypatch.setattr("portal.access.passcodes._guessed", lambda _challenge: most)
    assert [visitor.enter(reader, other_than(code)).status_code for _ in range(4)] == [422, 422, 422, 429]


def test_a_right_one_and_what_is_not_compared_count_nothing(visitor: Visitor, reader: Reader) -> None:
    """Else a stranger who goes on posting at a passcode that is dead would shut its owner out."""
    visitor.ask(reader)
    code = newest_code()
    for _ in range(5):
        visitor.enter(reader, other_than(code))
    for _ in range(3):
        visitor.enter(reader, code)
    counted = BRAKE.made(("passcode", bytes(reader.address_lookup)))
    assert counted == 5
    assert counted < budgets.FAILURES_OF_AN_ADDRESS.count < brake.OF_AN_ADDRESS


def test_codes_of_an_app_are_not_either(reader: Reader, brand: Brand, clock: Clock) -> None:
    person = people.of_reader(reader)
    set_up(person, brand, clock)
    clock.forward(seconds=60)
    for _ in range(brake.OF_AN_APP):
        with pytest.raises(FactorRefused) as refused:
            authenticators.check(person, wrong(shown(person, clock)))
        assert not isinstance(refused.value, TooManyCodes)
        insider()
    with pytest.raises(TooManyCodes):
        authenticators.check(person, shown(person, clock))


def test_phrases_are_not_either(reader: Reader, brand: Brand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(levels, "OF_A_PHRASE", 2)  # each is compared by a slow hash
    phrases.keep_phrases([(reader, agree("The blue canoe", ""))])
    token = sessions.begin(people.of_reader(reader), brand, keep=False)
    session = sessions.of_token(token, brand)
    assert session is not None
    for _ in range(2):
        assert levels.prove_phrase(session, reader, "another") is None
        insider()
    with pytest.raises(PhraseSpent):
        levels.prove_phrase(session, reader, "The blue canoe")


def test_it_begins_anew_when_its_span_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("portal.access.brake.time.monotonic", lambda: now[0])
    held = Brake()
    assert [held.take("a", 2) for _ in range(3)] == [True, True, False]
    assert held.take("b", 2)
    held.give_back("a", "b")
    assert held.take("a", 2) and not held.take("a", 2)
    now[0] += brake.SPAN_SECONDS
    assert held.take("a", 2)


def in_a_process(act: Callable[[], object]) -> int:
    """Do it in a process forked from this one; its exit status, negative for a signal."""
    if (pid := os.fork()) == 0:
        try:
            act()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_processes_that_were_forked_guess_no_more_often_together() -> None:
    held = Brake()
    for _ in range(3):
        in_a_process(lambda: [held.take("a", 4) for _ in range(2)])
    assert held.made("a") == 4 and not held.take("a", 4)
    in_a_process(lambda: held.give_back("a"))
    assert held.take("a", 4)
    in_a_process(held.forget)
    assert held.made("a") == 0


def test_at_once_they_do_neither() -> None:
    held, most = Brake(), 500
    pids = []
    for _ in range(4):
        if (pid := os.fork()) == 0:
            taken = sum(held.take("a", most) for _ in range(most // 2))
            [held.take(("taken", n), most) for n in range(taken)]
            os._exit(0)
        pids.append(pid)
    for pid in pids:
        os.waitpid(pid, 0)
    assert held.made("a") == most
    assert sum(held.made(("taken", n)) for n in range(most)) == most, "each was told of as many as are counted"


def test_one_that_is_killed_leaves_its_counts_and_no_lock() -> None:
    held = Brake()

    def die() -> None:
        held.take("a", 9)
        with held._shared.alone():
            os.kill(os.getpid(), signal.SIGKILL)

    assert in_a_process(die) == -signal.SIGKILL
    assert held.take("a", 9) and held.made("a") == 2


def test_what_is_guessed_at_has_a_count_of_its_own() -> None:
    held = Brake()
    for number in range(2000):
        assert held.take(("code", number), 1)
    assert [held.made(("code", number)) for number in range(2000)] == [1] * 2000
