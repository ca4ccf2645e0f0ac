"""How much passcode mail one network, and all strangers at one brand, may cause; and who is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction

from branding.models import Brand
from portal.access import administrators, alarms, ceilings, cookies
from portal.access.budgets import NOWHERE
from portal.access.models import Asked, CeilingReached, Person, TrustedBrowser
from portal.access.tidying import tidy
from portal.audit.models import Entry
from portal.delivery import letters
from portal.delivery.models import Outbound
from portal.keys.service import keys
from portal.operations.doctor import passcodes as doctor
from portal.operations.doctor.finding import State
from portal.vault import readers
from portal.vault.models import Reader
from tests.access.visitors import Clock, Visitor, make_reader, newest_code, words

HERE, THERE = "203.0.113.7", "198.51.100.7"
WAIT = "To keep messages safe, only a few tries are allowed in a short time. You can try again at"


@pytest.fixture(autouse=True)
def _low(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "LETTERLOCK", with_ceilings(network=3, brand=7))


def with_ceilings(*, network: int, brand: int, **more: Any) -> Any:
    return replace(settings.LETTERLOCK, passcodes_per_network=network, passcodes_per_brand=brand, **more)


@pytest.fixture
def owner(brand: Brand) -> Person:
    return administrators.owner("ada@aldervalley.example")


class At(Visitor):
    """A browser at an address of the internet."""

    def __init__(self, brand: Brand, address: str, **headers: str) -> None:
        super().__init__(brand)
        self.client.defaults["REMOTE_ADDR"] = address
        self.client.defaults.update(headers)


def ask(brand: Brand, address: str, mailbox: str) -> int:
    """A stranger asks for a passcode of a mailbox; the status. Whether anyone has it makes no difference."""
    return At(brand, address).find(mailbox).status_code


def alarm_mails() -> list[EmailMessage]:
    rows = Outbound.objects.filter(kind="alarm").order_by("made_at")
    prepared = [letters.prepare(row) for row in rows]
    raw = [b"".join(mail.data) for mail in prepared if mail is not None]
    return [message_from_bytes(one, policy=policy.default) for one in raw]  # type: ignore[misc]


def test_a_network_is_refused_beyond_its_ceiling_and_others_are_not(brand: Brand, clock: Clock) -> None:
    for number in range(3):
        assert ask(brand, f"203.0.113.{number}", f"a{number}@mail.example") == 303
    page = At(brand, HERE).find("b@mail.example")
    assert page.status_code == 429
    assert WAIT in words(page)
    assert ask(brand, THERE, "b@mail.example") == 303
    clock.forward(minutes=59)
    assert ask(brand, HERE, "c@mail.example") == 429
    clock.forward(minutes=1)
    assert ask(brand, HERE, "c@mail.example") == 303


def test_what_was_refused_leaves_no_row_that_would_keep_the_ceiling_reached(brand: Brand, clock: Clock) -> None:
    for number in range(30):
        ask(brand, HERE, f"a{number}@mail.example")
    assert Asked.objects.count() == 3
    assert CeilingReached.objects.count() == 1


def test_an_ipv6_stranger_cannot_multiply_by_the_networks_of_one_site(
    brand: Brand, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [ask(brand, f"2001:db8:7:{part:x}::1", f"a{part}@mail.example") for part in range(1, 7)]
    assert answers == [303] * 6, "each /64 is a network of its own"
    monkeypatch.setattr(settings, "LETTERLOCK", with_ceilings(network=3, brand=100))
    answers = [ask(brand, f"2001:db8:7:{part:x}::1", f"b{part}@mail.example") for part in range(16, 32)]
    assert answers == [303] * 6 + [429] * 10, "12 for the whole /48"
    assert ask(brand, "2001:db8:8::1", "c@mail.example") == 303


def test_strangers_of_many_networks_are_refused_beyond_the_brands_ceiling(brand: Brand, other_brand: Brand) -> None:
    for number in range(7):
        assert ask(brand, f"10.{number}.0.1", f"a{number}@mail.example") == 303
    assert ask(brand, "10.99.0.1", "b@mail.example") == 429
    assert ask(other_brand, "10.99.0.1", "b@mail.example") == 303
    assert set(CeilingReached.objects.values_list("ceiling", flat=True)) == {"brand"}


def test_a_browser_that_proved_itself_passes_every_ceiling(brand: Brand, reader: Reader, clock: Clock) -> None:
    regular = At(brand, HERE)
    assert regular.prove(reader).status_code == 303
    for number in range(30):
        ask(brand, f"203.0.113.{number}", f"a{number}@mail.example")
        ask(brand, f"10.{number}.0.1", f"b{number}@mail.example")
    clock.forward(minutes=2)
    assert ask(brand, HERE, "jonas.berg@mail.example") == 429, "a stranger in the same network"
    assert regular.prove(reader).status_code == 303


def test_trust_for_one_mailbox_passes_no_ceiling_at_another(brand: Brand, reader: Reader, clock: Clock) -> None:
    mallory = At(brand, HERE)
    mallory.prove(reader)
    for number in range(3):
        ask(brand, HERE, f"a{number}@mail.example")
    assert mallory.find("karin@mail.example").status_code == 429
    mallory.client.cookies[cookies.TRUSTED] = "A" * 43
    assert mallory.ask(reader).status_code == 429
    assert TrustedBrowser.objects.count() == 1


def test_a_ceiling_refuses_alike_whether_anyone_has_the_mailbox_and_tells_nothing(
    brand: Brand, reader: Reader, clock: Clock
) -> None:
    clock.moment = clock.moment.replace(hour=9, minute=0, second=0, microsecond=0)
    for number in range(7):
        ask(brand, f"10.{number}.0.1", f"a{number}@mail.example")
    pages = [At(brand, "10.9.0.1").find(mailbox) for mailbox in ("jonas.berg@mail.example", "nobody@mail.example")]
    spent = Visitor(brand)
    lookup = bytes(reader.address_lookup)
    for _ in range(5):
        Asked.objects.create(address_lookup=lookup, at=clock.moment)
    pages.append(spent.find("jonas.berg@mail.example"))
    assert len({(page.status_code, page["Retry-After"], words(page)) for page in pages}) == 1
    told = words(pages[0]).partition("Wait a little")[2].partition("If it was not you")[0]
    assert not any(tell in told for tell in ("network", "ceiling", "hour", "many people", "3", "7"))


def test_a_message_of_a_refused_stranger_stays_readable_for_who_has_a_passcode(brand: Brand, reader: Reader) -> None:
    visitor = At(brand, HERE)
    visitor.ask(reader)
    for number in range(9):
        ask(brand, HERE, f"a{number}@mail.example")
    assert visitor.enter(reader, newest_code()).status_code == 303


def test_this_computer_is_no_network(brand: Brand) -> None:
    assert ceilings.origin_of({"REMOTE_ADDR": "127.0.0.1"}) == NOWHERE
    assert ceilings.origin_of({"REMOTE_ADDR": "::1"}) == NOWHERE
    assert ceilings.origin_of({}) == NOWHERE
    for number in range(6):
        assert ask(brand, "127.0.0.1", f"a{number}@mail.example") == 303


def test_only_our_own_proxies_say_for_whom_they_ask(brand: Brand, monkeypatch: pytest.MonkeyPatch) -> None:
    forwarded = {"HTTP_X_FORWARDED_FOR": "192.0.2.1, 198.51.100.4"}
    plain = ceilings.origin_of({"REMOTE_ADDR": HERE})
    assert ceilings.origin_of({"REMOTE_ADDR": HERE, **forwarded}) == plain, "no proxies before an http address"
    monkeypatch.setattr(
        settings, "LETTERLOCK", replace(settings.LETTERLOCK, public_url="https://secure.aldervalley.example/")
    )
    assert ceilings.origin_of({"REMOTE_ADDR": HERE, **forwarded}) == plain, "a stranger's header"
    behind = ceilings.origin_of({"REMOTE_ADDR": "127.0.0.1", **forwarded})
    assert behind == ceilings.origin_of({"REMOTE_ADDR": "198.51.100.200"}) != plain


def test_no_network_is_written_down(brand: Brand) -> None:
    ask(brand, "2001:db8:7:1::1", "a@mail.example")
    row = Asked.objects.get()
    assert bytes(row.network) == keys().lookup("network", "2001:db8:7:1::/64")
    assert bytes(row.around) == keys().lookup("network", "2001:db8:7::/48")
    assert row.brand == brand


def test_administrators_are_told_once_when_it_begins_and_once_when_it_is_over(
    brand: Brand, owner: Person, clock: Clock
) -> None:
    nameless = Person.objects.create(lookup="owner-1", role=Person.Role.OWNER, password="!")
    make_reader(brand, "jonas@mail.example")
    for number in range(20):
        ask(brand, HERE, f"a{number}@mail.example")
        clock.forward(minutes=2)
    (began,) = alarm_mails()
    assert began["To"] == "ada@aldervalley.example"
    assert began["Subject"] == "[Alder Valley Clinic] Passcode mail: more is asked for than may leave"
    assert began["Auto-Submitted"] == "auto-generated"
    assert nameless.address == b""
    text = began.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    even = " ".join(text.split())
    for said in ("at least 3 passcode mails", "Since ", "What recipients notice", "What to do first"):
        assert said in even
    assert "LETTERLOCK_PASSCODES_PER_NETWORK" in even
    assert f"http://{brand.host}:8000/admin/health/" in even
    assert HERE not in even
    assert "mail.example" not in even
    assert alarms.end_what_is_over(clock.moment) == 0
    clock.forward(minutes=70)
    assert alarms.end_what_is_over(clock.moment) == 1
    assert alarms.end_what_is_over(clock.moment) == 0
    assert [mail["Subject"] for mail in alarm_mails()][1:] == ["[Alder Valley Clinic] Passcode mail: as usual again"]
    assert "What to do first" not in alarm_mails()[1].get_body(("html",)).get_content()  # type: ignore[union-attr]
    kinds = list(Entry.objects.filter(kind__startswith="passcodes.").values_list("kind", "facts"))
    assert kinds == [
        ("passcodes.ceiling_reached", {"ceiling": "network"}),
        ("passcodes.ceiling_over", {"ceiling": "network"}),
    ]


def test_a_ceiling_reached_again_after_it_was_over_is_told_again(brand: Brand, owner: Person, clock: Clock) -> None:
    for _ in range(2):
        for number in range(5):
            ask(brand, HERE, f"a{number}@mail.example")
        clock.forward(minutes=61)
        alarms.end_what_is_over(clock.moment)
    assert len(alarm_mails()) == 4


def test_there_is_one_open_alarm_a_brand_and_ceiling(brand: Brand, clock: Clock) -> None:
    now = clock.moment
    alarms.begin(brand, CeilingReached.Ceiling.BRAND, now)
    with pytest.raises(IntegrityError), transaction.atomic():
        CeilingReached.objects.create(brand=brand, ceiling="brand", began_at=now, last_at=now)


def test_alarms_of_long_ago_are_forgotten_and_their_mails_with_them(brand: Brand, owner: Person, clock: Clock) -> None:
    alarms.begin(brand, CeilingReached.Ceiling.BRAND, clock.moment)
    tidy(clock.moment + timedelta(days=40))
    assert len(alarm_mails()) == 1, "it is not over yet"
    clock.forward(hours=2)
    alarms.end_what_is_over(clock.moment)
    tidy(clock.moment + timedelta(days=31))
    assert alarm_mails() == []


def test_the_doctor_says_which_ceiling_is_reached_and_what_to_do(brand: Brand, clock: Clock) -> None:
    assert [finding.state for finding in doctor.ceilings()] == [State.WELL]
    alarms.begin(brand, CeilingReached.Ceiling.BRAND, clock.moment)
    (found,) = doctor.ceilings()
    assert found.state == State.NOTICE
    assert "7 passcode mails were asked for at Alder Valley Clinic" in found.seen
    assert "LETTERLOCK_PASSCODES_PER_BRAND" in found.fix


def test_a_link_of_a_refused_stranger_looks_the_same_after_the_refusal(brand: Brand, reader: Reader) -> None:
    before = words(At(brand, HERE).get(f"/m/{readers.link_of(reader)}"))
    for number in range(9):
        ask(brand, HERE, f"a{number}@mail.example")
    assert words(At(brand, HERE).get(f"/m/{readers.link_of(reader)}")) == before
