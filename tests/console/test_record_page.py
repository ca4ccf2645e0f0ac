"""A10: the record is shown and exported to whom it concerns, with filters, and nothing of it can be changed there."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest
from django.http import HttpResponse
from django.test import Client

from branding.models import Brand
from portal.access import people
from portal.access.roles import Role
from portal.audit.models import Check, Entry, Head
from portal.audit.record import COMMAND_LINE, record
from portal.console import record_sentences
from portal.console.record_facts import phrases
from portal.operations import record_keeping, wording
from portal.operations.tasks import check_record
from tests.console.conftest import CANARY, Arrive
from tests.console.test_roles import with_role
from tests.mails import JONAS, MAYA
from tests.servers import ROOT


def test_entries_are_shown_newest_first_with_who_did_what(owner: Client, brand: Brand, arrive: Arrive) -> None:
    id_ = arrive()
    owner.post("/admin/record/check/")
    page = owner.get("/admin/record/").content.decode()
    shown = [
        f'<code class="muted">{kind}</code>' for kind in ("audit.check_asked", "message.sealed", "message.accepted")
    ]
    assert sorted(shown, key=page.index) == shown
    assert "ebba.olsson<wbr>@aldervalley.example" in page
    assert f"/admin/messages/{id_}/" in page
    assert CANARY not in page
    assert JONAS not in page


def test_a_reader_or_sender_who_did_something_is_not_named(owner: Client, brand: Brand) -> None:
    for address in (JONAS, MAYA):
        record("message.date_changed", who="sender", by=str(people.of_address(address).id))
    page = owner.get("/admin/record/").content.decode()
    assert page.count(str(people.of_address(JONAS).id)) == 1
    assert JONAS not in page
    assert MAYA not in page


def test_filters_stand_in_the_address_and_what_cannot_be_read_is_said(owner: Client, arrive: Arrive) -> None:
    one, other = arrive(), arrive()
    page = owner.get("/admin/record/", {"message": str(one), "kind": "message.sealed"}).content.decode()
    assert f"/admin/messages/{one}/" in page
    assert f"/admin/messages/{other}/" not in page
    assert page.count('<code class="muted">message.sealed</code>') == 1
    wrong = owner.get("/admin/record/", {"message": "no id", "since": "yesterday", "until": "2026-02-30"})
    assert wrong.status_code == 422
    text = wrong.content.decode()
    assert text.count("Write a day like 2026-11-17.") == 2
    assert "A message id has 32 digits" in text
    assert owner.get("/admin/record/", {"before": "9" * 40}).status_code == 200


def test_the_last_page_ends_and_pages_follow_each_other(owner: Client, brand: Brand) -> None:
    Entry.objects.bulk_create(Entry(at="2026-11-17T14:48Z", kind="message.opened", facts={}) for _ in range(150))
    first = owner.get("/admin/record/", {"kind": "message.opened"})
    assert first.content.decode().count('<code class="muted">message.opened</code>') == 100
    older = first.context["older"]
    second = owner.get(f"/admin/record/?{older}").content.decode()
    assert second.count('<code class="muted">message.opened</code>') == 50
    assert "Older" not in second


def test_an_export_proves_itself_and_is_recorded(owner: Client, arrive: Arrive, tmp_path: Path) -> None:
    arrive()
    record_keeping.sequence()
    answer = owner.post("/admin/record/export/", {"format": "jsonl"})
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="record-')
    whole = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    assert CANARY.encode() not in whole
    lines = whole.decode().splitlines()
    head = Head.objects.order_by("-size").first()
    assert head is not None
    assert len(lines) == head.size + 1
    file = tmp_path / "record.jsonl"
    file.write_bytes(whole)
    verify = [sys.executable, str(ROOT / "tools" / "verify_audit.py"), str(file), "--key", record_keeping.key_line()]
    assert subprocess.run(verify, capture_output=True, check=False).returncode == 0
    noted = Entry.objects.get(kind="audit.exported")
    assert (noted.facts["entries"], noted.facts["format"]) == (head.size, "jsonl")
    assert UUID(noted.facts["by"])
    for kind, start in (("csv", "id,at,kind"), ("cef", "CEF:0|Letterlock")):
        text = b"".join(owner.post("/admin/record/export/", {"format": kind}).streaming_content)  # type: ignore[attr-defined]
        assert text.decode().startswith(start)
    assert owner.post("/admin/record/export/", {"format": "xml"}).status_code == 303
    none = owner.post("/admin/record/export/", {"format": "jsonl", "since": "2099-01-01"})
    assert len(b"".join(none.streaming_content).splitlines()) == 1  # type: ignore[attr-defined]


def test_the_signed_head_is_there_to_be_kept_elsewhere(owner: Client, brand: Brand) -> None:
    assert owner.get("/admin/record/head.txt").status_code == 404
    owner.post("/admin/record/check/")
    record_keeping.sequence()
    text = owner.get("/admin/record/head.txt").content.decode()
    newest = Head.objects.order_by("-size").first()
    assert newest is not None
    assert text == f"{newest.note}\n{record_keeping.key_line()}\n"


def test_a_check_that_was_asked_for_is_done_once_and_its_outcome_shown(owner: Client, brand: Brand) -> None:
    assert owner.get("/admin/record/check/").status_code == 405
    for _ in range(2):
        assert owner.post("/admin/record/check/").status_code == 303
    assert "A check is under way." in owner.get("/admin/record/").content.decode()
    record_keeping.sequence()
    check_record()
    done = Check.objects.get()
    # In a test's database nothing guards the rows, and a check says so.
    assert all("guard" in fault for fault in done.faults)
    page = owner.get("/admin/record/").content.decode()
    assert "The record was changed" in page
    Check.objects.update(faults=[])
    assert "Intact, checked" in owner.get("/admin/record/").content.decode()
    assert json.dumps(list(Entry.objects.values_list("kind", flat=True))).count("audit.check_asked") == 1


def test_only_who_may_read_the_record_gets_it(brand: Brand) -> None:
    for role, status in ((Role.SUPPORT, 403), (Role.RULES, 403), (Role.BRANDS, 403), (Role.AUDITOR, 200)):
        someone = with_role(brand, role)
        assert someone.get("/admin/record/").status_code == status
        assert someone.post("/admin/record/check/").status_code == (403 if status == 403 else 303)
    assert Entry.objects.filter(kind="audit.check_asked").count() == 1


@pytest.mark.parametrize("query", ["since=0001-01-01", "until=9999-12-31"])
def test_a_day_at_the_end_of_the_calendar_is_asked_for_again(owner: Client, query: str) -> None:
    answer = owner.get(f"/admin/record/?{query}")
    assert answer.status_code == 422
    assert "Write a day like" in answer.content.decode()


def documented() -> list[str]:
    """The kinds in the table of docs/events.md."""
    cells = re.findall(r"^\| (`[^|]+) \|", (ROOT / "docs" / "events.md").read_text(), re.M)
    named = [re.findall(r"`([a-z_.]+)`", cell) for cell in cells]
    return [
        name if not name.startswith(".") else names[0].partition(".")[0] + name for names in named for name in names
    ]


def test_every_kind_has_a_sentence_and_an_unknown_one_stays_readable() -> None:
    known = {*record_sentences.SENTENCES, *wording.SENTENCES, *wording.WRITTEN}
    assert set(documented()) - known == set(), "write a sentence in portal/console/record_sentences.py"
    assert set(record_sentences.SENTENCES) - set(documented()) == set()
    for kind in documented():
        assert record_sentences.sentence(kind, {}).endswith("."), kind
    assert record_sentences.sentence("folder.half_moved", {}) == "Folder: half moved."
    assert list(phrases("folder.half_moved", {"half_way": True, "to_where": "north", "no": None})) == [
        "half way: yes",
        "to where: north",
    ]


def test_facts_are_said_in_words_and_not_twice(owner: Client, brand: Brand) -> None:
    record("message.opened", first=False, method="passkey", author=False)
    record("recipient.confirmed", method="passcode", kept=True, device="phone", language="de")
    record("administrator.role_changed", person="x", by=COMMAND_LINE, role="support", was="owner", reason="duties")
    page = plain_text(owner.get("/admin/record/"))
    assert "Opened again. by passkey message.opened By Reader" in page
    assert "Confirmed by passcode. the browser stays signed in · on a phone · page in de" in page
    assert "An administrator was given another role. about x · Support · before: Owner · Other duties now" in page
    assert "administrator.role_changed By The command line" in page
    assert "False" not in page and "True" not in page


def test_whoever_did_it_to_themselves_is_named_once(owner: Client, brand: Brand) -> None:
    owner.post("/admin/messages/search/", {"sender": MAYA})
    found = Entry.objects.get(kind="messages.searched")
    page = plain_text(owner.get("/admin/record/", {"kind": "messages.searched"}))
    assert "by: sender messages.searched By ebba.olsson@aldervalley.example" in page
    assert found.facts["person"] not in page


def plain_text(answer: HttpResponse) -> str:
    table = answer.content.decode().replace("<wbr>", "").partition("<tbody>")[2].partition("</tbody>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", table).split())
