"""Who vouches for a sender: our own server, a program, a reader's proof, a signature that holds; never the mail."""

from __future__ import annotations

import base64
import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import cbor2
import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from django.conf import settings as django_settings

from branding.models import Brand
from portal.delivery import resolving
from portal.ingest import signatures
from portal.ingest.spoolfile import Envelope
from portal.ingest.vouching import voucher
from portal.vault.opening import open_message
from portal.vault.readers import envelope_of
from portal.vault.toc import Voucher
from tests.mails import JONAS, MAYA, mail
from tests.peers import dns
from tests.seals import default_brand, path_of, reader_of, seal, signed_in, words

pytestmark = pytest.mark.django_db
BANK, OURS = "ceo@bank.example", "aldervalley.example"
KEY = "s1._domainkey.bank.example"
MADE_UP = "v=1; a=rsa-sha256; d=bank.example; s=s1; h=from:subject:date; bh=AA==; b=AA=="
SIGNED = ("from", "to", "subject", "date", "message-id")


@cache
def _pair() -> tuple[bytes, str]:
    """A private key as dkimpy takes it, and the record for its public half."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return pem, f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"


def _record(text: str) -> str:
    """As a zone has it: in strings of at most 255 characters."""
    return " ".join(f'"{text[at : at + 250]}"' for at in range(0, len(text), 250))


@pytest.fixture
def zone(settings: Any) -> Iterator[dns.Zone]:
    resolving._resolver.cache_clear()
    signatures._resting.clear()
    with dns.serving(dns.Zone({(KEY, "TXT"): [_record(_pair()[1])]})) as running:
        settings.LETTERLOCK = replace(django_settings.LETTERLOCK, dns=(running.resolver,), inside_domains=(OURS,))
        yield running


def signed(raw: bytes, domain: str = "bank.example", headers: tuple[str, ...] = SIGNED, **more: Any) -> bytes:
    field: bytes = dkim.sign(
        raw,
        b"s1",
        domain.encode(),
        _pair()[0],
        canonicalize=(b"relaxed", b"relaxed"),
        include_headers=[name.encode() for name in headers],
        **more,
    )
    return field + raw


def of_bank(**more: Any) -> bytes:
    return mail(sender=f"The bank <{BANK}>", **more)


def come(
    raw: bytes, shown: str = BANK, *, by: str = "partner", domains: tuple[str, ...] = ("partner.example",)
) -> Voucher:
    """What is found of a mail that came by a connector with these domains."""
    envelope = Envelope(shown, (JONAS,), "smtp", trusted=bool(by), connector=by, domains=domains)
    return voucher(raw, shown, envelope, default_brand())


# Our own servers and programs


def test_mail_by_our_own_server_is_from_inside_and_the_page_says_so(zone: dns.Zone) -> None:
    reader = reader_of(seal(mail()))
    assert open_message(reader).toc.voucher == Voucher("own")
    page = words(signed_in(reader).get(path_of(reader)).content)
    assert "Verified sender" in page
    assert "By Alder Valley Clinic’s own mail server" in page
    assert "We could not confirm" not in page
    assert zone.asked == [], "nothing is asked where nothing has to be"


@pytest.mark.parametrize(
    ("shown", "domains", "found"),
    [
        (MAYA, (), Voucher("own")),
        (MAYA, (OURS,), Voucher("own")),
        (f"x@mail.{OURS}", (), Voucher("own")),
        (MAYA, ("partner.example",), Voucher("nobody")),
        ("x@partner.example", ("partner.example",), Voucher("server", "partner.example")),
        ("x@sub.partner.example", ("partner.example",), Voucher()),
        (BANK, (), Voucher()),
        (BANK, (OURS,), Voucher()),
    ],
)
def test_a_connector_vouches_for_its_own_domains_or_for_ours(
    zone: dns.Zone, shown: str, domains: tuple[str, ...], found: Voucher
) -> None:
    assert come(mail(sender=shown), shown, domains=domains) == found


def test_a_connector_bound_to_domains_stays_so_in_the_spool_and_one_of_before_is_not_believed(zone: dns.Zone) -> None:
    for domains in ((), ("partner.example",)):
        envelope = Envelope(MAYA, (JONAS,), "smtp", trusted=True, connector="partner", domains=domains)
        assert Envelope.decode(envelope.encode()) == envelope
    before = {name: value for name, value in cbor2.loads(envelope.encode()).items() if name != "domains"}
    assert voucher(mail(), MAYA, Envelope.decode(cbor2.dumps(before)), default_brand()) == Voucher()
    built_in = Envelope(MAYA, (JONAS,), "smtp", trusted=True, connector="networks")
    assert Envelope.decode(built_in.encode()) == built_in
    assert "domains" not in cbor2.loads(built_in.encode())


def test_a_domain_of_another_brand_is_named(zone: dns.Zone, settings: Any) -> None:
    default_brand()
    Brand.objects.create(slug="harbour", name="Harbour Legal", host="harbour.localhost", domains=["harbour.example"])
    settings.LETTERLOCK = replace(settings.LETTERLOCK, inside_domains=(OURS, "harbour.example"))
    assert come(mail(sender="x@harbour.example"), "x@harbour.example", domains=()) == Voucher(
        "server", "harbour.example"
    )


def test_mail_that_came_by_no_connector_is_vouched_for_by_nobody(zone: dns.Zone) -> None:
    assert come(mail(), MAYA, by="", domains=()) == Voucher("nobody")


def test_a_program_with_a_token_speaks_for_our_domains_alone(zone: dns.Zone) -> None:
    for source in ("api", "command"):
        envelope = Envelope(MAYA, (JONAS,), source, trusted=True)
        assert voucher(mail(), MAYA, envelope, default_brand()) == Voucher("program")
        assert voucher(of_bank(), BANK, envelope, default_brand()) == Voucher()


def test_what_is_written_here_is_vouched_for_by_the_readers_proof(zone: dns.Zone) -> None:
    envelope = Envelope(JONAS, (MAYA,), "reply", trusted=False)
    assert voucher(mail(sender=JONAS), JONAS, envelope, default_brand()) == Voucher("confirmed")


@pytest.mark.parametrize(
    "raw",
    [
        mail().replace(b"From: ", b"From: x@evil.example\r\nFrom: ", 1),
        mail().replace(b"From: ", b"From: x@evil.example, ", 1),
        mail().replace(b"From: ", b"Sender: ", 1),
    ],
    ids=["two fields", "two authors", "no author"],
)
def test_where_one_could_be_shown_and_another_proved_nobody_vouches(zone: dns.Zone, raw: bytes) -> None:
    assert come(raw, MAYA, domains=()) == Voucher("nobody")
    assert come(raw, "x@evil.example", domains=()).kind in ("nobody", "")


def test_what_a_mail_says_of_itself_is_not_read(zone: dns.Zone) -> None:
    claims = [
        ("Authentication-Results", "mx.aldervalley.example; dkim=pass header.d=bank.example; spf=pass"),
        ("ARC-Authentication-Results", "i=1; mx.aldervalley.example; dkim=pass header.d=bank.example"),
        ("ARC-Seal", "i=1; a=rsa-sha256; cv=none; d=bank.example; s=s1; b=AAAA"),
        ("X-Letterlock-Protect", "v=1"),
    ]
    assert come(of_bank(headers=claims)) == Voucher()
    assert come(mail(headers=claims), MAYA) == Voucher("nobody")


def test_the_warning_is_shown_where_nobody_vouches_for_one_of_ours(zone: dns.Zone) -> None:
    reader = reader_of(seal(mail().replace(b"From: ", b"From: x@evil.example\r\nFrom: ", 1)))
    page = words(signed_in(reader).get(path_of(reader)).content)
    assert "Verified sender" not in page
    assert "We could not confirm that this was sent from inside Alder Valley Clinic." in page
    assert "If it asks for something unusual, phone first." in page


def test_a_name_that_holds_another_address_stands_behind_the_real_one(zone: dns.Zone) -> None:
    for name in ("ceo@bank.example", "ceo\uff20bank.example"):
        reader = reader_of(seal(mail(sender=f'"{name}" <x@evil.example>')))
        page = signed_in(reader).get(path_of(reader)).content.decode()
        head = page.partition('<div class="from__name">')[2].partition("</div>")[0]
        assert "x@evil.example" in head
        assert "bank" not in head
        assert "x@evil.example (" in words(page.encode()), "the details name it behind"
        assert envelope_of(reader.message).sender_name == "", "nor is it in a notice, or on the page before the proof"


# Signatures


def test_a_signature_of_the_authors_domain_vouches(zone: dns.Zone) -> None:
    assert come(signed(of_bank())) == Voucher("signature", "bank.example")
    assert zone.asked == [(KEY, "TXT")]


def test_a_signed_mail_through_the_pipeline_is_tagged_with_the_domain(zone: dns.Zone) -> None:
    reader = reader_of(seal(signed(of_bank()), sender=MAYA))
    page = words(signed_in(reader).get(path_of(reader)).content)
    assert "Verified sender" in page
    assert "By the signature of bank.example" in page


def _changed(old: bytes, new: bytes) -> bytes:
    raw = signed(of_bank())
    assert old in raw
    return raw.replace(old, new, 1)


@pytest.mark.parametrize(
    "raw",
    [
        lambda: _changed(b"Good news", b"Bad news"),
        lambda: _changed(b"Subject: ", b"Subject: Another\r\nSubject: "),
        lambda: _changed(b"Subject: ", b"Subject : Another\r\nSubject: "),
        lambda: _changed(b"From: The bank", b"From: Somebody"),
        lambda: _changed(b"Date: ", b"Date: Mon, 1 Jan 2024 00:00:00 +0000\r\nDate: "),
        lambda: signed(of_bank(), headers=("from", "to", "date")),
        lambda: signed(of_bank(), length=True),
        lambda: signed(of_bank(), signature_algorithm=b"rsa-sha1"),
        lambda: signed(of_bank(), domain="evil.example"),
        lambda: signed(of_bank(), domain="example"),
        lambda: of_bank(headers=[("DKIM-Signature", MADE_UP)]),
        lambda: of_bank(headers=[("DKIM-Signature", "nonsense")]),
        lambda: signed(of_bank().replace(b"Good news", b"Good" + b" " * 300, 1)),
    ],
    ids=[
        "body", "second subject", "odd second subject", "name", "second date", "subject unsigned", "part of the body",
        "sha1", "stranger", "above", "made up", "nonsense", "blanks",
    ],
)  # fmt: skip
def test_a_signature_that_leaves_something_open_proves_nothing(zone: dns.Zone, raw: Any) -> None:
    zone.records[("s1._domainkey.evil.example", "TXT")] = zone.records[(KEY, "TXT")]
    zone.records[("s1._domainkey.example", "TXT")] = zone.records[(KEY, "TXT")]
    assert come(raw()) == Voucher()


def test_of_ours_a_domain_above_may_sign_and_a_broken_signature_is_warned_of(zone: dns.Zone) -> None:
    zone.records[(f"s1._domainkey.{OURS}", "TXT")] = zone.records[(KEY, "TXT")]
    raw, shown = mail(sender=f"x@mail.{OURS}"), f"x@mail.{OURS}"
    assert come(signed(raw, domain=OURS), shown) == Voucher("signature", OURS)
    assert come(signed(raw, domain=OURS).replace(b"Good", b"Bad", 1), shown) == Voucher("nobody")


@pytest.mark.parametrize(
    "record",
    [None, "v=DKIM1; p=", "v=DKIM1; t=y; k=rsa; p=", "nonsense", "v=DKIM1; k=ed25519; p="],
    ids=["none", "withdrawn", "testing", "nonsense", "another kind"],
)
def test_without_a_key_in_force_nothing_is_proved(zone: dns.Zone, record: str | None) -> None:
    p = _pair()[1].partition("p=")[2]
    zone.records = (
        {(KEY, "TXT"): [_record(record + (p if "t=y" in record or "ed2" in record else ""))]} if record else {}
    )
    assert come(signed(of_bank())) == Voucher()


@pytest.mark.parametrize("trouble", ["broken", "silent"])
def test_while_dns_gives_no_answer_there_is_neither_tag_nor_warning_and_soon_nobody_waits(
    zone: dns.Zone, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    monkeypatch.setattr(signatures, "SECONDS", 0.8)
    name = f"s1._domainkey.{OURS}"
    zone.broken.add((name, "TXT"))
    zone.silent = trouble == "silent"
    raw = signed(mail(), domain=OURS)
    assert come(raw, MAYA) == Voucher()
    began, asked = time.monotonic(), len(zone.asked)
    assert come(raw, MAYA) == Voucher()
    assert time.monotonic() - began < 0.8
    assert len(zone.asked) == asked, "a domain that was silent rests"


def test_nothing_of_it_is_in_a_log(zone: dns.Zone, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    come(signed(of_bank()).replace(b"Good news", b"Bad news", 1))
    assert "bank.example" not in caplog.text
