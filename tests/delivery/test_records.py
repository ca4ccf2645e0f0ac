"""What to publish in DNS for a brand, and what is seen there, asked of a real name server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings as django_settings

from branding.models import Brand
from portal.delivery import records, resolving, signing
from portal.delivery.errors import Deferred
from portal.delivery.records import Kind, State
from tests.peers import dns

pytestmark = pytest.mark.django_db
HOST = "secure.aldervalley.example"


@pytest.fixture
def zone(settings: Any) -> Iterator[dns.Zone]:
    resolving._resolver.cache_clear()
    with dns.serving(dns.Zone()) as running:
        settings.LETTERLOCK = replace(
            django_settings.LETTERLOCK, dns=(running.resolver,), public_url="https://portal.example", bounce_domain=""
        )
        yield running


def _looked(brand: Brand) -> dict[Kind, records.Checked]:
    resolving._resolver.cache_clear()
    return {record.kind: records.check(record) for record in records.records_of(brand)}


def test_all_is_named_that_a_brand_needs(brand: Brand, zone: dns.Zone) -> None:
    found = [(one.kind, one.name, one.type) for one in records.records_of(brand)]
    assert found == [
        (Kind.HOST, HOST, "A"),
        (Kind.MX, HOST, "MX"),
        (Kind.SPF, HOST, "TXT"),
        (Kind.DMARC, f"_dmarc.{HOST}", "TXT"),
        (Kind.MTA_STS, f"_mta-sts.{HOST}", "TXT"),
        (Kind.TLS_RPT, f"_smtp._tls.{HOST}", "TXT"),
    ]


def test_keys_are_those_of_the_domain_it_writes_from_the_used_one_first(brand: Brand, zone: dns.Zone) -> None:
    brand.from_address, brand.bounce_address = "mail@aldervalley.example", f"bounce@{HOST}"
    first = signing.make("aldervalley.example", "s1")
    signing.switch(first, on=True)
    signing.make("aldervalley.example", "s2")
    signing.make("harbour.example", "s3")
    keys = [one for one in records.records_of(brand) if one.kind == Kind.DKIM]
    assert [(one.name, one.needed) for one in keys] == [
        ("s1._domainkey.aldervalley.example", True),
        ("s2._domainkey.aldervalley.example", False),
    ]
    assert keys[0].value == signing.record_of(first)[1]
    named = {(one.kind, one.name) for one in records.records_of(brand)}
    assert {(Kind.SPF, HOST), (Kind.SPF, "aldervalley.example"), (Kind.DMARC, "_dmarc.aldervalley.example")} <= named


def test_nothing_there_is_seen_as_missing(brand: Brand, zone: dns.Zone) -> None:
    assert {checked.state for checked in _looked(brand).values()} == {State.MISSING}


def test_all_there_is_seen_as_well(brand: Brand, zone: dns.Zone) -> None:
    key = signing.make(HOST, "s1")
    name, value = signing.record_of(key)
    zone.records |= {
        (HOST, "A"): ["192.0.2.10"],
        ("portal.example", "A"): ["192.0.2.10"],
        (HOST, "MX"): ["10 mail.aldervalley.example."],
        (HOST, "TXT"): ["v=spf1 mx -all"],
        (name, "TXT"): [f'"{value[:200]}" "{value[200:]}"'],
        ("_dmarc.aldervalley.example", "TXT"): ["v=DMARC1; p=reject"],
        (f"_mta-sts.{HOST}", "TXT"): ["v=STSv1; id=7"],
        (f"_smtp._tls.{HOST}", "TXT"): ["v=TLSRPTv1; rua=mailto:t@aldervalley.example"],
    }
    looked = _looked(brand)
    assert {checked.state for checked in looked.values()} == {State.WELL}, looked
    assert looked[Kind.HOST].found == ("192.0.2.10",)


@pytest.mark.parametrize(
    ("kind", "place", "values", "why"),
    [
        (Kind.HOST, (HOST, "A"), ["192.0.2.99"], "leads elsewhere than portal.example"),
        (Kind.MX, (HOST, "MX"), ["0 ."], "takes no mail"),
        (Kind.SPF, (HOST, "TXT"), ["v=spf1 +all"], "every computer"),
        (Kind.SPF, (HOST, "TXT"), ["v=spf1 -all", "v=spf1 mx -all"], "several SPF"),
        (Kind.DMARC, (f"_dmarc.{HOST}", "TXT"), ["v=DMARC1; p=none"], "p=none"),
        (Kind.DKIM, (f"s1._domainkey.{HOST}", "TXT"), ["v=DKIM1; k=rsa; p=AAAA"], "another key"),
        (Kind.TLS_RPT, (f"_smtp._tls.{HOST}", "TXT"), ["v=TLSRPTv1; a=b", "v=TLSRPTv1; c=d"], "several"),
    ],
)
def test_what_is_wrong_is_said(
    brand: Brand, zone: dns.Zone, kind: Kind, place: tuple[str, str], values: list[str], why: str
) -> None:
    signing.make(HOST, "s1")
    zone.records |= {("portal.example", "A"): ["192.0.2.10"], place: values}
    checked = _looked(brand)[kind]
    assert checked.state == State.WRONG
    assert why in checked.sentence
    assert checked.found


def test_a_name_server_that_says_nothing_is_not_taken_for_a_no(brand: Brand) -> None:
    def silent(name: str, kind: str) -> list[str]:
        raise Deferred("no DNS answer")

    assert {records.check(one, silent).state for one in records.records_of(brand)} == {State.UNKNOWN}
