"""docs/sensitive-information.md says of every type what it looks for, how it is checked, and how sure that is."""

from __future__ import annotations

import re

from portal.rules.sensitive import TYPES, SensitiveType
from tests.servers import ROOT

PAGE = (ROOT / "docs" / "sensitive-information.md").read_text()


def row(kind: SensitiveType) -> str:
    """The line of a type in its table."""
    alone = f"{kind.alone}" if kind.alone else "–"
    keywords = ", ".join(kind.keywords) or "none"
    said = (f"`{kind.slug}`", f"{kind.name}. {kind.looks_for}", kind.checked_by or "–", alone, f"{kind.near}", keywords)
    return f"| {' | '.join(said)} |"


def test_every_type_is_documented_as_it_is() -> None:
    missing = [row(kind) for kind in TYPES.values() if row(kind) not in PAGE]
    assert not missing, "\n".join(missing)
    assert len(re.findall(r"^\| `[a-z]", PAGE, re.MULTILINE)) == len(TYPES)


def test_the_page_says_how_many_there_are() -> None:
    assert f"{len(TYPES)} types" in PAGE
