"""Sending to many domains at once without a relay: each answer is its own domain's, and nobody waits for another."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from portal.delivery import direct, lanes, resolving, results
from portal.delivery.models import Lane, Outbound
from portal.delivery.sending import GIVE_UP_AFTER, send_due
from portal.keys.errors import ProviderUnavailable
from portal.keys.service import KeyService
from tests.delivery import relays
from tests.peers import dns

S = Outbound.State
pytestmark = pytest.mark.django_db


@pytest.fixture
def world(settings, monkeypatch):
    """Names for some domains, and the one server that most of them have."""
    records = {
        ("good.example", "MX"): ["10 mx.example."],
        ("other.example", "MX"): ["10 mx.example."],
        ("busy.example", "MX"): ["10 mx.example."],
        ("mx.example", "A"): ["127.0.0.1"],
        ("null.example", "MX"): ["0 ."],
        ("down.example", "MX"): ["10 down.example."],
        ("down.example", "A"): ["127.0.0.9"],
    }
    resolving._resolver.cache_clear()
    with dns.serving(dns.Zone(records)) as zone, relays.running() as relay:
        monkeypatch.setattr(direct, "PORT", int(relay.url.rpartition(":")[2]))
        settings.LETTERLOCK = replace(django_settings.LETTERLOCK, dns=(zone.resolver,), relay_url="mx:")
        yield relay


def test_every_domain_gets_its_own_answer(world, relayed):
    world.answers["jonas@busy.example"] = "451 4.3.0 later"
    domains = ("good", "null", "down", "busy", "other", "missing")
    rows = {domain: relayed(f"jonas@{domain}.example") for domain in domains}
    second = relayed("karin@good.example")
    assert send_due(["relay"]) == 7
    found = {}
    for domain, row in rows.items():
        row.refresh_from_db()
        found[domain] = (row.state, row.last_answer)
    second.refresh_from_db()
    assert found == {
        "good": (S.SENT, "250 2.0.0"),
        "other": (S.SENT, "250 2.0.0"),
        "null": (S.FAILED, "556 5.1.10"),
        "missing": (S.FAILED, "550 5.1.2"),
        "down": (S.DUE, "no connection"),
        "busy": (S.DUE, "451 4.3.0"),
    }
    assert second.state == S.SENT
    assert world.sessions == 3, "one connection for each domain that has a server"
    assert sorted(lanes.name_of(one) for one in Lane.objects.filter(failures=1)) == ["busy.example", "down.example"]
    assert not Lane.objects.filter(pk=lanes.RELAY).exists()
    counted = {(line.domain, line.result): line.sessions for line in results.report()}
    assert counted["good.example", "starttls-not-supported"] == 1


def test_a_mail_that_asks_for_tls_waits_and_its_neighbour_leaves(world, relayed):
    asking, plain = relayed("jonas@good.example", tls="required"), relayed("karin@good.example")
    send_due(["relay"])
    asking.refresh_from_db()
    plain.refresh_from_db()
    assert (asking.state, asking.last_answer) == (S.DUE, "TLS failed, starttls-not-supported")
    assert (plain.state, [taken.recipients for taken in world.taken]) == (S.SENT, [("karin@good.example",)])
    # In the end it fails, with its reason, and has never left in clear.
    Lane.objects.update(rests_until=None)
    Outbound.objects.filter(pk=asking.pk).update(due_at=timezone.now(), made_at=timezone.now() - 2 * GIVE_UP_AFTER)
    send_due(["relay"])
    asking.refresh_from_db()
    assert (asking.state, asking.last_answer) == (S.FAILED, "TLS failed, starttls-not-supported")
    assert len(world.taken) == 1


def test_without_keys_mail_waits_and_nothing_is_asked_of_anybody(world, relayed, monkeypatch):
    row = relayed("jonas@good.example")

    def away(*_):
        raise ProviderUnavailable

    monkeypatch.setattr(KeyService, "open_field", away)
    assert send_due(["relay"]) == 1
    row.refresh_from_db()
    assert (row.state, row.last_answer, world.sessions) == (S.DUE, "waits for keys", 0)
