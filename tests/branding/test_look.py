"""The one stylesheet and the one script: every source whole and in order, small on the line, kept until they change."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from branding import look
from branding.models import Brand

STATIC = Path(settings.STATICFILES_DIRS[0])
ALDER = Brand(slug="alder", name="Alder", host="localhost", colour="#14594f")


@pytest.fixture
def client(db: None) -> Client:
    Brand.objects.create(slug="alder", name="Alder", host="localhost", colour="#14594f", is_default=True)
    return Client(HTTP_HOST="localhost")


def test_the_stylesheet_holds_every_sheet_then_print_then_the_colours() -> None:
    sheet = look.css(ALDER).decode()
    places = [sheet.index((STATIC / f"css/{name}.css").read_text()) for name in (*look.SHEETS, "print")]
    assert places == sorted(places)
    at_print = sheet.index("@media print {\n")
    assert sheet.count("@media print") == 1
    assert places[-2] < at_print < places[-1] < sheet.rindex("--brand: #14594f")
    assert sheet.count("{") == sheet.count("}"), "one sheet that is not closed would swallow the next"


def test_the_second_stylesheet_holds_the_rest() -> None:
    assert look.more_css().decode() == "".join((STATIC / f"css/{name}.css").read_text() for name in look.MORE_SHEETS)
    own_pages = {"brands", "console", "demo", "figures", "office", "print", "rules"}
    assert {path.stem for path in (STATIC / "css").glob("*.css")} - own_pages == {*look.SHEETS, *look.MORE_SHEETS}


@pytest.mark.parametrize("name", [*look.SHEETS, *look.MORE_SHEETS, "print"])
def test_a_sheet_is_closed_and_loads_nothing(name: str) -> None:
    text = (STATIC / f"css/{name}.css").read_text()
    depth = 0
    for sign in re.findall(r"[{}]", text):
        depth += 1 if sign == "{" else -1
        assert depth >= 0
    assert depth == 0
    assert "@import" not in text
    assert "url(" not in text
    assert text.count("/*") == text.count("*/")


def test_without_a_brand_a_page_has_the_colours_of_the_tokens() -> None:
    assert look.css(ALDER).startswith(look.css(None))
    assert b"--brand" in look.css(None)


def test_the_script_holds_every_source_in_a_block_of_its_own() -> None:
    for script, names in ((look.script().decode(), look.SCRIPTS), (look.writing_script().decode(), look.WRITING)):
        assert script.count("{") == script.count("}")
        for name in names:
            assert f"{{\n{(STATIC / f'js/{name}.js').read_text()}}}\n" in script


@pytest.mark.parametrize("name", [*look.SCRIPTS, *look.WRITING])
def test_a_script_can_be_put_together_with_others(name: str) -> None:
    text = (STATIC / f"js/{name}.js").read_text()
    assert not re.search(r"^(import|export|return|await|var)\b|\bimport\(", text, re.MULTILINE), "not in a block"
    assert text.endswith("\n"), "a comment at the end would hide the block's end"


def test_every_script_of_the_reader_s_pages_is_in_it() -> None:
    # Loaded by pages of the office and the demo alone.
    own_pages = {"again", "brands", "demo", "office", "rules", "rules-test"}
    assert {path.stem for path in (STATIC / "js").glob("*.js")} - own_pages == {*look.SCRIPTS, *look.WRITING}


def test_they_are_served_small_kept_for_a_year_and_the_same_for_everyone(client: Client) -> None:
    for url, content, kind in (
        (look.css_url(ALDER), look.css(ALDER), "text/css"),
        (look.css_url(None), look.css(None), "text/css"),
        (look.more_css_url(), look.more_css(), "text/css"),
        (look.script_url(), look.script(), "text/javascript"),
        (look.writing_script_url(), look.writing_script(), "text/javascript"),
    ):
        plain = client.get(url)
        assert (plain.status_code, plain.content, plain.get("Content-Encoding")) == (200, content, None)
        small = client.get(url, headers={"Accept-Encoding": "br, gzip;q=0.8"})
        assert small["Content-Encoding"] == "gzip"
        assert gzip.decompress(small.content) == content
        assert len(small.content) < len(content) / 2
        refused = client.get(url, headers={"Accept-Encoding": "gzip;q=0, identity"})
        assert refused.content == content
        for answer in (plain, small, refused):
            assert answer["Content-Type"].startswith(kind)
            assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
            assert "Accept-Encoding" in answer["Vary"]
            assert "Cookie" not in answer["Vary"]
            assert not answer.cookies


@pytest.mark.parametrize("ending", ["css", "js"])
def test_an_address_of_other_content_is_not_found(client: Client, ending: str) -> None:
    assert client.get(f"/brand/{'0' * 12}.{ending}").status_code == 404
    assert client.get(f"/brand/alder.{'0' * 12}.css").status_code == 404
    assert client.post(look.script_url()).status_code == 405
