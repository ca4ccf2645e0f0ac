"""What can be seen to be wrong with a translation without knowing its language: placeholders, tags, forms, ends."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from branding.catalogues import Catalogue, Source
from scripts.catalogues import forms_of, in_step, path_of

SAME = frozenset(
    {
        "{day}, {time}", "{sender} via {org}", "{n} KB", "{n} MB", "{n} GB", "{n} byte", "Google", "Microsoft", "Yahoo",
        "%%s / %%s", "Cc", "Cc: {people}", "Cc: {addresses}", "Bcc: {addresses}", "Name", "Passkey {n}",
        "passkey", "Passkeys", "Cookies", "PDF",
        "%(sender)s, %(date)s", "{date}, {sender}:", "<b>%(date)s</b>", "Upload", "Status", "Code",
        "Privacy", "Link", "Format", "Error:", "File", "Video", "Contact", "Presentation", "{kind}, {size}",
    }
)  # fmt: skip
"""English that may stand in other languages as it is."""
_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%%s|\{\w+\}")
_TAG = re.compile(r"<[^<>]*>")
_ENDS = {".": ".。।", "?": "?？؟;", ":": ":：", "…": "…", ",": ",،、，"}


def faults(source: Source, forms: tuple[str, ...], number: int) -> list[str]:
    """What is wrong with the forms of one sentence, in plain words; nothing when it can be shown."""
    wanted = number if source.many else 1
    if len(forms) != wanted:
        return [f"it has {len(forms)} forms and needs {wanted}"]
    if not all(form.strip() for form in forms):
        return ["it is empty"]
    found: list[str] = []
    for place, form in enumerate(forms):
        last = place == wanted - 1
        # “One file” and “two files” may be words in which no number stands; the last form stands for any number. The
        # first may need one where English does not: in Ukrainian it stands for 21 as well.
        english = [source.many] if source.many and last else [source.one, source.many] if source.many else [source.one]
        judged = [list(_faults(one, form, may_lack=1 if source.many and not last else 0)) for one in english]
        found += min(judged, key=len)
    if forms[0] == source.one and not _is_same(source):
        found.append("it is still English; if it is right so, name it in SAME (scripts/sanity.py)")
    return list(dict.fromkeys(found))


def _faults(english: str, form: str, may_lack: int) -> Iterator[str]:
    wants, has = Counter(_PLACEHOLDER.findall(english)), Counter(_PLACEHOLDER.findall(form))
    if has - wants or (wants - has).total() > may_lack:
        yield f"placeholders are {sorted(has)} and should be {sorted(wants)}"
    if Counter(_TAG.findall(english)) != Counter(_TAG.findall(form)):
        yield "tags differ"
    plain = _TAG.sub("", form)
    if re.search(r"""["'`<>]""", plain):
        yield "it holds a straight quotation mark or a loose < or >"
    if _edges(english) != _edges(form):
        yield "it begins or ends with other white space"
    last = english[-1]
    if last in _ENDS and form[-1] not in _ENDS[last]:
        yield f"it should end like {last}"
    if "\n" in form and "\n" not in english:
        yield "it holds a line break"
    if "%" in _PLACEHOLDER.sub("", form).replace("%%", "") and "%" not in _PLACEHOLDER.sub("", english):
        yield "a per cent sign is written %%"


def _edges(text: str) -> tuple[str, str]:
    return text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]


def _is_same(source: Source) -> bool:
    return source.one in SAME or not re.search(r"[A-Za-z]", _TAG.sub("", _PLACEHOLDER.sub("", source.one)))


def all_faults(language: str, ours: Catalogue, sources: dict[Source, set[str]]) -> Iterator[str]:
    """Every fault of a language's catalogue, one a line, with its sentence."""
    if not path_of(language).exists():
        yield f"{language}: there is no catalogue; make words begins one"
        return
    if ours.header != in_step(language, sources).header:
        yield f"{language}: the header is not the one that make words writes"
    for source in sorted(sources):
        forms = ours.entries.get(source)
        missing = forms is None or not all(forms)
        for fault in ["it is missing"] if missing else faults(source, forms, forms_of(language)):
            yield f"{language}: {source.one!r}: {fault}"
    for source in sorted(set(ours.entries) - set(sources)):
        yield f"{language}: {source.one!r}: no page says this sentence any more; make words drops it"
