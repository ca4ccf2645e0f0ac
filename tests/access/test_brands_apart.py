"""Two brands in one installation: nothing of one ever shows under the other, in pages, cookies, mails or caches."""

from __future__ import annotations

import re
from email.message import EmailMessage

import dkim
import pytest
from django.test import Client

from branding import logos, look, words
from branding.models import Brand
from portal.access import cookies
from portal.access.models import Asked
from portal.delivery import letters, signing, verp
from portal.delivery.models import Outbound
from portal.vault import readers
from portal.vault.models import Reader
from tests.access.visitors import Visitor, mails, make_brand, make_provider, make_reader
from tests.branding.test_logos import made as of_size
from tests.grants import change

pytestmark = pytest.mark.django_db

ADDRESS = "jonas.berg@mail.example"


def _dressed(slug: str, name: str, colour: str, size: tuple[int, int], **more: object) -> Brand:
    made = make_brand(
        f"secure.{slug}.example",
        slug=slug,
        name=name,
        colour=colour,
        domains=[f"{slug}.example"],
        from_address=f"mail@{slug}.example",
        bounce_address=f"bounce@{slug}.example",
        postal_address=f"{slug} street",
        phone=f"{slug} phone",
        words={
            "en-gb": {
                "portal_text": f"{slug} top text",
                "welcome": f"{slug} welcome",
                "privacy_url": f"https://{slug}.example/privacy",
            }
        },
        **more,
    )
    made.logo = logos.keep(made, of_size(size)).digest
    made.save()
    make_provider(made, f"idp-{slug}", "oidc", "mail.example")
    return made


@pytest.fixture
def alder(db: None) -> Brand:
    return _dressed("birch", "Birch Hill Clinic", "#1d3f8f", (300, 100), is_default=True)


@pytest.fixture
def harbour(alder: Brand) -> Brand:
    return _dressed("harbour", "Harbour Legal", "#e8a33d", (200, 100))


def _marks(brand: Brand) -> list[str]:
    """What is a brand's own, as it would stand in a page or a mail."""
    return [
        brand.name, brand.host, brand.slug, brand.colour, brand.logo, brand.phone, brand.postal_address,
        words.said(brand, "portal_text"), words.said(brand, "welcome"), words.privacy_url(brand),
        look.css_url(brand), look.mark_url(brand), f"Idp-{brand.slug.title()}",
    ]  # fmt: skip


def _found(brand: Brand, text: str) -> list[str]:
    text = re.sub(r"\b[A-Z]+-\d\d\b", "", text)  # a passcode's reference is any word, a tree's as well
    return [mark for mark in _marks(brand) if mark.lower() in text.lower()]


PAGES = ("/", "/m/", "/help/", "/privacy/", "/accessibility/", "/genuine/", "/no-such-page", "/settings/", "/m/none")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_shows_its_own_brand_and_nothing_of_the_other(alder: Brand, harbour: Brand, path: str) -> None:
    # Again and again by turns: what a process keeps is kept for one brand.
    for brand, other in ((alder, harbour), (harbour, alder), (alder, harbour)):
        text = Visitor(brand).client.get(path, follow=True).content.decode()
        assert brand.name in text
        assert _found(other, text) == []


def test_the_page_of_a_message_shows_its_brands_words_logo_and_ways(alder: Brand, harbour: Brand) -> None:
    for brand, other in ((alder, harbour), (harbour, alder)):
        reader = make_reader(brand, ADDRESS)
        text = Visitor(brand).get(f"/m/{readers.link_of(reader)}").content.decode()
        own = (words.said(brand, "portal_text"), words.said(brand, "welcome"), f"/brand/{brand.slug}/{brand.logo}")
        assert [mark for mark in own if mark not in text] == []
        assert f"Idp-{brand.slug.title()}" in text
        assert _found(other, text) == []


def test_what_a_page_loads_is_its_brands_alone(alder: Brand, harbour: Brand) -> None:
    for brand, other in ((alder, harbour), (harbour, alder), (alder, harbour)):
        client = Visitor(brand).client
        shown = logos.shown(brand)
        assert shown
        for url, content in (
            (look.css_url(brand), look.css(brand)),
            (look.mark_url(brand), look.svg(brand)),
            (shown.url, bytes(logos.of(brand).png)),  # type: ignore[union-attr]
        ):
            answer = client.get(url)
            assert answer.content == content
            assert other.colour.encode() not in answer.content
            assert Visitor(other).client.get(url).status_code == 404


def test_a_session_and_a_known_browser_are_one_brands(alder: Brand, harbour: Brand) -> None:
    ours, theirs = make_reader(alder, ADDRESS), make_reader(harbour, ADDRESS)
    visitor = Visitor(alder)
    visitor.prove(ours, stay="on")
    assert visitor.session
    for morsel in visitor.client.cookies.values():
        assert morsel["domain"] == "", "a cookie for a domain would go to every brand below it"
    abroad = Visitor(harbour)
    for name, morsel in visitor.client.cookies.items():
        abroad.client.cookies[name] = morsel.value
    page = abroad.get(f"/m/{readers.link_of(theirs)}")
    assert b"Email me a passcode" in page.content
    assert abroad.get("/m/").status_code in (200, 303)
    assert ADDRESS not in abroad.client.get("/settings/", follow=True).content.decode()
    assert cookies.SESSION in visitor.client.cookies


def test_the_language_that_was_chosen_is_kept_for_one_host(alder: Brand, harbour: Brand) -> None:
    visitor = Visitor(alder)
    visitor.post("/language/", language="de", next="/help/")
    for morsel in visitor.client.cookies.values():
        assert morsel["domain"] == ""
    assert 'lang="de"' in visitor.get("/help/").content.decode()
    assert 'lang="en-gb"' in Visitor(harbour).get("/help/").content.decode()


def _without_changing_parts(page: bytes, link: str) -> str:
    text = page.decode().replace(link, "LINK")
    return re.sub(r'(name="csrfmiddlewaretoken" value=")[^"]+', r"\1", text)


def test_a_message_asked_for_at_another_brands_host_is_answered_as_one_that_never_was(
    alder: Brand, harbour: Brand
) -> None:
    link, unknown = readers.link_of(make_reader(alder, ADDRESS)), readers.new_link()
    for part in ("", "/passcode/", "/body", "/file/1", "/files", "/reply", "/original"):
        there, nowhere = (Visitor(harbour).get(f"/m/{one}{part}") for one in (link, unknown))
        assert there.status_code == nowhere.status_code
        assert _without_changing_parts(there.content, link) == _without_changing_parts(nowhere.content, unknown)
        assert there.headers.get("Location", "").replace(link, "") == nowhere.headers.get("Location", "").replace(
            unknown, ""
        )
        assert _found(alder, there.content.decode()) == []
    assert not Outbound.objects.filter(kind="passcode").exists()


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "secure.evil.example"},
        {"host": "secure.birch.example.evil.example"},
        {"host": "evil.example:443"},
        {"host": "secure.birch.example@evil.example"},
        {"host": "secure.birch.example, evil.example"},
        {"host": "secure.birch.example\tevil.example"},
        {"host": ""},
    ],
)
def test_a_host_that_nobody_registered_gets_no_page_of_any_brand(
    alder: Brand, harbour: Brand, headers: dict[str, str]
) -> None:
    answer = Client(headers=headers).get("/help/")
    assert answer.status_code == 400
    assert _found(alder, answer.content.decode()) == _found(harbour, answer.content.decode()) == []


def test_headers_that_only_claim_a_host_change_neither_brand_nor_links(alder: Brand, harbour: Brand) -> None:
    reader = make_reader(alder, ADDRESS)
    forged = {
        "host": alder.host,
        "X-Forwarded-Host": harbour.host,
        "X-Host": harbour.host,
        "Forwarded": f"host={harbour.host}",
        "X-Original-URL": "/admin/",
    }
    client = Client(headers=forged)
    text = client.get(f"/m/{readers.link_of(reader)}").content.decode()
    assert alder.name in text and _found(harbour, text) == []
    client.post(f"/m/{readers.link_of(reader)}/ask/")
    assert _found(harbour, mails()[-1].as_string()) == []


def test_a_port_in_the_host_is_never_taken_into_a_mail(alder: Brand) -> None:
    reader = make_reader(alder, ADDRESS)
    Client(headers={"host": f"{alder.host}:31337"}).post(f"/m/{readers.link_of(reader)}/ask/")
    assert ":31337" not in mails()[-1].as_string().replace("=\n", "")


def test_pages_are_kept_by_no_cache_and_files_by_none_for_a_person(alder: Brand) -> None:
    page = Visitor(alder).get("/help/")
    assert {"Accept-Language", "Cookie"} <= {name.strip() for name in page["Vary"].split(",")}
    assert "public" not in page.get("Cache-Control", "")
    reader = make_reader(alder, ADDRESS)
    assert "no-store" in Visitor(alder).get(f"/m/{readers.link_of(reader)}")["Cache-Control"]


@pytest.mark.parametrize("path", ["/static/nothing.css", "/brand/nothing.css", "/brand/alder/nothing/0.png"])
def test_what_is_not_there_is_kept_by_no_cache_for_it_names_whoever_asked(alder: Brand, path: str) -> None:
    """A link that ends like a file has caches before the portal keep what is there, whoever it was shown to."""
    answer = Visitor(alder).get(path)
    assert (answer.status_code, answer["Cache-Control"]) == (404, "no-store")


def _passcode(brand: Brand) -> tuple[EmailMessage, str, bytes]:
    """The newest passcode mail of a brand, its envelope sender, and the mail as it leaves."""
    Asked.objects.all().delete()
    Visitor(brand).ask(make_reader(brand, ADDRESS))
    row = Outbound.objects.filter(kind="passcode").latest("made_at")
    prepared = letters.prepare(row)
    assert prepared
    signed = signing.signed(prepared)
    whole = b"".join(signed.data)
    return mails()[-1], prepared.envelope_sender, whole


def test_a_mail_is_from_its_brand_in_every_part(alder: Brand, harbour: Brand) -> None:
    keys = {brand.slug: signing.make(f"{brand.slug}.example", "s1") for brand in (alder, harbour)}
    for key in keys.values():
        signing.switch(key, on=True)
    for brand, other in ((alder, harbour), (harbour, alder)):
        mail, envelope, whole = _passcode(brand)
        assert mail["From"] == f"{brand.name} <mail@{brand.slug}.example>"
        assert mail["Message-ID"].endswith(f"@{brand.host}>")
        assert verp.is_one(envelope)
        assert re.fullmatch(rf"bounce\+[a-z2-7]{{55}}@{brand.slug}\.example", envelope)
        pictures = [part for part in mail.walk() if part.get_content_type() == "image/png"]
        assert [part.get_content() for part in pictures] == [bytes(logos.of(brand).mail_png)]  # type: ignore[union-attr]
        name, record = signing.record_of(keys[brand.slug])
        assert f"d={brand.slug}.example".encode() in whole
        assert dkim.verify(
            whole, dnsfunc=lambda asked, timeout=5, name=name, record=record: record.encode()
            if asked.decode() == f"{name}." else None
        )  # fmt: skip
        texts = [part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"]
        said = mail.as_string() + "".join(texts)
        assert _found(other, said + envelope) == []


def test_an_address_of_a_domain_that_a_brand_lost_is_written_from_no_more(alder: Brand, harbour: Brand) -> None:
    change(Brand.objects.filter(pk=harbour.pk), domains=[])
    change(Brand.objects.filter(pk=alder.pk), domains=["birch.example", "harbour.example"])
    harbour.refresh_from_db()
    mail, envelope, _whole = _passcode(harbour)
    assert mail["From"] == "Harbour Legal <messages@secure.harbour.example>"
    assert envelope.endswith("@secure.harbour.example")


def test_hostile_names_break_no_header_and_bring_no_second_sender(alder: Brand) -> None:
    for name in (
        "Alder\r\nBcc: all@evil.example",
        "=?utf-8?q?x=0D=0ABcc:_y?=",
        '"a" <b@evil.example>,',
        "a\u202eb\x00c",
    ):
        Brand.objects.filter(pk=alder.pk).update(name=name)
        alder.refresh_from_db()
        Outbound.objects.all().delete()
        Reader.objects.all().delete()
        mail, _envelope, _whole = _passcode(alder)
        assert mail["Bcc"] is None
        assert [address.addr_spec for address in mail["From"].addresses] == ["mail@birch.example"]
        assert "\u202e" not in str(mail["From"])
