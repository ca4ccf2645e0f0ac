"""Rights templates changed by administrators: checked, recorded, exported; what comes with the program stays itself."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from portal.audit.models import Entry
from portal.vault import template_editing as editing
from portal.vault import templates
from portal.vault.errors import TemplateUnknown
from portal.vault.models import RightsTemplate
from portal.vault.rights import Rights
from portal.vault.template_editing import TemplateChanged, TemplateRefused, Wanted

pytestmark = pytest.mark.django_db
BOARD = Wanted("board", {"en": "For the board"}, {"en": "Answer by Monday."}, {"reply": True, "copy": True}, level=2)


def kinds() -> list[str]:
    return list(Entry.objects.filter(kind__startswith="rights_template").order_by("id").values_list("kind", flat=True))


def test_one_is_added_changed_archived_and_published_again_and_each_is_recorded() -> None:
    row = editing.add(BOARD)
    assert templates.rights_of(row) == Rights(True, False, False, False, level=2, reply_all=False)
    row = editing.change(replace(BOARD, rights={"reply": True}), row.version)
    assert not templates.rights_of(row).copy
    row = editing.set_state("board", "archived", row.version)
    assert not templates.may_choose(row, "a@example.org")
    assert templates.may_choose(editing.set_state("board", "published", row.version), "a@example.org")
    assert kinds() == [f"rights_template.{word}" for word in ("added", "changed", "archived", "published")]
    assert Entry.objects.filter(kind__startswith="rights_template").latest("id").facts == {"template": "board"}


def test_of_two_who_change_one_the_later_is_told_and_nothing_is_written() -> None:
    row = editing.add(BOARD)
    editing.change(replace(BOARD, level=3), row.version)
    with pytest.raises(TemplateChanged):
        editing.change(replace(BOARD, level=1), row.version)
    assert RightsTemplate.objects.get(slug="board").level == 3
    editing.set_state("encrypt", "archived", 1)
    with pytest.raises(TemplateChanged):
        editing.set_state("encrypt", "published", 1)


def test_what_comes_with_the_program_can_be_renamed_and_shortened_and_keeps_its_rights() -> None:
    strict = editing.of(templates.template("do-not-forward"))
    row = editing.change(replace(strict, names={"de": "Unter uns"}, closes="days", open_days=7), 1)
    assert (templates.name_of(row, "de"), templates.name_of(row, "en")) == ("Unter uns", "Do not forward")
    with pytest.raises(TemplateRefused, match="its rights stay"):
        editing.change(replace(strict, rights={**strict.rights, "forward": True}), row.version)
    assert not templates.rights_of(templates.template("do-not-forward")).forward


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("slug", {"slug": "For the board"}),
        ("slug", {"slug": "add"}),
        ("slug", {"slug": "encrypt"}),
        ("slug", {"slug": "x" * 41}),
        ("names", {"names": {}}),
        ("names", {"names": {"en": " \u202e "}}),
        ("names", {"names": {"en": "x" * 81}}),
        ("names", {"names": {"tlh": "tlhIngan"}}),
        ("notes", {"notes": {"en": "x" * 201}}),
        ("level", {"level": 4}),
        ("closes", {"closes": "soon"}),
        ("open_days", {"closes": "days"}),
        ("open_days", {"closes": "days", "open_days": 731}),
        ("last_day", {"closes": "date"}),
        ("place", {"place": -1}),
        ("scope", {"scope": ["not a domain"]}),
        ("scope", {"scope": ["localhost"]}),
        ("scope", {"scope": ["group:"]}),
    ],
)
def test_what_cannot_be_is_refused_at_its_field_and_nothing_is_written(field: str, changes: dict[str, Any]) -> None:
    with pytest.raises(TemplateRefused) as refused:
        editing.add(replace(BOARD, **changes))
    assert [fault.field for fault in refused.value.faults] == [field]
    assert not RightsTemplate.objects.exists()
    assert not kinds()


def test_there_are_500_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    assert editing.MOST == 500
    monkeypatch.setattr(editing, "MOST", 1)
    editing.add(BOARD)
    with pytest.raises(TemplateRefused, match="no more"):
        editing.add(replace(BOARD, slug="other"))


def said(*words: str) -> str:
    out = io.StringIO()
    call_command("rights_template", *words, stdout=out)
    return out.getvalue()


def test_the_command_makes_one_by_usage_rights_and_shows_both_names_of_them() -> None:
    shown = said("add", "board", "--name", "For the board", "--name", "de=Vorstand", "--usage", "editor", "--no-print")
    assert "board: “For the board”; reply, reply-all, forward, copy; level 1" in shown
    assert "usage rights: VIEW, EXTRACT, FORWARD, REPLY, REPLYALL, VIEWRIGHTSDATA" in shown
    assert "for board.example" in said("set", "board", "--for", "board.example", "--closes", "2026-12-17")
    row = RightsTemplate.objects.get(slug="board")
    assert (row.last_day, row.names["de"]) == (date(2026, 12, 17), "Vorstand")
    assert "(archived)" in said("archive", "board")
    assert [line.partition(":")[0] for line in said("list").splitlines() if not line.startswith(" ")] == [
        *("encrypt", "do-not-forward", "view-only"),
        "board (archived)",
    ]
    for words in (("add", "x", "--usage", "everything"), ("set", "board", "--closes", "soon")):
        with pytest.raises(CommandError):
            said(*words)
    with pytest.raises(SystemExit):
        said("set", "nothing-such", "--level", "2")


def test_what_was_exported_is_imported_whole_or_not_at_all(tmp_path: Path) -> None:
    editing.add(replace(BOARD, closes="date", last_day=date(2026, 12, 17), scope=["board.example"]))
    editing.set_state("board", "archived")
    before, file = said("export"), tmp_path / "templates.json"
    file.write_text(before)
    RightsTemplate.objects.all().delete()
    said("import", str(file))
    assert said("export") == before
    documents = json.loads(before)["rights_templates"]
    RightsTemplate.objects.all().delete()
    file.write_text(json.dumps({"rights_templates": [*documents, {"slug": "broken"}]}))
    with pytest.raises(CommandError):
        said("import", str(file))
    assert not RightsTemplate.objects.exists()
    with pytest.raises(TemplateUnknown):
        editing.set_state("nothing-such", "archived")
