"""Keeps the catalogues in locale/ in step with the sources, and helps whoever translates (docs/languages.md).

make words                         take new sentences up, drop old ones, and say what is missing
scripts/words.py missing de        print what has no German yet, as JSON
scripts/words.py add de FILE.json  take translations from a JSON object: sentence to translation, or to a list of
                                   plural forms; a fault in one leaves that one out and is named
scripts/words.py check [de ...]    name everything that is missing or wrong
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from branding.catalogues import Catalogue, Source, read, write  # noqa: E402

LOCALE = ROOT / "locale"
_TWO = "nplurals=2; plural=(n != 1);"
_SLAVIC = "n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2);"
PLURALS = {
    "de": _TWO,
    "fr": "nplurals=2; plural=(n > 1);",
    "es": _TWO,
    "it": _TWO,
    "pt": _TWO,
    "nl": _TWO,
    "sv": _TWO,
    "pl": f"nplurals=3; plural=(n==1 ? 0 : {_SLAVIC}",
    "uk": f"nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : {_SLAVIC}",
    "tr": _TWO,
    "ar": "nplurals=6; plural=(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5);",
    "he": "nplurals=3; plural=(n==1 ? 0 : n==2 ? 1 : 2);",
    "hi": "nplurals=2; plural=(n > 1);",
    "ja": "nplurals=1; plural=0;",
    "zh-hans": "nplurals=1; plural=0;",
}
"""By language, as gettext's manual has them, with CLDR's forms for Hebrew."""


def path_of(language: str) -> Path:
    """The catalogue of a language, where Django looks for it: zh-hans is zh_Hans there."""
    name, _, variant = language.partition("-")
    return LOCALE / (f"{name}_{variant.title()}" if variant else name) / "LC_MESSAGES" / "django.po"


def forms_of(language: str) -> int:
    """How many plural forms it has."""
    return int(PLURALS[language].partition("=")[2].partition(";")[0])


def catalogue(language: str) -> Catalogue:
    """What is translated; empty for a language that nobody has begun."""
    path = path_of(language)
    return read(path) if path.exists() else Catalogue()


def in_step(language: str, sources: dict[Source, set[str]]) -> Catalogue:
    """The catalogue with an entry for each sentence of the sources and no other; new ones are empty.

    A sentence that only got or lost its plural is begun anew: its forms are others.
    """
    old = catalogue(language)
    header = f"Language: {language}\nContent-Type: text/plain; charset=UTF-8\nPlural-Forms: {PLURALS[language]}\n"
    number = forms_of(language)
    fresh = {source: ("",) * (number if source.many else 1) for source in sources}
    kept = {source: forms for source, forms in old.entries.items() if len(forms) == len(fresh.get(source, ()))}
    return Catalogue(header, fresh | {source: forms for source, forms in kept.items() if source in fresh})


def untranslated(language: str, sources: dict[Source, set[str]]) -> list[Source]:
    """In the order of the catalogue."""
    entries = in_step(language, sources).entries
    return [source for source, forms in sorted(entries.items()) if not all(forms)]


def main(arguments: list[str]) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    os.environ.setdefault("LETTERLOCK_DATA", tempfile.gettempdir())
    from scripts.sources import found

    verb, *rest = arguments or ["extract"]
    unknown = [name for name in (rest[:1] if verb in ("missing", "add") else rest) if name not in PLURALS]
    if verb not in ("extract", "missing", "add", "check") or unknown:
        print(__doc__, file=sys.stderr)
        return 2
    sources = found()
    if verb == "extract":
        for language in PLURALS:
            write(path_of(language), in_step(language, sources), sources)
            print(f"{language}: {len(untranslated(language, sources))} of {len(sources)} missing")
        return 0
    if verb == "missing":
        empty = {s.one: [""] * forms_of(rest[0]) if s.many else "" for s in untranslated(rest[0], sources)}
        print(json.dumps(empty, ensure_ascii=False, indent=1))
        return 0
    if verb == "add":
        return _add(rest[0], json.loads(Path(rest[1]).read_text(encoding="utf-8")), sources)
    return _check(rest or list(PLURALS), sources)


def _add(language: str, given: dict[str, str | list[str]], sources: dict[Source, set[str]]) -> int:
    from scripts.sanity import faults

    ours = in_step(language, sources)
    by_english = {source.one: source for source in sources}
    wrong = 0
    for english, said in given.items():
        source = by_english.get(english)
        forms = tuple(said) if isinstance(said, list) else (said,)
        found = faults(source, forms, forms_of(language)) if source else ["no page says this sentence"]
        for fault in found:
            print(f"{english!r}: {fault}", file=sys.stderr)
        wrong += bool(found)
        if source and not found:
            ours.entries[source] = forms
    write(path_of(language), ours, sources)
    left = len(untranslated(language, sources))
    print(f"{language}: {len(given) - wrong} taken, {wrong} left out, {left} still missing")
    return 1 if wrong else 0


def _check(languages: list[str], sources: dict[Source, set[str]]) -> int:
    from scripts.sanity import all_faults

    lines = [line for language in languages for line in all_faults(language, catalogue(language), sources)]
    print("\n".join(lines) or "Every sentence has its translation.")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
