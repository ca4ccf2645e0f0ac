"""A brand's words and logo in the mails that its portal writes: shown where they belong, and never as markup."""

from __future__ import annotations

from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone, translation

from branding import logos, wording
from branding.models import Brand
from portal.delivery import dressing
from tests.branding.test_logos import made, svg
from tests.delivery.test_notices import parts_of, read_html

pytestmark = pytest.mark.django_db

WORDS = {
    "en": {
        "introduction": "{sender} at {organisation} has sent you a letter.",
        "mail_text": "Please read it until {date}.\nBring it to your visit.",
        "read_button": "Read your letter",
        "disclaimer": "For nobody but you <b>&\nRegistered in Alder Valley.",
        "privacy_url": "https://aldervalley.example/privacy",
    },
    "de": {"read_button": "Brief lesen"},
}


def _worded(words: dict[str, Any] = WORDS) -> None:
    Brand.objects.update(words=wording.checked(words))


def _with_logo(kept: logos.Picture) -> None:
    brand = Brand.objects.get()
    Brand.objects.update(logo=logos.keep(brand, kept).digest)


def test_a_notice_says_the_brands_words_where_ome_shows_them(seal: Callable[..., Any], mail_to: Any) -> None:
    message = seal()
    _worded()
    text, page = parts_of(mail_to(message))
    until = message.open_until.strftime("%-d %B %Y")
    html = " ".join(read_html(page).words)
    for words in (" ".join(text.split()), html):
        places = [
            words.index(part)
            for part in (
                "Dr Maya Lindqvist at Alder Valley Clinic has sent you a letter.",
                "Read your letter",
                f"Please read it until {until}. Bring it to your visit.",
                "Alder Street 4, 123 45 Alder Valley",
                "For nobody but you <b>& Registered in Alder Valley.",
                "http://secure.aldervalley.example:8000/privacy/",
            )
        ]
        assert places == sorted(places)
        assert "sent you a protected message" not in words
        assert "Read message" not in words
    assert "&lt;b&gt;&amp;<br>Registered" in page


def test_every_link_of_a_worded_notice_leads_to_the_brands_own_host(seal: Callable[..., Any], mail_to: Any) -> None:
    message = seal()
    _worded()
    _text, page = parts_of(mail_to(message))
    assert {link.split("/")[2] for link in read_html(page).links} == {"secure.aldervalley.example:8000"}


def test_a_german_reader_has_german_words(seal: Callable[..., Any], mail_to: Any) -> None:
    message = seal()
    _worded()
    Brand.objects.update(language="de")
    text, page = parts_of(mail_to(message))
    assert "Brief lesen" in text and "Brief lesen" in page
    assert "Read your letter" not in text + page


def test_a_message_without_an_end_says_nothing_of_one(seal: Callable[..., Any], mail_to: Any) -> None:
    message = seal(open_days=None)
    _worded()
    text, page = parts_of(mail_to(message))
    assert "Please read it until" not in text + page
    assert "Read your letter" in text


def test_hostile_words_and_names_stay_text(seal: Callable[..., Any], mail_to: Any) -> None:
    message = seal()
    Brand.objects.update(
        name='<img src=x onerror="a()">\r\nBcc: all',
        words={"en": {"mail_text": "<script>a()</script>", "read_button": '"><b>', "disclaimer": "{{ brand }}"}},
    )
    mail = mail_to(message)
    _text, page = parts_of(mail)
    assert mail["Bcc"] is None
    assert "<script" not in page and "<img" not in page and '"><b></a>' not in page
    assert "&lt;script&gt;a()&lt;/script&gt;" in page


def _parts(mail: EmailMessage) -> list[str]:
    return [part.get_content_type() for part in mail.walk()]


def test_a_logo_goes_beside_the_html_small_and_without_a_word(
    seal: Callable[..., Any], mail_to: Any, relay: Any
) -> None:
    message = seal()
    _worded()
    _with_logo(made())
    mail = mail_to(message)
    assert _parts(mail) == ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"]
    part = next(part for part in mail.walk() if part.get_content_type() == "image/png")
    cid = str(part["Content-ID"]).strip("<>")
    _text, page = parts_of(mail)
    assert f'<img src="cid:{cid}"' in page and 'alt=""' in page
    assert read_html(page).loaded == [f"cid:{cid}"]
    assert part["Content-Disposition"] == "inline"
    assert len(part.get_content()) <= 8 * 1024
    assert "Alder Valley Clinic" in page, "the name is there as text, for whoever shows no pictures"
    assert len(relay.taken[0].data) < 30 * 1024


def test_a_logo_goes_with_a_message_in_a_file_too(seal: Callable[..., Any], mail_to: Any) -> None:
    message = seal(delivery="attachment")
    _with_logo(made())
    assert _parts(mail_to(message)) == [
        "multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png",
        "text/html",
    ]  # fmt: skip


def test_a_logo_that_is_a_drawing_alone_leaves_mails_the_mark(seal: Callable[..., Any], mail_to: Any) -> None:
    message = seal()
    _with_logo(logos.made(svg()))
    mail = mail_to(message)
    assert "image/png" not in _parts(mail)
    assert ">AC</td>" in parts_of(mail)[1]


def test_another_brands_logo_is_never_shown(seal: Callable[..., Any], mail_to: Any, brand: Brand) -> None:
    message = seal()
    other = Brand.objects.create(slug="harbour", name="Harbour", host="secure.harbour.example")
    digest = logos.keep(other, made()).digest
    Brand.objects.filter(pk=brand.pk).update(logo=digest)
    logos._in_mail.cache_clear()  # of the brand that had this number in the test before
    assert "image/png" not in _parts(mail_to(message))


def test_a_passcode_mail_has_the_logo_and_none_of_the_words(brand: Brand) -> None:
    _worded({"en": {**WORDS["en"], "disclaimer": "Room 1234"}})
    _with_logo(made())
    brand.refresh_from_db()
    now = timezone.now()
    facts = {
        "brand": brand,
        "code": "28417306",
        "reference": "KITE-27",
        "until": now,
        "minutes": 15,
        "host": brand.host,
    }
    with translation.override("en-gb"):
        look = dressing.dressed("passcode", brand, facts)
    assert look.pictures
    for body in (look.text, look.html):
        assert "1234" not in body and "123 45" not in body
    assert "http" not in look.text and read_html(look.html).links == []


def test_the_postal_address_stands_in_every_template_but_the_passcodes() -> None:
    folder = settings.BASE_DIR / "templates" / "mail"
    bare = {"frame.html", "message.html", "report.txt", "foot.txt", "digest_line.txt", "passcode.html", "passcode.txt"}
    without = {path.name for path in folder.iterdir() if "brand.postal_address" not in path.read_text()}
    assert without == bare
