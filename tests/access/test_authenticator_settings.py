"""R14's authenticator app: set up by a fresh proof, shown to one browser, confirmed by a code, removed by another."""

from __future__ import annotations

import re
from html import unescape

import pytest

from branding.models import Brand
from portal.access import authenticators, cookies, people, sessions
from portal.access.authenticators import code_at
from portal.access.models import Authenticator, Session
from portal.audit.models import Entry
from portal.vault.models import Reader
from tests.access.resealing import reseal
from tests.access.visitors import Clock, Visitor, words

CODES = re.compile(r"<li>([0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4})</li>")
PLACE = "/settings/authenticator/"


def signed_in(reader: Reader, brand: Brand) -> Visitor:
    visitor = Visitor(brand)
    visitor.client.cookies[cookies.SESSION] = sessions.begin(people.of_reader(reader), brand, keep=False)
    return visitor


def shown(clock: Clock, steps: int = 0) -> str:
    found = Authenticator.objects.get()
    return code_at(authenticators.secret_of(found), int(clock().timestamp()) // 30 + steps)


def set_up(visitor: Visitor, clock: Clock) -> list[str]:
    visitor.post(PLACE)
    return CODES.findall(visitor.post(f"{PLACE}confirm/", code=shown(clock)).content.decode())


def test_it_is_set_up_with_a_picture_a_key_and_one_code(reader: Reader, brand: Brand, clock: Clock) -> None:
    visitor = signed_in(reader, brand)
    assert "Set up an authenticator app" in words(visitor.get("/settings/"))
    assert visitor.get(PLACE).status_code == 303
    assert not Authenticator.objects.exists()
    assert visitor.post(PLACE)["Location"] == "/settings/#authenticator"
    page = unescape(visitor.get("/settings/").content.decode())
    secret = authenticators.secret_of(Authenticator.objects.get())
    assert authenticators.spelt(Authenticator.objects.get()) in page
    picture = visitor.get(f"{PLACE}picture")
    assert picture["Content-Type"] == "image/svg+xml"
    assert picture["Cache-Control"] == "no-store"
    assert picture.content.startswith(b"<?xml") and b"<script" not in picture.content
    refused = visitor.post(f"{PLACE}confirm/", code="000")
    assert refused.status_code == 422
    assert "That code is not right" in words(refused)
    answer = visitor.post(f"{PLACE}confirm/", code=shown(clock))
    assert answer["Cache-Control"] == "no-store"
    codes = CODES.findall(answer.content.decode())
    assert len(codes) == 10
    after = visitor.get("/settings/")
    assert "10 recovery codes are left" in words(after)
    for gone in (*codes, authenticators.spelt(Authenticator.objects.get()), secret.hex()):
        assert gone not in after.content.decode()
    assert visitor.get(f"{PLACE}picture").status_code == 404
    assert visitor.post(f"{PLACE}confirm/", code=shown(clock, 1)).status_code == 422
    assert Entry.objects.filter(kind="authenticator.added").count() == 1


def test_no_other_browser_is_shown_the_secret(reader: Reader, brand: Brand, clock: Clock) -> None:
    here, there, nobody = signed_in(reader, brand), signed_in(reader, brand), Visitor(brand)
    here.post(PLACE)
    spelt = authenticators.spelt(Authenticator.objects.get())
    for other in (there, nobody):
        assert spelt not in unescape(other.get("/settings/").content.decode())
        assert other.get(f"{PLACE}picture").status_code == 404
    assert there.post(f"{PLACE}confirm/", code=shown(clock)).status_code == 422
    for path in ("", "confirm/", "remove/"):
        assert "Read your message" in words(nobody.post(PLACE + path, code="1"))
    assert authenticators.of(people.of_reader(reader)) is None


def test_a_proof_of_long_ago_is_not_enough_to_set_one_up(reader: Reader, brand: Brand, clock: Clock) -> None:
    visitor = signed_in(reader, brand)
    Session.objects.update(idle_seconds=8 * 3600)
    reseal()
    clock.forward(minutes=11)
    page = visitor.get("/settings/")
    assert "First we email you a passcode" in words(page) and f'action="{PLACE}"' not in page.content.decode()
    visitor.post(PLACE)
    assert not Authenticator.objects.exists()


def test_it_is_removed_by_a_code_of_its_own_alone(reader: Reader, brand: Brand, clock: Clock) -> None:
    visitor = signed_in(reader, brand)
    codes = set_up(visitor, clock)
    assert visitor.post(f"{PLACE}remove/").status_code == 422
    assert visitor.post(f"{PLACE}remove/", code="123").status_code == 422
    assert visitor.get(f"{PLACE}remove/").status_code == 303
    assert "set up already" in words(visitor.post(PLACE))
    assert Authenticator.objects.count() == 1
    assert visitor.post(f"{PLACE}remove/", code=codes[3]).status_code == 303
    assert not Authenticator.objects.exists()
    assert "Set up an authenticator app" in words(visitor.get("/settings/"))


def test_forms_of_it_need_their_token(reader: Reader, brand: Brand) -> None:
    visitor = Visitor(brand, enforce_csrf=True)
    visitor.client.cookies[cookies.SESSION] = sessions.begin(people.of_reader(reader), brand, keep=False)
    for path in ("", "confirm/", "remove/"):
        assert visitor.post(PLACE + path, code="1").status_code == 403


@pytest.mark.parametrize("typed", ["1" * 10_000, "\x00", "１２３４５６", "' OR 1=1 --", "९" * 6])
def test_odd_input_is_refused_like_any_other(reader: Reader, brand: Brand, clock: Clock, typed: str) -> None:
    visitor = signed_in(reader, brand)
    visitor.post(PLACE)
    assert visitor.post(f"{PLACE}confirm/", code=typed).status_code == 422
