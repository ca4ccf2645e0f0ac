"""Every sentence that recipients and senders read, in every language: there, whole, and fit to be shown."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings

from branding.catalogues import Source
from branding.languages import ALL
from scripts.catalogues import PLURALS, catalogue, forms_of
from scripts.sanity import all_faults, faults
from scripts.sources import OFFICE, ROOT, found

ONE = Source("%(sender)s wrote to <b>you</b>.")
MANY = Source("{n} file", "{n} files")


@pytest.fixture(scope="module")
def sources() -> Any:
    """Every sentence and where it stands. To look for them takes seconds, which only who asks shall wait."""
    return found()


@pytest.mark.parametrize("language", PLURALS)
def test_a_language_is_complete_and_sane(language: str, sources: Any) -> None:
    wrong = list(all_faults(language, catalogue(language), sources))
    assert not wrong, f"{len(wrong)} faults (scripts/words.py check {language}), the first: {wrong[:3]}"


def test_the_same_languages_are_offered_and_translated() -> None:
    offered = [language.code for language in ALL]
    assert offered == [code for code, _name in settings.LANGUAGES]
    assert offered == ["en-gb", *PLURALS]


def test_sentences_are_found_in_templates_and_code_and_those_of_the_office_are_left_out(sources: Any) -> None:
    assert "templates/frame.html" in sources[Source("Skip to main content")]
    assert "portal/access/errors.py" in sources[Source("You have {n} try left.", "You have {n} tries left.")]
    assert "portal/delivery/reports.py" in sources[Source("Passed on")]
    assert not [place for places in sources.values() for place in places if "console" in place or "demo" in place]


@pytest.mark.parametrize("entry", OFFICE)
def test_what_is_named_as_the_offices_is_there(entry: str) -> None:
    path, _, name = entry.partition(":")
    there = [*ROOT.glob(f"{path}*")]
    assert there, "nothing begins so any more"
    assert not name or f"class {name}(" in there[0].read_text()


@pytest.mark.parametrize(
    ("source", "forms", "fault"),
    [
        (ONE, ("",), "empty"),
        (ONE, ("%(sender)s hat <b>Ihnen</b> geschrieben.", "x"), "2 forms and needs 1"),
        (ONE, ("%(name)s hat <b>Ihnen</b> geschrieben.",), "placeholders"),
        (ONE, ("Jemand hat <b>Ihnen</b> geschrieben.",), "placeholders"),
        (ONE, ("%(sender)s hat <i>Ihnen</i> geschrieben.",), "tags"),
        (ONE, ("%(sender)s hat <b>Ihnen</b> geschrieben",), "end like"),
        (ONE, (" %(sender)s hat <b>Ihnen</b> geschrieben.",), "white space"),
        (ONE, ("%(sender)s hat <b>Ihnen</b> 'geschrieben'.",), "straight quotation mark"),
        (ONE, ("%(sender)s hat zu 5 % <b>Ihnen</b> geschrieben.",), "per cent"),
        (ONE, (ONE.one,), "still English"),
        (MANY, ("{n} Datei",), "1 forms and needs 2"),
        (MANY, ("{n} Datei", "Dateien"), "placeholders"),
    ],
)
def test_what_cannot_be_shown_is_named(source: Source, forms: tuple[str, ...], fault: str) -> None:
    assert any(fault in found for found in faults(source, forms, forms_of("de")))


def test_what_can_be_shown_is_left_alone() -> None:
    assert faults(ONE, ("%(sender)s hat <b>Ihnen</b> geschrieben.",), 2) == []
    assert faults(MANY, ("eine Datei", "{n} Dateien"), 2) == []
