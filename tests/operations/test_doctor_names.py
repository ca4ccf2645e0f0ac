"""The doctor and the DNS: each fault is seen, says what to do, and is gone when that was done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.conf import settings

from branding.models import Brand
from portal.configuration import Configuration
from portal.operations.doctor import names
from portal.operations.doctor.finding import Finding, State
from tests.peers import dns

pytestmark = pytest.mark.django_db
HOST = "secure.organisation.example"


@pytest.fixture
def zone() -> Iterator[dns.Zone]:
    records = {
        (HOST, "A"): ["192.0.2.10"],
        (HOST, "MX"): ["10 mail.organisation.example."],
        (HOST, "TXT"): ["v=spf1 ip4:192.0.2.25 -all"],
        ("_dmarc.organisation.example", "TXT"): ["v=DMARC1; p=reject"],
        ("organisation.example", "TXT"): ["v=spf1 mx -all"],
        ("10.2.0.192.in-addr.arpa", "PTR"): [f"{HOST}."],
    }
    with dns.serving(dns.Zone(records)) as zone:
        yield zone


@pytest.fixture
def public() -> Configuration:
    return replace(
        settings.LETTERLOCK,
        public_url=f"https://{HOST}",
        relay_url="mx:",
        inside_domains=("organisation.example",),
    )


def asked(zone: dns.Zone) -> names.Names:
    return names.Names((zone.resolver,))


def look(public: Configuration, zone: dns.Zone) -> dict[str, Finding]:
    return {finding.check: finding for finding in names.findings(public, asked(zone))}


def test_a_domain_in_order_is_well(public: Configuration, zone: dns.Zone) -> None:
    found = look(public, zone)
    assert {check for check, finding in found.items() if finding.state is not State.WELL} == {"DKIM"}
    assert found["DKIM"].seen.startswith("Could not be checked"), "what is not checked is not green"


FAULTS = [
    ("A", (HOST, "A"), [], f"{HOST} A", State.WRONG),
    ("no MX", (HOST, "MX"), [], f"{HOST} MX", State.NOTICE),
    ("a null MX", (HOST, "MX"), ["0 ."], f"{HOST} MX", State.WRONG),
    ("no SPF", (HOST, "TXT"), [], f"{HOST} SPF", State.NOTICE),
    ("two SPF", (HOST, "TXT"), ["v=spf1 -all", "v=spf1 mx -all"], f"{HOST} SPF", State.WRONG),
    ("SPF for all", (HOST, "TXT"), ["v=spf1 mx +all"], f"{HOST} SPF", State.WRONG),
    ("no DMARC", ("_dmarc.organisation.example", "TXT"), [], f"{HOST} DMARC", State.NOTICE),
    ("DMARC none", ("_dmarc.organisation.example", "TXT"), ["v=DMARC1; p=none"], f"{HOST} DMARC", State.NOTICE),
    ("two DMARC", ("_dmarc.organisation.example", "TXT"), ["v=DMARC1; p=reject"] * 2, f"{HOST} DMARC", State.WRONG),
    ("no PTR", ("10.2.0.192.in-addr.arpa", "PTR"), [], "PTR", State.WRONG),
    ("another PTR", ("10.2.0.192.in-addr.arpa", "PTR"), ["vps7.hoster.example."], "PTR", State.WRONG),
]


@pytest.mark.parametrize(
    ("place", "texts", "check", "state"), [fault[1:] for fault in FAULTS], ids=[f[0] for f in FAULTS]
)
def test_a_fault_is_seen_and_its_fix_makes_it_well(
    public: Configuration,
    zone: dns.Zone,
    place: tuple[str, str],
    texts: list[str],
    check: str,
    state: State,
) -> None:
    right = zone.records[place]
    # The same text twice is one record to the DNS.
    zone.records[place] = [f"{text}{'; ' * number}" for number, text in enumerate(texts)]
    found = look(public, zone)[check]
    assert found.state is state
    assert found.why
    assert found.fix
    zone.records[place] = right
    assert look(public, zone)[check].state is State.WELL


def test_a_signing_key_must_stand_in_the_dns(zone: dns.Zone) -> None:
    place = f"box._domainkey.{HOST}"
    (found,) = names.dkim(asked(zone), HOST, "box", "MIIBpublic")
    assert found.state is State.WRONG
    assert f'{place}. IN TXT "v=DKIM1; k=rsa; p=MIIBpublic"' in found.fix
    zone.records[place, "TXT"] = ["v=DKIM1; k=rsa; p=MIIBother"]
    (found,) = names.dkim(asked(zone), HOST, "box", "MIIBpublic")
    assert found.state is State.WRONG
    assert "another" in found.seen
    zone.records[place, "TXT"] = ["v=DKIM1; k=rsa; p=MIIB public"]
    (found,) = names.dkim(asked(zone), HOST, "box", "MIIBpublic")
    assert found.state is State.WELL


def test_a_relay_makes_the_names_of_addresses_its_own_matter(public: Configuration, zone: dns.Zone) -> None:
    del zone.records["10.2.0.192.in-addr.arpa", "PTR"]
    found = look(replace(public, relay_url="smtp://relay.organisation.example"), zone)
    assert found["PTR"].state is State.WELL


def test_without_an_answer_nothing_is_green(
    public: Configuration, zone: dns.Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "SECONDS", 0.1)
    zone.silent = True
    found = list(names.findings(public, asked(zone)))
    assert found
    assert all(finding.state is State.NOTICE for finding in found)
    assert all("LETTERLOCK_DNS" in finding.fix for finding in found if finding.check != "DKIM")


def test_a_portal_for_this_computer_asks_nobody(zone: dns.Zone) -> None:
    zone.silent = True
    (found,) = names.findings(settings.LETTERLOCK, asked(zone))
    assert found.state is State.WELL


def test_the_domains_that_a_brand_writes_from_and_gets_bounces_at_are_looked_at(
    public: Configuration, zone: dns.Zone
) -> None:
    Brand.objects.create(
        slug="harbour",
        name="Harbour",
        host="secure.harbour.example",
        domains=["harbour.example"],
        from_address="mail@harbour.example",
        bounce_address="bounce@harbour.example",
    )
    found = look(public, zone)
    for check in ("harbour.example SPF", "harbour.example DMARC", "harbour.example MX", "secure.harbour.example A"):
        assert found[check].state is not State.WELL
