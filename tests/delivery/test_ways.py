"""LETTERLOCK_RELAY_URL: what each form means, and that a hop that must be protected is never taken in clear."""

from uuid import uuid4

import pytest

from portal.configuration import ConfigurationError, read
from portal.delivery.errors import Refused, TlsTrouble
from portal.delivery.hop import relay_at
from portal.delivery.letters import Prepared
from portal.delivery.relay import SmtpRelay
from portal.delivery.tls import Level, policy_for
from portal.delivery.transport import hop_level
from tests.delivery import relays
from tests.peers.authority import Authority


@pytest.mark.parametrize(
    ("url", "level", "port"),
    [
        ("smtp://mail.example", "OPPORTUNISTIC", 25),
        ("smtp://mail.example:2525?tls=required", "REQUIRED", 2525),
        ("smtp://mail.example?tls=verified", "VERIFIED", 25),
        ("smtp://user:secret@mail.example:587", "VERIFIED", 587),
        ("smtp://user:secret@mail.example:587?tls=required", "REQUIRED", 587),
        ("smtp://user:secret@127.0.0.1", "OPPORTUNISTIC", 25),
        ("smtps://mail.example", "VERIFIED", 465),
        ("smtps://mail.example:4465?tls=required", "REQUIRED", 4465),
        ("smtps://localhost", "REQUIRED", 465),
    ],
)
def test_what_a_way_out_asks_of_tls(url, level, port):
    read({"LETTERLOCK_RELAY_URL": url})
    peer = relay_at(url)
    assert (peer.demand.level, peer.port, peer.implicit) == (Level[level], port, url.startswith("smtps"))
    assert "secret" not in repr(peer)


@pytest.mark.parametrize(
    "url",
    [
        "mail.example",
        "http://mail.example",
        "smtp://",
        "smtp://mail.example?tls=perhaps",
        "smtp://mail.example?tls=",
        "smtp://mail.example?ssl=on",
        "smtp://mail.example:99999",
        "smtps://mail.example?tls=opportunistic",
        "mx:mail.example",
    ],
)
def test_a_way_out_that_means_nothing_stops_the_start(url):
    with pytest.raises(ConfigurationError, match="LETTERLOCK_RELAY_URL"):
        read({"LETTERLOCK_RELAY_URL": url})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("TLS_POLICY", "bank.example"),
        ("TLS_POLICY", "bank.example=strong"),
        ("TLS_POLICY", "bank.example=dane bank.example=required"),
        ("TLS_POLICY", "=dane"),
        ("DNS", "resolver.example"),
        ("DNS", "127.0.0.1:x"),
        ("DNS", "10.0.0.1=believed"),
        ("BOUNCE_DOMAIN", "a@b.example"),
        ("BOUNCE_DOMAIN", "a.example b.example"),
        ("DOMAIN_CONNECTIONS", "0"),
    ],
)
def test_other_settings_that_mean_nothing_stop_the_start(name, text):
    with pytest.raises(ConfigurationError, match=f"LETTERLOCK_{name}"):
        read({f"LETTERLOCK_{name}": text})


def test_settings_as_they_are_meant():
    made = read(
        {
            "LETTERLOCK_TLS_POLICY": "Bank.example=verified, *=opportunistic",
            "LETTERLOCK_DNS": "127.0.0.1:5353 10.0.0.53=trusted 10.0.0.54 [::1]:5353",
            "LETTERLOCK_BOUNCE_DOMAIN": "Bounce.Example.org",
        }
    )
    assert dict(made.tls_policy) == {"bank.example": "verified", "*": "opportunistic"}
    assert [(one.address, one.port, one.trusted) for one in made.dns] == [
        ("127.0.0.1", 5353, True),
        ("10.0.0.53", 53, True),
        ("10.0.0.54", 53, False),
        ("::1", 5353, True),
    ]
    assert made.bounce_domain == "bounce.example.org"


def test_what_a_domain_or_a_mail_needs_raises_the_hop_to_the_relay(configure):
    configure(tls_policy=(("bank.example", "verified"), ("*", "published")))
    assert hop_level("bank.example", "") is Level.VERIFIED
    assert hop_level("bank.example", "required") is Level.VERIFIED
    assert hop_level("other.example", "required") is Level.REQUIRED
    assert hop_level("other.example", "") is Level.OPPORTUNISTIC


def test_a_wish_that_is_not_understood_asks_for_the_most(configure):
    configure(tls_policy=(("a.example", "opportunistic"),))
    for domain in ("a.example", "b.example"):
        assert hop_level(domain, "quantum") is Level.VERIFIED
    assert policy_for("a.example", "quantum") == "verified"


def send(url):
    way = SmtpRelay(relay_at(url), "secure.aldervalley.example")
    try:
        return way.send(uuid4(), Prepared.whole("a@b.example", "c@d.example", b"Subject: x\r\n\r\nx\r\n"), lambda: None)
    finally:
        way.close()


def test_a_relay_without_tls_gets_nothing_where_tls_must_be():
    with relays.running() as relay:
        for level in ("required", "verified"):
            with pytest.raises(TlsTrouble):
                send(f"{relay.url}?tls={level}")
        assert relay.taken == []


def test_a_verified_relay_shows_a_certificate_for_its_name(tmp_path, monkeypatch):
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with relays.running(tls_context=authority.server("localhost")[1]) as relay:
        assert send(relay.url.replace("127.0.0.1", "localhost") + "?tls=verified") == "250 2.0.0"
        with pytest.raises(TlsTrouble) as trouble:
            send(f"{relay.url}?tls=verified")
        assert trouble.value.result == "certificate-host-mismatch"
        assert [taken.tls for taken in relay.taken] == [True]


def test_smtps_is_tls_from_the_first_byte(tmp_path, monkeypatch):
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with relays.running(ssl_context=authority.server("localhost")[1]) as relay:
        url = relay.url.replace("smtp://127.0.0.1", "smtps://localhost")
        assert send(f"{url}?tls=verified") == "250 2.0.0"
    with relays.running() as relay, pytest.raises(TlsTrouble):
        send(relay.url.replace("smtp://127.0.0.1", "smtps://localhost"))
    assert relay.taken == []


def test_a_mail_that_asks_for_tls_says_so_to_a_relay_that_can_see_to_it(tmp_path):
    class Requiring(relays.Relay):
        async def handle_EHLO(self, server, session, envelope, hostname, responses):
            session.host_name = hostname
            return [*responses[:-1], "250-REQUIRETLS", responses[-1]]

    prepared = Prepared("a@b.example", "c@d.example", (b"Subject: x\r\n\r\nx\r\n",), 16, require_tls=True)
    with relays.running(relay=Requiring()) as relay:  # in clear the word would promise what is not so
        assert given(relay, prepared) == "250 2.0.0"
    with relays.running(tls_context=relays.tls_context(tmp_path), relay=Requiring()) as relay:
        with pytest.raises(Refused) as refused:
            given(relay, prepared)
        assert refused.value.answer == "555", "this server announces the parameter and does not know it"


def given(relay, prepared):
    way = SmtpRelay(relay_at(relay.url), "secure.aldervalley.example")
    try:
        return way.send(uuid4(), prepared, lambda: None)
    finally:
        way.close()
