"""What every page of the office does alike: pages that are not there, what was typed wrong, one place for the focus."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from branding.models import Brand
from portal.audit.finding import room_of
from tests.console.conftest import Arrive

TEMPLATES = Path(settings.BASE_DIR) / "templates" / "console"


def test_what_is_not_there_is_said_within_the_office_and_to_strangers_as_everywhere(
    owner: Client, brand: Brand, arrive: Arrive
) -> None:
    for where in ("/admin/nothing/", "/admin/messages/00000000-0000-7000-8000-000000000000/"):
        found = owner.get(where)
        assert found.status_code == 404
        assert 'aria-label="Administration"' in found.content.decode()
    stranger = Client(headers={"host": brand.host}).get("/admin/nothing/")
    assert stranger.status_code == 404
    assert "Administration" not in stranger.content.decode()


def test_an_address_that_is_none_is_named_at_its_own_field_and_all_that_was_typed_stays(
    owner: Client, arrive: Arrive
) -> None:
    typed = {"recipient": "ada@example.org", "sender": "nobody", "rule": "Invoices"}
    page = owner.post("/admin/messages/search/", typed).content.decode()
    assert 'href="#sender"' in page
    assert 'href="#recipient"' not in page
    assert 'aria-describedby="sender-error"' in page
    for text in typed.values():
        assert f'value="{text}"' in page


def test_a_webhook_can_be_told_of_what_never_happened_yet_and_its_choices_stay(owner: Client, brand: Brand) -> None:
    page = owner.get("/admin/programs/webhooks/add/").content.decode()
    offered = set(re.findall(r'name="room" value="(\w+)"', page))
    assert {room_of(kind) for kind in ("message.opened", "wrapper.bounced", "file.downloaded")} <= offered
    again = owner.post(
        "/admin/programs/webhooks/add/", {"name": "ERP", "url": "ftp://x", "room": ["wrapper"]}
    ).content.decode()
    assert re.search(r'value="wrapper" checked', again)
    assert "--private" not in again, "nobody types options on a page"


def test_the_page_after_a_change_says_what_was_done_and_only_in_words_of_ours(owner: Client, arrive: Arrive) -> None:
    where = f"/admin/messages/{arrive()}/"
    held = owner.post(f"{where}hold/", {"reason": "law", "do": "set"}, follow=True).content.decode()
    assert "The legal hold was changed." in re.findall(r'role="status">.*?</p>', held)[0]
    assert 'role="status"' not in owner.get(where, {"did": "withdrawn"}).content.decode()


@pytest.mark.parametrize("template", sorted(TEMPLATES.glob("*.html")), ids=lambda path: path.stem)
def test_every_summary_of_what_went_wrong_takes_the_focus(template: Path) -> None:
    text = template.read_text()
    for summary in re.findall(r'<div class="summary[^>]*>', text):
        assert 'id="errors"' in summary, "static/js/focus.js moves there"
    assert "revoke" not in re.sub(r'(name|value)="[^"]*"', "", text)
    assert not re.search(r"\bexpire[sd]?\b(?!_at)", re.sub(r"{[{%][^}]*_at[^}]*[%}]}", "", text), re.I)


@pytest.mark.parametrize(
    ("form", "fields"),
    [
        ("people/add/", ("address", "roles")),
        ("programs/tokens/add/", ("name", "scope", "brand")),
        ("programs/webhooks/add/", ("name", "url", "events")),
    ],
)
def test_all_that_is_wrong_with_a_form_is_said_at_once(owner: Client, form: str, fields: tuple[str, ...]) -> None:
    given = {"address": "no one", "url": "ftp://x", "events": "every thing!", "brand": "gone"}
    answer = owner.post(f"/admin/{form}", given)
    page = answer.content.decode()
    summary = re.findall(r'(?s)<div class="summary.*?</div>', page)[0]
    assert answer.status_code == 422
    assert re.findall(r'<a href="#(\w+)">', summary) == list(fields)
    for field in fields:
        assert f'id="{field}"' in page, "where the summary leads"
