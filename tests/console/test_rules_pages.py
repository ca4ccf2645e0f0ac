"""A4 and A5 by Django's client, so without any script: the list, the builder of a rule, publishing, and YAML."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import QueryDict
from django.test import Client
from django.utils import timezone

from branding.models import Brand
from portal.access.roles import Role
from portal.audit.models import Entry
from portal.console import rule_form
from portal.console.rule_shown import sentence as told
from portal.directory.models import Group
from portal.rules import actions, draft, live, publishing, ready, yamls
from portal.rules.conditions import KINDS
from portal.rules.document import checked
from portal.rules.draft import standing
from portal.rules.models import Draft, Hits, Version
from portal.rules.sentences import sentence
from portal.vault.models import RightsTemplate
from tests.console.pages import form, said, shown, someone
from tests.rules.test_document import filled

pytestmark = pytest.mark.usefixtures("fresh_rules")
LIST, ADD, TAG = "/admin/rules/", "/admin/rules/add/", "/admin/rules/rule/tag/"
HOSTILE = "<script>alert(1)</script>\"'&"


def press(client: Client, page: str, do: str, url: str = ADD, **typed: Any) -> Any:
    return client.post(url, {**form(page), **typed, "do": do})


def built(client: Client, page: str, *steps: tuple[str, str, dict[str, Any]], url: str = ADD) -> str:
    """The page after conditions and actions were chosen, one press each, and then filled in."""
    typed: dict[str, Any] = {}
    for key, kind, values in steps:
        answer = press(client, page, f"add:{key}", url, **{f"{key}-add": kind})
        assert answer.status_code == 200
        page = answer.content.decode()
        place = max(re.findall(rf'name="({re.escape(key)}\.\d+)-kind"', page))
        typed |= {f"{place}-{name}": value for name, value in values.items()}
    return str(press(client, page, "look", url, **typed).content.decode())


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
    Hits.objects.create(rule="tag", day=timezone.localdate(), number=3, only_logged=True)
    text = said(ruler.get(LIST))
    assert "If the subject has the tag" in text
    assert "12 times in 7 days · would have 3 times · comes with the portal" in text
    assert "These rules come with the portal and are live." in text
    do(ruler, "log:tag")
    assert "1 change not published: “tag in the subject” changed. Last by you" in said(ruler.get(LIST))
    published = publish(ruler)
    assert published.status_code == 303
    assert "The rules are published." in said(ruler.get(published["Location"]))
    assert "All of it is live, as version 1." in said(ruler.get(LIST))
    assert re.search(r"would have 3 times · changed by you, ", said(ruler.get(LIST)))


def test_rules_are_moved_switched_copied_and_deleted_in_the_draft_alone(ruler: Client) -> None:
    for what in ("up:tag", "down:header", "off:tag", "copy:answer", "mode:all"):
        assert do(ruler, what).status_code == 303
    assert ids() == ["tag", "sensitivity", "header", "answer", "answer-2"]
    copied = standing().rule("answer-2")
    assert copied and (copied["name"], copied["state"]) == ("answer to a protected message (copy)", "log")
    gone = form(shown(ruler, f"{TAG}delete/"), '<form method="post" class="stack')
    assert ruler.post(f"{TAG}delete/", gone).status_code == 422
    assert ruler.post(f"{TAG}delete/", {**gone, "reason": "replaced"}).status_code == 303
    assert "tag" not in ids()
    assert live.rules().version == 0
    assert [rule.id for rule in live.rules().rules] == ["header", "tag", "sensitivity", "answer"]
    assert Entry.objects.get(kind="rules.rule_removed").facts["reason"] == "replaced"
    assert do(ruler, "up:nothing").status_code == 409
    assert do(ruler, "dance:header").status_code == 404


def test_an_empty_list_offers_the_ready_made_rules(ruler: Client) -> None:
    publishing.publish({"format": 1, "rules": []}, expected=0)
    text = said(ruler.get(LIST))
    assert "There are no rules." in text
    for one in ready.ready_made():
        assert sentence(one) in text
    assert do(ruler, "take:tag").status_code == 303
    assert do(ruler, "take:sensitive-outside").status_code == 303
    assert [(one["id"], one["state"]) for one in standing().document["rules"]] == [
        ("tag", "on"),
        ("sensitive-outside", "log"),
    ]


def test_a_button_of_a_page_that_is_not_true_any_more_does_nothing(ruler: Client, brand: Brand) -> None:
    old = form(shown(ruler, LIST))
    do(someone(brand, "kim"), "off:tag")
    answer = ruler.post("/admin/rules/change/", {**old, "do": "up:tag"})
    assert answer.status_code == 409
    assert "Somebody else changed the rules after you opened this page." in said(answer)
    assert ids()[0] == "header"


# ------------------------------------------------------------------------------------------------------- the editor


def test_a_rule_of_three_conditions_is_built_without_a_script_and_decides_once_published(ruler: Client) -> None:
    page = built(
        ruler,
        shown(ruler, ADD),
        ("w", "recipient_is", {"place": "outside"}),
        ("w", "subject_words", {"values": "zebra\nhorse"}),
        ("w", "sensitive", {"types-new": "Payment card number"}),
        ("w", "any", {}),
        ("w.3", "size_over", {"bytes": "20 MB"}),
        ("e", "sender_domain", {"values": "press.example"}),
        ("t", "protect", {"open": "14", "template": "view-only"}),
        ("t", "stop", {}),
    )
    page = press(ruler, page, "remove:t.1").content.decode()
    page = press(ruler, page, "look", **{"w.2-types.0-at_least": "3", "w.2-types.0-confidence": "85"}).content.decode()
    assert press(ruler, page, "publish", name="Zebras & horses").headers["Location"] == "/admin/rules/publish/"
    made = standing().rule("zebras-horses")
    assert made and made["state"] == "log", "a new rule is only logged"
    assert sentence(made) == (
        "If a recipient is outside and the subject has the word “zebra” or “horse” and the mail has sensitive "
        "information of the kind “3 × payment-card” and the mail is larger than 20,000,000 bytes, except if the "
        "sender is at “press.example”, then protect it, with the rights “view-only”, open for 14 days."
    )
    assert made["when"]["all"][2]["types"] == [{"name": "payment-card", "at_least": 3, "confidence": 85}]
    assert publish(ruler).status_code == 303
    assert [rule.id for rule in live.rules().rules][-1] == "zebras-horses"
    version = Version.objects.get()
    assert (version.number, version.note, Draft.objects.count()) == (1, "agreed", 0)


def test_every_condition_and_action_is_offered_and_opened_and_saved_unchanged(ruler: Client, brand: Brand) -> None:
    Group.objects.create(slug="press", name="Press", source="csv")
    page = shown(ruler, ADD)
    for kind in (*KINDS, *actions.KINDS):
        assert f'<option value="{kind}">' in page
    then = [{"do": kind, **filled(actions.KINDS[kind].fields)} for kind in actions.KINDS if kind != "drop"]
    rule = {
        "id": "all",
        "name": "All",
        "from": "2026-01-01",
        "until": "2030-01-01",
        "note": "two\nlines",
        "when": {"any": [{"if": kind, **filled(one.fields)} for kind, one in KINDS.items()]},
        "then": then,
    }
    alone = {
        **rule,
        "id": "drop",
        "then": [{"do": "drop", "also_asked": True}],
    }  # what is deleted is nothing else as well
    document = checked({"format": 1, "rules": [rule, alone]})
    draft.save(lambda _old: document, lambda old: old, draft.token(standing().document), None)
    for one in ("all", "drop"):
        url = f"/admin/rules/rule/{one}/"
        assert press(ruler, shown(ruler, url), "save", url).status_code == 303
    assert standing().document == document


def test_what_is_wrong_is_named_and_all_that_was_typed_is_kept(ruler: Client) -> None:
    page = built(
        ruler,
        shown(ruler, ADD),
        ("w", "subject_patterns", {"values": "(?=a)b"}),
        ("w", "header_is", {"name": "not a header", "values": "x"}),
        ("t", "protect", {"open": "9999"}),
    )
    answer = press(ruler, page, "save", name="Kept", place="soon", note="my note")
    assert answer.status_code == 422
    text = said(answer)
    assert "In “The subject matches a pattern”, “Values” must hold patterns that RE2 can read" in text
    assert "In “Protect it”, “Open for” must be a number of days from 1 to 730, or never." in text
    kept = form(answer.content.decode())
    assert (kept["w.0-values"], kept["w.1-name"], kept["t.0-open"]) == (["(?=a)b"], ["not a header"], ["9999"])
    assert (kept["name"], kept["note"], kept["place"]) == (["Kept"], ["my note"], ["soon"])
    for name in ("w.0-values", "w.1-name", "t.0-open"):
        assert f'href="#{name}"' in answer.content.decode()
        assert f'id="{name}"' in answer.content.decode()
    assert not Draft.objects.exists()


def test_a_form_that_is_saved_empty_asks_for_what_it_lacks(ruler: Client) -> None:
    answer = press(ruler, shown(ruler, ADD), "save")
    assert answer.status_code == 422
    asked = re.findall(r'<li><a href="#([\w.-]+)">([^<]+)<', answer.content.decode())
    assert [sentence for _, sentence in asked] == [
        "Enter a name.",
        "Add a condition.",
        "Choose 1 to 20 things that are done.",
    ]


@pytest.mark.parametrize(
    ("kind", "typed", "saved"),
    [
        ("subject_patterns", "(a+)+$\n(x|x)*y", True),  # which would hang an engine that goes back
        ("subject_patterns", r"(a)\1", False),
        ("subject_words", "\n".join(f"word{n}" for n in range(10_000)), False),
        ("subject_words", HOSTILE, True),
        ("sender_address", HOSTILE, False),
    ],
)
def test_hostile_values_are_refused_or_only_text(ruler: Client, kind: str, typed: str, saved: bool) -> None:
    page = built(ruler, shown(ruler, ADD), ("w", kind, {"values": typed}), ("t", "tag", {"name": "seen"}))
    answer = press(ruler, page, "save", name=HOSTILE)
    assert answer.status_code == (303 if saved else 422)
    text = shown(ruler, LIST) if saved else answer.content.decode()
    assert HOSTILE not in text
    if not saved:
        assert form(text)["w.0-values"] == [typed]
    if typed.count("\n") > 9:
        assert "at most 1,024 words; it holds 10,000" in said(answer)


def test_of_two_editors_the_later_is_refused_sees_both_and_loses_nothing(ruler: Client, brand: Brand) -> None:
    mine, kim = shown(ruler, TAG), someone(brand, "kim")
    assert press(kim, shown(kim, TAG), "save", TAG, name="Theirs").status_code == 303
    answer = press(ruler, mine, "save", TAG, name="Mine")
    assert answer.status_code == 409
    assert "somebody else saved this rule after you opened it" in said(answer)
    assert "Theirs, by k" in said(answer)
    assert form(answer.content.decode())["name"] == ["Mine"]
    assert press(ruler, answer.content.decode(), "save", TAG).status_code == 303
    rule = standing().rule("tag")
    assert rule and rule["name"] == "Mine"


def test_what_a_rule_names_and_is_archived_or_gone_is_shown_and_said(ruler: Client, brand: Brand) -> None:
    Brand.objects.create(slug="old", name="Old brand", host="old.example", archived_at=timezone.now())
    RightsTemplate.objects.create(slug="board", names={"en": "For the board"}, state="archived")
    Group.objects.create(slug="press", name="Press office", source="csv")
    rule = {
        "id": "x",
        "name": "X",
        "when": [{"if": "sender_group", "values": ["press", "gone"]}],
        "then": [{"do": "protect", "template": "board", "brand": "old"}],
    }
    publishing.publish({"format": 1, "rules": [rule]}, expected=0)
    text = said(ruler.get("/admin/rules/rule/x/"))
    assert "For the board (archived)" in text
    assert "Old brand (archived)" in text
    assert "Press office" in text
    assert "gone (not in the directory)" in text
    kept = form(shown(ruler, "/admin/rules/rule/x/"))
    assert (kept["t.0-template"], kept["t.0-brand"]) == (["board"], ["old"])
    assert kept["w.0-values"] == ["press", "gone"]


def test_the_sentence_is_told_of_what_is_typed_and_says_what_is_not_finished(ruler: Client) -> None:
    page = built(ruler, shown(ruler, ADD), ("w", "recipient_is", {"place": "outside"}), ("w", "subject_words", {}))
    answer = ruler.post("/admin/rules/sentence/", form(page))
    assert answer.content.decode() == "If a recipient is outside and the subject has words …, then …"
    assert answer["Content-Type"].startswith("text/plain")
    for rule in ready.ready_made():
        assert told(rule_form.of_rule(rule, 1), standing().document) == sentence(rule)


def test_a_form_that_nobody_made_is_no_error_of_the_portal() -> None:
    for text in (
        "w-kind=x&w.0-kind=any&w.0.0-kind=any",
        "do=add:w.7.7&w.7.7-add=any",
        "do=remove:w.x",
        "do=unkind:w.0:9",
    ):
        post = QueryDict(text)
        form_ = rule_form.posted(post)
        rule_form.press(form_, post)
        assert form_.when.kind in ("all", "any", "none")


# ----------------------------------------------------------------------------------- publishing, going back, drafts


def test_what_would_lock_mail_that_must_pass_is_refused_with_the_rules_name(ruler: Client) -> None:
    page = built(ruler, shown(ruler, ADD), ("w", "everything", {}), ("t", "hold", {}))
    press(ruler, page, "save", name="Hold all", state="on")
    wanted = "Rule 5 “Hold all” would hold ordinary mail among your own people."
    assert wanted in said(ruler.get("/admin/rules/publish/"))
    answer = publish(ruler)
    assert answer.status_code == 409
    assert wanted in said(answer)
    assert not Version.objects.exists()


def test_mail_to_further_people_is_published_by_an_owner_alone(ruler: Client, brand: Brand) -> None:
    page = built(
        ruler, shown(ruler, ADD), ("w", "subject_tag", {}), ("t", "copy_to", {"addresses": "me@elsewhere.example"})
    )
    press(ruler, page, "save", name="Copies", state="on")
    assert "Only an owner can publish that" in said(ruler.get("/admin/rules/publish/"))
    assert publish(ruler).status_code == 409
    assert publish(someone(brand, "ebba", Role.OWNER)).status_code == 303


def test_a_draft_that_something_else_was_published_under_is_brought_up_first(ruler: Client) -> None:
    do(ruler, "off:tag")
    other = checked(publishing.document_of(0))
    other["rules"][0]["note"] = "theirs"
    seen = standing().seen
    publishing.publish(other, expected=0)
    assert 'name="seen"' not in shown(ruler, "/admin/rules/publish/")
    assert "1 change not published: “tag in the subject” changed." in said(ruler.get(LIST))
    answer = ruler.post("/admin/rules/publish/", {"seen": seen})
    assert answer.status_code == 409
    assert "Bring it in first." in said(answer)
    assert ruler.post("/admin/rules/catch-up/").status_code == 303
    assert publish(ruler).status_code == 303
    rules = live.rules().document["rules"]
    assert (rules[0]["note"], rules[1]["state"]) == ("theirs", "off")


def test_versions_are_compared_and_an_old_one_comes_back(ruler: Client) -> None:
    do(ruler, "off:tag")
    publish(ruler)
    do(ruler, "up:tag")
    publish(ruler)
    text = said(ruler.get("/admin/rules/versions/"))
    assert re.search("Version 2 Live “[a-z ]+” moved", text)
    assert "Version 1 “tag in the subject” changed agreed" in text
    assert "It is off." in said(ruler.get("/admin/rules/versions/?show=0"))
    asked = shown(ruler, "/admin/rules/roll-back/?number=1")
    back = form(asked, '<form method="post" class="row"')
    assert ruler.post("/admin/rules/roll-back/", {**back, "seen": "1"}).status_code == 409
    assert ruler.post("/admin/rules/roll-back/", back).status_code == 303
    assert live.rules().version == 3
    assert [rule.id for rule in live.rules().rules][:2] == ["header", "tag"]
    for number in ("9", "-1", "x", "9" * 30):
        assert ruler.get(f"/admin/rules/versions/?show={number}").status_code == 404


def test_a_draft_is_thrown_away_only_as_it_was_seen(ruler: Client) -> None:
    do(ruler, "off:tag")
    seen = form(shown(ruler, "/admin/rules/discard/"), '<form method="post" class="row"')
    do(ruler, "log:tag")
    assert ruler.post("/admin/rules/discard/", seen).status_code == 409
    assert Draft.objects.exists()
    seen = form(shown(ruler, "/admin/rules/discard/"), '<form method="post" class="row"')
    assert ruler.post("/admin/rules/discard/", seen).status_code == 303
    assert not Draft.objects.exists()
    assert Entry.objects.filter(kind="rules.draft_discarded").count() == 1


# ---------------------------------------------------------------------------------------------------- files of YAML


def test_rules_go_out_as_yaml_and_come_in_after_what_they_change_was_shown(ruler: Client) -> None:
    out = ruler.get("/admin/rules/export/")
    assert out["Content-Disposition"] == 'attachment; filename="rules-version-0.yaml"'
    assert checked(yamls.read(out.content)) == checked(publishing.document_of(0))
    changed = out.content.replace(b"- id: tag", b"- id: tag\n  state: off")
    looked = ruler.post("/admin/rules/import/", {"file": SimpleUploadedFile("rules.yaml", changed)})
    assert looked.status_code == 200
    assert "It is off." in said(looked)
    assert not Draft.objects.exists(), "only shown so far"
    apply = {**form(looked.content.decode(), 'action="/admin/rules/import/"'), "do": "apply"}
    do(ruler, "log:answer")
    assert ruler.post("/admin/rules/import/", apply).status_code == 409
    looked = ruler.post("/admin/rules/import/", {"text": changed.decode()})
    apply = {**form(looked.content.decode(), 'action="/admin/rules/import/"'), "do": "apply"}
    assert ruler.post("/admin/rules/import/", apply).status_code == 303
    rule = standing().rule("tag")
    assert rule and rule["state"] == "off"
    assert b"state: off" not in ruler.get("/admin/rules/export/").content.replace(b"'", b"")
    assert b"state: off" in ruler.get("/admin/rules/export/?of=draft").content.replace(b"'", b"")


@pytest.mark.parametrize(
    ("file", "why"),
    [
        (b"a: &a [x,x]\nb: [*a,*a,*a]", "no anchors and aliases"),
        (b"!!python/object:os.system {}", "no tags"),
        (b"x: " + b"a" * (1 << 20), "at most 1,024 KiB"),
        (b"[" * 100, "levels deep"),
        (b"\xff\xfe", "not UTF-8"),
        (b"format: 1\nrules: [{id: a, name: A, when: [{if: moon}], then: [{do: protect}]}]", "no condition “moon”"),
        (b"", "Choose a file, or paste its text."),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_the_reason(ruler: Client, file: bytes, why: str) -> None:
    answer = ruler.post("/admin/rules/import/", {"file": SimpleUploadedFile("x.yaml", file)} if file else {})
    assert answer.status_code == 422
    assert why in said(answer)
    assert not Draft.objects.exists()


# ---------------------------------------------------------------------------------------------------------- who may


def test_other_roles_and_forged_forms_change_nothing(brand: Brand, ruler: Client) -> None:
    support = someone(brand, "sam", Role.SUPPORT)
    assert support.get(LIST).status_code == 403
    assert support.post("/admin/rules/change/", {"do": "off:tag", "seen": standing().seen}).status_code == 403
    forged = Client(enforce_csrf_checks=True, HTTP_HOST="localhost:8000")
    forged.cookies = ruler.cookies
    for url in ("/admin/rules/change/", ADD, "/admin/rules/publish/", "/admin/rules/import/", "/admin/rules/catch-up/"):
        assert forged.post(url, {"do": "off:tag", "seen": standing().seen}).status_code == 403
    assert not Draft.objects.exists()
