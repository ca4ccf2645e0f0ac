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

# The imports stand below the path because they are found by it: a script's own is its folder.
from branding.catalogues import Source, write  # noqa: E402
from scripts.catalogues import PLURALS, catalogue, forms_of, in_step, path_of, untranslated  # noqa: E402
from scripts.sanity import all_faults, faults  # noqa: E402


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
    lines = [line for language in languages for line in all_faults(language, catalogue(language), sources)]
    print("\n".join(lines) or "Every sentence has its translation.")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
