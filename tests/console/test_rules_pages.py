"""A4 and A5 by Django's client, so without any script: the list, the builder of a rule, publishing, and YAML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from branding.models import Brand
from portal.access import administrators, cookies, sessions
from portal.access.roles import Role
from portal.rules import live
from portal.rules.draft import standing
from portal.rules.models import Hits
from tests.console.conftest import browser

LIST, ADD, TAG = "/admin/rules/", "/admin/rules/add/", "/admin/rules/rule/tag/"
HOSTILE = "<script>alert(1)</script>\"'&"


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    live.forget()
    yield
    live.forget()


@pytest.fixture
def brand(db: None) -> Brand:
    return Brand.objects.create(
        slug="alder", name="Alder Valley Clinic", host="localhost", domains=["aldervalley.example"], is_default=True
    )


@pytest.fixture
def ruler(brand: Brand) -> Client:
    return someone(brand, "rita")


def someone(brand: Brand, name: str, role: str = Role.RULES) -> Client:
    person = administrators.add(f"{name}@aldervalley.example", role, by=None)
    return browser(brand, cookies.OFFICE, sessions.begin(person, brand, keep=False, method="passkey", office=True))


def form(page: str, start: str = 'class="brand-form"') -> dict[str, Any]:
    """What the page's form posts if nobody touches it."""
    text = page[page.index(start) :]
    text = text[: text.index("</form>")]
    found: dict[str, Any] = {}
    for tag in re.findall(r"<input [^>]*>", text):
        read = dict(re.findall(r'([a-z-]+)="([^"]*)"', tag))
        if read.get("type") in ("radio", "checkbox") and " checked" not in tag:
            continue
        found.setdefault(read["name"], []).append(unescape(read.get("value", "")))
    for name, inside in re.findall(r'<select [^>]*name="([^"]*)"[^>]*>(.*?)</select>', text, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', inside)
        opened = re.search(r'<option value="([^"]*)"', inside)
        found[name] = [chosen[1] if chosen else opened[1] if opened else ""]
    for name, inside in re.findall(r'<textarea [^>]*name="([^"]*)"[^>]*>\n?(.*?)</textarea>', text, re.DOTALL):
        found[name] = [unescape(inside)]
    return found


def shown(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200, answer.content.decode()
    return str(answer.content.decode())


def press(client: Client, page: str, do: str, url: str = ADD, **typed: Any) -> Any:
    return client.post(url, {**form(page), **typed, "do": do})


def built(client: Client, page: str, *steps: tuple[str, str, dict[str, Any]], url: str = ADD) -> str:
    """The page after conditions and actions were chosen and filled in, one press at a time."""
    for key, kind, typed in steps:
        answer = press(client, page, f"add:{key}", url, **{f"{key}-add": kind})
        assert answer.status_code == 200
        page = answer.content.decode()
        place = max(re.findall(rf'name="({re.escape(key)}\.\d+)-kind"', page))
        answer = press(client, page, "look", url, **{f"{place}-{name}": value for name, value in typed.items()})
        page = answer.content.decode()
    return page


def said(answer: Any) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def do(client: Client, what: str) -> Any:
    return client.post("/admin/rules/change/", {**form(shown(client, LIST)), "do": what})


def publish(client: Client) -> Any:
    seen = re.search(r'name="seen" value="(\w+)"', shown(client, "/admin/rules/publish/"))
    assert seen
    return client.post("/admin/rules/publish/", {"seen": seen[1], "note": "agreed"})


def ids() -> list[str]:
    return [one["id"] for one in standing().document["rules"]]


# --------------------------------------------------------------------------------------------------------- the list


def test_the_list_says_what_is_live_how_often_each_rule_spoke_and_who_changed_it(ruler: Client) -> None:
    Hits.objects.create(rule="tag", day=timezone.localdate(), number=12)
    text = said(ruler.get(LIST))
    assert "If the subject has the tag" in text
    assert "12 times in 7 days" in text
    assert "These rules come with the portal and are live." in text


def test_a_rule_is_built_without_a_script_saved_published_and_tried(ruler: Client) -> None:
    page = shown(ruler, ADD)
    page = built(
        ruler,
        page,
        ("w", "recipient_is", {"place": "outside"}),
        ("w", "subject_words", {"values": "zebra\nhorse"}),
        ("w", "sensitive", {"types-new": "Payment card number"}),
        ("t", "protect", {"open": "14", "template": "view-only"}),
    )
    answer = press(ruler, page, "save", name="Zebras")
    assert answer.status_code == 303, said(answer)

    assert publish(ruler).status_code == 303
    for url in (
        "/admin/rules/versions/",
        "/admin/rules/versions/?show=0",
        "/admin/rules/roll-back/?number=0",
        "/admin/rules/import/",
        "/admin/rules/export/",
        "/admin/rules/discard/",
        "/admin/rules/rule/zebras/",
        "/admin/rules/rule/zebras/delete/",
        "/admin/rules/test/",
        "/admin/rules/test/file/",
        "/admin/rules/test/replay/",
    ):
        assert ruler.get(url).status_code == 200
    answer = ruler.post(
        "/admin/rules/test/",
        {
            "sender": "Maya <maya@aldervalley.example>",
            "to": "a@b.example",
            "subject": "[secure] héllo",
            "body": "zebra",
            "trusted": "on",
        },
    )

    assert answer.status_code == 200
    answer = ruler.post("/admin/rules/test/replay/", {"hours": "24"})

    assert answer.status_code == 200
