"""Rights templates in the office: made, changed by one after another, refused with what was typed, archived."""

from __future__ import annotations

import re
from typing import Any

from django.test import Client

from branding.models import Brand
from portal.audit.models import Entry
from portal.vault.models import RightsTemplate
from portal.vault.opening import open_message
from tests.mails import JONAS, KARIN, mail
from tests.seals import reader_of, seal

GOOD: dict[str, Any] = {
    "name-en": "For the board",
    "note-en": "Answer by Monday.",
    "rights": ["reply", "copy"],
    "level": "2",
    "closes": "days",
    "open_days": "14",
    "scope": "board.example\nanna@alder.example",
    "place": "5",
}


def version(client: Client, slug: str) -> str:
    found = re.search(r'name="version" value="(\d+)"', client.get(f"/admin/rights/{slug}/").content.decode())
    assert found
    return found[1]


def test_a_template_is_added_and_listed(owner: Client) -> None:
    assert owner.get("/admin/rights/add/").status_code == 200
    answer = owner.post("/admin/rights/add/", {"slug": "Board", **GOOD})
    assert (answer.status_code, answer["Location"]) == (303, "/admin/rights/")
    row = RightsTemplate.objects.get(slug="board")
    assert {name for name, on in row.rights.items() if on} == {"reply", "copy"}
    assert (row.level, row.open_days, row.scope) == (2, 14, ["anna@alder.example", "board.example"])
    listed = owner.get("/admin/rights/").content.decode()
    for word in ("For the board", "Reply, Copy", "After 14 days", "board.example", "Do not forward", "View only"):
        assert word in listed


def test_what_was_typed_stays_when_it_is_refused(owner: Client) -> None:
    answer = owner.post("/admin/rights/add/", {"slug": "board", **GOOD, "open_days": "9000"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'href="#open_days"' in page and "from 1 to 730" in page
    for kept in ('value="board"', "For the board", "Answer by Monday.", "anna@alder.example"):
        assert kept in page
    assert re.search(r'value="copy" checked', page) and not re.search(r'value="forward" checked', page)
    assert not RightsTemplate.objects.exists()


def test_the_later_of_two_sees_both_and_loses_nothing(owner: Client) -> None:
    owner.post("/admin/rights/add/", {"slug": "board", **GOOD})
    seen = version(owner, "board")
    owner.post("/admin/rights/board/", {**GOOD, "version": seen, "name-en": "Of the first", "do": "save"})
    late = owner.post("/admin/rights/board/", {**GOOD, "version": seen, "name-en": "Of the second", "do": "save"})
    page = late.content.decode()
    assert late.status_code == 409
    assert "Somebody else has changed" in page and "Of the first" in page and 'value="Of the second"' in page
    assert RightsTemplate.objects.get().names == {"en": "Of the first"}
    again = re.search(r'name="version" value="(\d+)"', page)
    assert again
    saved = owner.post("/admin/rights/board/", {**GOOD, "version": again[1], "name-en": "Of the second", "do": "save"})
    assert saved.status_code == 303
    assert RightsTemplate.objects.get().names == {"en": "Of the second"}
    assert owner.post("/admin/rights/board/", {**GOOD, "do": "save"}).status_code == 409, "without a version"


def test_a_built_in_one_takes_words_and_no_rights(owner: Client) -> None:
    posted = {**GOOD, "version": version(owner, "view-only"), "rights": ["forward", "download"], "do": "save"}
    posted |= {"other": "de", "other-name": "Nur ansehen", "other-note": ""}
    assert owner.post("/admin/rights/view-only/", posted).status_code == 303
    row = RightsTemplate.objects.get(slug="view-only")
    assert row.names == {"en": "For the board", "de": "Nur ansehen"}
    assert {name for name, on in row.rights.items() if on} == {"watermark"}


def test_it_is_archived_and_published_again(owner: Client) -> None:
    for do, state in (("archive", "archived"), ("publish", "published")):
        posted = {"version": version(owner, "encrypt"), "do": do}
        assert owner.post("/admin/rights/encrypt/", posted).status_code == 303
        assert RightsTemplate.objects.get(slug="encrypt").state == state
    assert owner.get("/admin/rights/nothing-such/").status_code == 404


def test_downloading_is_turned_off_for_one_recipient_from_the_messages_page(owner: Client, brand: Brand) -> None:
    message = seal(
        mail("Results", "x", headers=[("X-Letterlock-Protect", "v=1; template=do-not-forward")]), JONAS, KARIN
    )
    jonas, karin, path = reader_of(message), reader_of(message, KARIN), f"/admin/messages/{message.pk}/rights/"
    page = owner.get(path).content.decode()
    assert "Do not forward" in page and JONAS not in page
    assert page.count('name="reader"') == page.count(" checked") == 2
    for missing in (
        {},
        {"reply": "off"},
        {"reply": "off", "reason": "other"},
        {"reader": [str(jonas.pk)], "reason": "other"},
    ):
        assert owner.post(path, missing).status_code == 422
    said = {"reply": "off", "reason": "other", "reader": [str(jonas.pk)]}
    assert owner.post(path, said)["Location"].startswith(f"/admin/messages/{message.pk}/?did=rights.")
    assert [open_message(reader_of(message, address)).rights.reply for address in (JONAS, KARIN)] == [False, True]
    entry = Entry.objects.get(kind="message.rights_changed")
    assert (entry.facts["refused"], entry.facts["who"], entry.facts["reason"]) == ("reply", "office", "other")
    wider = owner.post(path, {"forward": "on", "reason": "other", "reader": [str(jonas.pk), str(karin.pk)]})
    assert wider.status_code == 409
    assert "does not grant this" in wider.content.decode()
