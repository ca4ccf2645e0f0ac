"""Conditions about subject, text and headers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from portal.rules.conditions.checks import Among, Check, Hit
from portal.rules.conditions.kind import Kind, Pools, constant, listed
from portal.rules.fields import Field
from portal.rules.limits import LONGEST_HEADER_VALUE
from portal.rules.triggers import has_tag
from portal.rules.view import View

Given = Mapping[str, Any]
_WORDS, _PATTERNS = Field("words"), Field("patterns")
_HEADER = Field("header")
_CLASSIFICATION = "x-classification"
_NUMBER = re.compile(r"-?[0-9]{1,6}(?:\.[0-9]{1,6})?")


def _subject(what: str) -> Any:
    def build(given: Given, pools: Pools) -> Check:
        pool, number = getattr(pools, what)("subject", given["values"])
        return Hit(pool, "subject", number)

    return build


def _text(what: str) -> Any:
    """In the subject or the body; that it is in neither is not known while the body cannot be read."""

    def build(given: Given, pools: Pools) -> Check:
        in_subject, of_subject = getattr(pools, what)("subject", given["values"])
        in_body, of_body = getattr(pools, what)("body", given["values"])

        def check(view: View) -> bool | None:
            if of_subject in view.hits(in_subject, "subject") or of_body in view.hits(in_body, "body"):
                return True
            return False if view.body_is_whole else None

        return check

    return build


def _subject_tag(given: Given, pools: Pools) -> Check:
    if not given["values"]:
        return lambda view: any(map(has_tag, view.subjects))
    wanted = frozenset(given["values"])
    return lambda view: any(has_tag(subject, wanted) for subject in view.subjects)


def _header_exists(given: Given, pools: Pools) -> Check:
    name = given["name"].lower()
    return lambda view: bool(view.header(name))


def _header_is(given: Given, pools: Pools) -> Check:
    name = given["name"].lower()
    values = [value.strip().casefold() for value in given["values"]]
    return Among(f"header:{name}", values, lambda view: view.header_values(name))


def _header_in(what: str) -> Any:
    def build(given: Given, pools: Pools) -> Check:
        part = f"header:{given['name'].lower()}"
        pool, number = getattr(pools, what)(part, given["values"])
        return Hit(pool, part, number)

    return build


def _label(given: Given, pools: Pools) -> Check:
    wanted = f"{given['label']}@{given['tenant']}" if given["tenant"] else given["label"]
    return Among("labels", [wanted], lambda view: view.labels)


def _classified(given: Given, pools: Pools) -> Check:
    """As a program or mail server whose wishes are followed says; what strangers call their mail is as if absent."""
    wanted = frozenset(value.strip().casefold() for value in given["values"])

    def check(view: View) -> bool:
        said = view.header_values(_CLASSIFICATION) if view.facts.trusted else frozenset()
        return bool(said - {""}) if not wanted else not wanted.isdisjoint(said)

    return check


def _not_classified(given: Given, pools: Pools) -> Check:
    is_classified = _classified({"values": ()}, pools)
    return lambda view: not is_classified(view)


def _score(given: Given, pools: Pools) -> Check:
    name, least = given["name"].lower(), given["at_least"]

    def check(view: View) -> bool:
        found = [_NUMBER.search(value) for value in view.header(name)]
        return any(one is not None and float(one[0]) >= least for one in found)

    return check


def _of_header(given: Given) -> str:
    return f"header:{given['name'].lower()}"


KINDS = (
    Kind("subject_words", {"values": _WORDS}, _subject("words"),
         lambda given: f"the subject has the word {listed(given['values'])}", "text", needs=constant("subject")),
    Kind("subject_patterns", {"values": _PATTERNS}, _subject("patterns"),
         lambda given: f"the subject is like the pattern {listed(given['values'])}", "text", needs=constant("subject")),
    Kind("subject_tag", {"values": Field("slugs", required=False, default=())}, _subject_tag,
         lambda given: f"the subject has the tag {listed([f'[{one}]' for one in given['values'] or ('secure',)])}"
         + ("" if given["values"] else " or one like it"), "text",
         needs=lambda given: "subject" if given["values"] else ""),
    Kind("text_words", {"values": _WORDS}, _text("words"),
         lambda given: f"the subject or the text has the word {listed(given['values'])}", "text", 3,
         constant("body")),
    Kind("text_patterns", {"values": _PATTERNS}, _text("patterns"),
         lambda given: f"the subject or the text has the pattern {listed(given['values'])}", "text", 3,
         constant("body")),
    Kind("header_exists", {"name": _HEADER}, _header_exists,
         lambda given: f"the header {given['name']} is there", "header"),
    Kind("header_is", {"name": _HEADER, "values": Field("words")}, _header_is,
         lambda given: f"the header {given['name']} is {listed(given['values'])}", "header",
         needs=_of_header),
    Kind("header_words", {"name": _HEADER, "values": _WORDS}, _header_in("words"),
         lambda given: f"the header {given['name']} has the word {listed(given['values'])}", "header",
         needs=_of_header),
    Kind("header_patterns", {"name": _HEADER, "values": _PATTERNS}, _header_in("patterns"),
         lambda given: f"the header {given['name']} is like the pattern {listed(given['values'])}",
         "header",
         needs=_of_header),
    Kind("label", {"label": Field("guid"), "tenant": Field("guid", required=False, default=""),
                   "name": Field("line", required=False, default="", most=LONGEST_HEADER_VALUE)}, _label,
         lambda given: f"the sensitivity label is {given['name'] or given['label']}", "header"),
    Kind("classification", {"values": Field("words", required=False, default=())}, _classified,
         lambda given: f"it is classified as {listed(given['values'])}" if given["values"] else "it is classified",
         "header", needs=constant(f"header:{_CLASSIFICATION}")),
    Kind("no_classification", {}, _not_classified, lambda given: "it is not classified", "header",
         needs=constant(f"header:{_CLASSIFICATION}")),
    Kind("spam_score", {"name": Field("header", required=False, default="X-Spam-Score"),
                        "at_least": Field("number", least=-100, most=1000)}, _score,
         lambda given: f"the spam score in {given['name']} is {given['at_least']} or more", "header",
         needs=_of_header),
)  # fmt: skip
"""`label.name` is only what people see: a label is known by its ids, for names can be changed."""
