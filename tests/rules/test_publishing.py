"""Versions of the rules: one is live, two cannot publish at once, an old one comes back, and workers see it soon."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from portal.audit.models import Entry
from portal.rules import first, live, publishing, replaying, yamls
from portal.rules.errors import BadRules, NoSuchRule, NoSuchVersion, StaleRules
from portal.rules.live import RulesUnusable
from portal.rules.models import Seen, Version
from tests.grants import change
from tests.mails import JONAS, mail
from tests.seals import put

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("asked_at_once")]


def rules(subject: str = "zebra", **fields: Any) -> dict[str, Any]:
    rule = {"id": "a", "name": "A", "when": [{"if": "subject_words", "values": [subject]}], "then": [{"do": "protect"}]}
    return {"format": 1, "rules": [{**rule, **fields}]}


def test_one_version_is_live_and_every_one_stays() -> None:
    assert live.rules() is first.RULES
    publishing.publish(rules("one"), expected=0)
    publishing.publish(rules("two"), expected=1, note="  second\n ")
    assert live.rules().version == 2
    assert list(Version.objects.order_by("number").values_list("number", "note")) == [(1, ""), (2, "second")]
    publishing.roll_back(1, expected=2)
    assert live.rules().version == 3
    assert publishing.document_of(3)["rules"] == publishing.document_of(1)["rules"]
    publishing.roll_back(0, expected=3)
    assert live.rules().document == first.RULES.document
    assert Entry.objects.filter(kind="rules.published").count() == 4


def test_of_two_who_publish_at_once_one_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    publishing.publish(rules("one"), expected=0)
    with pytest.raises(StaleRules, match="version 0, and version 1"):
        publishing.publish(rules("two"), expected=0)
    # Both have looked, and neither has written yet.
    monkeypatch.setattr(publishing, "live_number", lambda: 0)
    with pytest.raises(StaleRules):
        publishing.publish(rules("two"), expected=0)
    assert Version.objects.count() == 1


def test_what_cannot_be_used_is_not_published_and_no_version_is_none() -> None:
    with pytest.raises(BadRules):
        publishing.publish({"format": 1, "rules": [{}]}, expected=0)
    with pytest.raises(NoSuchVersion):
        publishing.document_of(7)
    with pytest.raises(NoSuchRule):
        publishing.switched(publishing.document_of(0), "no such", "off")
    assert not Version.objects.exists()


def test_mail_waits_while_the_live_version_cannot_be_used() -> None:
    publishing.publish(rules("one"), expected=0)
    change(Version.objects.all(), document={"format": 9})
    with pytest.raises(RulesUnusable):
        live.rules()
    row = put(mail("[secure] Lunch"))
    assert (row.state, row.attempts) == ("received", 1)
    assert "cannot be used" in row.last_error


def test_replaying_counts_what_would_be_locked_now_and_no_longer() -> None:
    put(mail("Lunch"), "post@bank.example")
    put(mail("Lunch"), JONAS)
    put(mail("[secure] Lunch"), JONAS)
    bank = {"id": "b", "name": "B", "when": [{"if": "recipient_domain", "values": ["bank.example"]}]}
    found = replaying.replay({"format": 1, "rules": [{**bank, "then": [{"do": "protect"}]}]}, "relay")
    assert (found.looked, found.more, found.fewer, found.unsure) == (3, 1, 1, 0)
    unsure = replaying.replay(rules("zebra"), "relay")
    assert unsure.unsure == 3
    assert Seen.objects.count() == 3


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("rules", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_imports_exports_tries_switches_and_goes_back(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(yamls.written(publishing.compiled(rules("zebra")).document))
    assert "Nothing was changed" in run("import", str(file), "--dry-run")
    assert publishing.live_number() == 0
    with pytest.raises(
        CommandError, match=r"takes out “header from a program”, “tag in the subject”.*Nothing was changed"
    ):
        run("import", str(file))
    assert publishing.live_number() == 0
    assert "Version 1 with 1 rules is live" in run("import", str(file), "--note", "first", "--remove")
    assert yamls.read(run("export").encode()) == yamls.read(file.read_bytes())
    assert "the subject has the word “zebra”" in run("list")
    tried = tmp_path / "mail.eml"
    tried.write_bytes(mail("A zebra", files=[("a.rtf", "application/rtf", b"{\\rtf1 words}")]))
    said = run("test", str(tried))
    assert "matched" in said
    assert "a.rtf: 5 characters were read" in said
    assert "Protect it (rule: A)." in said
    tried.write_bytes(mail("A horse"))
    assert "[when.all.0]" in run("test", str(tried), "--to", "x@bank.example")
    assert not Seen.objects.exists()
    assert "is off" in run("off", "A")
    assert publishing.document_of(2)["rules"][0]["state"] == "off"
    assert "would have locked 0 more" in run("replay", str(file))
    run("rollback", "1")
    assert publishing.document_of(3)["rules"][0]["state"] == "on"
    assert "first" in run("versions")
    assert "zebra" in run("show", "a")


def test_a_bad_file_is_refused_with_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    for text, said in (
        ("a: &x 1\nb: *x", "anchors"),
        (json.dumps({"format": 1}), "must be a list"),
        ("x" * 2_000_000, "KiB"),
    ):
        file.write_text(text)
        with pytest.raises(SystemExit, match=said):
            run("import", str(file))
    with pytest.raises(SystemExit, match="cannot be read"):
        run("import", str(tmp_path / "none.yaml"))
