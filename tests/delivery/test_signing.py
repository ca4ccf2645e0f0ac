"""DKIM: what the portal writes itself is signed for its From domain, verifies elsewhere, and nothing else is signed."""

import base64
import io
import re
from dataclasses import replace

import dkim
import pytest
from django.conf import settings as django_settings
from django.core.management import call_command

from portal.delivery import resolving, signing
from portal.delivery.errors import BadDkim
from portal.delivery.letters import Prepared
from portal.delivery.models import DkimKey
from portal.delivery.sending import send_due
from tests.delivery.conftest import MAYA
from tests.peers import dns

pytestmark = pytest.mark.django_db
HOST = "secure.aldervalley.example"


@pytest.fixture
def key(brand):
    made = signing.make(HOST, "letterlock-1")
    signing.switch(made, on=True)
    return made


@pytest.fixture
def zone(settings):
    resolving._resolver.cache_clear()
    with dns.serving(dns.Zone()) as running:
        settings.LETTERLOCK = replace(django_settings.LETTERLOCK, dns=(running.resolver,))
        yield running


def verifies(data, key):
    name, text = signing.record_of(key)
    return dkim.verify(data, dnsfunc=lambda asked, timeout=5: text.encode() if asked.decode() == f"{name}." else None)


def test_a_notice_from_the_portal_is_signed_and_verifies(seal, mail_to, relay, key):
    mail_to(seal(sender=replace(MAYA, address="maya@elsewhere.example")))
    data = relay.taken[0].data
    assert data.startswith(b"DKIM-Signature:")
    assert b"d=secure.aldervalley.example" in data
    assert b"c=relaxed/relaxed" in data
    assert verifies(data, key)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"protected message", b"protected massage"),
        (b"From: ", b"From: x@evil.example\r\nFrom: "),
        (b"Subject: ", b"Subject: Another\r\nSubject: "),
        (b"Date: ", b"Reply-To: x@evil.example\r\nDate: "),
        (b"From: ", b"Content-Type: text/html; charset=utf-7\r\nFrom: "),
        (b"From: ", b"Content-Transfer-Encoding: base64\r\nFrom: "),
        (b"From: ", b"MIME-Version: 2.0\r\nFrom: "),
        (b"From: ", b"X-Letterlock: reply\r\nFrom: "),
    ],
)
def test_a_signature_notices_what_is_changed_or_added(seal, mail_to, relay, key, old, new):
    mail_to(seal(sender=replace(MAYA, address="")))
    data = relay.taken[0].data
    assert old in data
    assert not verifies(data.replace(old, new, 1), key)


def test_mail_from_a_domain_without_a_key_is_not_signed(seal, mail_to, relay, key):
    mail_to(seal())  # From is the writer inside, whose mail servers sign
    assert not relay.taken[0].data.startswith(b"DKIM-Signature:")


def test_mail_that_only_passes_through_is_never_signed(relay, relayed, key, monkeypatch):
    from portal.delivery import letters

    mail = f"From: someone@{HOST}\r\nSubject: x\r\n\r\nbody\r\n".encode()
    monkeypatch.setitem(letters._builders, "relay", lambda row: Prepared.whole("a@b.example", "c@d.example", mail))
    relayed()
    send_due(["relay"])
    seal, _, rest = relay.taken[0].data.partition(b"\r\n")
    assert (seal.partition(b":")[0], rest) == (b"X-Letterlock-Seal", mail)


def test_blanks_at_the_very_end_verify_once_smtp_has_ended_their_line(key):
    head = f"From: someone@{HOST}\r\nSubject: x\r\n\r\n".encode()
    for body in (b"", b"\t", b"body \t", b"body\r\n \r\n "):
        whole = b"".join(signing.signed(Prepared.whole(f"a@{HOST}", "c@d.example", head + body)).data)
        assert whole.startswith(b"DKIM-Signature:")
        assert verifies(whole + b"\r\n" * (not whole.endswith(b"\r\n")), key), body


def test_a_key_that_is_off_signs_nothing_and_a_new_one_takes_over(seal, mail_to, relay, key):
    second = signing.make(HOST, "letterlock-2")
    signing.switch(second, on=True)
    assert list(DkimKey.objects.filter(active=True)) == [second]
    mail_to(seal(sender=replace(MAYA, address="")))
    assert b"s=letterlock-2" in relay.taken[0].data
    signing.switch(second, on=False)
    mail_to(seal(sender=replace(MAYA, address="")))
    assert not relay.taken[1].data.startswith(b"DKIM-Signature:")


def test_the_private_key_is_sealed(key):
    key.refresh_from_db()
    public = base64.b64decode(key.public)
    assert public[-100:] not in bytes(key.private)
    assert b"RSA" not in bytes(key.private)
    assert bytes(key.private)[:2] != b"\x30\x82"


@pytest.mark.parametrize("domain", ["", "a b", "x@y", "exa_mple..org"])
def test_a_key_for_no_domain_is_refused(domain):
    with pytest.raises(BadDkim):
        signing.make(domain)


@pytest.mark.parametrize("selector", ["a.b", "-a", "a" * 64, "ä"])
def test_a_selector_that_dns_cannot_have_is_refused(selector):
    with pytest.raises(BadDkim):
        signing.make(HOST, selector)


def run(*words):
    out = io.StringIO()
    call_command("dkim", *words, stdout=out)
    return out.getvalue()


def test_from_the_command_line_made_shown_checked_and_switched(brand, zone):
    printed = run("make", "--brand", "alder", "--selector", "s1")
    record = printed.splitlines()[0]
    assert record == run("show", "--domain", HOST).strip()
    assert record.startswith(f's1._domainkey.{HOST}. IN TXT ( "v=DKIM1; k=rsa; p=')
    for refused in (("check", "--brand", "alder"), ("on", "--brand", "alder")):
        with pytest.raises(SystemExit):
            run(*refused)
    assert not DkimKey.objects.get().active
    resolving._resolver.cache_clear()
    zone.records[f"s1._domainkey.{HOST}", "TXT"] = [" ".join(re.findall(r'"[^"]*"', record))]
    assert "as it should be" in run("check", "--brand", "alder")
    run("on", "--brand", "alder")
    assert DkimKey.objects.get().active
    run("off", "--domain", HOST)
    assert not DkimKey.objects.get().active
    with pytest.raises(SystemExit) as refused:
        run("show", "--brand", "nobody")
    assert "no brand" in str(refused.value.code)


def test_a_record_with_another_key_is_not_ours(key, zone):
    zone.records[signing.record_of(key)[0], "TXT"] = ['"v=DKIM1; k=rsa; p=AAAA"']
    assert not signing.is_published(key)
