"""A14: every setting is shown with what it does, and no password with it."""

from __future__ import annotations

import pytest
from django.test import Client

from branding.models import Brand
from portal.audit.models import Entry
from portal.configuration import declared
from portal.console.effects import GROUPS
from portal.console.settled import PREFIX, without_secrets
from portal.operations import retention


def test_every_setting_has_its_sentence_and_no_other() -> None:
    told = [PREFIX + name for _title, effects in GROUPS for name in effects]
    assert sorted(told) == sorted(one.name for one in declared({}))


def test_what_was_changed_is_marked_with_its_default_and_range(
    owner: Client, brand: Brand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LETTERLOCK_OPEN_DAYS", "90")
    page = owner.get("/admin/settings/").content.decode()
    row = next(row for row in page.split("<tr>") if "LETTERLOCK_OPEN_DAYS" in row)
    assert ">90<" in row
    assert ">30<" in row
    assert "1 to 730" in row
    assert "changed from default" in row
    other = next(row for row in page.split("<tr>") if "LETTERLOCK_RESTORE_DAYS" in row)
    assert "changed from default" not in other
    assert "157286400 (150 MiB)" in page


def test_no_password_is_shown(
    owner: Client, brand: Brand, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("secrets") / "relay"
    file.write_text("smtp://portal:canary-4711@relay.example:25\n")
    monkeypatch.setenv("LETTERLOCK_RELAY_URL_FILE", str(file))
    monkeypatch.delenv("LETTERLOCK_RELAY_URL", raising=False)
    monkeypatch.setenv("LETTERLOCK_BROKER_URL", "redis://:canary-4711@broker.example:6379/0")
    monkeypatch.setenv("LETTERLOCK_KEY_URL", "vault://vault.example/transit/root?token=canary-4711")
    page = owner.get("/admin/settings/").content.decode()
    assert "canary-4711" not in page
    assert "redis://broker.example/0" in page
    assert "relay.example" not in page


def test_an_address_that_is_none_is_not_shown_at_all() -> None:
    assert without_secrets("http://[") == "…"
    assert without_secrets("file:/srv/root.key") == "file:/srv/root.key"


def test_of_several_addresses_each_is_shown_without_its_secrets() -> None:
    both = "file:/srv/root.key vault://me:canary@vault.example/transit/root?token=canary"
    assert without_secrets(both) == "file:/srv/root.key vault://vault.example/transit/root"


def test_a_setting_whose_file_is_gone_since_the_start_is_named(
    owner: Client, brand: Brand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LETTERLOCK_RELAY_URL", raising=False)
    monkeypatch.setenv("LETTERLOCK_RELAY_URL_FILE", "/nowhere/relay")
    answer = owner.get("/admin/settings/")
    assert answer.status_code == 503
    assert "LETTERLOCK_RELAY_URL_FILE names a file that cannot be read" in answer.content.decode()


def test_how_long_rows_are_kept_is_set_there_within_its_limits(owner: Client, brand: Brand) -> None:
    now = {name: retention.days_of(name) for name in retention.KINDS}
    refused = owner.post("/admin/settings/keep/", {**now, "mails": "1", "runs": "soon"})
    assert refused.status_code == 422
    page = refused.content.decode()
    assert "mails are kept from 14 to 36500 days, or for ever (0)." in page
    assert 'value="soon"' in page
    assert {name: retention.days_of(name) for name in retention.KINDS} == now
    owner.get("/admin/settings/keep/", {**now, "mails": "30"})
    assert owner.post("/admin/settings/keep/", {**now, "mails": "30"}).status_code == 303
    assert retention.days_of("mails") == 30
    noted = Entry.objects.get(kind="retention.changed")
    assert (noted.facts["what"], noted.facts["days"], noted.facts["who"]) == ("mails", 30, "office")
