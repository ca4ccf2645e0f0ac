"""The second factor by an authenticator app, for recipients and administrators alike: each code once, in time."""

from __future__ import annotations

import base64
import io
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings as product
from django.core.management import CommandError, call_command
from django.db import connection

from branding.models import Brand
from portal.access import administrators, authenticators, people, sessions
from portal.access.authenticators import code_at
from portal.access.errors import (
    AuthenticatorThere,
    FactorCodeUsed,
    FactorRefused,
    NoAuthenticator,
    NoFactorEntered,
    TooManyCodes,
    WrongFactorCode,
)
from portal.access.models import Authenticator, Person, RecoveryCode, Session, WrongFactor
from portal.access.tidying import tidy
from portal.audit.models import Entry
from portal.keys import service, spending
from portal.keys.errors import KeysError
from portal.keys.service import KeyService, configured
from portal.vault.models import Reader
from tests.access.visitors import Clock, other_than


@pytest.fixture
def person(reader: Reader) -> Person:
    return people.of_reader(reader)


def session_of(person: Person, brand: Brand) -> Session:
    token = sessions.begin(person, brand, keep=False)
    found = sessions.of_token(token, brand)
    assert found is not None
    return found


def shown(person: Person, clock: Clock, *, steps: int = 0) -> str:
    """What the app shows now, or some steps before or after."""
    found = Authenticator.objects.get(person=person)
    return code_at(authenticators.secret_of(found), int(clock().timestamp()) // 30 + steps)


def wrong(code: str) -> str:
    return other_than(code)[-6:]


def set_up(person: Person, brand: Brand, clock: Clock) -> list[str]:
    """An app that counts; the recovery codes."""
    session = session_of(person, brand)
    authenticators.begin(person, session)
    given = authenticators.confirm(person, session, shown(person, clock))
    clock.forward(minutes=2)
    return given


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    """RFC 6238 appendix B, SHA-1; its 8 digits end in our 6."""
    assert code_at(b"12345678901234567890", seconds // 30) == code


def test_it_counts_only_once_confirmed_and_only_in_the_browser_that_began(
    person: Person, brand: Brand, clock: Clock
) -> None:
    here, elsewhere = session_of(person, brand), session_of(person, brand)
    authenticators.begin(person, here)
    code = shown(person, clock)
    assert authenticators.of(person) is None
    assert authenticators.pending(person, elsewhere) is None
    for refused in (
        lambda: authenticators.check(person, code),
        lambda: authenticators.confirm(person, elsewhere, code),
    ):
        with pytest.raises(NoAuthenticator):
            refused()
    with pytest.raises(WrongFactorCode):
        authenticators.confirm(person, here, wrong(code))
    given = authenticators.confirm(person, here, f"{code[:3]} {code[3:]}")
    assert len(set(given)) == 10
    assert authenticators.of(person) is not None
    assert authenticators.pending(person, here) is None
    with pytest.raises(AuthenticatorThere):
        authenticators.begin(person, here)


def test_what_was_begun_and_left_lying_is_shown_no_more_and_cannot_be_confirmed(
    person: Person, brand: Brand, clock: Clock
) -> None:
    here = session_of(person, brand)
    authenticators.begin(person, here)
    clock.forward(minutes=15)
    assert authenticators.pending(person, here) is None
    with pytest.raises(NoAuthenticator):
        authenticators.confirm(person, here, shown(person, clock))
    assert authenticators.of(person) is None


def test_beginning_again_makes_another_secret(person: Person, brand: Brand) -> None:
    session = session_of(person, brand)
    first = authenticators.secret_of(authenticators.begin(person, session))
    assert authenticators.secret_of(authenticators.begin(person, session)) != first
    assert Authenticator.objects.count() == 1


def test_each_code_is_taken_once_and_no_older_one_after_it(person: Person, brand: Brand, clock: Clock) -> None:
    set_up(person, brand, clock)
    now, before = shown(person, clock), shown(person, clock, steps=-1)
    proved = authenticators.check(person, now)
    assert proved.kind == "totp"
    assert proved.set_up_at == clock() - timedelta(minutes=2)
    for old in (now, before):
        with pytest.raises(FactorCodeUsed):
            authenticators.check(person, old)
    assert authenticators.check(person, shown(person, clock, steps=1)).kind == "totp"


def test_a_code_whose_row_somebody_made_unused_proves_nothing_on_any_host(
    person: Person, brand: Brand, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up(person, brand, clock)
    code = shown(person, clock)
    authenticators.check(person, code)
    for _host in range(2):
        Authenticator.objects.update(last_step=0)
        with pytest.raises(FactorCodeUsed):
            authenticators.check(person, code)
        monkeypatch.setattr(service, "_service", KeyService(*configured()))
    assert authenticators.check(person, shown(person, clock, steps=1)).kind == "totp", "the next one is another"


def test_while_the_keyring_takes_nothing_no_code_counts_and_none_is_used_up(
    person: Person, brand: Brand, clock: Clock
) -> None:
    set_up(person, brand, clock)
    place = product.LETTERLOCK.data / "keyring" / f"{spending.OBJECT}.key"
    whole = place.read_bytes()
    try:
        place.write_bytes(whole[:-1])
        with pytest.raises(KeysError):
            authenticators.check(person, shown(person, clock))
    finally:
        place.write_bytes(whole)
    assert not WrongFactor.objects.exists()
    assert authenticators.check(person, shown(person, clock)).kind == "totp"


def test_the_code_that_confirmed_does_not_prove_again(person: Person, brand: Brand, clock: Clock) -> None:
    session = session_of(person, brand)
    authenticators.begin(person, session)
    code = shown(person, clock)
    authenticators.confirm(person, session, code)
    with pytest.raises(FactorCodeUsed):
        authenticators.check(person, code)


@pytest.mark.parametrize(("steps", "taken"), [(-2, False), (-1, True), (1, True), (2, False)])
def test_a_clock_may_be_half_a_minute_off(person: Person, brand: Brand, clock: Clock, steps: int, taken: bool) -> None:
    set_up(person, brand, clock)
    code = shown(person, clock, steps=steps)
    if taken:
        assert authenticators.check(person, code)
    else:
        with pytest.raises(WrongFactorCode):
            authenticators.check(person, code)


def test_digits_of_other_scripts_mean_the_same(person: Person, brand: Brand, clock: Clock) -> None:
    set_up(person, brand, clock)
    arabic = shown(person, clock).translate({ord(str(n)): chr(0x660 + n) for n in range(10)})
    assert authenticators.check(person, arabic).kind == "totp"


def test_five_wrong_ones_in_a_quarter_of_an_hour_then_not_even_the_right_one(
    person: Person, brand: Brand, clock: Clock
) -> None:
    codes = set_up(person, brand, clock)
    for _ in range(5):
        with pytest.raises(WrongFactorCode):
            authenticators.check(person, wrong(shown(person, clock)))
    for right in (shown(person, clock), codes[0]):
        with pytest.raises(TooManyCodes) as refused:
            authenticators.check(person, right)
        assert refused.value.until == clock() + timedelta(minutes=15)
    clock.forward(minutes=15)
    assert authenticators.check(person, shown(person, clock)).kind == "totp"


def test_thirty_wrong_ones_a_day(person: Person, brand: Brand, clock: Clock) -> None:
    set_up(person, brand, clock)
    for _ in range(6):
        for _ in range(5):
            with pytest.raises(WrongFactorCode):
                authenticators.check(person, wrong(shown(person, clock)))
        clock.forward(minutes=16)
    with pytest.raises(TooManyCodes):
        authenticators.check(person, shown(person, clock))
    assert WrongFactor.objects.count() == 30
    clock.forward(hours=24)
    assert authenticators.check(person, shown(person, clock)).kind == "totp"
    tidy(clock())
    assert not WrongFactor.objects.exists()


def test_nothing_typed_costs_no_try(person: Person, brand: Brand, clock: Clock) -> None:
    set_up(person, brand, clock)
    for nothing in ("", "   ", "abc", "x" * 10_000):
        with pytest.raises(NoFactorEntered):
            authenticators.check(person, nothing)
    assert not WrongFactor.objects.exists()


def test_a_recovery_code_proves_once_however_it_is_typed(person: Person, brand: Brand, clock: Clock) -> None:
    first, second, *_ = set_up(person, brand, clock)
    assert authenticators.check(person, first.upper().replace("-", " ")).kind == "recovery"
    with pytest.raises(WrongFactorCode):
        authenticators.check(person, first)
    found = authenticators.of(person)
    assert found is not None
    assert authenticators.codes_left(found) == 9
    assert authenticators.check(person, second).kind == "recovery"


@pytest.mark.parametrize("other_host", [False, True])
def test_a_recovery_code_that_somebody_put_back_proves_nothing(
    person: Person, brand: Brand, clock: Clock, monkeypatch: pytest.MonkeyPatch, other_host: bool
) -> None:
    first, second, *_ = set_up(person, brand, clock)
    kept = list(RecoveryCode.objects.all())
    there = KeyService(*configured())
    there.grants.standing("role", (), bytes(48))  # it opened the keyring before, and keeps what it read
    authenticators.check(person, first)
    if other_host:
        monkeypatch.setattr(service, "_service", there)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE access_recoverycode SET used_at = NULL")
    for _ in range(2):
        with pytest.raises(WrongFactorCode):
            authenticators.check(person, first)
        RecoveryCode.objects.all().delete()
        RecoveryCode.objects.bulk_create(kept)
    told = Entry.objects.get(kind="grant.forged").facts
    assert (told["what"], told["how"]) == ("recovery", "ended")
    assert Entry.objects.filter(kind="authenticator.recovery_used").count() == 1
    assert authenticators.check(person, second).kind == "recovery"


def test_the_database_holds_neither_secret_nor_code(person: Person, brand: Brand, clock: Clock) -> None:
    given = set_up(person, brand, clock)
    found = Authenticator.objects.get()
    secret = authenticators.secret_of(found)
    rows = bytes(found.secret) + b"".join(bytes(row.digest) for row in RecoveryCode.objects.all())
    for clear in (secret, base64.b32encode(secret), *(code.replace("-", "").encode() for code in given)):
        assert clear not in rows
    assert secret.hex() not in repr(found) + str(found)


def test_after_removal_nothing_of_it_counts(person: Person, brand: Brand, clock: Clock) -> None:
    given = set_up(person, brand, clock)
    code = shown(person, clock)
    assert authenticators.remove(person)
    for typed in (code, given[0]):
        with pytest.raises(NoAuthenticator):
            authenticators.check(person, typed)
    assert not authenticators.remove(person)
    assert not RecoveryCode.objects.exists()


def test_an_administrator_can_take_it_away_for_someone_who_lost_all(person: Person, brand: Brand, clock: Clock) -> None:
    set_up(person, brand, clock)
    raised = session_of(person, brand)
    sessions.raise_level(raised, factor_at=clock())
    for address in ("eve@mail.example", "no address"):
        with pytest.raises(CommandError):
            call_command("authenticator", "remove", address)
    call_command("authenticator", "remove", "jonas.berg@mail.example", stdout=io.StringIO())
    assert authenticators.of(person) is None
    raised.refresh_from_db()
    assert (raised.level, raised.factor_at) == (1, None)
    with pytest.raises(CommandError):
        call_command("authenticator", "remove", "jonas.berg@mail.example")


def test_another_persons_codes_prove_nothing(person: Person, brand: Brand, clock: Clock) -> None:
    given = set_up(person, brand, clock)
    other = administrators.owner("ada@aldervalley.example")
    set_up(other, brand, clock)
    for typed in (shown(person, clock), given[0]):
        with pytest.raises(FactorRefused):
            authenticators.check(other, typed)
    assert authenticators.check(other, shown(other, clock)).kind == "totp"


def test_what_the_picture_says_is_what_apps_read(person: Person, brand: Brand) -> None:
    found = authenticators.begin(person, session_of(person, brand))
    address = urlsplit(authenticators.address_for_app(found, "Alder & Valley", "jonas.berg@mail.example"))
    assert (address.scheme, address.netloc) == ("otpauth", "totp")
    assert address.path == "/Alder%20%26%20Valley:jonas.berg%40mail.example"
    told = parse_qs(address.query)
    assert told["issuer"] == ["Alder & Valley"]
    assert base64.b32decode(told["secret"][0]) == authenticators.secret_of(found)
    assert authenticators.spelt(found).replace(" ", "") == told["secret"][0]
