"""A8: keys are seen, made, moved to, tried and ended on a page, and no single administrator can end one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client
from pytest_django.fixtures import Settings

from branding.models import Brand
from portal.access.roles import Role
from portal.audit.models import Entry
from portal.keys.recovery import make_files
from portal.keys.service import keys
from portal.operations import drills, keyending, keywork
from portal.operations.models import KeyEnding, KeyWork
from portal.operations.tasks import key_work
from portal.vault import rotating
from portal.vault.models import Epoch, Message
from tests.console.conftest import Arrive
from tests.console.test_roles import with_role

WRONG = "That is not the code of this drill."


def used() -> str:
    return Epoch.objects.filter(wraps__isnull=False).values_list("epoch", flat=True).distinct().get()


def test_the_page_says_which_keys_there_are_and_for_how_much(owner: Client, arrive: Arrive) -> None:
    arrive()
    page = owner.get("/admin/keys/").content.decode()
    assert used() in page
    assert "Current" in page
    assert "made ahead" in page
    assert "No backup of the keyring was made yet." in page


def test_new_keys_are_used_at_once_and_older_messages_are_moved_when_asked_with_pause(
    owner: Client, arrive: Arrive, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrive()
    old = used()
    made = owner.post("/admin/keys/new/")
    assert "Back up the keyring now" in owner.get(made["Location"]).content.decode()
    assert keys().current(rotating.base_of(old)) != old
    assert used() == old, "nothing is wrapped anew unless that is chosen"
    page = owner.get("/admin/keys/").content.decode()
    assert "Move older messages to the new keys" in page
    assert "Make new keys now" not in page
    owner.post("/admin/keys/work/", {"kind": "move", "say": "begin"})
    owner.post("/admin/keys/work/", {"kind": "move", "say": "begin"})
    owner.post("/admin/keys/work/", {"kind": "move", "say": "pause"})
    key_work()
    assert used() == old
    assert "Paused." in owner.get("/admin/keys/").content.decode()
    owner.post("/admin/keys/work/", {"kind": "move", "say": "go on"})
    # A piece that is broken off loses nothing: what is left is done by the next.
    monkeypatch.setattr(keywork, "PIECE_SECONDS", -1.0)
    key_work()
    assert not KeyWork.objects.get().done
    monkeypatch.undo()
    key_work()
    assert KeyWork.objects.get().done
    assert used() == keys().current(rotating.base_of(old)) != old
    assert "Last moved" in owner.get("/admin/keys/").content.decode()
    assert owner.post("/admin/keys/work/", {"kind": "erase", "say": "begin"}).status_code == 404
    assert owner.post("/admin/keys/work/", {"kind": "move", "say": "stop"}).status_code == 404


def test_a_sample_is_tried_and_what_does_not_open_is_counted(owner: Client, arrive: Arrive) -> None:
    arrive()
    owner.post("/admin/keys/work/", {"kind": "verify", "say": "begin"})
    key_work()
    assert "All of them open." in owner.get("/admin/keys/").content.decode()
    Message.objects.update(rights=b"\xa1ccopy\xf5")
    owner.post("/admin/keys/work/", {"kind": "verify", "say": "begin"})
    key_work()
    assert KeyWork.objects.order_by("pk").last().troubles.keys() == {"damaged"}  # type: ignore[union-attr]
    assert Entry.objects.filter(kind="keys.verified").count() == 2


def test_one_administrator_asks_for_the_end_of_a_key_and_another_one_must_agree(
    owner: Client, brand: Brand, arrive: Arrive
) -> None:
    arrive()
    epoch = used()
    page = owner.get("/admin/keys/end/", {"epoch": epoch}).content.decode()
    assert "1 message can then never be read again." in page
    assert owner.post("/admin/keys/end/", {"epoch": epoch, "say": "ask"}).status_code == 422
    asking = {"epoch": epoch, "say": "ask", "reason": "exposed"}
    assert owner.post("/admin/keys/end/", asking).status_code == 303
    assert owner.post("/admin/keys/end/", asking).status_code == 409
    alone = owner.post("/admin/keys/end/", {"epoch": epoch, "say": "agree"})
    assert alone.status_code == 409
    assert "Another administrator must agree." in alone.content.decode()
    assert epoch in keys().epochs()
    second = with_role(brand, Role.ADMINISTRATOR)
    assert "Agree, or drop it" in second.get("/admin/keys/").content.decode()
    assert second.post("/admin/keys/end/", {"epoch": epoch, "say": "agree"}).status_code == 303
    assert epoch not in keys().epochs()
    assert second.post("/admin/keys/end/", {"epoch": epoch, "say": "agree"}).status_code == 404
    kinds = ["keys.ending_asked", "keys.epoch_destroyed", "keys.ending_agreed"]
    assert list(Entry.objects.filter(kind__in=kinds).order_by("id").values_list("kind", flat=True)) == kinds


def test_what_was_dropped_or_asked_for_long_ago_is_not_agreed_to(owner: Client, brand: Brand, arrive: Arrive) -> None:
    arrive()
    epoch, second = used(), with_role(brand, Role.ADMINISTRATOR)
    owner.post("/admin/keys/end/", {"epoch": epoch, "say": "ask", "reason": "ordered"})
    second.post("/admin/keys/end/", {"epoch": epoch, "say": "drop"})
    assert second.post("/admin/keys/end/", {"epoch": epoch, "say": "agree"}).status_code == 409
    owner.post("/admin/keys/end/", {"epoch": epoch, "say": "ask", "reason": "ordered"})
    row = KeyEnding.objects.get(closed_at=None)
    KeyEnding.objects.filter(pk=row.pk).update(asked_at=row.asked_at - keyending.VALID)
    assert second.post("/admin/keys/end/", {"epoch": epoch, "say": "agree"}).status_code == 409
    assert epoch in keys().epochs()
    assert owner.get("/admin/keys/end/", {"epoch": "2020-01-01.0"}).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_a_drill_shows_that_somebody_has_the_recovery_key(
    owner: Client, tmp_path: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "No recovery key is set." in owner.get("/admin/keys/").content.decode()
    assert owner.post("/admin/keys/drill/").status_code == 422
    assert owner.get("/admin/keys/drill/file/").status_code == 404
    make_files(tmp_path / "public", tmp_path / "private")
    settings.LETTERLOCK = replace(settings.LETTERLOCK, recovery_key=tmp_path / "public")
    assert owner.post("/admin/keys/drill/").status_code == 303
    file = tmp_path / "drill"
    file.write_bytes(owner.get("/admin/keys/drill/file/").content)
    call_command("keys", "drill", str(file), "--key", str(tmp_path / "private"))
    code = capsys.readouterr().out.strip()
    assert code.encode() not in file.read_bytes()
    assert WRONG in owner.post("/admin/keys/drill/", {"code": "abcd-efgh"}, follow=True).content.decode()
    assert drills.last_passed() is None
    owner.post("/admin/keys/drill/", {"code": code.upper().replace("-", " ")})
    assert "Somebody showed on" in owner.get("/admin/keys/").content.decode()
    assert owner.post("/admin/keys/drill/", {"code": code})["Location"].startswith("/admin/keys/?did=wrong.")
