"""Many at once: real connections, real locks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connections, transaction
from django.utils import timezone

from branding import choosing
from branding.models import Brand
from portal.access import (
    administrators,
    alarms,
    authenticators,
    cookies,
    entry,
    openings,
    passcodes,
    passkeys,
    people,
    sessions,
)
from portal.access.credentials import Passkey
from portal.access.errors import AccessError, FactorRefused
from portal.access.models import (
    Asked,
    Authenticator,
    CeilingReached,
    Challenge,
    Failed,
    Person,
    Session,
    WrongFactor,
    challenges,
)
from portal.access.oidc import flow
from portal.access.passcodes import Browser, Claim
from portal.delivery.models import Outbound
from portal.vault import agreed, phrases
from portal.vault.errors import PhraseSpent
from portal.vault.models import Reader
from tests.access.visitors import Visitor, mails, make_provider, other_than
from tests.peers.authenticator import Authenticator as Device

pytestmark = pytest.mark.django_db(transaction=True)
MANY, HUNDRED = 20, 100


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
    monkeypatch.setattr(challenges, "GUESSES", 1000)
    Visitor(brand).ask(reader)
    challenge = Challenge.objects.get()
    wrong = other_than(challenge.code())
    outcomes = at_once(lambda _: str([Challenge.objects.get(pk=challenge.pk).verify_token(wrong) for _ in range(5)]))
    assert outcomes == {str([False] * 5): MANY}
    assert Challenge.objects.get().guesses == 5 * MANY


def test_a_ceiling_is_told_of_once_by_twenty_who_meet_it_at_once(brand: Brand) -> None:
    administrators.owner("ada@aldervalley.example")
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


def test_of_twenty_that_come_back_with_one_state_one_is_in(brand: Brand, reader: Reader) -> None:
    provider = make_provider(brand, "corp", "oidc", "mail.example")
    browser = cookies.digest(cookies.new_token())
    url = flow.begin(provider, brand, browser, reader=reader)
    state = parse_qs(urlsplit(url).query)["state"][0]

    def come_back(_: int) -> str:
        flow.take(provider, brand, browser, state)
        return "in"

    assert at_once(come_back) == {"in": 1, "SignInOver": MANY - 1}


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


def test_of_a_hundred_parallel_phrases_five_are_counted_and_compared(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agreed, "MEMORY_KIB", 64)
    phrases.replace_phrase(reader, agreed.agree("The blue canoe"))

    def guess(_: int) -> str:
        found = Counter[str]()
        for _ in range(HUNDRED // MANY):
            try:
                found[str(phrases.try_phrase(reader, "The green canoe"))] += 1
            except PhraseSpent:
                found["spent"] += 1
        return " ".join(sorted(found.elements()))

    outcomes = Counter(" ".join(at_once(guess).elements()).split())
    assert outcomes == {"None": 5, "spent": HUNDRED - 5}
    assert phrases.tries_left(reader) == 0
    with pytest.raises(PhraseSpent):
        phrases.try_phrase(reader, "The blue canoe")


def with_app(brand: Brand, reader: Reader) -> tuple[Person, Authenticator]:
    person = people.of_reader(reader)
    session = sessions.of_token(sessions.begin(person, brand, keep=False), brand)
    assert session is not None
    app = authenticators.begin(person, session)
    before = int(app.made_at.timestamp()) // authenticators.STEP_SECONDS - authenticators.DRIFT
    authenticators.confirm(person, session, authenticators.code_at(authenticators.secret_of(app), before))
    return person, app


def test_of_twenty_parallel_wrong_codes_of_an_app_five_are_looked_at(brand: Brand, reader: Reader) -> None:
    person, _ = with_app(brand, reader)
    outcomes = at_once(lambda _: str(authenticators.check(person, "12345678")))
    assert outcomes == {"WrongFactorCode": 5, "TooManyCodes": 15}
    assert WrongFactor.objects.count() == 5


def test_one_right_code_of_an_app_typed_twenty_times_at_once_proves_once(brand: Brand, reader: Reader) -> None:
    person, app = with_app(brand, reader)
    step = int(timezone.now().timestamp()) // authenticators.STEP_SECONDS
    code = authenticators.code_at(authenticators.secret_of(app), step)
    outcomes = at_once(lambda _: authenticators.check(person, code).kind)
    assert outcomes == {"totp": 1, "FactorCodeUsed": 5, "TooManyCodes": 14}


def test_nor_does_it_for_whoever_makes_its_row_unused_again_and_again(brand: Brand, reader: Reader) -> None:
    person, app = with_app(brand, reader)
    step = int(timezone.now().timestamp()) // authenticators.STEP_SECONDS
    code = authenticators.code_at(authenticators.secret_of(app), step)

    def enter(_: int) -> str:
        found = []
        for _ in range(2):
            Authenticator.objects.update(last_step=0)
            WrongFactor.objects.all().delete()
            try:
                found.append(authenticators.check(person, code).kind)
            except FactorRefused as refused:
                found.append(type(refused).__name__)
        return " ".join(found)

    outcomes = Counter(" ".join(at_once(enter).elements()).split())
    assert outcomes.pop("totp") == 1
    assert outcomes.keys() <= {"FactorCodeUsed", "TooManyCodes"} and outcomes["FactorCodeUsed"] >= 5


def test_an_entry_link_lets_one_in_of_twenty_who_press_at_once(brand: Brand) -> None:
    link = entry.find(entry.make(administrators.owner("ada@aldervalley.example")))
    assert link is not None
    outcomes = at_once(lambda _: "in" if entry.redeem(link) else "out")
    assert outcomes == {"in": 1, "out": MANY - 1}
    assert not Session.objects.exists()


def passkey_of(brand: Brand, reader: Reader) -> Device:
    """A phone with a passkey of the reader's."""
    phone, person = Device(choosing.origin(brand)), people.of_reader(reader)
    options = passkeys.ask_to_add(person, brand, b"b" * 32, user_name="x")
    passkeys.add(person, brand, b"b" * 32, phone.make(options), proved_at=timezone.now())
    return phone


def test_one_answer_of_a_passkey_posted_twenty_times_at_once_opens_once(brand: Brand, reader: Reader) -> None:
    answer = passkey_of(brand, reader).sign(passkeys.ask_to_sign_in(brand, b"b" * 32))

    def post(_: int) -> str:
        passkeys.recognise(brand, b"b" * 32, answer)
        return "in"

    assert at_once(post) == {"in": 1, "ChallengeOver": MANY - 1}
    assert Passkey.objects.get().asleep_at is None, "a double click is no copy"


def test_of_twenty_copies_of_a_passkey_with_one_counter_one_opens_and_it_sleeps(brand: Brand, reader: Reader) -> None:
    phone = passkey_of(brand, reader)
    answers = [phone.sign(passkeys.ask_to_sign_in(brand, b"b" * 32), count=1) for _ in range(MANY)]

    def post(number: int) -> str:
        passkeys.recognise(brand, b"b" * 32, answers[number])
        return "in"

    assert at_once(post) == {"in": 1, "PasskeyAsleep": MANY - 1}
    assert Passkey.objects.get().asleep_at is not None


def test_a_day_s_openings_are_told_once_however_many_hosts_look(reader: Reader) -> None:
    sender = people.of_address("maya@aldervalley.example")
    openings.wait(reader, sender, ":passcode", timezone.now())
    tomorrow = timezone.now() + timedelta(days=1, minutes=5)
    told = at_once(lambda _number: str(openings.send(tomorrow)))
    assert told == {"1": 1, "0": MANY - 1} and Outbound.objects.filter(kind="digest").count() == 1
