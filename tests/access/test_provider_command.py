"""`manage.py provider`: what an administrator types, and what is never printed."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from branding.models import Brand
from portal.access import sessions
from portal.access.management.commands import provider as command
from portal.access.models import Person, Provider, Session
from portal.audit.models import Entry
from portal.keys.service import keys
from tests.peers.issuer import CLIENT, SECRET, Issuer


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("provider", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def add(issuer: Issuer, *more: str, slug: str = "corp", domains: str = "corp.example") -> str:
    usual = ("--client-id", CLIENT, "--name", "Corp", "--issuer", issuer.url, "--domains", domains, "--private")
    return run("add", slug, *usual, *more)


@pytest.fixture
def secret_file(tmp_path: Path) -> str:
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\n")
    return str(path)


def test_it_is_added_with_a_secret_from_a_file_and_says_what_to_register(
    issuer: Issuer, brand: Brand, other_brand: Brand, secret_file: str
) -> None:
    said = add(issuer, "--secret-file", secret_file, "--brand", brand.slug, "--brand", other_brand.slug)
    row = Provider.objects.get()
    assert keys().open_field("provider", row.id, bytes(row.client_secret)).decode() == SECRET
    assert (row.kind, row.domains, row.enabled, row.recipients, row.office) == (
        "oidc",
        ["corp.example"],
        True,
        True,
        False,
    )
    for host in (brand.host, other_brand.host):
        assert f"redirect URI http://{host}:8000/sign-in/corp/back/" in said
    assert SECRET not in said + run("list") + run("test", "corp")
    assert Entry.objects.get(kind="provider.added").facts == {"provider": "corp"}


def test_the_secret_comes_from_a_pipe_too(issuer: Issuer, brand: Brand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command.sys, "stdin", io.StringIO(f"{SECRET}\n"))
    add(issuer)
    row = Provider.objects.get()
    assert keys().open_field("provider", row.id, bytes(row.client_secret)).decode() == SECRET


@pytest.mark.parametrize("given", ["", "\n", "a\nb"])
def test_no_secret_is_told_from_a_client_without_one(issuer: Issuer, brand: Brand, tmp_path: Path, given: str) -> None:
    path = tmp_path / "secret"
    path.write_text(given)
    with pytest.raises(CommandError, match="--public"):
        add(issuer, "--secret-file", str(path))
    assert not Provider.objects.exists()
    add(issuer, "--public")
    assert bytes(Provider.objects.get().client_secret) == b""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--issuer", "http://login.example.org"), "must be an address"),
        (("--issuer", "not an address"), "must be an address"),
        (("--domains", "corp.example/x"), "no mail domain"),
        (("--domains", "corp.*"), "star"),
        (("--domains", ""), "Name the mail domains"),
        (("--tenant", "11111111-2222-3333-4444-555555555555=a.example"), "Only Microsoft"),
        (("--kind", "microsoft", "--tenant", "contoso=a.example"), "A tenant is written"),
        (("--kind", "microsoft", "--tenant", "11111111-2222-3333-4444-555555555555"), "A tenant is written"),
        (("--kind", "microsoft", "--tenant", "11111111-2222-3333-4444-555555555555=*"), "no star"),
        (("--client-id", " "), "client id"),
        (("--client-id", "x" * 256), "255"),
        (("--name", "x" * 61), "60"),
        (("--brand", "nobody"), "no brand"),
    ],
)
def test_what_cannot_be_is_refused_with_the_fix(
    issuer: Issuer, brand: Brand, arguments: tuple[str, ...], said: str
) -> None:
    with pytest.raises(CommandError, match=said):
        add(issuer, "--public", *arguments)
    assert not Provider.objects.exists()


@pytest.mark.parametrize("slug", ["passcode", "passkey", "Corp", "a b", "a-", "x" * 41])
def test_a_short_name_is_one_that_fits_an_address_and_no_other_way(issuer: Issuer, brand: Brand, slug: str) -> None:
    with pytest.raises(CommandError, match="short name"):
        add(issuer, "--public", slug=slug)


def test_a_name_is_taken_once(issuer: Issuer, brand: Brand) -> None:
    add(issuer, "--public")
    with pytest.raises(CommandError, match="already"):
        add(issuer, "--public")


def test_one_in_the_own_network_needs_the_administrator_s_word(issuer: Issuer, brand: Brand) -> None:
    with pytest.raises(CommandError, match="must be an address"):
        run(
            "add", "corp", "--client-id", CLIENT, "--public", "--name", "Corp", "--issuer", issuer.url, "--domains", "*"
        )
    https = issuer.url.replace("http:", "https:")
    with pytest.raises(CommandError, match=r"not public.*--private"):
        run("add", "corp", "--client-id", CLIENT, "--public", "--name", "Corp", "--issuer", https, "--domains", "*")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"issuer": "https://evil.example"}, "another issuer"),
        ({"issuer": None}, "another issuer"),
        ({"token_endpoint": "http://evil.example/token"}, "not https"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "not https"),
        ({"jwks_uri": 7}, "lacks an address"),
        ({"jwks_uri": ""}, "lacks an address"),
    ],
)
def test_a_discovery_document_that_lies_is_refused(
    issuer: Issuer, brand: Brand, change: dict[str, Any], said: str
) -> None:
    issuer.discovery = change
    with pytest.raises(CommandError, match=said):
        add(issuer, "--public")
    assert not Provider.objects.exists()


def test_a_generic_provider_may_not_speak_for_all_tenants(issuer: Issuer, brand: Brand) -> None:
    issuer.name = f"{issuer.url}/{{tenantid}}/v2.0"
    with pytest.raises(CommandError, match="another issuer"):
        add(issuer, "--public", "--issuer", f"{issuer.url}/common/v2.0")


def test_it_is_switched_for_one_brand_or_for_all(issuer: Issuer, brand: Brand, other_brand: Brand) -> None:
    add(issuer, "--public")
    row = Provider.objects.get()
    run("on", "corp", "--brand", other_brand.slug)
    assert set(row.brands.all()) == {brand, other_brand}
    run("off", "corp", "--brand", brand.slug)
    assert set(row.brands.all()) == {other_brand}
    assert Provider.objects.get().enabled
    assert "corp (off)" in run("off", "corp")
    assert not Provider.objects.get().enabled
    assert "corp (on)" in run("on", "corp")
    assert Entry.objects.filter(kind="provider.switched").count() == 4


def test_its_secret_can_be_renewed(issuer: Issuer, brand: Brand, secret_file: str) -> None:
    add(issuer, "--public")
    assert SECRET not in run("secret", "corp", "--secret-file", secret_file)
    row = Provider.objects.get()
    assert keys().open_field("provider", row.id, bytes(row.client_secret)).decode() == SECRET


def test_removing_it_ends_what_it_proved(issuer: Issuer, brand: Brand) -> None:
    add(issuer, "--public")
    person = Person.objects.create(lookup="00", password="!")
    sessions.begin(person, brand, keep=False, method=sessions.PROVIDER, provider="corp", level=2)
    sessions.begin(person, brand, keep=False)
    run("remove", "corp")
    assert [row.method for row in Session.objects.all()] == ["passcode"]
    assert not Provider.objects.exists()


def test_a_name_that_nobody_has_is_told(db: None) -> None:
    for verb in ("on", "off", "remove", "test"):
        with pytest.raises(CommandError, match="provider list"):
            run(verb, "nobody")
