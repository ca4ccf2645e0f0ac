"""A0: what is left to do in an empty installation is said, tried on the spot, and done when it is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from branding.models import Brand
from portal.access.roles import Role
from portal.audit.record import record
from portal.console import starting
from portal.operations import keycopies, looking
from portal.operations.doctor.examining import Area
from portal.operations.doctor.finding import well, wrong
from tests.console.conftest import Arrive
from tests.console.test_roles import with_role


def done() -> dict[str, bool]:
    return {step.name: step.done for step in starting.steps()}


def test_an_empty_installation_has_everything_left_and_each_step_is_done_when_it_is(
    owner: Client, brand: Brand, arrive: Arrive, settings: Settings
) -> None:
    assert not any(done().values())
    page = owner.get("/admin/start/").content.decode()
    assert "0 of 8 done" in page
    assert "8 first steps left" in owner.get("/admin/").content.decode()
    Brand.objects.update(postal_address="1 Valley Road, Alder")
    with_role(brand, Role.ADMINISTRATOR)
    arrive()
    record(keycopies.BACKED_UP, size=1)
    settings.LETTERLOCK = replace(settings.LETTERLOCK, relay_url="smtp://relay.example:25")
    now_done = {name for name, is_done in done().items() if is_done}
    assert now_done == {
        "Who you are", "How mail comes in", "How mail goes out", "Keys, and a copy of them", "A second administrator",
    }  # fmt: skip
    assert "5 of 8 done" in owner.get("/admin/start/").content.decode()


@pytest.mark.django_db
def test_where_the_portal_is_counts_when_all_that_was_looked_at_is_well(brand: Brand, settings: Settings) -> None:
    settings.LETTERLOCK = replace(settings.LETTERLOCK, public_url="https://secure.aldervalley.example")
    looking.keep(
        [Area("DNS", (well("A", "It resolves."),)), Area("disk", (wrong("space", "full", "why", "fix"),))],
        timezone.now(),
    )
    assert done()["Where the portal is"]
    looking.keep([Area("TLS", (wrong("certificate", "It has expired.", "why", "fix"),))], timezone.now())
    assert not done()["Where the portal is"]
    settings.LETTERLOCK = replace(settings.LETTERLOCK, public_url="http://localhost:8000")
    looking.keep([Area("DNS", (well("A", "It resolves."),))], timezone.now())
    assert not done()["Where the portal is"]


def test_the_lines_for_a_mail_server_are_filled_in_once_what_is_missing_is_known(owner: Client, brand: Brand) -> None:
    empty = owner.get("/admin/start/mail/postfix/").content.decode()
    assert "Waiting for a test message…" in empty
    names = [name for name in ("portal", "mx", "relay", "domains", "network") if f'name="{name}"' in empty]
    assert names
    assert owner.get("/admin/start/mail/sendmail/").status_code == 404
    hostile = owner.get("/admin/start/mail/postfix/", dict.fromkeys(names, "x'; rm -rf /"))
    assert hostile.status_code == 422
    assert "&#x27;; rm" in hostile.content.decode()
