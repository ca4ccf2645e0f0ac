"""The pages in docs/ against the program: links that lead somewhere, words in order, every event of the record."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.servers import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
NO_EVENTS = {
    "directory.group",
    "directory.person",
    "message.eml",
    "message.html",
    "connector.sh",
    "message.received",
    "message.rpmsg",
}
"""Names of tables and files, and the line of `manage.py trace` that stands for the spooled row."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_test_that_a_document_names_is_there(page: Path) -> None:
    for name, _, test in re.findall(r"(tests/[\w/.*-]*\w[*\w]*)(::(\w+))?", page.read_text()):
        found = [*ROOT.glob(name), *ROOT.glob(f"{name}.py")]
        assert found, name
        assert not test or re.search(rf"(def|class) {test}\b", found[0].read_text()), f"{name}::{test}"


def test_the_readme_leads_to_every_document() -> None:
    named = set(re.findall(r"\]\((docs/[^)#]+\.md)", (ROOT / "README.md").read_text()))
    there = {str(page.relative_to(ROOT)) for page in (ROOT / "docs").rglob("*.md") if page.parent.name != "decisions"}
    assert there - named == set()


def test_the_glossary_is_in_order() -> None:
    words = re.findall(r"^\| ([^|]+?) \|", (ROOT / "docs" / "glossary.md").read_text(), re.MULTILINE)[1:]
    assert len(words) > 30
    assert words == sorted(words, key=str.casefold)


def test_every_event_of_the_record_is_documented_and_no_other() -> None:
    documented = set()
    for cell in re.findall(r"^\| (`[^|]+?) \|", (ROOT / "docs" / "events.md").read_text(), re.MULTILINE):
        first, *others = re.findall(r"`([a-z_.]+)`", cell)
        documented |= {first, *(first.partition(".")[0] + other for other in others)}
    rooms = {kind.partition(".")[0] for kind in documented}
    used = set()
    for path in (path for place in ("portal", "branding") for path in (ROOT / place).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                room, dot, what = node.value.partition(".")
                if room in rooms and dot and re.fullmatch("[a-z_]+", what):
                    used.add(node.value)
    assert used - NO_EVENTS == documented


def test_every_feature_names_a_test_that_there_is_or_why_it_is_left_out() -> None:
    """docs/features.md: each row ends in tests, as pytest names them, or in “left out” with the reason."""
    rows = re.findall(r"^\| ([^|]+?) \| [^|]+ \| (.+) \|$", (ROOT / "docs" / "features.md").read_text(), re.MULTILINE)
    told = [(name, proof) for name, proof in rows if name not in ("feature", "---")]
    assert len(told) > 80
    for name, proof in told:
        tests = re.findall(r"(tests/[\w/]+\.py)::([\w:]+)", proof)
        assert tests or proof.startswith("left out"), name
        for file, test in tests:
            assert (ROOT / file).exists(), f"{name}: {file}"
            sources = (ROOT / file).read_text()
            for part in test.split("::"):
                assert re.search(rf"^\s*(def|class) {part}\b", sources, re.MULTILINE), f"{name}: {file}::{test}"
