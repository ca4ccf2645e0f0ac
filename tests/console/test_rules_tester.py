"""A6 by Django's client: a mail that is written or given, what each rule made of it, the notice, and the last days."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from branding.models import Brand
from portal.access.roles import Role
from portal.audit.models import Entry
from portal.console import rule_trial
from portal.delivery.models import Outbound
from portal.ingest.models import Spooled
from portal.rules import draft, publishing
from portal.rules.draft import standing
from portal.rules.models import Draft, Hits, Seen
from portal.vault.models import Message
from tests.console.pages import form, said, shown, someone
from tests.mails import JONAS, MAYA, mail
from tests.mime import oldoffice
from tests.seals import put

pytestmark = pytest.mark.usefixtures("clinic_inside")
WRITE, FILE, REPLAY = "/admin/rules/test/", "/admin/rules/test/file/", "/admin/rules/test/replay/"
CANARY = "canary-8265"
SECRET = {
    "sender": f"Maya Lindqvist <{MAYA}>",
    "to": JONAS,
    "subject": f"[secure] {CANARY}",
    "body": f"The word is {CANARY}.",
    "trusted": "on",
}
HOSTILE = "<script>alert(1)</script>"


def drafted(*rules: dict[str, Any]) -> None:
    document = {"format": 1, "rules": list(rules)}
    draft.save(lambda _old: document, lambda old: old, draft.token(standing().document), None)


def rule(name: str, *when: dict[str, Any], then: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"id": name, "name": name, "when": list(when), "then": [then or {"do": "protect"}], **more}


OUTSIDE = {"if": "recipient_is", "place": "outside"}
ZEBRA = {"if": "text_words", "values": ["zebra"]}


def test_each_rule_is_told_with_the_condition_that_failed_and_the_draft_or_what_is_live_is_tried(ruler: Client) -> None:
    drafted(rule("zebras", OUTSIDE, ZEBRA), rule("all-outside", OUTSIDE, then={"do": "hold"}), rule("last", ZEBRA))
    answer = ruler.post(WRITE, SECRET)
    text = said(answer)
    assert "The draft cannot be published as it is" not in text
    assert "It is held until an administrator approves it. Rule “all-outside” decided." in text
    assert re.search("zebras Not matched .* all-outside Matched .* last Not looked at", text)
    marked = re.findall("<mark>([^<]*)</mark>", answer.content.decode())
    assert marked == ["the subject or the text has the word “zebra”"]
    text = said(ruler.post(WRITE, {**SECRET, "which": "live"}))
    assert "It is protected. Rule “tag in the subject” decided." in text
    text = said(ruler.post(WRITE, {**SECRET, "body": "a Zebra", "which": "draft"}))
    assert "It is protected. Rule “zebras” decided." in text


def test_the_tester_says_what_the_draft_would_lock(ruler: Client) -> None:
    drafted(rule("all", {"if": "everything"}, then={"do": "hold"}))
    assert "Rule 1 “all” would hold ordinary mail among your own people." in said(ruler.get(WRITE))


def test_the_mail_that_the_recipient_would_get_is_the_real_one_in_a_frame_that_can_do_nothing(ruler: Client) -> None:
    page = ruler.post(WRITE, {**SECRET, "sender": f'"{HOSTILE}" <{MAYA}>'}).content.decode()
    assert HOSTILE not in page
    asked = form(ruler.post(WRITE, SECRET).content.decode(), "data-notice")
    assert CANARY not in str(asked), "a notice holds nothing of what the message says"
    answer = ruler.post("/admin/rules/test/notice/", asked)
    assert "Maya Lindqvist sent you a protected message" in said(answer)
    assert JONAS in said(answer)
    policy = answer.headers["Content-Security-Policy"]
    assert "sandbox" in policy and "script-src 'none'" in policy and "frame-ancestors 'self'" in policy
    hostile = ruler.post("/admin/rules/test/notice/", {**asked, "sender_name": HOSTILE, "until": "soon", "brand": "x"})
    assert hostile.status_code == 200
    assert HOSTILE not in hostile.content.decode()
    drafted(rule("b", OUTSIDE, then={"do": "protect", "brand": "gone"}))
    assert "There is no such brand, or it is archived: the mail would be held." in said(ruler.post(WRITE, SECRET))


def test_a_wish_for_no_end_that_nothing_grants_is_told_as_the_door_and_the_pipeline_answer_it(
    ruler: Client, brand: Brand
) -> None:
    never = {**SECRET, "headers": "X-Letterlock-Protect: v=1; until=never"}
    drafted(
        rule("zebras", ZEBRA, then={"do": "protect", "open": "never"}),
        rule("asked", OUTSIDE, then={"do": "protect", "as_asked": True}),
    )
    assert "the mail server refuses it at once. Rule" in said(ruler.post(WRITE, {**never, "which": "live"}))
    answer = said(ruler.post(WRITE, never))
    assert "nor its rule lets it: it is refused, and its sender is told by mail. Rule “asked” decided." in answer
    assert "It is protected" not in answer and "would get" not in answer and "Open until" not in answer
    assert "It is protected. Rule “zebras”" in said(ruler.post(WRITE, {**never, "body": "a zebra"}))
    Brand.objects.update(open_days=0)
    answer = said(ruler.post(WRITE, never))
    assert "It is protected. Rule “asked” decided." in answer and "Open until for ever" in answer


def test_nothing_of_a_tried_mail_is_sent_stored_counted_recorded_or_logged(
    ruler: Client, caplog: pytest.LogCaptureFixture
) -> None:
    before = Entry.objects.count()
    raw = mail(f"[secure] {CANARY}", CANARY, files=[("x.txt", "text/plain", CANARY.encode())])
    with caplog.at_level("DEBUG"):
        answer = ruler.post(WRITE, SECRET)
        assert answer.status_code == 200
        assert "no-store" in answer.headers["Cache-Control"]
        assert ruler.post(FILE, {"file": SimpleUploadedFile("x.eml", raw), "trusted": "on"}).status_code == 200
        assert ruler.post(FILE, {"text": raw.decode(), "to": "bad address"}).status_code == 422
    for model in (Spooled, Outbound, Message, Seen, Hits, Draft):
        assert not model._default_manager.exists()
    assert Entry.objects.count() == before
    assert CANARY not in caplog.text
    kept = [path for path in Path(settings.LETTERLOCK.data).rglob("*") if path.is_file()]
    assert [path.name for path in kept if CANARY.encode() in path.read_bytes()] == []


def test_a_mail_is_uploaded_or_pasted_with_the_people_of_its_header_or_others(ruler: Client) -> None:
    drafted(rule("outside", OUTSIDE), rule("words", {"if": "file_words", "values": ["zebra"]}, then={"do": "hold"}))
    raw = mail("Lunch", files=[("x.txt", "text/plain", b"a zebra")])
    answer = ruler.post(FILE, {"file": SimpleUploadedFile("x.eml", raw)})
    assert "It is protected. Rule “outside” decided." in said(answer)
    answer = ruler.post(FILE, {"text": raw.decode(), "to": "kim@aldervalley.example"})
    assert "It is held until an administrator approves it. Rule “words” decided." in said(answer)
    assert form(answer.content.decode(), "multipart")["to"] == ["kim@aldervalley.example"]


def test_what_rules_can_read_of_each_file_is_told_also_where_none_asked(ruler: Client) -> None:
    files = [
        ("letter.doc", "application/msword", oldoffice.sample("letter.doc")),
        ("locked.xls", "application/vnd.ms-excel", oldoffice.xls(b"", shared=oldoffice.record(0x002F, bytes(6)))),
        ("x.bin", "application/octet-stream", b"MZ\0\1"),
    ]
    drafted(rule("outside", OUTSIDE))
    answer = said(ruler.post(FILE, {"file": SimpleUploadedFile("x.eml", mail("Lunch", files=files))}))
    assert re.search(r"letter.doc Read: \d+ characters. locked.xls It has a password.", answer)
    assert "x.bin It cannot be read. It is a program." in answer
    assert "A footnote." not in answer


@pytest.mark.parametrize(
    ("url", "typed", "why"),
    [
        (WRITE, {}, "Write at least one address that it goes to."),
        (WRITE, {"to": "nobody"}, "One of these is no complete address."),
        (WRITE, {"to": " ".join(f"a{n}@b.example" for n in range(101))}, "at most 100 addresses"),
        (WRITE, {"to": JONAS, "sender": "a@b.example, c@d.example"}, "Write one address"),
        (WRITE, {"to": JONAS, "headers": "no colon here"}, "Write each header on a line of its own"),
        (FILE, {}, "Choose a file, or paste the mail with its headers."),
        (FILE, {"text": "X: y\n" * 250_000}, "header"),
        (FILE, {"text": "x" * 1_500_000}, "Save it as a file, and upload that."),
    ],
)
def test_what_makes_no_mail_is_refused_and_kept(ruler: Client, url: str, typed: dict[str, str], why: str) -> None:
    answer = ruler.post(url, {**typed, "peer": "192.0.2.7"})
    assert answer.status_code == 422
    assert why in said(answer)
    assert form(answer.content.decode(), 'id="main"')["peer"] == ["192.0.2.7"]


def test_a_file_over_the_limit_is_refused_with_the_limit(ruler: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule_trial, "MOST_BYTES", 1_000_000)
    answer = ruler.post(FILE, {"file": SimpleUploadedFile("x.eml", b"x" * 1_000_001)})
    assert answer.status_code == 422
    assert "The file may have at most 1 MB." in said(answer)


def test_the_last_days_mail_is_replayed_on_the_draft_beside_what_is_live(ruler: Client, brand: Brand) -> None:
    for subject, to in (("Lunch", JONAS), ("Lunch", "kim@aldervalley.example"), ("[secure] Lunch", JONAS)):
        put(mail(subject), to)
    assert "This change would have protected 0 more of 3 messages and 0 fewer." in said(ruler.post(REPLAY))
    drafted(rule("outside", {"if": "recipient_address", "values": [JONAS]}, {"if": "size_over", "bytes": 1}))
    text = said(ruler.post(REPLAY, {"hours": "72"}))
    assert "This change would have protected 1 more of 3 messages and 0 fewer." in text
    assert "Show the 1" in text
    drafted(rule("none", {"if": "size_over", "bytes": 1_000_000}))
    answer = ruler.post(REPLAY)
    assert "This change would have protected 0 more of 3 messages and 1 fewer." in said(answer)
    assert JONAS not in answer.content.decode()
    assert "/admin/messages/" not in answer.content.decode(), "the role Rules sees no message"
    owner = someone(brand, "ebba", Role.OWNER).post(REPLAY).content.decode()
    assert re.search(r'href="/admin/messages/[0-9a-f-]{36}/"', owner)
    drafted(rule("zebra", ZEBRA))
    assert "Of 3 it cannot be told: what mail says is not kept." in said(ruler.post(REPLAY))


def test_live_rules_are_replayed_as_they_are_now_and_not_as_they_were(ruler: Client) -> None:
    put(mail("Lunch"), JONAS)
    everyone = rule("outside", {"if": "recipient_address", "values": [JONAS]})
    publishing.publish({"format": 1, "rules": [everyone]}, expected=0)
    drafted({**everyone, "state": "off"})
    text = said(ruler.post(REPLAY))
    assert "This change would have protected 0 more of 1 messages and 1 fewer." in text
    assert shown(ruler, REPLAY)
