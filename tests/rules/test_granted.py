"""Whoever writes the database publishes no rule: mail waits until an operator has looked."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from portal.access import administrators, grants
from portal.access.roles import Role
from portal.audit.models import Entry
from portal.ingest.models import Spooled
from portal.rules import live, publishing
from portal.rules.errors import RulesForged
from portal.rules.live import RulesUnusable
from portal.rules.models import Version
from tests.mails import mail
from tests.seals import put, turn

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("asked_at_once")]
OWN = {"do": "copy_to", "addresses": ["insider@evil.example"]}


def document(*then: dict[str, Any]) -> dict[str, Any]:
    rule = {"id": "a", "name": "A", "when": [{"if": "subject_words", "values": ["zebra"]}], "then": list(then)}
    return {"format": 1, "rules": [rule]}


def forged() -> list[tuple[Any, Any]]:
    found = Entry.objects.filter(kind="grant.forged").order_by("id")
    return [(entry.facts["row"], entry.facts["how"]) for entry in found]


def test_mail_waits_for_a_version_that_somebody_wrote_and_goes_on_when_it_is_dropped() -> None:
    publishing.publish(document({"do": "protect"}), expected=0)
    Version.objects.create(number=2, document=document({"do": "protect"}, OWN), made_at=timezone.now())
    row = put(mail("Zebra"))
    assert (row.state, row.attempts) == ("received", 1) and "not as the portal published it" in row.last_error
    assert forged() == [("2", "unsealed")]
    with pytest.raises(SystemExit):
        call_command("grants", "list", stdout=StringIO())
    call_command("grants", "drop", "2", "--yes", stdout=StringIO())
    Spooled.objects.update(due_at=timezone.now())
    assert live.rules().version == 1
    assert turn(row.pk).state != "received"


@pytest.mark.parametrize("change", [{"document": document(OWN)}, {"number": 7}, {"made_by": None}, {"seal": b"x" * 48}])
def test_a_published_version_is_as_it_was_published(change: dict[str, Any]) -> None:
    by = administrators.add("ada@aldervalley.example", Role.OWNER, by=None).pk
    publishing.publish(document({"do": "protect"}), expected=0, by=by)
    Version.objects.update(**change)
    with pytest.raises(RulesUnusable):
        live.rules()
    assert [how for _, how in forged()] == ["changed"]


def test_nothing_is_published_after_a_version_that_somebody_wrote_nor_as_it() -> None:
    publishing.publish(document({"do": "protect"}), expected=0)
    publishing.publish(document({"do": "protect"}), expected=1)
    Version.objects.filter(number=1).update(document=document(OWN))
    with pytest.raises(RulesForged):
        publishing.roll_back(1, expected=2)
    Version.objects.create(number=3, document=document({"do": "protect"}, OWN), made_at=timezone.now())
    with pytest.raises(RulesForged):
        publishing.publish(document({"do": "protect"}), expected=3)
    with pytest.raises(SystemExit, match="not as the portal published it"):
        call_command("rules", "off", "A", stdout=StringIO())
    assert publishing.live_number() == 3


def test_a_published_version_fits_whatever_its_rules_hold() -> None:
    many = [f"{'x' * 50}{number}.example" for number in range(1_024)]
    when = [{"if": "recipient_domain", "values": many}, {"if": "subject_words", "values": ["größer"]}]
    rules = [{"id": f"a{n}", "name": "Ä", "when": when, "then": [{"do": "protect"}]} for n in range(3)]
    publishing.publish({"format": 1, "rules": rules}, expected=0)
    assert live.rules().version == 1 and grants.fits(Version.objects.get())
