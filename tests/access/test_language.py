"""Which language a page and a mail speak: chosen, asked for by the browser, remembered with the person, the brand's."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse

from branding.models import Brand
from portal.access.models import Person
from portal.delivery import letters, tongue
from portal.delivery.queue import enqueue
from portal.vault.models import Reader
from portal.vault.readers import link_of
from tests.access.visitors import Visitor, mails, make_reader
from tests.words import true_words

CHOICES = [
    ("", "de", "en", "de"),
    ("", "de-AT,en;q=0.5", "en", "de"),
    ("", "is,sv;q=0.8,de;q=0.5", "en", "sv"),
    ("", "zh-CN", "en", "zh-hans"),
    ("", "pt-BR", "en", "pt"),
    ("", "en-US,de;q=0.5", "de", "en-gb"),
    ("", "", "de", "de"),
    ("", "is", "sv", "sv"),
    ("", "*", "ar", "ar"),
    ("", "", "xx", "en-gb"),
    ("ar", "de", "sv", "ar"),
    ("../../etc", "de", "sv", "de"),
]


@pytest.fixture(autouse=True, scope="module")
def _words() -> Iterator[None]:
    with true_words():
        yield


def choose(visitor: Visitor, language: str, next_: str = "/help/", **headers: Any) -> HttpResponse:
    return visitor.client.post("/language/", {"language": language, "next": next_}, **headers)  # type: ignore[return-value]


def text_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


@pytest.mark.parametrize(("cookie", "asked", "of_brand", "spoken"), CHOICES)
def test_the_choice_counts_before_the_browser_and_the_browser_before_the_brand(
    visitor: Visitor, brand: Brand, cookie: str, asked: str, of_brand: str, spoken: str
) -> None:
    Brand.objects.filter(pk=brand.pk).update(language=of_brand)
    if cookie:
        visitor.client.cookies[settings.LANGUAGE_COOKIE_NAME] = cookie
    page = visitor.client.get("/help/", headers={"accept-language": asked})
    direction = "rtl" if spoken == "ar" else "ltr"
    assert f'<html lang="{spoken}" dir="{direction}"' in page.content.decode()
    assert page["Content-Language"] == spoken
    assert {"Accept-Language", "Cookie"} <= set(page["Vary"].split(", "))
    assert page["Cache-Control"] == "no-store"


def test_the_picker_offers_every_language_by_its_own_name(visitor: Visitor) -> None:
    page = visitor.get("/m/").content.decode()
    for code, name in (("en-gb", "English"), ("ar", "العربية"), ("zh-hans", "简体中文"), ("uk", "Українська")):
        assert f'value="{code}" lang="{code}" dir="auto"' in page
        assert f">{name}</button>" in page
    assert page.count('name="language"') == len(settings.LANGUAGES)


def test_who_chooses_a_language_comes_back_to_the_same_page_in_it(visitor: Visitor) -> None:
    answer = choose(visitor, "de", "/help/?x=1")
    assert (answer.status_code, answer["Location"]) == (303, "/help/?x=1")
    page = visitor.get("/help/").content.decode()
    assert '<html lang="de" dir="ltr"' in page
    assert "Hilfe" in page
    assert 'value="de" lang="de" dir="auto" aria-current="true"' in page


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "/\\evil.example", "help/", ""])
def test_the_picker_leads_to_no_other_site(visitor: Visitor, elsewhere: str) -> None:
    assert choose(visitor, "de", elsewhere)["Location"] == "/m/"


@pytest.mark.parametrize("language", ["xx", "", "de\r\nSet-Cookie: a=b", "../de", "en"])
def test_a_language_that_is_not_offered_changes_nothing(visitor: Visitor, language: str) -> None:
    answer = choose(visitor, language)
    assert answer.status_code == 303
    assert settings.LANGUAGE_COOKIE_NAME not in answer.cookies


def test_looking_changes_no_language_and_another_site_cannot_choose_it(brand: Brand) -> None:
    visitor = Visitor(brand, enforce_csrf=True)
    assert visitor.get("/language/").status_code == 405
    assert choose(visitor, "de").status_code == 403
    assert "de" not in visitor.cookie(settings.LANGUAGE_COOKIE_NAME)


def test_the_cookie_lasts_a_year_and_no_script_reads_it(visitor: Visitor) -> None:
    cookie = choose(visitor, "de").cookies[settings.LANGUAGE_COOKIE_NAME]
    assert (cookie["max-age"], cookie["httponly"], cookie["samesite"]) == (365 * 24 * 3600, True, "Lax")


def test_after_a_form_that_failed_the_picker_leads_to_the_page_that_the_form_was_on(
    visitor: Visitor, reader: Reader, brand: Brand
) -> None:
    visitor.ask(reader)
    page = f"/m/{link_of(reader)}/passcode/"
    assert f'name="next" value="{page}"' in visitor.get(page).content.decode()
    failed = visitor.client.post(page, {"code": ""}, headers={"referer": f"http://{brand.host}{page}"})
    assert f'name="next" value="{page}"' in failed.content.decode()


def test_administrators_pages_stay_in_english(visitor: Visitor) -> None:
    page = visitor.client.get("/admin/enter/", headers={"accept-language": "de"})
    assert 'lang="en-gb"' in page.content.decode()


def test_a_passcode_comes_in_the_language_of_the_page_that_asked_for_it(visitor: Visitor, reader: Reader) -> None:
    choose(visitor, "de")
    visitor.ask(reader)
    (mail,) = mails()
    assert mail["Subject"].startswith("Ihr Einmalcode für Alder Valley Clinic (")
    assert "nur in dem Browser, der ihn angefordert hat" in " ".join(text_of(mail).split())
    html = mail.get_body(("html",))
    assert html is not None
    assert '<html lang="de" dir="ltr">' in html.get_content()


def test_other_mails_come_in_the_language_of_the_last_proof_and_before_it_in_the_brands(
    visitor: Visitor, reader: Reader, brand: Brand
) -> None:
    Brand.objects.filter(pk=brand.pk).update(language="sv")
    brand.refresh_from_db()
    reader.message.brand = brand
    assert tongue.of_reader(reader) == "sv"
    choose(visitor, "de")
    assert visitor.prove(reader).status_code == 303
    assert tongue.of_reader(reader) == "de"


def test_the_notice_is_written_in_it_and_a_sentence_of_the_sender_stays(
    visitor: Visitor, reader: Reader, brand: Brand
) -> None:
    choose(visitor, "ar")
    visitor.prove(reader)
    later = make_reader(brand, "jonas.berg@mail.example")
    prepared = letters.prepare(enqueue("notice", address="jonas.berg@mail.example", reader=later))
    assert prepared is not None
    mail: Any = message_from_bytes(b"".join(prepared.data), policy=policy.default)
    assert mail["Subject"] == "رسالة محمية من Dr Maya Lindqvist"
    html = mail.get_body(("html",)).get_content()
    assert '<html lang="ar" dir="rtl">' in html
    assert "Dr Maya Lindqvist" in html
    assert link_of(later) in text_of(mail)


def test_only_who_is_signed_in_changes_the_language_of_their_mails(
    visitor: Visitor, stranger: Visitor, reader: Reader
) -> None:
    visitor.prove(reader)
    choose(stranger, "ar")
    assert Person.objects.get(lookup=bytes(reader.address_lookup).hex()).language == "en-gb"
    choose(visitor, "ar")
    assert Person.objects.get(lookup=bytes(reader.address_lookup).hex()).language == "ar"


def test_one_persons_language_is_not_anothers(visitor: Visitor, reader: Reader, brand: Brand) -> None:
    other = make_reader(brand, "vera@mail.example")
    choose(visitor, "de")
    visitor.prove(reader)
    assert tongue.of_reader(other) == "en-gb"
