"""`manage.py brand add|show|remove|records`: a brand made, dressed from files, and kept when it is no longer used."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from branding import choosing
from branding.models import Brand, BrandVersion, Logo
from portal.access import brand_making
from portal.audit.models import Entry
from tests.branding.test_logos import picture, svg

ADD = ("--name", "Harbour Legal", "--host", "secure.harbour.example", "--postal-address", "Quay 1, Harbour")


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("brand", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def _refused(*arguments: str) -> str:
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    return str(caught.value)


@pytest.fixture
def harbour(brand: Brand) -> Brand:
    run("add", "harbour", *ADD)
    return Brand.objects.get(slug="harbour")


def test_a_brand_is_made_with_all_it_needs_and_is_live_at_once(brand: Brand) -> None:
    more = ("--domains", "harbour.example", "--from-address", "mail@harbour.example", "--colour", "SeaGreen")
    said = run("add", "harbour", *ADD, *more)
    assert said.startswith("harbour: ")
    made = Brand.objects.get(slug="harbour")
    assert (made.host, made.domains, made.colour) == ("secure.harbour.example", ["harbour.example"], "#2e8b57")
    assert made.from_address == "mail@harbour.example"
    assert not made.is_default
    assert choosing.of_domain("harbour.example") == made
    assert Entry.objects.filter(kind="brand.added").latest("id").facts == {"brand": "harbour", "by": "command line"}
    assert BrandVersion.objects.filter(brand=made, state="live").count() == 1


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("add", "harbour"), "needs --name, --host and --postal-address"),
        (("add", "Harbour", *ADD), "1 to 64"),
        (("add", "h" * 65, *ADD), "1 to 64"),
        (("add", "add", *ADD), "1 to 64"),
        (("add", "harbour", *ADD, "--host", "secure.harbour.example:8000"), "without https://, port"),
        (("add", "harbour", *ADD, "--from-address", "x@evil.example"), "no domain of this brand"),
        (("add", "harbour", *ADD, "--colour", "bluish"), "six hex digits"),
        (("add", "harbour", *ADD, "--logo", "/no/such.png"), "cannot be read"),
        (("show", "nobody"), "There is no brand nobody"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_made(brand: Brand, arguments: tuple[str, ...], why: str) -> None:
    assert why in _refused(*arguments)
    assert not Brand.objects.exclude(pk=brand.pk).exists()


def test_a_name_or_host_that_is_taken_is_refused(brand: Brand, harbour: Brand) -> None:
    assert "already" in _refused("add", "harbour", *ADD)
    assert f"is the host of the brand {brand.slug}" in _refused("set", "harbour", "--host", brand.host.upper())
    harbour.refresh_from_db()
    assert harbour.host == "secure.harbour.example"


def test_words_come_from_yaml_or_json_and_are_checked_whole(harbour: Brand, tmp_path: Path) -> None:
    words = {"en": {"read_button": "Open"}, "de": {"read_button": "Öffnen"}}
    (tmp_path / "words.json").write_text(json.dumps(words))
    (tmp_path / "words.yaml").write_text("en:\n  read_button: Open\nde:\n  read_button: Öffnen\n", encoding="utf-8")
    for name in ("words.json", "words.yaml"):
        run("set", "harbour", "--words", str(tmp_path / name))
        harbour.refresh_from_db()
        assert harbour.words == {"en-gb": {"read_button": "Open"}, "de": {"read_button": "Öffnen"}}
    (tmp_path / "words.yaml").write_text("en:\n  read_button: See www.evil.example\nxx:\n  y: z\n")
    said = _refused("set", "harbour", "--words", str(tmp_path / "words.yaml"))
    assert "reads like a link" in said and "no language" in said
    harbour.refresh_from_db()
    assert harbour.words["de"] == {"read_button": "Öffnen"}


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.system ['true']",
        "a: &a [x, x]\nb: &b [*a, *a, *a]\nen: *b",
        "[" * 5000,
        "en: {read_button: x",
        "\x00",
        "- 1",
        "",
        "en: {read_button: 2026-11-17}",
        "x" * (brand_making.MOST_BYTES_OF_WORDS + 1),
    ],
)
def test_a_hostile_file_of_words_is_refused(harbour: Brand, tmp_path: Path, text: str) -> None:
    (tmp_path / "words.yaml").write_text(text)
    assert _refused("set", "harbour", "--words", str(tmp_path / "words.yaml"))
    harbour.refresh_from_db()
    assert harbour.words == {}


def test_a_logo_comes_from_a_file_and_goes_again(harbour: Brand, tmp_path: Path) -> None:
    (tmp_path / "logo.svg").write_bytes(svg())
    (tmp_path / "logo.png").write_bytes(picture())
    run("set", "harbour", "--logo", str(tmp_path / "logo.svg"), "--logo-for-mails", str(tmp_path / "logo.png"))
    harbour.refresh_from_db()
    row = Logo.objects.get(brand=harbour, digest=harbour.logo)
    assert row.svg and bytes(row.mail_png)
    (tmp_path / "bad.svg").write_bytes(svg("<script/>"))
    said = _refused("set", "harbour", "--logo", str(tmp_path / "bad.svg"))
    assert said == "The logo contains a script and was not accepted."
    run("set", "harbour", "--logo", "none")
    harbour.refresh_from_db()
    assert harbour.logo == ""


def test_a_brand_is_shown_with_its_words_and_what_becomes_of_its_colour(harbour: Brand) -> None:
    Brand.objects.filter(pk=harbour.pk).update(colour="#e8a33d", words={"de": {"read_button": "Öffnen"}})
    said = run("show", "harbour")
    assert "de, Button: 'Öffnen'" in said
    assert "links use #966200" in said
    assert "logo: none" in said


def test_a_brand_is_archived_not_removed_and_can_be_brought_back(brand: Brand, harbour: Brand) -> None:
    assert "harbour (archived)" in run("remove", "harbour")
    assert choosing.named("harbour") is None
    assert choosing.of_host("secure.harbour.example") == harbour
    run("remove", "harbour")
    assert Entry.objects.filter(kind="brand.archived").count() == 1, "the second time changed nothing"
    run("bring-back", "harbour")
    assert choosing.named("harbour") == harbour
    assert "default brand" in _refused("remove", brand.slug)


def test_what_to_publish_is_printed(harbour: Brand) -> None:
    said = run("records", "harbour")
    assert 'secure.harbour.example. IN TXT "v=spf1 mx -all"' in said
    assert "_dmarc.secure.harbour.example. IN TXT" in said
