"""Catalogues of translations: reads and writes .po files, and makes of them the .mo files that gettext loads.

Both formats are GNU gettext's (its manual, "PO Files" and "MO Files"). Ours hold no context, no fuzzy entry and no
obsolete one: what is not translated is empty, and then English is shown.
"""

from __future__ import annotations

import ast
import hashlib
import re
import struct
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

MAGIC = 0x950412DE
MO_HEAD = 28
"""Bytes of a .mo file before its two tables: magic, revision, number of strings, four places and sizes."""
STAMP = ".made-from"
_LINE = re.compile(r'(?:(msgid|msgid_plural|msgstr|msgstr\[\d\]) )?(".*")')


@dataclass(frozen=True, order=True)
class Source:
    """A sentence as the code has it: its English, and its English plural where it has one."""

    one: str
    many: str = ""

    @property
    def key(self) -> str:
        """Under which a .mo file keeps it."""
        return f"{self.one}\0{self.many}" if self.many else self.one


@dataclass
class Catalogue:
    """One language: its header, and for each source the translation, one string or one for each plural form."""

    header: str = ""
    entries: dict[Source, tuple[str, ...]] = field(default_factory=dict)


def read(path: Path) -> Catalogue:
    """A .po file. ValueError names the line that is none of the format's."""
    found = Catalogue()
    parts: dict[str, str] = {}
    last = ""

    def close() -> None:
        source = Source(parts.pop("msgid", ""), parts.pop("msgid_plural", ""))
        forms = tuple(parts[name] for name in sorted(parts))
        parts.clear()
        if source.one:
            found.entries[source] = forms
        elif forms:
            found.header = forms[0]

    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise ValueError(f"{path}, line {number}: this is no line of a .po file.")
        name, text = match.groups()
        if name == "msgid" and parts:
            close()
        last = name or last
        parts[last] = parts.get(last, "") + ast.literal_eval(text)
    close()
    return found


def write(path: Path, catalogue: Catalogue, places: Mapping[Source, Iterable[str]]) -> None:
    """A .po file, sorted by its English, so that a change of a few sentences changes a few lines.

    `places` are the files that a source stands in; no line numbers, which would change with every edit above them.
    """
    blocks = ["\n".join(('msgid ""', 'msgstr ""', *(_quoted(f"{line}\n") for line in catalogue.header.splitlines())))]
    for source, forms in sorted(catalogue.entries.items()):
        lines = [f"#: {place}" for place in sorted(set(places.get(source, ())))]
        lines.append(f"msgid {_quoted(source.one)}")
        if source.many:
            lines.append(f"msgid_plural {_quoted(source.many)}")
            lines += [f"msgstr[{number}] {_quoted(form)}" for number, form in enumerate(forms)]
        else:
            lines.append(f"msgstr {_quoted(forms[0])}")
        blocks.append("\n".join(lines))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n\n".join(blocks) + "\n", encoding="utf-8")


def compiled(catalogue: Catalogue) -> bytes:
    """The .mo file of a catalogue: the complete translations only, sorted by key, little-endian, no hash table."""
    pairs = {"": catalogue.header}
    pairs |= {source.key: "\0".join(forms) for source, forms in catalogue.entries.items() if all(forms) and forms}
    encoded = sorted((key.encode(), text.encode()) for key, text in pairs.items())
    place = MO_HEAD + 16 * len(encoded)
    tables: list[bytes] = []
    strings: list[bytes] = []
    for column in zip(*encoded, strict=True):
        for string in column:
            tables.append(struct.pack("<II", len(string), place))
            strings.append(string + b"\0")
            place += len(string) + 1
    second = MO_HEAD + 8 * len(encoded)
    head = struct.pack("<7I", MAGIC, 0, len(encoded), MO_HEAD, second, 0, place)
    return b"".join((head, *tables, *strings))


def make_all(sources: Path, target: Path) -> None:
    """A .mo file under `target` for each .po file under `sources`, when any of these has changed."""
    names = sorted(sources.glob("*/LC_MESSAGES/*.po"))
    # Of what is in them: a version that is unpacked over another may bring older times.
    now = hashlib.sha256(b"".join(name.read_bytes() for name in names)).hexdigest()
    stamp = target / STAMP
    if stamp.exists() and stamp.read_text() == now:
        return
    for name in names:
        made = target / name.relative_to(sources).with_suffix(".mo")
        made.parent.mkdir(parents=True, exist_ok=True)
        partly = made.with_suffix(".partly")
        partly.write_bytes(compiled(read(name)))
        partly.replace(made)
    target.mkdir(parents=True, exist_ok=True)
    stamp.write_text(now)


_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}


def _quoted(text: str) -> str:
    return '"' + "".join(_ESCAPES.get(letter, letter) for letter in text) + '"'


if __name__ == "__main__":  # python -m branding.catalogues SOURCES TARGET, when an image is built
    make_all(*map(Path, sys.argv[1:]))
