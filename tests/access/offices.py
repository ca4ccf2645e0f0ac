"""Administrators to test with: their browsers, their passkeys, their authenticator apps."""

from __future__ import annotations

import json
from typing import Any

from django.contrib.auth.hashers import ScryptPasswordHasher
from django.http import HttpResponse

from branding import choosing
from branding.models import Brand
from portal.access import administrators, authenticators, cookies, entry
from portal.access.authenticators import code_at
from portal.access.models import Authenticator, Failed, Person, Session
from portal.access.roles import Role
from tests.access.visitors import Clock, Visitor
from tests.peers.authenticator import Authenticator as Device

ADA, EBBA = "ada@aldervalley.example", "ebba@aldervalley.example"
PASSWORD = "four words beside each other"


class QuickHasher(ScryptPasswordHasher):
    """The product's hasher at a thousandth of its cost, so that tests can try many; it counts how often it works."""

    work_factor = 2**4
    worked = 0

    def encode(self, *args: Any, **kwargs: Any) -> str:
        QuickHasher.worked += 1
        return super().encode(*args, **kwargs)


def by_link(visitor: Visitor, person: Person) -> HttpResponse:
    """Come in by a one-time link, as made on the command line."""
    return visitor.post(f"/admin/enter/{entry.make(person)}")


def device(brand: Brand) -> Device:
    return Device(choosing.origin(brand))


def add_passkey(visitor: Visitor, phone: Device) -> HttpResponse:
    options = json.loads(visitor.post("/admin/you/passkeys/ask/").content)
    return visitor.post("/admin/you/passkeys/", answer=phone.make(options))


def use_passkey(visitor: Visitor, phone: Device, **more: str) -> HttpResponse:
    options = json.loads(visitor.post("/admin/enter/passkey/ask/").content)
    return visitor.post("/admin/enter/passkey/", answer=phone.sign(options), **more)


def with_passkey(visitor: Visitor, brand: Brand, address: str, role: Role = Role.OWNER) -> tuple[Person, Device]:
    """An administrator who came by a link and added a passkey."""
    person, phone = administrators.add(address, role, by=None), device(brand)
    by_link(visitor, person)
    assert add_passkey(visitor, phone).status_code == 303
    return person, phone


def shown(person: Person, clock: Clock) -> str:
    """What the person's app shows now."""
    found = Authenticator.objects.get(person=person)
    return code_at(authenticators.secret_of(found), int(clock().timestamp()) // 30)


def with_password(visitor: Visitor, clock: Clock, address: str = ADA) -> tuple[Person, list[str]]:
    """The first administrator, who set a password and an app up; and the recovery codes."""
    person = administrators.owner(address)
    by_link(visitor, person)
    visitor.post("/admin/first/password/", password=PASSWORD)
    session = office_session(visitor)
    authenticators.begin(person, session)
    codes = authenticators.confirm(person, session, shown(person, clock))
    clock.forward(minutes=1)
    Failed.objects.all().delete()  # that an app was set up counts there too, for another budget
    return person, codes


def office_session(visitor: Visitor) -> Session:
    return Session.objects.get(token=cookies.digest(visitor.cookie(cookies.OFFICE)))


def is_in(visitor: Visitor) -> bool:
    """Whether the office is open to this browser."""
    return visitor.get("/admin/").status_code == 200


def method_of(person: Person) -> str:
    """How the newest office session of a person was begun."""
    return Session.objects.filter(person=person, office=True).order_by("-made_at")[0].method
