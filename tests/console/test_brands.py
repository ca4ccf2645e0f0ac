"""A7 by Django's client, so without any script: the list, the editor, its preview, publishing and going back."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from django.utils.formats import date_format
from pytest_django.fixtures import Settings

from branding import versions
from branding.models import Brand, BrandVersion, Logo
from portal.access import administrators, cookies, sessions
from portal.access.roles import Role
from portal.audit.models import Entry
from portal.console import certificates
from portal.delivery import letters, signing
from portal.delivery.models import DkimKey, Outbound
from portal.rules.models import Version
from tests.console.pages import browser, form, said, shown
from tests.peers import dns

EBBA = "ebba.olsson@aldervalley.example"
HERE = "/admin/brands/alder/"
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&"


@pytest.fixture
def brand(db: None) -> Brand:
    return Brand.objects.create(
        slug="alder",
        name="Alder Valley Clinic",
        host="localhost",
        domains=["aldervalley.example"],
        postal_address="Alder Street 4",
        is_default=True,
    )


@pytest.fixture
def designer(brand: Brand) -> Client:
    return designer_of(brand, "mika@aldervalley.example")


def designer_of(brand: Brand, address: str) -> Client:
    person = administrators.add(address, Role.BRANDS, by=None)
    return browser(brand, cookies.OFFICE, sessions.begin(person, brand, keep=False, method="passkey", office=True))


def save(client: Client, url: str = HERE, **values: Any) -> Any:
    return client.post(url, {**form(shown(client, url)), **values})


def publish(client: Client, url: str = HERE) -> Any:
    text = client.get(f"{url}publish/").content.decode()
    seen = re.search(r'name="seen" value="(\w+)"', text)
    assert seen, text
    return client.post(f"{url}publish/", {"seen": seen[1]})


def preview(client: Client, **values: Any) -> str:
    return str(client.get(f"{HERE}preview/", values).content.decode())


@pytest.mark.parametrize("part", ["", "words/", "confirm/", "defaults/", "addresses/", "legal/"])
def test_a_part_that_is_saved_as_it_stands_changes_nothing(designer: Client, part: str) -> None:
    assert save(designer, HERE + part).status_code == 303
    assert not BrandVersion.objects.filter(state="draft").exists()


def test_what_is_saved_waits_in_the_draft_and_the_bar_names_it(designer: Client, brand: Brand) -> None:
    assert save(designer, colour="8A2F52").status_code == 303
    assert save(designer, f"{HERE}defaults/", open_days="14").status_code == 303
    words = {"language": "de", "word-introduction": "Sie haben Post von {organisation}."}
    assert save(designer, f"{HERE}words/?language=de", **words).status_code == 303
    shown = said(designer.get(HERE))
    assert "3 changes not published: colour, open until, introduction (Deutsch)" in shown
    brand.refresh_from_db()
    assert (brand.colour, brand.open_days, brand.words) == ("#14594f", 30, {})


def test_published_it_is_what_recipients_get_and_the_old_version_can_be_had_again(
    designer: Client, stranger: Client
) -> None:
    save(designer, name="Alder Clinic", colour="#8a2f52")
    assert "Alder Clinic" not in stranger.get("/help/").content.decode()
    published = publish(designer)
    assert published.status_code == 303
    assert "It is published." in designer.get(published["Location"]).content.decode()
    page = stranger.get("/help/").content.decode()
    assert "Alder Clinic" in page
    sheet = re.search(r"/brand/alder\.\w+\.css", page)
    assert sheet
    assert b"#8a2f52" in stranger.get(sheet[0]).content
    answer = designer.get(f"{HERE}versions/?show=1")
    assert "Version 1, beside what is live" in said(answer)
    asked = designer.get(f"{HERE}roll-back/?number=1").content.decode()
    seen = re.search(r'name="seen" value="(\w+)"', asked)
    assert seen
    assert designer.post(f"{HERE}roll-back/", {"number": "1", "seen": seen[1]}).status_code == 303
    assert "Alder Valley Clinic" in stranger.get("/help/").content.decode()
    kinds = Entry.objects.filter(kind__startswith="brand.").order_by("id").values_list("kind", flat=True)
    assert list(kinds) == ["brand.draft_saved", "brand.published", "brand.rolled_back"]


def test_of_two_editors_the_later_is_refused_and_loses_nothing(designer: Client, brand: Brand) -> None:
    mine = form(shown(designer, HERE))
    save(designer_of(brand, "kim@aldervalley.example"), name="Alder Clinic")
    answer = designer.post(HERE, {**mine, "name": "Alder Hospital"})
    assert answer.status_code == 409
    text = said(answer)
    assert "somebody else saved this part" in text
    assert "ki•••••@aldervalley.example" in text
    assert "Saved meanwhile: Alder Clinic" in text
    assert 'value="Alder Hospital"' in answer.content.decode()
    again = re.search(r'name="seen" value="(\w+)"', answer.content.decode())
    assert again
    assert designer.post(HERE, {**mine, "name": "Alder Hospital", "seen": again[1]}).status_code == 303
    assert versions.standing(brand).document["name"] == "Alder Hospital"


def test_two_who_translate_into_two_languages_do_not_meet(designer: Client, brand: Brand) -> None:
    german = form(shown(designer, f"{HERE}words/?language=de"))
    save(designer_of(brand, "kim@aldervalley.example"), f"{HERE}words/?language=sv", **{"word-read_button": "Läs"})
    assert designer.post(f"{HERE}words/", {**german, "word-read_button": "Lesen"}).status_code == 303
    words = versions.standing(brand).document["words"]
    assert words == {"sv": {"read_button": "Läs"}, "de": {"read_button": "Lesen"}}


def test_nobody_publishes_what_they_have_not_seen(designer: Client, brand: Brand) -> None:
    save(designer, name="Alder Clinic")
    text = designer.get(f"{HERE}publish/").content.decode()
    seen = re.search(r'name="seen" value="(\w+)"', text)
    assert seen
    save(designer_of(brand, "kim@aldervalley.example"), name="Changed under your hand")
    answer = designer.post(f"{HERE}publish/", {"seen": seen[1]})
    assert answer.status_code == 409
    assert "Changed under your hand" in said(answer)
    brand.refresh_from_db()
    assert brand.name == "Alder Valley Clinic"


def test_a_draft_is_thrown_away_only_after_a_question(designer: Client, brand: Brand) -> None:
    save(designer, name="Alder Clinic")
    asked = designer.get(f"{HERE}discard/").content.decode()
    assert "Alder Clinic" in asked
    seen = re.search(r'name="seen" value="(\w+)"', asked)
    assert seen
    assert designer.post(f"{HERE}discard/", {"seen": "0" * 20}).status_code == 409
    assert designer.post(f"{HERE}discard/", {"seen": seen[1]}).status_code == 303
    assert versions.standing(brand).draft is None


def test_a_brand_may_never_close_its_messages_and_its_samples_name_no_day(designer: Client, brand: Brand) -> None:
    whats = ("mail", "text", "sign-in", "reading")
    last = date_format(brand.last_day(timezone.localdate()), "j F")
    assert all(last in preview(designer, what=what) for what in whats)
    assert save(designer, f"{HERE}defaults/", open_days="0").status_code == 303
    assert not any(last in preview(designer, what=what) for what in whats)
    assert publish(designer).status_code == 303
    brand.refresh_from_db()
    assert brand.open_days == 0
    assert save(designer, f"{HERE}defaults/").status_code == 303
    assert not BrandVersion.objects.filter(state="draft").exists()


@pytest.mark.parametrize(
    ("part", "name", "typed", "sentence"),
    [
        ("", "colour", "brown-ish", "A colour is six hex digits, like #14594F"),
        ("", "name", "x" * 121, "A name has 1 to 120 characters."),
        ("defaults/", "open_days", "731", "is not a number of days from 1 to 730"),
        ("defaults/", "reminder_days", "-1", "from 1 to 365"),
        ("addresses/", "host", "https://x.example", "without https://"),
        ("addresses/", "domains", "exa_mple.org", "A mail domain is a name like"),
        ("legal/", "privacy_url", "javascript:alert(1)", "Write a whole https address"),
        ("legal/", "postal_address", "x" * 241, "At most 240 characters; these are 241."),
        ("words/", "word-introduction", "Hello {name}", "{name} is no placeholder"),
        ("words/", "word-mail_text", "See evil.example", "reads like a link"),
    ],
)
def test_what_cannot_be_is_refused_by_its_limit_and_kept_as_typed(
    designer: Client, part: str, name: str, typed: str, sentence: str
) -> None:
    answer = save(designer, HERE + part, **{name: typed})
    assert answer.status_code == 422
    assert sentence in said(answer)
    assert typed in unescape(answer.content.decode())
    assert not BrandVersion.objects.filter(state="draft").exists()


def test_without_any_way_to_confirm_nobody_could_read(designer: Client) -> None:
    values = form(shown(designer, f"{HERE}confirm/"))
    answer = designer.post(f"{HERE}confirm/", {**values, "methods": ["passkey"]})
    assert answer.status_code == 422
    assert "name passcode or a provider as well" in said(answer)


def test_a_brand_without_a_postal_address_is_not_published(designer: Client, brand: Brand) -> None:
    Brand.objects.filter(pk=brand.pk).update(postal_address="")
    save(designer, name="Alder Clinic")
    answer = publish(designer)
    assert answer.status_code == 409
    assert "no postal address" in said(answer)
    brand.refresh_from_db()
    assert brand.name == "Alder Valley Clinic"


@pytest.mark.parametrize("what", ["mail", "text", "sign-in", "reading"])
@pytest.mark.parametrize("language", ["en-gb", "ar"])
def test_the_preview_is_the_real_template_and_can_do_nothing(designer: Client, what: str, language: str) -> None:
    save(designer, name="Alder Clinic")
    answer = designer.get(f"{HERE}preview/", {"what": what, "tongue": language, "theme": "dark"})
    text = answer.content.decode()
    policy = answer.headers["Content-Security-Policy"]
    assert {"frame-ancestors 'self'", "form-action 'none'", "script-src 'none'"} <= set(policy.split("; "))
    assert "sandbox" in policy
    assert "Alder Clinic" in text
    assert f'lang="{language}"' in text
    assert "<script" not in text
    assert "csrfmiddlewaretoken" not in text
    assert not re.search(r'(?:src|href)="(?:/brand/|cid:)', text)
    assert "prefers-color-scheme" not in text


def test_the_preview_shows_what_is_typed_and_keeps_none_of_it(designer: Client) -> None:
    before = Entry.objects.count()
    typed = {**form(shown(designer, HERE)), "name": "Not saved", "what": "sign-in", "colour": "#8a2f52"}
    text = designer.post(f"{HERE}preview/", typed).content.decode()
    assert "Not saved" in text
    assert "#8a2f52" in text
    assert "Not saved" not in preview(designer, what="sign-in")
    assert (Entry.objects.count(), BrandVersion.objects.count(), Outbound.objects.count()) == (before, 0, 0)


def test_the_preview_is_shown_to_those_who_may_edit_alone(designer: Client, stranger: Client, brand: Brand) -> None:
    save(designer, name="Secret plan")
    support = administrators.add("sam@aldervalley.example", Role.SUPPORT, by=None)
    token = sessions.begin(support, brand, keep=False, method="passkey", office=True)
    for client, status in ((stranger, 303), (browser(brand, cookies.OFFICE, token), 403)):
        answer = client.get(f"{HERE}preview/")
        assert answer.status_code == status
        assert "Secret plan" not in answer.content.decode()


def test_hostile_words_are_shown_as_text(designer: Client, stranger: Client) -> None:
    assert save(designer, name=HOSTILE).status_code == 303
    save(designer, f"{HERE}words/", **{"word-welcome": HOSTILE})
    for what in ("mail", "sign-in", "reading"):
        text = preview(designer, what=what)
        assert "<script>alert" not in text
        assert "<img src=x" not in text
    for page in ("", "words/", "publish/"):
        assert "<script>alert" not in designer.get(HERE + page).content.decode()
    publish(designer)
    assert "<script>alert" not in stranger.get("/help/").content.decode()


SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40"><circle cx="20" cy="20" r="18" fill="#123456"/></svg>'
)


def logo(client: Client, content: bytes, name: str = "logo.svg", **more: str) -> Any:
    text = client.get(HERE).content.decode()
    seen = re.search(r'name="seen-logo" value="(\w+)"', text)
    assert seen
    return client.post(f"{HERE}logo/", {"seen-logo": seen[1], "logo": SimpleUploadedFile(name, content), **more})


def test_a_logo_is_written_anew_into_the_draft_and_shown_by_the_preview(designer: Client, brand: Brand) -> None:
    assert logo(designer, SVG).status_code == 303
    assert versions.standing(brand).document["logo"] == Logo.objects.get().digest
    assert designer.get(f"{HERE}picture/").headers["Content-Type"].startswith("image/svg+xml")
    assert b"#123456" in designer.get(f"{HERE}picture/").content
    assert f"/brand/alder/{Logo.objects.get().digest}" not in preview(designer, what="reading")
    assert "1 change not published: logo" in said(designer.get(HERE))
    assert logo(designer, b"", remove="1").status_code == 303
    assert versions.standing(brand).document["logo"] == ""


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"x" * (1024 * 1024 + 1), "at most 1 MB"),
        (b"no picture", "no SVG, PNG, JPEG, WebP, GIF, BMP or TIFF picture"),
        (SVG.replace(b"<circle", b"<script>alert(1)</script><circle"), "script"),
        (b"", "Choose a file"),
    ],
)
def test_a_logo_that_cannot_be_is_refused_with_its_reason(designer: Client, content: bytes, sentence: str) -> None:
    answer = logo(designer, content)
    assert answer.status_code == 422
    assert sentence in said(answer)
    assert not Logo.objects.exists()


def test_nobody_else_leaves_a_logo(stranger: Client, brand: Brand) -> None:
    answer = stranger.post(f"{HERE}logo/", {"logo": SimpleUploadedFile("x.svg", SVG)})
    assert answer.status_code == 303
    assert "/admin/enter/" in answer.headers["Location"]
    assert not Logo.objects.exists()


def test_a_new_brand_answers_once_it_is_published(designer: Client) -> None:
    values = {"name": "Harbour Legal", "host": "harbour.localhost", "domains": "harbour.example"}
    answer = designer.post("/admin/brands/add/", values)
    assert answer.headers["Location"] == "/admin/brands/harbour-legal/"
    outside = Client(HTTP_HOST="harbour.localhost")
    assert outside.get("/help/").status_code == 400
    assert "Not published yet" in said(designer.get("/admin/brands/"))
    save(designer, "/admin/brands/harbour-legal/legal/", postal_address="Quay 1")
    assert publish(designer, "/admin/brands/harbour-legal/").status_code == 303
    assert outside.get("/help/").status_code == 200
    for taken in ({**values, "name": "Twin"}, {**values, "host": "other.localhost"}):
        assert designer.post("/admin/brands/add/", taken).status_code == 422


def test_a_new_host_needs_a_certificate_first(designer: Client, brand: Brand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "needed", lambda: True)
    monkeypatch.setattr(certificates, "SECONDS", 0.5)
    save(designer, f"{HERE}addresses/", host="nowhere.invalid")
    answer = publish(designer)
    assert answer.status_code == 409
    assert "Publish is off until nowhere.invalid has a certificate." in said(answer)
    assert "nowhere.invalid is not found" in said(designer.post(f"{HERE}certificate/"))
    brand.refresh_from_db()
    assert brand.host == "localhost"


@pytest.fixture
def zone(settings: Settings) -> Iterator[dns.Zone]:
    with dns.serving(dns.Zone()) as running:
        settings.LETTERLOCK = replace(settings.LETTERLOCK, dns=(running.resolver,))
        yield running


def test_what_to_publish_in_dns_is_shown_with_a_key_made_here(designer: Client, brand: Brand) -> None:
    assert "There is none. Make one" in said(designer.get(f"{HERE}addresses/"))
    assert designer.post(f"{HERE}key/").status_code == 303
    key = DkimKey.objects.get()
    shown = said(designer.get(f"{HERE}addresses/"))
    assert f"{key.selector}._domainkey.localhost" in shown
    assert key.public in shown
    assert not key.active
    assert "was made today already" in said(designer.post(f"{HERE}key/"))
    assert Entry.objects.filter(kind="dkim.key_made").count() == 1


def test_a_key_that_dns_does_not_have_is_not_signed_with(designer: Client, zone: dns.Zone) -> None:
    designer.post(f"{HERE}key/")
    key = DkimKey.objects.get()
    answer = designer.post(f"{HERE}key/use/", {"selector": key.selector})
    assert answer.status_code == 409
    assert "DNS does not have this key yet" in said(answer)
    assert designer.post(f"{HERE}key/use/", {"selector": "another"}).status_code == 404
    name, text = signing.record_of(key)
    zone.records[name, "TXT"] = [" ".join(f'"{text[at : at + 255]}"' for at in range(0, len(text), 255))]
    assert designer.post(f"{HERE}key/use/", {"selector": key.selector}).status_code == 303
    key.refresh_from_db()
    assert key.active
    checked = said(designer.post(f"{HERE}dns/"))
    assert "The key is there." in checked
    assert "There is no SPF record." in checked


def test_an_archived_brand_is_told_apart_and_can_be_brought_back(designer: Client, brand: Brand) -> None:
    Brand.objects.create(slug="harbour", name="Harbour Legal", host="harbour.localhost", domains=["harbour.example"])
    assert "takes the default brand" in said(designer.get("/admin/brands/harbour/archive/"))
    assert designer.post("/admin/brands/harbour/archive/").status_code == 303
    assert Brand.objects.get(slug="harbour").archived_at is not None
    assert "Archived" in said(designer.get("/admin/brands/"))
    assert designer.post("/admin/brands/harbour/archive/").status_code == 303
    assert Brand.objects.get(slug="harbour").archived_at is None
    assert designer.post(f"{HERE}archive/").status_code == 409, "the default brand stays"


def test_the_list_and_the_archive_say_how_many_rules_name_a_brand(designer: Client) -> None:
    Brand.objects.create(slug="harbour", name="Harbour Legal", host="harbour.localhost")
    then = [{"do": "protect", "brand": "harbour"}, {"do": "stop"}]
    when = {"all": [{"if": "recipient_is", "place": "outside"}]}
    rule = {"id": "legal", "name": "Legal", "state": "on", "when": when, "then": then}
    Version.objects.create(number=1, document={"format": 1, "rules": [rule]}, made_at=timezone.now())
    assert re.search(r"Harbour Legal .*?harbour.localhost 1 0 Live", said(designer.get("/admin/brands/")))
    assert "1 live rule names it." in said(designer.get("/admin/brands/harbour/archive/"))


def test_a_test_goes_to_whoever_asks_with_the_drafts_values(designer: Client) -> None:
    save(designer, name="Alder Clinic")
    assert designer.get(f"{HERE}test/").status_code == 405
    assert "mika@aldervalley.example" in said(designer.post(f"{HERE}test/"))
    prepared = letters.prepare(Outbound.objects.get(kind="brand_test"))
    assert prepared is not None
    assert prepared.recipient == "mika@aldervalley.example"
    read = email.message_from_bytes(b"".join(prepared.data), policy=email.policy.default)
    assert str(read["Subject"]).startswith("Test: ")
    assert "Alder Clinic" in str(read["From"])
    part = read.get_body(("html",))
    assert part is not None
    assert "Alder Clinic" in part.get_content()
    assert Entry.objects.filter(kind="brand.tested").count() == 1


def test_who_may_not_edit_brands_any_more_is_sent_no_test(designer: Client) -> None:
    designer.post(f"{HERE}test/")
    administrators.remove(administrators.find(Outbound.objects.get().subject_row), by=None)
    assert letters.prepare(Outbound.objects.get()) is None


def test_a_brand_that_there_is_not_has_no_page(designer: Client) -> None:
    assert designer.get("/admin/brands/none/").status_code == 404
    assert designer.get(f"{HERE}versions/?show=9").status_code == 404
    assert designer.get(f"{HERE}roll-back/?number=%C2%B2").status_code == 404


def test_the_contrast_of_a_colour_is_shown_without_scripts_and_nothing_is_saved(designer: Client) -> None:
    typed = form(shown(designer, HERE)) | {"colour": "#e8a33d", "then": "show"}
    answer = designer.post(HERE, typed)
    page = answer.content.decode()
    assert answer.status_code == 200 and "<b>#e8a33d</b>" in page and 'value="#e8a33d"' in page
    assert not BrandVersion.objects.filter(state=BrandVersion.State.DRAFT).exists()
    told = designer.post(f"{HERE}contrast/", {"colour": "E8A33D"}).content.decode()
    assert told.partition("<tbody>")[2].partition("</tbody>")[0] in page and "<form" not in told
    assert designer.post(f"{HERE}contrast/", {"colour": "#e8a"}).status_code == 200
    assert designer.post(f"{HERE}contrast/", {"colour": "#e8"}).status_code == 204
    assert designer.post(HERE, {**typed, "colour": "#e8"}).status_code == 422
