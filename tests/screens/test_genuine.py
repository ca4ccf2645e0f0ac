"""The page that tells a genuine link from a false one."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.test import Client

from branding.models import Brand
from portal.access import back, cookies, shares
from portal.reading import pictures
from portal.reading.pages import is_ours
from portal.writing import write_to_form
from tests.grants import change
from tests.seals import words

ORIGIN = "https://secure.aldervalley.example"


@pytest.mark.parametrize(
    "link",
    [
        "https://secure.aldervalley.example/m/7jq2vd9rkt4xwc8h5n0ame",
        "HTTPS://Secure.AlderValley.example/m/x",
        "https://secure.aldervalley.example",
        "secure.aldervalley.example/m/x",
    ],
)
def test_a_link_of_ours_is_known(link: str) -> None:
    assert is_ours(link, ORIGIN)


@pytest.mark.parametrize(
    "link",
    [
        "",
        "https://secure.aldervalley.example.evil.example/m/x",
        "https://secure.aldervalley.example@evil.example/m/x",
        "https://evil.example/https://secure.aldervalley.example/m/x",
        "https://evil.example?https://secure.aldervalley.example/",
        "https://secure.aldervalley.example:8443/m/x",
        "https://secure.aldervalley.example\\@evil.example/",
        "http://secure.aldervalley.example/m/x",
        "javascript://secure.aldervalley.example/%0aalert(1)",
        "https://secure.aldervаlley.example/m/x",  # a Cyrillic letter
        "https://secure.aldervalley.example\t.evil.example/",
    ],
)
def test_a_link_that_only_looks_like_ours_is_not(link: str) -> None:
    assert not is_ours(link, ORIGIN)


@pytest.fixture
def client() -> Client:
    Brand.objects.all().delete()
    Brand.objects.create(slug="alder", name="Alder Valley Clinic", host="localhost", is_default=True, phone="08 123 45")
    return Client(headers={"host": "localhost"})


@pytest.mark.django_db
def test_a_pasted_link_is_answered_yes_or_no_and_never_fetched_or_linked(client: Client) -> None:
    page = client.post("/genuine/", {"address": "https://evil.example/<b>"}).content.decode()
    assert "No. This address does not open" in page
    assert "https://evil.example/&lt;b&gt;" in page
    assert 'href="https://evil' not in page
    from branding import choosing

    good = client.post("/genuine/", {"address": f"{choosing.origin(choosing.default())}/m/1"}).content.decode()
    assert "Yes. This address opens" in good


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/help/", "/privacy/", "/accessibility/", "/genuine/"])
def test_the_pages_that_help_answer_everyone(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    page = answer.content.decode()
    assert "Alder Valley Clinic" in page
    assert "08 123 45" in page
    assert 'href="/genuine/#report"' in page


@pytest.mark.django_db
def test_a_link_that_is_not_ours_may_have_been_replaced_by_a_mail_program(client: Client) -> None:
    page = words(client.post("/genuine/", {"address": "https://safe.links.example/?url=x"}).content)
    assert "type localhost:8000/m/ into your browser" in page
    assert "in place of every link" not in words(client.get("/genuine/").content)


@pytest.mark.django_db
def test_what_our_mails_look_like_is_true_for_the_brand(client: Client) -> None:
    page = words(client.get("/genuine/").content)
    assert "messages@localhost" in page
    assert "They have no attachment, or, where the sender chose so, a single one" in page
    change(Brand.objects.all(), delivery="attachment", domains=["aldervalley.example"])
    page = words(client.get("/genuine/").content)
    assert "They have one attachment, a file named “message.html”" in page
    assert "aldervalley.example" in page


@pytest.mark.django_db
def test_where_a_proof_opens_one_message_nobody_is_told_to_bookmark_a_list(client: Client) -> None:
    assert "bookmark your messages" in words(client.get("/help/").content)
    change(Brand.objects.all(), session_scope="message")
    page = words(client.get("/help/").content)
    assert "bookmark" not in page
    assert "Yes: download it before it closes" in page


@pytest.mark.django_db
def test_the_privacy_page_names_every_cookie_of_a_recipient(client: Client) -> None:
    named = set(re.findall(r"<dt><code>(\w+)</code></dt>", client.get("/privacy/").content.decode()))
    ours = {cookies.SESSION, cookies.BROWSER, cookies.TRUSTED, back.COOKIE, shares.COOKIE, settings.CSRF_COOKIE_NAME}
    ours |= {settings.LANGUAGE_COOKIE_NAME, pictures.COOKIE, write_to_form.COOKIE}
    assert named == ours
    modules = "".join(path.read_text() for path in (settings.BASE_DIR / "portal").rglob("*.py"))
    known = set(re.findall(r'f"\{(?:settings\.)?COOKIE_PREFIX\}(\w+)"', modules))
    assert known - named == {"office", "sender"}, "those of people inside"


@pytest.mark.django_db
def test_help_answers_eight_questions_each_under_its_own_address(client: Client) -> None:
    page = client.get("/help/").content.decode()
    for anchor in ("why", "late", "address", "link", "file", "copy", "who", "genuine"):
        assert f'href="#{anchor}"' in page
        assert f'id="{anchor}"' in page
