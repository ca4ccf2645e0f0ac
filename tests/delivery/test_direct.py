"""Mail straight to a domain's servers: found as RFC 5321 says, and in clear only where nothing better is asked."""

import hashlib
import ipaddress
import ssl
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from portal.celery import RENEW_POLICIES, app
from portal.delivery import direct, policies, sts, tasks
from portal.delivery.errors import Deferred, Refused, TlsTrouble
from portal.delivery.letters import Prepared
from portal.delivery.models import Lane
from portal.delivery.reachable import is_reachable
from portal.networks import is_own
from portal.values import Resolver
from tests.delivery import relays
from tests.peers import dns
from tests.peers.authority import Authority, https

OWN = "secure.aldervalley.example"
MX = "mx.partner.example"
MAIL = b"Subject: hello\r\n\r\nbody\r\n"
POLICY = "version: STSv1\nmode: {mode}\nmx: {mx}\nmax_age: {max_age}\n"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def certified(authority):
    """A mail server whose certificate a known authority gave it."""
    signed, context = authority.server(MX)
    with relays.running(tls_context=context) as relay:
        relay.signed = signed
        yield relay


@pytest.fixture(scope="module")
def plain():
    with relays.running() as relay:
        yield relay


@pytest.fixture(scope="module")
def site(authority):
    """Where the partner's MTA-STS policy is."""
    with https(authority.server("mta-sts.partner.example")[1]) as running:
        yield running


@pytest.fixture
def zone(settings, monkeypatch, authority):
    """The partner's names; the server that is meant listens on this computer."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    records = {("partner.example", "MX"): [f"10 {MX}."], (MX, "A"): ["127.0.0.1"]}
    with dns.serving(dns.Zone(records)) as running:
        settings.LETTERLOCK = replace(django_settings.LETTERLOCK, dns=(running.resolver,), relay_url="mx:")
        yield running


@pytest.fixture
def deliver(settings, monkeypatch):
    """Send one mail to jonas@DOMAIN by a server that listens on the port of `relay`; gives what was noted of TLS."""

    def send(relay, *, policy="published", asked="", domain="partner.example"):
        settings.LETTERLOCK = replace(settings.LETTERLOCK, tls_policy=(("*", policy),))
        monkeypatch.setattr(direct, "PORT", int(relay.url.rpartition(":")[2]))
        relay.taken.clear()
        way = direct.Direct(domain, asked, OWN, lambda *noted: send.noted.append(noted))
        send.noted = []
        try:
            mail = Prepared.whole("maya@aldervalley.example", f"jonas@{domain}", MAIL)
            answer = way.send(uuid4(), mail, lambda: None)
            send.facts = dict(way.facts)
            return answer
        finally:
            way.close()

    send.noted, send.facts = [], {}
    return send


def publish_tlsa(zone, certified, data=None, usage=3):
    zone.secure = True
    port = certified.url.rpartition(":")[2]
    sha = (data or hashlib.sha256(certified.signed.spki).digest()).hex()
    zone.records[f"_{port}._tcp.{MX}", "TLSA"] = [f"{usage} 1 1 {sha}"]


def publish_sts(zone, site, monkeypatch, *, mode="enforce", mx=MX, id_="1", weeks=0):
    zone.records["_mta-sts.partner.example", "TXT"] = [f'"v=STSv1; id={id_};"']
    zone.records["mta-sts.partner.example", "A"] = ["127.0.0.1"]
    monkeypatch.setattr(sts, "PORT", site.port)
    site.status, site.headers = 200, {"Content-Type": "text/plain"}
    site.body = POLICY.format(mode=mode, mx=mx, max_age=weeks * 604_800 or 86_400).encode()


# ------------------------------------------------------------------------------------------------ finding servers


@pytest.mark.django_db
def test_a_mail_goes_to_the_best_server_that_answers(zone, deliver, plain):
    zone.records["partner.example", "MX"] = ["20 mx.partner.example.", "10 gone.partner.example."]
    zone.records["gone.partner.example", "A"] = ["127.0.0.9"]
    assert deliver(plain) == "250 2.0.0"
    assert plain.taken[0].recipients == ("jonas@partner.example",)


@pytest.mark.django_db
def test_of_several_addresses_the_next_is_tried(zone, deliver, plain):
    zone.records[MX, "A"] = ["127.0.0.9", "127.0.0.1"]
    assert deliver(plain) == "250 2.0.0"


@pytest.mark.django_db
def test_a_domain_without_mx_is_its_own_server(zone, deliver, plain):
    zone.records = {("partner.example", "A"): ["127.0.0.1"]}
    assert deliver(plain) == "250 2.0.0"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("records", "answer"),
    [
        ({("partner.example", "MX"): ["0 ."]}, "556 5.1.10"),
        ({("another.example", "A"): ["127.0.0.1"]}, "550 5.1.2"),
        ({("partner.example", "TXT"): ['"no mail here"']}, "550 5.4.4"),
        ({("partner.example", "MX"): [f"10 {OWN}.", "20 mx.partner.example."]}, "554 5.4.6"),
    ],
)
def test_a_domain_that_takes_no_mail_refuses_it_for_good(zone, deliver, plain, records, answer):
    zone.records = records
    with pytest.raises(Refused) as refused:
        deliver(plain)
    assert (refused.value.answer, plain.taken) == (answer, [])


@pytest.mark.django_db
def test_servers_better_than_ourselves_are_used(zone, deliver, plain):
    zone.records["partner.example", "MX"] = [f"20 {OWN}.", "10 mx.partner.example."]
    assert deliver(plain) == "250 2.0.0"


@pytest.mark.django_db
def test_a_server_that_is_ourselves_is_noticed_by_its_greeting(zone, deliver):
    with relays.scripted("220 x", f"250-{OWN}\r\n250 SIZE", "221 bye") as (url, _):
        plain = relays.Relay(url=url)
        with pytest.raises(Refused) as refused:
            deliver(plain)
    assert refused.value.answer == "554 5.4.6"


def on_the_internet(settings, **changes):
    """Not for this computer alone: whoever writes names into DNS may be anybody."""
    changes = {"public_url": "https://secure.aldervalley.example", **changes}
    settings.LETTERLOCK = replace(settings.LETTERLOCK, **changes)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "224.0.0.1", "169.254.1.1", "10.0.0.25", "172.16.3.4", "192.168.1.1",
        "100.64.0.1", "198.18.0.1",
    ],
)  # fmt: skip
def test_a_strangers_mx_cannot_point_into_a_network_of_ours(zone, settings, deliver, plain, address):
    on_the_internet(settings)
    zone.records[MX, "A"] = [address]
    with pytest.raises(Refused) as refused:
        deliver(plain)
    assert (refused.value.answer, plain.taken) == ("550 5.4.4 not a public address", [])


def test_an_address_of_this_computer_is_not_taken_for_a_strangers(settings):
    """A public one of our own would bring the mail back here. 127.0.0.1 stands for it: the kernel tells both alike."""
    on_the_internet(settings)
    assert is_own("127.0.0.1")
    assert not is_own("192.0.2.1")


@pytest.mark.django_db
def test_a_network_that_the_operator_names_is_reachable_and_no_other(zone, settings, deliver, plain):
    on_the_internet(settings, mx_networks=(ipaddress.ip_network("127.0.0.0/8"),))
    assert deliver(plain) == "250 2.0.0"
    assert not is_reachable("10.0.0.1")


@pytest.mark.django_db
def test_our_own_domain_has_its_servers_where_we_say(zone, settings, deliver, plain):
    on_the_internet(settings, inside_domains=("partner.example",))
    assert deliver(plain) == "250 2.0.0"


@pytest.mark.django_db
def test_of_several_servers_one_with_a_public_address_is_used(zone, settings, deliver, plain):
    on_the_internet(settings, mx_networks=(ipaddress.ip_network("127.0.0.1/32"),))
    zone.records["partner.example", "MX"] = ["10 inner.partner.example.", f"20 {MX}."]
    zone.records["inner.partner.example", "A"] = ["10.0.0.25"]
    assert deliver(plain) == "250 2.0.0"


@pytest.mark.django_db
def test_one_connection_is_used_again(zone, monkeypatch, plain):
    monkeypatch.setattr(direct, "PORT", int(plain.url.rpartition(":")[2]))
    way, before = direct.Direct("partner.example", "", OWN), plain.sessions
    for _ in range(3):
        way.open()
        way.send(uuid4(), Prepared.whole("maya@aldervalley.example", "jonas@partner.example", MAIL), lambda: None)
    way.close()
    assert plain.sessions == before + 1


@pytest.mark.django_db
def test_without_an_answer_of_dns_the_mail_waits(zone, deliver, plain):
    zone.broken.add(("partner.example", "MX"))
    with pytest.raises(Deferred) as deferred:
        deliver(plain)
    assert deferred.value.answer == "no DNS answer"


# ------------------------------------------------------------------------------------------- what the operator asks


@pytest.mark.django_db
def test_in_clear_only_where_that_is_enough(zone, deliver, plain):
    assert deliver(plain, policy="opportunistic") == "250 2.0.0"
    assert not plain.taken[0].tls
    assert deliver.facts == {"host": MX}
    for policy in ("required", "verified"):
        with pytest.raises(TlsTrouble) as trouble:
            deliver(plain, policy=policy)
        assert (trouble.value.result, plain.taken) == ("starttls-not-supported", [])
    assert deliver.noted == [("no-policy-found", "starttls-not-supported")]


@pytest.mark.django_db
def test_a_mail_may_ask_for_more_than_its_domain_needs(zone, deliver, plain, certified):
    for asked in ("required", "verified"):
        with pytest.raises(TlsTrouble):
            deliver(plain, asked=asked)
    assert plain.taken == []
    assert deliver(certified, asked="required", policy="opportunistic") == "250 2.0.0"
    assert certified.taken[0].tls
    assert deliver.facts == {"host": MX, "tls": "TLSv1.3", "verified": "no"}


@pytest.mark.django_db
def test_verified_means_name_and_chain(zone, deliver, certified, tmp_path, monkeypatch):
    assert deliver(certified, policy="verified") == "250 2.0.0"
    assert deliver.noted == [("no-policy-found", "success")]
    assert deliver.facts["verified"] == "certificate"
    # A host outside the domain comes from DNS, which anyone may have answered.
    zone.records["other.example", "MX"] = [f"10 {MX}."]
    with pytest.raises(TlsTrouble) as trouble:
        deliver(certified, policy="verified", domain="other.example")
    assert trouble.value.result == "certificate-host-mismatch"
    monkeypatch.setenv("SSL_CERT_FILE", str(Authority(tmp_path, "Another authority").file))
    with pytest.raises(TlsTrouble) as trouble:
        deliver(certified, policy="verified")
    assert (trouble.value.result, certified.taken) == ("certificate-not-trusted", [])


@pytest.mark.django_db
def test_an_expired_certificate_is_said_to_be_that(zone, deliver, authority):
    with relays.running(tls_context=authority.server(MX, days=(-9, -1))[1]) as relay:
        with pytest.raises(TlsTrouble) as trouble:
            deliver(relay, policy="verified")
        assert (trouble.value.result, relay.taken) == ("certificate-expired", [])


@pytest.mark.django_db
@pytest.mark.parametrize("policy", ["required", "verified", "dane"])
@pytest.mark.parametrize(
    "script",
    [
        ("220 mx", "250 mx"),
        ("220 mx", "250-mx\r\n250 STARTTLS", "454 4.7.0 TLS not available"),
        ("220 mx", "250-mx\r\n250 STARTTLS", "220 go ahead", "garbage, not TLS"),
        ("220 mx", "250-mx\r\n250 STARTTLS", "220 go ahead\r\n250 injected", "garbage"),
    ],
)
def test_somebody_on_the_way_who_takes_tls_out_gets_no_mail(zone, deliver, certified, policy, script):
    with relays.scripted(*script) as (url, heard):
        stripping = relays.Relay(url=url)
        if policy == "dane":
            stripping.signed = certified.signed
            publish_tlsa(zone, stripping)
        with pytest.raises(Deferred):
            deliver(stripping, policy=policy)
    assert not any(line.upper().startswith((b"MAIL", b"RCPT", b"DATA")) for line in heard)


# ---------------------------------------------------------------------------------------- what the domain publishes


@pytest.mark.django_db
def test_published_tlsa_records_count_though_no_authority_is_known(zone, deliver, certified, monkeypatch, tmp_path):
    monkeypatch.setenv("SSL_CERT_FILE", str(Authority(tmp_path, "Another authority").file))
    publish_tlsa(zone, certified)
    assert deliver(certified) == "250 2.0.0"
    assert deliver.noted == [("tlsa", "success")]
    assert deliver.facts["verified"] == "dane"


@pytest.mark.django_db
def test_tlsa_of_a_domain_that_is_its_own_server_counts(zone, deliver, certified, plain):
    zone.records, zone.secure = {("partner.example", "A"): ["127.0.0.1"]}, True
    for server in (certified, plain):
        port = server.url.rpartition(":")[2]
        zone.records[f"_{port}._tcp.partner.example", "TLSA"] = [
            f"3 1 1 {hashlib.sha256(certified.signed.spki).hexdigest()}"
        ]
    assert deliver(certified, policy="dane") == "250 2.0.0"
    with pytest.raises(TlsTrouble):
        deliver(plain)
    assert plain.taken == []


@pytest.mark.django_db
def test_a_certificate_that_tlsa_does_not_name_gets_nothing(zone, deliver, certified):
    publish_tlsa(zone, certified, hashlib.sha256(b"another").digest())
    with pytest.raises(TlsTrouble) as trouble:
        deliver(certified)
    assert (trouble.value.result, certified.taken) == ("tlsa-invalid", [])
    assert deliver.noted == [("tlsa", "tlsa-invalid")]


@pytest.mark.django_db
def test_tlsa_takes_starttls_out_of_the_opponents_hands(zone, deliver, plain, certified):
    plain.signed = certified.signed
    publish_tlsa(zone, plain)
    with pytest.raises(TlsTrouble):
        deliver(plain)
    assert plain.taken == []


# An MX that is an alias (RFC 7672 section 2.2.2): what the name stands for, then the name itself.
REAL = "cluster7.host.example"


def alias(zone, certified, at):
    """The MX stands for another name, and the TLSA records of the server are at `at`."""
    zone.secure = True
    zone.records |= {(MX, "CNAME"): [f"{REAL}."], (REAL, "A"): zone.records.pop((MX, "A"))}
    port = certified.url.rpartition(":")[2]
    zone.records[f"_{port}._tcp.{at}", "TLSA"] = [f"3 1 1 {hashlib.sha256(certified.signed.spki).hexdigest()}"]
    return port


@pytest.mark.django_db
@pytest.mark.parametrize("at", [REAL, MX])
def test_an_alias_has_the_tlsa_records_of_what_it_stands_for_or_its_own(zone, deliver, certified, at):
    port = alias(zone, certified, at)
    assert deliver(certified, policy="dane") == "250 2.0.0"
    assert [name for name, kind in zone.asked if kind == "TLSA"] == [
        f"_{port}._tcp.{name}" for name in (REAL, MX)[: 1 + (at == MX)]
    ]


@pytest.mark.django_db
def test_records_of_what_an_alias_stands_for_come_first(zone, deliver, certified):
    port = alias(zone, certified, MX)
    zone.records[f"_{port}._tcp.{REAL}", "TLSA"] = [f"3 1 1 {hashlib.sha256(b'another').hexdigest()}"]
    with pytest.raises(TlsTrouble) as trouble:
        deliver(certified)
    assert (trouble.value.result, certified.taken) == ("tlsa-invalid", [])


@pytest.mark.django_db
def test_a_proved_alias_of_a_name_that_is_not_proved_has_its_own_records_alone(zone, deliver, certified):
    port = alias(zone, certified, MX)
    zone.unsigned = {REAL}
    zone.records[f"_{port}._tcp.{REAL}", "TLSA"] = [f"3 1 1 {hashlib.sha256(b'another').hexdigest()}"]
    assert deliver(certified, policy="dane") == "250 2.0.0"
    assert (f"_{port}._tcp.{REAL}", "TLSA") not in zone.asked


@pytest.mark.django_db
def test_an_alias_that_is_not_proved_has_none(zone, deliver, certified):
    alias(zone, certified, MX)
    zone.unsigned = {MX}
    with pytest.raises(TlsTrouble) as trouble:
        deliver(certified, policy="dane")
    assert (trouble.value.result, certified.taken) == ("dane-required", [])


@pytest.mark.django_db
def test_an_authority_named_for_what_an_alias_stands_for_vouches_for_that_name(zone, deliver, authority):
    """TLS asks for the base of the records, and its name in the certificate does."""
    signed, context = authority.server(REAL)
    with relays.running(tls_context=context) as relay:
        relay.signed = signed
        port = alias(zone, relay, REAL)
        sha = hashlib.sha256(authority.root.spki).hexdigest()
        zone.records[f"_{port}._tcp.{REAL}", "TLSA"] = [f"2 1 1 {sha}"]
        asked = []
        context.sni_callback = lambda _line, name, _context: asked.append(name)
        assert deliver(relay, policy="dane") == "250 2.0.0"
    assert asked == [REAL]


@pytest.mark.django_db
def test_tlsa_records_that_cannot_be_had_are_not_taken_for_none(zone, deliver, certified):
    publish_tlsa(zone, certified)
    zone.broken.add((f"_{certified.url.rpartition(':')[2]}._tcp.{MX}", "TLSA"))
    with pytest.raises(Deferred):
        deliver(certified)
    assert certified.taken == []


@pytest.mark.django_db
def test_records_of_no_use_still_ask_for_tls(zone, deliver, plain, certified):
    plain.signed = certified.signed
    publish_tlsa(zone, plain, usage=1)
    with pytest.raises(TlsTrouble):
        deliver(plain)
    publish_tlsa(zone, certified, usage=1)
    assert deliver(certified) == "250 2.0.0"


@pytest.mark.django_db
def test_dnssec_is_believed_of_a_trusted_resolver_only(zone, settings, deliver, certified):
    publish_tlsa(zone, certified)
    stranger = Resolver(zone.resolver.address, zone.resolver.port, trusted=False)
    settings.LETTERLOCK = replace(settings.LETTERLOCK, dns=(stranger,))
    with pytest.raises(TlsTrouble) as trouble:
        deliver(certified, policy="dane")
    assert trouble.value.result == "dane-required"
    zone.secure = False
    settings.LETTERLOCK = replace(settings.LETTERLOCK, dns=(replace(zone.resolver, trusted=True),))
    with pytest.raises(TlsTrouble):
        deliver(certified, policy="dane")


@pytest.mark.django_db
def test_an_enforced_sts_policy_needs_the_certificate_and_is_remembered(zone, deliver, certified, site, monkeypatch):
    publish_sts(zone, site, monkeypatch)
    site.asked.clear()
    assert deliver(certified) == "250 2.0.0"
    assert deliver.noted == [("sts", "success")]
    assert deliver.facts["verified"] == "mta-sts"
    assert deliver(certified) == "250 2.0.0"
    assert site.asked == ["mta-sts.partner.example/.well-known/mta-sts.txt"]
    assert b"partner" not in bytes(Lane.objects.get().sts) + bytes(Lane.objects.get().name)


@pytest.mark.django_db
def test_an_enforced_sts_policy_stops_what_it_must(zone, deliver, certified, plain, site, monkeypatch):
    publish_sts(zone, site, monkeypatch)
    with pytest.raises(TlsTrouble):
        deliver(plain)
    # The record is suppressed by somebody: the policy that was fetched holds all the same.
    del zone.records["_mta-sts.partner.example", "TXT"]
    with pytest.raises(TlsTrouble):
        deliver(plain)
    assert plain.taken == []
    publish_sts(zone, site, monkeypatch, mx="mail.partner.example", id_="2")
    zone_cache_is_old(monkeypatch)
    with pytest.raises(TlsTrouble) as trouble:
        deliver(certified)
    assert (trouble.value.result, certified.taken) == ("validation-failure", [])


def zone_cache_is_old(monkeypatch):
    """DNS answers are remembered for a minute here; the minute is over."""
    from portal.delivery import resolving

    resolving._resolver.cache_clear()


def grows_old(hours):
    """The one policy that is remembered was fetched so long ago."""
    lane = Lane.objects.get()
    Lane.objects.update(sts_until=lane.sts_until - timedelta(hours=hours))
    return lane


@pytest.mark.django_db
@pytest.mark.parametrize(("weeks", "hours"), [(2, 25), (0, 13)])
def test_a_policy_is_fetched_anew_before_it_ends_though_its_id_is_the_same(
    zone, deliver, certified, site, monkeypatch, weeks, hours
):
    publish_sts(zone, site, monkeypatch, weeks=weeks)
    deliver(certified)
    site.asked.clear()
    grows_old(hours - 2)
    deliver(certified)
    assert site.asked == []
    before = grows_old(2)
    assert deliver(certified) == "250 2.0.0"
    assert site.asked == ["mta-sts.partner.example/.well-known/mta-sts.txt"]
    assert Lane.objects.get().sts_until > before.sts_until - timedelta(minutes=1)
    grows_old(hours)
    publish_sts(zone, site, monkeypatch, mx="mail.partner.example", weeks=weeks)
    with pytest.raises(TlsTrouble) as trouble:
        deliver(certified)
    assert trouble.value.result == "validation-failure", "what it says now counts"


@pytest.mark.django_db
def test_a_policy_that_cannot_be_fetched_anew_holds_until_its_end_and_is_not_asked_for_with_each_mail(
    zone, deliver, certified, plain, site, monkeypatch
):
    publish_sts(zone, site, monkeypatch, weeks=1)
    deliver(certified)
    site.status = 500
    site.asked.clear()
    grows_old(6 * 24)
    for _ in range(3):
        with pytest.raises(TlsTrouble):
            deliver(plain)
    assert len(site.asked) == 1
    Lane.objects.update(sts_failed_at=timezone.now() - policies.AGAIN_AFTER)
    with pytest.raises(TlsTrouble):
        deliver(plain)
    assert len(site.asked) == 2
    grows_old(25)
    assert deliver(plain) == "250 2.0.0", "its time is over"
    assert deliver.noted[0] == ("sts", "sts-policy-fetch-error")
    assert len(site.asked) == 2, "a policy that was never had is not asked for with each mail either"


@pytest.mark.django_db
def test_policies_of_domains_that_mail_goes_to_are_renewed_without_a_mail(zone, deliver, certified, site, monkeypatch):
    publish_sts(zone, site, monkeypatch, weeks=1)
    deliver(certified)
    now = timezone.now()
    Lane.objects.update(last_at=now)
    site.asked.clear()
    assert policies.renew_due(now) == 0
    lane = grows_old(25)
    assert RENEW_POLICIES in {entry["task"] for entry in app.conf.beat_schedule.values()}
    tasks.renew_policies()
    assert len(site.asked) == 1
    assert Lane.objects.get().sts_until > lane.sts_until - timedelta(minutes=1)
    grows_old(25)
    Lane.objects.update(last_at=now - timedelta(days=91))
    assert policies.renew_due(now) == 0, "nobody has written there for long"
    assert len(site.asked) == 1


@pytest.mark.django_db
def test_a_policy_in_testing_is_counted_and_stops_nothing(zone, deliver, plain, site, monkeypatch):
    publish_sts(zone, site, monkeypatch, mode="testing")
    assert deliver(plain) == "250 2.0.0"
    assert deliver.noted == [("sts", "starttls-not-supported")]
    with pytest.raises(TlsTrouble):
        deliver(plain, asked="required")


@pytest.mark.django_db
def test_a_policy_that_cannot_be_had_counts_as_none_unless_it_is_asked_for(zone, deliver, plain, site, monkeypatch):
    publish_sts(zone, site, monkeypatch)
    site.status = 404
    assert deliver(plain) == "250 2.0.0"
    assert deliver.noted[0] == ("sts", "sts-policy-fetch-error")
    with pytest.raises(TlsTrouble):
        deliver(plain, policy="mta-sts")
    zone.records.pop(("_mta-sts.partner.example", "TXT"))
    zone_cache_is_old(monkeypatch)
    with pytest.raises(TlsTrouble):
        deliver(plain, policy="mta-sts")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "result"),
    [
        ({"status": 302, "headers": {"Location": "https://127.0.0.1/", "Content-Type": "text/plain"}}, "fetch-error"),
        ({"headers": {"Content-Type": "text/html"}}, "fetch-error"),
        ({"body": b"x" * 70_000}, "policy-invalid"),
        ({"body": b"version: STSv1\nmode: enforce\nmax_age: 100\n"}, "policy-invalid"),
        ({"body": b"version: STSv2\nmode: enforce\nmx: a.example\nmax_age: 100\n"}, "policy-invalid"),
        ({"body": b"version: STSv1\nmode: perhaps\nmx: a.example\nmax_age: 100\n"}, "policy-invalid"),
        ({"body": b"version: STSv1\nmode: enforce\nmx: a.example\nmax_age: -1\n"}, "policy-invalid"),
    ],
)
def test_a_policy_that_is_not_as_it_must_be_is_not_used(zone, site, monkeypatch, change, result):
    publish_sts(zone, site, monkeypatch)
    for name, value in change.items():
        setattr(site, name, value)
    with pytest.raises(sts.PolicyUnusable) as unusable:
        sts.fetch("partner.example", "1")
    assert unusable.value.result.endswith(result)


@pytest.mark.django_db
def test_a_policy_under_a_wrong_name_is_not_used(zone, authority, monkeypatch):
    with https(authority.server("www.partner.example")[1]) as wrong:
        publish_sts(zone, wrong, monkeypatch)
        with pytest.raises(sts.PolicyUnusable) as unusable:
            sts.fetch("partner.example", "1")
    assert unusable.value.result == "sts-webpki-invalid"


@pytest.mark.parametrize(
    ("pattern", "host", "well"),
    [
        ("mx.partner.example", "MX.partner.example.", True),
        ("*.partner.example", "mx.partner.example", True),
        ("*.partner.example", "a.mx.partner.example", False),
        ("*.partner.example", "partner.example", False),
        ("mx.partner.example", "mx.evil.example", False),
    ],
)
def test_patterns_of_an_sts_policy(pattern, host, well):
    assert sts.StsPolicy("1", "enforce", (pattern,), 1).allows(host) is well


def test_a_tls_library_gives_the_chain_that_dane_needs():
    assert hasattr(ssl.SSLSocket, "get_unverified_chain") or hasattr(
        ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="x")._sslobj,
        "get_unverified_chain",
    )
