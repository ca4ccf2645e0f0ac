"""Limits that many requests at once would pass if each only counted before it added."""

from __future__ import annotations

import pytest
from django.utils import timezone

from branding import choosing
from branding.models import Brand
from portal.access import (
    administrators,
    budgets,
    cookies,
    delegates,
    entry,
    passkeys,
    people,
    sender_requests,
)
from portal.access.budgets import Origin
from portal.access.credentials import Passkey
from portal.access.models import AskedSender, Delegation, EntryLink, SignIn
from portal.access.oidc import flow
from portal.delivery.models import Outbound
from portal.vault.models import Reader
from tests.access.test_races import MANY, at_once
from tests.access.visitors import make_provider, make_reader
from tests.grants import change
from tests.peers.authenticator import Authenticator as Device

pytestmark = pytest.mark.django_db(transaction=True)
MOST = 3
MAYA = "maya@aldervalley.example"


def test_of_twenty_passkeys_made_at_once_so_many_are_kept_as_may_be(
    brand: Brand, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passkeys, "MOST", MOST)
    person = people.of_reader(reader)
    options = [passkeys.ask_to_add(person, brand, b"b" * 32, user_name="x") for _ in range(MANY)]
    answers = [Device(choosing.origin(brand)).make(one) for one in options]

    def add(number: int) -> str:
        passkeys.add(person, brand, b"b" * 32, answers[number], proved_at=timezone.now())
        return "kept"

    assert at_once(add) == {"kept": MOST, "TooManyPasskeys": MANY - MOST}
    assert Passkey.objects.count() == MOST


@pytest.mark.parametrize("daily", [False, True])
def test_of_twenty_who_are_let_act_at_once_so_many_do_as_may(
    brand: Brand, monkeypatch: pytest.MonkeyPatch, daily: bool
) -> None:
    change(Brand.objects.all(), domains=["aldervalley.example"])
    brand.refresh_from_db()
    monkeypatch.setattr(
        *(budgets, "NEW_WAYS", budgets.Limit(MOST, budgets.DAY)) if daily else (delegates, "MOST", MOST)
    )
    owner = people.of_address(MAYA)
    by = delegates.By(delegates.SENDER, owner.pk)

    def give(number: int) -> str:
        delegates.give(owner, f"a{number}@aldervalley.example", brand, by)
        return "given"

    assert at_once(give) == {"given": MOST, "TooManyToday" if daily else "TooManyDelegates": MANY - MOST}
    assert Delegation.objects.count() == MOST


def test_of_twenty_sign_ins_begun_at_once_in_a_network_so_many_are_as_may_be(
    brand: Brand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "MOST_OF_A_NETWORK", MOST)
    provider = make_provider(brand, "corp", "oidc", "mail.example")
    browsers = [cookies.digest(cookies.new_token()) for _ in range(MANY)]

    def begin(number: int) -> str:
        flow.begin(provider, brand, browsers[number], origin=Origin(b"n" * 32))
        return "begun"

    assert at_once(begin) == {"begun": MOST, "TooManyTries": MANY - MOST}
    assert SignIn.objects.count() == MOST


def test_one_who_asks_the_senders_of_twenty_messages_at_once_is_heard_five_times(brand: Brand) -> None:
    readers = [make_reader(brand, f"r{number}@mail.example") for number in range(MANY)]
    person = people.of_address("anna@other.example")

    def ask(number: int) -> str:
        return "later" if sender_requests.ask(readers[number], person, "", timezone.now()) else "asked"

    most = sender_requests.OF_A_PERSON.count
    assert at_once(ask) == {"asked": most, "later": MANY - most}
    assert AskedSender.objects.count() == Outbound.objects.filter(kind="request").count() == most


def test_of_twenty_links_made_at_once_for_one_administrator_the_last_alone_lets_in(brand: Brand) -> None:
    owner = administrators.owner(MAYA)
    assert at_once(lambda _: "made" if entry.make(owner) else "") == {"made": MANY}
    assert EntryLink.objects.filter(used_at=None).count() == 1
