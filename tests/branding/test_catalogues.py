"""The catalogues of translations: read, written, and made into what gettext loads."""

from __future__ import annotations

import gettext
import io
from pathlib import Path

import pytest

from branding.catalogues import Catalogue, Source, compiled, make_all, read, write

HEADER = (
    "Language: pl\nContent-Type: text/plain; charset=UTF-8\n"
    "Plural-Forms: nplurals=3; plural=(n==1 ? 0 : n<5 ? 1 : 2);\n"
)
FILES = Source("{n} file", "{n} files")
SAID = Catalogue(
    HEADER,
    {
        Source("Reply"): ("Odpowiedz",),
        Source('Say "no"\\\n'): ("Powiedz „nie”\\\n",),
        FILES: ("{n} plik", "{n} pliki", "{n} plików"),
        Source("Forward"): ("",),
        Source("{n} day", "{n} days"): ("{n} dzień", "", ""),
    },
)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "pl/LC_MESSAGES/django.po"
    write(path, SAID, {FILES: ["b.html", "a.html", "a.html"]})
    assert read(path) == SAID
    first = path.read_bytes()
    assert b"#: a.html\n#: b.html\nmsgid" in first
    write(path, read(path), {FILES: ["a.html", "b.html"]})
    assert path.read_bytes() == first


def test_gettext_finds_what_is_whole_and_nothing_else() -> None:
    found = gettext.GNUTranslations(io.BytesIO(compiled(SAID)))  # type: ignore[arg-type]
    assert found.gettext("Reply") == "Odpowiedz"
    assert found.gettext('Say "no"\\\n') == "Powiedz „nie”\\\n"
    assert [found.ngettext("{n} file", "{n} files", n) for n in (1, 3, 7)] == ["{n} plik", "{n} pliki", "{n} plików"]
    assert found.gettext("Forward") == "Forward"
    assert found.ngettext("{n} day", "{n} days", 1) == "{n} day"


def test_lines_that_other_programs_wrap_are_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "django.po"
    path.write_text(
        'msgid ""\nmsgstr ""\n"Language: de\\n"\n\n'
        '#, python-format\nmsgid ""\n"One "\n"two"\nmsgstr ""\n"Eins "\n"zwei"\n'
    )
    assert read(path).entries == {Source("One two"): ("Eins zwei",)}


def test_a_line_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "django.po"
    path.write_text('msgid "One"\nmsgstr Eins\n')
    with pytest.raises(ValueError, match="line 2"):
        read(path)


def test_all_are_made_once_and_again_after_a_change(tmp_path: Path) -> None:
    sources, target = tmp_path / "locale", tmp_path / "words"
    write(sources / "pl/LC_MESSAGES/django.po", SAID, {})
    made = target / "pl/LC_MESSAGES/django.mo"
    make_all(sources, target)
    assert made.read_bytes() == compiled(SAID)
    made.write_bytes(b"kept")
    make_all(sources, target)
    assert made.read_bytes() == b"kept"
    write(sources / "pl/LC_MESSAGES/django.po", Catalogue(HEADER, {FILES: SAID.entries[FILES]}), {})
    make_all(sources, target)
    assert made.read_bytes() != b"kept"
