"""Forms that were open for too long, or come without cookies, twice over, or full of junk."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client

from branding.models import Brand
from portal.access import administrators, cookies, entry, passwords, people, sessions
from portal.access.models import Asked, Challenge, Failed, Session, SignIn
from portal.vault import readers
from portal.vault.models import Message, Phrase, Reader
from tests.access.visitors import Clock, Visitor, make_provider, newest_code, other_than, words
from tests.mails import mail
from tests.seals import HOST, default_brand, path_of, reader_of, seal, signed_in

TOO_LONG = "This page was open for too long, so nothing was sent. Press the button again."
NO_COOKIES = "your browser keeps no cookies for it"
FORMED = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


@pytest.fixture
def guarded(brand: Brand) -> Visitor:
    """A browser whose forms are checked, as all are outside of tests."""
    return Visitor(brand, enforce_csrf=True)


def press(visitor: Visitor, url: str, token: str = "", origin: str = "", **data: str) -> HttpResponse:
    """Send a form as Chromium does, with an old token or none."""
    host = visitor.client.defaults.get("HTTP_HOST", "")
    headers = {"Origin": origin or f"http://{host}"}
    return visitor.client.post(url, {"csrfmiddlewaretoken": token, **data}, headers=headers)  # type: ignore[return-value]


def token_in(page: HttpResponse) -> str:
    found = FORMED.search(page.content.decode())
    assert found is not None
    return found[1]


def asked(guarded: Visitor, reader: Reader) -> str:
    """Ask for a passcode with a good form; the address of the page that takes it."""
    link = f"/m/{readers.link_of(reader)}"
    assert press(guarded, f"{link}/ask/", token_in(guarded.get(link))).status_code == 303
    return f"{link}/passcode/"


def test_the_passcode_page_comes_again_with_the_digits_and_the_next_press_works(
    guarded: Visitor, reader: Reader
) -> None:
    url = asked(guarded, reader)
    code = newest_code()
    page = press(guarded, url, "A" * 64, code=code, keep="on")
    assert page.status_code == 403
    text = page.content.decode()
    assert TOO_LONG in words(page)
    assert f'value="{code}"' in text
    assert 'name="keep" checked' in text
    assert not Session.objects.exists()
    assert Challenge.objects.get().guesses == 0
    assert press(guarded, url, token_in(page), code=code).status_code == 303
    assert Session.objects.exists()


def test_a_wrong_code_in_an_old_form_is_no_guess(guarded: Visitor, reader: Reader) -> None:
    url = asked(guarded, reader)
    for _ in range(20):
        press(guarded, url, "", code=other_than(newest_code()))
    assert Challenge.objects.get().guesses == 0
    assert not Failed.objects.exists()


def test_the_first_button_and_the_neutral_page_come_again(guarded: Visitor, reader: Reader) -> None:
    link = f"/m/{readers.link_of(reader)}"
    guarded.get(link)
    page = press(guarded, f"{link}/ask/", "old")
    assert (page.status_code, TOO_LONG in words(page), "Email me a passcode" in words(page)) == (403, True, True)
    assert press(guarded, f"{link}/ask/", token_in(page)).status_code == 303
    page = press(guarded, "/m/", "old", address="anna@other.example")
    assert (page.status_code, TOO_LONG in words(page)) == (403, True)
    assert 'value="anna@other.example"' in page.content.decode()
    assert Asked.objects.count() == 1
    assert press(guarded, "/m/", token_in(page), address="anna@other.example").status_code == 303
    page = press(guarded, "/m/passcode/", "old", code="1234 5678")
    assert 'value="1234 5678"' in page.content.decode()
    assert press(guarded, "/m/passcode/again/", "old").status_code == 403
    assert Asked.objects.count() == 2


def test_an_old_form_of_a_dead_link_is_answered_like_the_link(guarded: Visitor, reader: Reader) -> None:
    guarded.get("/m/")
    for path in ("ask/", "passcode/"):
        assert press(guarded, f"/m/{readers.new_link()}/{path}", "old", code="1").status_code == 404


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://secure.aldervalley.example.evil.example"])
def test_a_form_of_another_site_is_not_shown_with_our_button_below(
    guarded: Visitor, reader: Reader, origin: str
) -> None:
    guarded.get("/m/")
    page = press(guarded, "/m/", "old", origin, address="their-words@evil.example")
    assert page.status_code == 403
    assert "This page was open for too long" in words(page)
    assert "their-words" not in page.content.decode()


def test_a_form_that_does_not_say_whence_it_comes_is_not_shown(guarded: Visitor) -> None:
    page = guarded.client.post("/m/", {"address": "their-words@evil.example"})
    assert page.status_code == 403
    assert "their-words" not in page.content.decode()


def test_without_any_cookie_the_page_says_what_may_be_the_matter(brand: Brand, reader: Reader) -> None:
    link = f"/m/{readers.link_of(reader)}"
    for url, data in ((f"{link}/ask/", {}), (f"{link}/passcode/", {"code": "12345678"}), ("/m/", {"address": "a@b.c"})):
        bare = Visitor(brand, enforce_csrf=True)
        page = press(bare, url, **data)
        assert page.status_code == 403
        assert NO_COOKIES in words(page)
    assert not Challenge.objects.exists()


def test_what_was_written_comes_again_in_the_reply_form(db: None) -> None:
    brand, reader = default_brand(), reader_of(seal(mail()))
    client = Client(HTTP_HOST=HOST, enforce_csrf_checks=True)
    client.cookies = signed_in(reader).cookies
    visitor = Visitor(brand)
    visitor.client = client
    client.defaults["HTTP_HOST"] = HOST
    page = press(visitor, f"{path_of(reader)}/reply", "old", message="Three paragraphs & <b>more</b>")
    assert page.status_code == 403
    assert "Three paragraphs &amp; &lt;b&gt;more&lt;/b&gt;" in page.content.decode()
    assert TOO_LONG in words(page)
    assert Message.objects.count() == 1
    sent = press(visitor, f"{path_of(reader)}/reply", token_in(page), message="Three paragraphs")
    assert (sent.status_code, "/sent/" in sent["Location"]) == (303, True)
    stranger = Visitor(brand, enforce_csrf=True)
    page = press(stranger, f"{path_of(reader)}/reply", "old", message="Not by me")
    assert (page.status_code, "Your reply was not sent" in words(page)) == (403, True)
    assert "Not by me" in words(page) and "no new tear" not in words(page)


# ------------------------------------------------------------------------------------------------------------- junk


def test_a_field_that_comes_twice_is_one_guess_or_none(visitor: Visitor, reader: Reader) -> None:
    visitor.ask(reader)
    code, url = newest_code(), f"/m/{readers.link_of(reader)}/passcode/"
    many = [other_than(code)] * 50 + [other_than(code)]
    assert visitor.client.post(url, {"code": many}).status_code == 422
    assert Challenge.objects.get().guesses == 1
    assert visitor.client.post(url, {"code": [other_than(code), code]}).status_code == 303, "the last one counts"
    assert Challenge.objects.get().guesses == 2


@pytest.mark.parametrize("code", ["1" * 10_000, "é" * 10_000, "\0" * 10_000, "<" * 10_000, "٣" * 10_000, " " * 10_000])
def test_ten_kilobytes_are_no_code_and_come_back_short(visitor: Visitor, reader: Reader, code: str) -> None:
    visitor.ask(reader)
    page = visitor.enter(reader, code)
    assert page.status_code == 422
    assert len(page.content) < 20_000
    assert Challenge.objects.get().guesses == 0


@pytest.mark.parametrize("zero", [0x0660, 0x06F0, 0x0966, 0xFF10, 0x1D7CE])
def test_digits_of_any_script_mean_the_same(visitor: Visitor, reader: Reader, zero: int) -> None:
    visitor.ask(reader)
    assert visitor.enter(reader, "".join(chr(zero + int(digit)) for digit in newest_code())).status_code == 303


@pytest.mark.parametrize("code", ["²²²²²²²²", "①②③④⑤⑥⑦⑧", "ⅠⅡⅢⅣⅤⅥⅦⅧ", "一二三四五六七八"])
def test_what_only_looks_like_a_number_is_no_digit(visitor: Visitor, reader: Reader, code: str) -> None:
    visitor.ask(reader)
    assert "Enter the 8 digits from the email." in words(visitor.enter(reader, code))
    assert Challenge.objects.get().guesses == 0


def test_more_fields_than_any_form_has_are_refused_before_anything_is_looked_at(
    visitor: Visitor, reader: Reader, clock: Clock
) -> None:
    visitor.ask(reader)
    url = f"/m/{readers.link_of(reader)}/passcode/"
    page = visitor.client.post(url, {**{f"x{n}": "1" for n in range(2000)}, "code": newest_code()})
    assert page.status_code == 413
    assert not Session.objects.exists()


def test_every_button_of_the_way_in_comes_again(guarded: Visitor, brand: Brand, reader: Reader) -> None:
    make_provider(brand, "google", "google", "mail.example")
    link = f"/m/{readers.link_of(reader)}"
    for url in (f"{link}/sign-in/google/", f"{link}/passkey/", "/m/sign-in/google/", "/m/passkey/"):
        page = press(guarded, url)
        assert page.status_code == 403
        text = words(page)
        assert "This page was open for too long" in text and "Continue with Google" in text, url
        assert ("Dr Maya Lindqvist" in text) == url.startswith(link)
    assert not SignIn.objects.exists()


def test_the_form_for_a_phrase_comes_again_without_the_phrase(db: None) -> None:
    default_brand()
    reader = reader_of(seal(mail(headers=[("X-Letterlock-Protect", 'v=1; phrase="the blue canoe"')])))
    client = signed_in(reader)
    client.handler.enforce_csrf_checks = True
    for form, field in (("phrase", "the blue canoe"), ("factor", "123456")):
        origin = {"Origin": f"http://{HOST}"}
        page = client.post(f"{path_of(reader)}/{form}/", {form: field, "code": field}, headers=origin)
        assert page.status_code == 403
        text = words(page)  # type: ignore[arg-type]
        assert TOO_LONG in text and "Agreed phrase" in text and field not in text
    assert Phrase.objects.get(reader=reader).tries == 0


def test_the_settings_come_again(guarded: Visitor, brand: Brand, reader: Reader) -> None:
    guarded.client.cookies[cookies.SESSION] = sessions.begin(people.of_reader(reader), brand, keep=False)
    for form in ("devices/", "authenticator/confirm/", f"passkeys/{uuid4()}/rename/"):
        page = press(guarded, f"/settings/{form}", device="others")
        assert page.status_code == 403
        assert TOO_LONG in words(page) and "Signed-in devices" in words(page)
    assert "Read your message" in words(press(Visitor(brand, enforce_csrf=True), "/settings/devices/"))


def test_the_administrators_forms_come_again_with_the_address_and_no_secret(guarded: Visitor, brand: Brand) -> None:
    person = administrators.owner("ada@aldervalley.example")
    passwords.set_first(person, "four words beside each other")
    page = press(
        guarded,
        "/admin/enter/password/",
        address="ada@aldervalley.example",
        password="four words",
        next="/admin/people/",
    )
    assert page.status_code == 403
    text = page.content.decode()
    assert NO_COOKIES in words(page)
    assert 'value="ada@aldervalley.example"' in text and "four words" not in text
    assert 'name="next" value="/admin/people/"' in text
    entered = press(guarded, f"/admin/enter/{entry.make(person)}")
    assert entered.status_code == 403 and "Sign in as administrator" in words(entered)
    assert not Session.objects.exists()


def test_from_any_other_form_the_page_leads_back_to_where_it_was(guarded: Visitor, brand: Brand) -> None:
    host = f"http://{brand.host}"

    def leads_to(came_from: str) -> str:
        headers = {"Origin": host, **({"Referer": came_from} if came_from else {})}
        page = guarded.client.post("/admin/people/add/", {"address": "x"}, headers=headers)
        assert page.status_code == 403
        return re.findall(r'<a class="btn btn--go" href="([^"]*)"', page.content.decode())[0]

    assert leads_to(f"{host}/admin/enter/?next=/admin/people/") == "/admin/enter/?next=/admin/people/"
    for other in ("", "http://evil.example/", f"{host}//evil.example/", f"{host}.evil.example/", "/admin/", host):
        assert leads_to(other) in ("/admin/people/add/", "/admin/"), other
    for form in ("password", "passkey", "with/corp"):
        assert guarded.get(f"/admin/enter/{form}/")["Location"] == "/admin/enter/"
