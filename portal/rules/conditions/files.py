"""Conditions about attachments and about sensitive information."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from portal.rules.conditions.checks import Check, Hit
from portal.rules.conditions.kind import Kind, Pools, constant, listed
from portal.rules.contents import Attachment
from portal.rules.fields import Field
from portal.rules.limits import LONGEST_NAME
from portal.rules.view import View

Given = Mapping[str, Any]
_MOST_BYTES = 1 << 40
_ARCHIVE = "application/zip"
_STATES = ("unreadable", "password_protected", "executable")
_STATE_WORDS = {"unreadable": "cannot be read", "password_protected": "is locked by a password",
                "executable": "is a program"}  # fmt: skip


def _among_files(holds: Callable[[View], bool]) -> Check:
    """That no file is so is not known while there may be further ones."""
    return lambda view: True if holds(view) else False if view.files_are_listed else None


def _names(given: Given, pools: Pools) -> Check:
    pool, number = pools.patterns("file_names", given["values"])
    return _among_files(Hit(pool, "file_names", number))


def _extension(given: Given, pools: Pools) -> Check:
    wanted = frozenset(given["values"])
    return _among_files(lambda view: any(file.extension in wanted for file in view.files))


def _type(given: Given, pools: Pools) -> Check:
    whole = frozenset(one for one in given["values"] if not one.endswith("/*"))
    families = tuple(one[:-1] for one in given["values"] if one.endswith("/*"))

    def is_of(file: Attachment) -> bool:
        kind = file.content_type.lower()
        return kind in whole or (bool(families) and kind.startswith(families))

    return _among_files(lambda view: any(map(is_of, view.files)))


def _larger(given: Given, pools: Pools) -> Check:
    most = given["bytes"]
    return lambda view: any(file.size > most for file in view.files)


def _more(given: Given, pools: Pools) -> Check:
    most = given["number"]
    return _among_files(lambda view: len(view.files) > most)


def _texts(what: str) -> Any:
    """That no file has it is not known while one of them cannot be read."""

    def build(given: Given, pools: Pools) -> Check:
        pool, number = getattr(pools, what)("files", given["values"])

        def check(view: View) -> bool | None:
            if number in view.hits(pool, "files"):
                return True
            return False if view.files_are_whole else None

        return check

    return build


def _state(given: Given, pools: Pools) -> Check:
    states = frozenset(given["values"])

    def is_so(view: View) -> bool:
        for file in view.files:
            if "executable" in states and (file.executable or file.reading.executable):
                return True
            if "password_protected" in states and file.password_protected:
                return True
            if "unreadable" in states and file.unreadable:
                return True
        return False

    def check(view: View) -> bool | None:
        if is_so(view):
            return True
        return None if "executable" in states and _may_hide_a_program(view) else False

    return check


def _may_hide_a_program(view: View) -> bool:
    """Not all files are known: of an archive that was not listed, or one within another, which is not opened."""
    return not view.files_are_listed or any(f.content_type == _ARCHIVE and f.unreadable for f in view.files)


def _properties(given: Given, pools: Pools) -> Check:
    """Of documents: title, author, keywords and the like."""
    name = given["name"].lower()
    pool, number = pools.words("properties", given["values"])

    def check(view: View) -> bool | None:
        if any(name in file.properties and number in pool.found(file.properties[name]) for file in view.files):
            return True
        return None if any(file.unreadable for file in view.files) else False

    return check


def _sensitive(given: Given, pools: Pools) -> Check:
    wanted = given["types"]
    pools.sensitive.update(one["name"] for one in wanted)

    def check(view: View) -> bool | None:
        if any(_is_there(kind, view) for kind in wanted):
            return True
        whole = view.body_is_whole and view.files_are_whole and view.facts.contents.was_looked_through
        return False if whole else None

    def _is_there(kind: Mapping[str, Any], view: View) -> bool:
        found = view.sensitive(pools.sensitive, pools.own)[kind["name"]]
        count = sum(one.at_least(kind["confidence"]) for one in found)
        return count > 0 and kind["at_least"] <= count <= kind.get("at_most", count)

    return check


def _sensitive_words(given: Given) -> str:
    names = [f"{one['at_least']} × {one['name']}" if one["at_least"] > 1 else one["name"] for one in given["types"]]
    return f"the mail has sensitive information of the kind {listed(names)}"


def _state_words(given: Given) -> str:
    return f"a file {' or '.join(_STATE_WORDS[one] for one in given['values'])}"


KINDS = (
    Kind("file_name_patterns", {"values": Field("patterns")}, _names,
         lambda given: f"a file has a name like the pattern {listed(given['values'])}", "file", 2, constant("names")),
    Kind("file_extension", {"values": Field("extensions")}, _extension,
         lambda given: f"a file ends in {listed(['.' + one for one in given['values']])}", "file", 2),
    Kind("file_type", {"values": Field("types")}, _type,
         lambda given: f"a file is of the type {listed(given['values'])}", "file", 2),
    Kind("file_size_over", {"bytes": Field("number", least=0, most=_MOST_BYTES)}, _larger,
         lambda given: f"a file is larger than {given['bytes']:,} bytes", "file", 2),
    Kind("file_count_over", {"number": Field("number", least=0, most=10_000)}, _more,
         lambda given: f"there are more than {given['number']} files", "file", 2),
    Kind("file_words", {"values": Field("words")}, _texts("words"),
         lambda given: f"a file has the word {listed(given['values'])}", "file", 3, constant("file_texts")),
    Kind("file_patterns", {"values": Field("patterns")}, _texts("patterns"),
         lambda given: f"a file has the pattern {listed(given['values'])}", "file", 3, constant("file_texts")),
    Kind("file_is", {"values": Field("choices", choices=_STATES)}, _state, _state_words, "file", 3,
         lambda given: "file_texts" if "unreadable" in given["values"] else ""),
    Kind(
        "file_property",
        {"name": Field("line", most=LONGEST_NAME), "values": Field("words")},
        _properties,
        lambda given: f"a document's {given['name']} has the word {listed(given['values'])}",
        "file",
        3,
        constant("file_texts"),
    ),
    Kind("sensitive", {"types": Field("sensitive")}, _sensitive, _sensitive_words, "text",
         3,
        constant("body")),
)  # fmt: skip
