"""Passkeys by their ceremonies: who may add one, what opens, and every way in which one is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.utils import timezone

from branding import choosing
from branding.models import Brand
from portal.access import ceremonies, challenges, passkeys, people, tidying
from portal.access.challenges import Purpose
from portal.access.credentials import Keyholder, Passkey, UsedChallenge
from portal.access.models import Person
from portal.access.passkey_errors import (
    ChallengeOver,
    MailboxNotProved,
    PasskeyAsleep,
    PasskeyRefused,
    PasskeysOff,
    PasskeyThere,
    PasskeyUnknown,
    PasskeyWrong,
    TooManyPasskeys,
)
from portal.audit.models import Entry
from portal.vault.models import Reader
from tests.access.visitors import Clock, make_reader
from tests.peers.authenticator import EDDSA, ES256, PRESENT, RS256, VERIFIED, Authenticator, packed, unpacked

HERE, ELSEWHERE = b"h" * 32, b"e" * 32
"""Two browsers by the digests of their cookies."""


@pytest.fixture
def person(reader: Reader) -> Person:
    return people.of_reader(reader)


@pytest.fixture
def phone(brand: Brand) -> Authenticator:
    return Authenticator(choosing.origin(brand))


def add(person: Person, brand: Brand, device: Authenticator, *, office: bool = False, **lies: Any) -> Passkey:
    options = passkeys.ask_to_add(person, brand, HERE, user_name="jonas.berg@mail.example", office=office)
    answer = device.make(options, **lies)
    return passkeys.add(person, brand, HERE, answer, proved_at=timezone.now(), office=office)


def sign_in(brand: Brand, device: Authenticator, *, office: bool = False, **lies: Any) -> Passkey:
    options = passkeys.ask_to_sign_in(brand, HERE, office=office)
    return passkeys.recognise(brand, HERE, device.sign(options, **lies), office=office)


def refusals() -> list[tuple[str, str]]:
    return [(entry.kind, entry.facts["reason"]) for entry in Entry.objects.filter(kind__endswith="passkey_refused")]


# ------------------------------------------------------------------------------------------ what a browser is asked


def test_it_asks_for_a_discoverable_verified_key_of_this_host_without_attestation(person: Person, brand: Brand) -> None:
    options = passkeys.ask_to_add(person, brand, HERE, user_name="jonas.berg@mail.example")
    assert options["rp"] == {"name": brand.name, "id": brand.host}
    assert options["authenticatorSelection"] == {
        "residentKey": "required",
        "requireResidentKey": True,
        "userVerification": "required",
    }
    assert options["attestation"] == "none"
    assert [one["alg"] for one in options["pubKeyCredParams"]] == [ES256, EDDSA, RS256]
    asked = passkeys.ask_to_sign_in(brand, HERE)
    assert (asked["rpId"], asked["userVerification"], asked["allowCredentials"]) == (brand.host, "required", [])


def test_a_handle_is_random_and_of_one_person_at_one_brand_in_one_role(
    person: Person, brand: Brand, other_brand: Brand
) -> None:
    asked = [(brand, False), (other_brand, False), (brand, True)]
    handles = [bytes(passkeys.holder(person, at, office=office).handle) for at, office in asked]
    assert len(set(handles)) == 3
    assert {len(handle) for handle in handles} == {32}
    assert bytes(passkeys.holder(person, brand).handle) == handles[0]
    assert Keyholder.objects.count() == 3


def test_a_passkey_that_is_there_is_left_out_of_the_next_offer(
    person: Person, brand: Brand, phone: Authenticator
) -> None:
    add(person, brand, phone)
    options = passkeys.ask_to_add(person, brand, HERE, user_name="x")
    assert [unpacked(one["id"]) for one in options["excludeCredentials"]] == [phone.credentials[0].id]


# ----------------------------------------------------------------------------------------------------- what works


@pytest.mark.parametrize("algorithm", [ES256, EDDSA, RS256])
def test_a_key_of_each_algorithm_is_added_and_signs_in(person: Person, brand: Brand, algorithm: int) -> None:
    device = Authenticator(choosing.origin(brand), algorithm)
    made = add(person, brand, device)
    assert made.transports == ["internal", "hybrid"]
    found = sign_in(brand, device)
    assert (found, found.person) == (made, person)
    made.refresh_from_db()
    assert made.sign_count == 1
    assert made.used_at is not None
    assert [entry.kind for entry in Entry.objects.all()] == ["recipient.passkey_added"]


def test_one_that_never_counts_signs_in_again_and_again(person: Person, brand: Brand) -> None:
    synced = Authenticator(choosing.origin(brand), counts=False)
    add(person, brand, synced, flags=PRESENT | VERIFIED | 0x18)
    assert (Passkey.objects.get().synced, Passkey.objects.get().backed_up) == (True, True)
    assert sign_in(brand, synced) == sign_in(brand, synced)


def test_names_are_kept_sealed_and_cleaned(person: Person, brand: Brand, phone: Authenticator) -> None:
    made = add(person, brand, phone)
    assert passkeys.name_of(made) == "Passkey 1"
    passkeys.rename(made, "  My\tblue \u202ephone\n" + "x" * 100)
    made.refresh_from_db()
    assert passkeys.name_of(made) == ("My blue phone " + "x" * 100)[:60]
    assert b"blue" not in bytes(made.name)
    passkeys.rename(made, " \n ")
    made.refresh_from_db()
    assert passkeys.name_of(made).startswith("My blue phone")


# ----------------------------------------------------------------------------------------- refused when it is added


@pytest.mark.parametrize(
    "lies",
    [
        {"origin": "https://secure.aldervalley.example.evil.example"},
        {"origin": "https://secure.aldervalley.example:8443"},
        {"origin": "http://secure.aldervalley.example"},
        {"rp_id": "evil.example"},
        {"flags": PRESENT},
        {"flags": VERIFIED},
        {"kind": "webauthn.get"},
        {"crossed": True},
        {"fmt": "packed"},
        {"fmt": "nonsense"},
    ],
    ids=str,
)
def test_a_false_answer_adds_nothing(person: Person, brand: Brand, phone: Authenticator, lies: dict[str, Any]) -> None:
    phone.origin = choosing.origin(brand)
    with pytest.raises(PasskeyWrong):
        add(person, brand, phone, **lies)
    assert not Passkey.objects.exists()
    assert not Entry.objects.exists()


def test_a_weak_algorithm_adds_nothing(person: Person, brand: Brand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.peers.authenticator.RS256", -65535)  # RS1, with SHA-1
    with pytest.raises(PasskeyWrong):
        add(person, brand, Authenticator(choosing.origin(brand), -65535))


def test_a_challenge_to_add_is_for_one_person_browser_brand_and_role(
    person: Person, brand: Brand, other_brand: Brand, phone: Authenticator
) -> None:
    other = people.of_reader(make_reader(brand, "maya@mail.example"))
    answer = phone.make(passkeys.ask_to_add(person, brand, HERE, user_name="x"))
    now = timezone.now()
    for who, at, browser, office in (
        (other, brand, HERE, False),
        (person, other_brand, HERE, False),
        (person, brand, ELSEWHERE, False),
        (person, brand, HERE, True),
    ):
        with pytest.raises(ChallengeOver):
            passkeys.add(who, at, browser, answer, proved_at=now, office=office)
    assert passkeys.add(person, brand, HERE, answer, proved_at=now)
    with pytest.raises(ChallengeOver):
        passkeys.add(person, brand, HERE, answer, proved_at=now)
    assert Passkey.objects.count() == 1


def test_a_credential_is_nobody_elses_too(person: Person, brand: Brand, phone: Authenticator) -> None:
    add(person, brand, phone)
    thief = people.of_reader(make_reader(brand, "maya@mail.example"))
    options = passkeys.ask_to_add(thief, brand, HERE, user_name="x")
    mine = Authenticator(choosing.origin(brand))
    made = json.loads(mine.make(options))
    # The same id under a key of the thief's own.
    ours, theirs = phone.credentials[0].id, mine.credentials[0].id
    attestation = unpacked(made["response"]["attestationObject"]).replace(theirs, ours)
    made["response"]["attestationObject"] = packed(attestation)
    made["id"] = made["rawId"] = packed(ours)
    with pytest.raises(PasskeyThere):
        passkeys.add(thief, brand, HERE, json.dumps(made), proved_at=timezone.now())
    assert Passkey.objects.get().person == person


def test_there_is_a_most(person: Person, brand: Brand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passkeys, "MOST", 1)
    one, two = (Authenticator(choosing.origin(brand)) for _ in range(2))
    options = passkeys.ask_to_add(person, brand, HERE, user_name="x")
    add(person, brand, one)
    with pytest.raises(TooManyPasskeys):
        passkeys.ask_to_add(person, brand, HERE, user_name="x")
    with pytest.raises(TooManyPasskeys):
        passkeys.add(person, brand, HERE, two.make(options), proved_at=timezone.now())
    assert Passkey.objects.count() == 1


# ------------------------------------------------------------------------------------------- refused at the door


@pytest.mark.parametrize(
    "lies",
    [
        {"origin": "https://aldervalley.example"},
        {"origin": "https://SECURE.aldervalley.example"},
        {"rp_id": "aldervalley.example"},
        {"flags": PRESENT},
        {"flags": VERIFIED},
        {"kind": "webauthn.create"},
        {"crossed": True},
        {"signature": b"\x30\x06\x02\x01\x01\x02\x01\x01"},
        {"signature": b""},
    ],
    ids=str,
)
def test_a_false_answer_opens_nothing_and_can_put_no_passkey_to_sleep(
    person: Person, brand: Brand, phone: Authenticator, lies: dict[str, Any]
) -> None:
    add(person, brand, phone)
    sign_in(brand, phone)
    with pytest.raises(PasskeyWrong):
        sign_in(brand, phone, **{"count": 0, **lies})
    assert refusals() == []
    assert sign_in(brand, phone)


@pytest.mark.parametrize("handle", [b"", b"somebody else" * 2], ids=["none", "wrong"])
def test_the_authenticator_must_say_whose_it_is(
    person: Person, brand: Brand, phone: Authenticator, handle: bytes
) -> None:
    add(person, brand, phone)
    with pytest.raises(PasskeyUnknown):
        sign_in(brand, phone, handle=handle)


def test_a_key_of_another_person_signs_that_person_in_and_nobody_else(person: Person, brand: Brand) -> None:
    other = people.of_reader(make_reader(brand, "maya@mail.example"))
    theirs, mine = (Authenticator(choosing.origin(brand)) for _ in range(2))
    add(person, brand, theirs)
    add(other, brand, mine)
    with pytest.raises(PasskeyUnknown):
        sign_in(brand, mine, handle=theirs.credentials[0].handle)
    assert sign_in(brand, mine).person == other
    # The id of one with the signature of the other.
    answer = json.loads(mine.sign(passkeys.ask_to_sign_in(brand, HERE)))
    answer["id"] = answer["rawId"] = packed(theirs.credentials[0].id)
    with pytest.raises(PasskeyWrong):
        passkeys.recognise(brand, HERE, json.dumps(answer))


def test_a_challenge_opens_once_in_its_browser_within_five_minutes(
    person: Person, brand: Brand, phone: Authenticator, clock: Clock
) -> None:
    add(person, brand, phone)
    answer = phone.sign(passkeys.ask_to_sign_in(brand, HERE))
    with pytest.raises(ChallengeOver):
        passkeys.recognise(brand, ELSEWHERE, answer)
    clock.forward(minutes=4, seconds=58)
    passkeys.recognise(brand, HERE, answer)
    with pytest.raises(ChallengeOver):
        passkeys.recognise(brand, HERE, answer)
    # The same challenge signed once more, with a counter that has moved on.
    again = phone.sign({"rpId": brand.host, "challenge": json.loads(unpacked_said(answer))["challenge"]})
    with pytest.raises(ChallengeOver):
        passkeys.recognise(brand, HERE, again)
    late = passkeys.ask_to_sign_in(brand, HERE)
    clock.forward(minutes=5)
    with pytest.raises(ChallengeOver):
        passkeys.recognise(brand, HERE, phone.sign(late))
    assert sign_in(brand, phone)


def unpacked_said(answer: str) -> bytes:
    return unpacked(json.loads(answer)["response"]["clientDataJSON"])


def test_challenges_of_ones_own_making_and_for_other_purposes_open_nothing(
    person: Person, brand: Brand, other_brand: Brand, phone: Authenticator
) -> None:
    add(person, brand, phone)
    now = timezone.now()
    forged = bytes(16) + (2**40).to_bytes(8, "big") + bytes(32)
    good = challenges.issue(Purpose(challenges.SIGN_IN, brand, HERE), now)
    longer = good[:16] + (int.from_bytes(good[16:24], "big") + 600).to_bytes(8, "big") + good[24:]
    for challenge in (
        forged,
        longer,
        good[:-1],
        good + b"\0",
        b"",
        challenges.issue(Purpose(challenges.ADD, brand, HERE), now),
        challenges.issue(Purpose(challenges.SIGN_IN, other_brand, HERE), now),
        challenges.issue(Purpose(challenges.SIGN_IN, brand, HERE, office=True), now),
        challenges.issue(Purpose(challenges.SIGN_IN, brand, HERE, person.id), now),
    ):
        with pytest.raises(ChallengeOver):
            passkeys.recognise(brand, HERE, phone.sign({"rpId": brand.host, "challenge": packed(challenge)}))
    assert not UsedChallenge.objects.exclude(expires_at__lte=now + challenges.LIFE).exists()


def test_used_challenges_are_forgotten_a_day_after_their_end(
    person: Person, brand: Brand, phone: Authenticator, clock: Clock
) -> None:
    add(person, brand, phone)
    clock.forward(hours=24)
    tidying.tidy(clock())
    assert UsedChallenge.objects.count() == 1
    clock.forward(minutes=6)
    tidying.tidy(clock())
    assert not UsedChallenge.objects.exists()
    assert Passkey.objects.exists()


def test_asking_leaves_no_row_behind(brand: Brand) -> None:
    for _ in range(3):
        passkeys.ask_to_sign_in(brand, HERE)
    assert not UsedChallenge.objects.exists()


def test_unknown_removed_and_other_brands_passkeys_open_nothing(
    person: Person, brand: Brand, other_brand: Brand, phone: Authenticator
) -> None:
    made = add(person, brand, phone)
    abroad = Authenticator(choosing.origin(brand))
    at_other = Authenticator(choosing.origin(other_brand))
    add(person, other_brand, at_other)
    # As a browser that breaks the rules would: the other brand's key for this brand's page.
    at_other.credentials[0].rp_id = brand.host
    at_other.origin = choosing.origin(brand)
    with pytest.raises(PasskeyUnknown):
        sign_in(brand, at_other)
    abroad.make(passkeys.ask_to_add(person, brand, HERE, user_name="x"))
    with pytest.raises(PasskeyUnknown):
        sign_in(brand, abroad)
    passkeys.remove(made)
    with pytest.raises(PasskeyUnknown):
        sign_in(brand, phone)
    assert Entry.objects.filter(kind="recipient.passkey_removed").count() == 1


def test_a_counter_that_goes_backwards_puts_the_passkey_to_sleep(
    person: Person, brand: Brand, phone: Authenticator
) -> None:
    made = add(person, brand, phone)
    for _ in range(3):
        sign_in(brand, phone)
    with pytest.raises(PasskeyAsleep) as refused:
        sign_in(brand, phone, count=2)
    assert "there may be a copy of it" in refused.value.sentence
    made.refresh_from_db()
    assert made.asleep_at is not None
    with pytest.raises(PasskeyAsleep):  # the original too: nobody can tell which is which
        sign_in(brand, phone, count=100)
    assert refusals() == [("recipient.passkey_refused", "counter"), ("recipient.passkey_refused", "asleep")]


@pytest.mark.parametrize("count", [3, 0], ids=["standing still", "gone"])
def test_a_counter_that_stands_still_or_is_gone_is_a_copys(
    person: Person, brand: Brand, phone: Authenticator, count: int
) -> None:
    add(person, brand, phone)
    for _ in range(3):
        sign_in(brand, phone)
    with pytest.raises(PasskeyAsleep):
        sign_in(brand, phone, count=count)


def test_a_brand_that_does_without_passkeys_takes_none(person: Person, brand: Brand, phone: Authenticator) -> None:
    add(person, brand, phone)
    asked = passkeys.ask_to_sign_in(brand, HERE)
    brand.methods = ["passcode"]
    brand.save()
    for refused in (
        lambda: passkeys.ask_to_sign_in(brand, HERE),
        lambda: passkeys.recognise(brand, HERE, phone.sign(asked)),
        lambda: passkeys.ask_to_add(person, brand, HERE, user_name="x"),
    ):
        with pytest.raises(PasskeysOff):
            refused()
    assert passkeys.ask_to_sign_in(brand, HERE, office=True), "its methods are its recipients'"
    brand.methods, brand.host = None, "127.0.0.1"
    assert not passkeys.offered(brand)


# ------------------------------------------------------------------------------------------------ 180 days


def test_after_180_days_only_a_passcode_in_the_same_browser_brings_it_back(
    person: Person, brand: Brand, phone: Authenticator, clock: Clock
) -> None:
    add(person, brand, phone)
    clock.forward(days=179)
    sign_in(brand, phone)
    clock.forward(days=1)
    with pytest.raises(MailboxNotProved):
        sign_in(brand, phone)
    passkeys.mailbox_proved(person, brand, ELSEWHERE)
    with pytest.raises(MailboxNotProved):
        sign_in(brand, phone)
    clock.forward(minutes=31)
    passkeys.mailbox_proved(person, brand, HERE)
    with pytest.raises(MailboxNotProved):
        sign_in(brand, phone)
    passkeys.mailbox_proved(person, brand, HERE)
    assert sign_in(brand, phone)
    assert {reason for _, reason in refusals()} == {"mailbox"}


def test_whoever_takes_a_mailbox_over_does_not_wake_its_last_owners_passkeys(
    person: Person, brand: Brand, phone: Authenticator, clock: Clock
) -> None:
    add(person, brand, phone)
    clock.forward(days=181)
    passkeys.mailbox_proved(person, brand, ELSEWHERE)
    passkeys.mailbox_proved(person, brand, b"")
    with pytest.raises(MailboxNotProved):
        sign_in(brand, phone)


# ---------------------------------------------------------------------------------------------- administrators


def test_an_administrators_passkey_and_a_readers_do_not_stand_in_for_each_other(
    person: Person, brand: Brand, clock: Clock
) -> None:
    key, desk = (Authenticator(choosing.origin(brand)) for _ in range(2))
    add(person, brand, key)
    made = add(person, brand, desk, office=True)
    with pytest.raises(PasskeyUnknown):
        sign_in(brand, key, office=True)
    with pytest.raises(PasskeyUnknown):
        sign_in(brand, desk)
    clock.forward(days=400)
    assert sign_in(brand, desk, office=True) == made, "it proves no mailbox, so none is asked for again"
    with pytest.raises(PasskeyAsleep):
        sign_in(brand, desk, office=True, count=1)
    passkeys.remove(made)
    kinds = list(Entry.objects.filter(kind__startswith="administrator").values_list("kind", flat=True))
    assert kinds == [f"administrator.passkey_{what}" for what in ("added", "refused", "removed")]


# ----------------------------------------------------------------------------------------------------- junk


@pytest.mark.parametrize(
    "junk",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"rawId": 5}',
        '{"rawId": "AAAA", "response": []}',
        '{"rawId": "AAAA", "response": {"clientDataJSON": "AAAA"}}',
        '{"rawId": "é", "response": {"clientDataJSON": "W10"}}',
        "[" * 10_000,
        "x" * 20_000,
        "\0",
    ],
    ids=range(11),
)
def test_junk_is_refused_and_no_error(person: Person, brand: Brand, junk: str) -> None:
    with pytest.raises(PasskeyRefused):
        passkeys.recognise(brand, HERE, junk)
    with pytest.raises(PasskeyRefused):
        passkeys.add(person, brand, HERE, junk, proved_at=timezone.now())


def test_every_part_of_an_answer_may_be_junk(person: Person, brand: Brand, phone: Authenticator) -> None:
    add(person, brand, phone)
    for path in (("id",), ("rawId",), ("type",), *(("response", name) for name in response_names())):
        for junk in (None, 5, "", "%%%", "A" * 9, [], {}, packed(b"\xff" * 40)):
            answer = json.loads(phone.sign(passkeys.ask_to_sign_in(brand, HERE)))
            (answer if len(path) == 1 else answer["response"])[path[-1]] = junk
            with pytest.raises(PasskeyRefused):
                passkeys.recognise(brand, HERE, json.dumps(answer))
    assert sign_in(brand, phone)


def response_names() -> tuple[str, ...]:
    return ("clientDataJSON", "authenticatorData", "signature", "userHandle")


def test_a_repr_shows_no_part_of_an_answer(phone: Authenticator, person: Person, brand: Brand) -> None:
    text = phone.make(passkeys.ask_to_add(person, brand, HERE, user_name="x"))
    read = ceremonies.Answer.read(text)
    assert repr(read) == "Answer()"
    assert repr(ceremonies.check_made(ceremonies.Party.of(brand), read)).startswith("Made(sign_count=0")
