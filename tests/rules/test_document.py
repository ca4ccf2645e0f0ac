"""Rule sets as documents: what may stand in one, and the sentence for everything that may not."""

from __future__ import annotations

from typing import Any

import pytest

from portal.rules import limits, yamls
from portal.rules.actions import KINDS as ACTIONS
from portal.rules.conditions import KINDS
from portal.rules.document import checked, checked_rule
from portal.rules.errors import BadRules
from portal.rules.first import DOCUMENT
from portal.rules.sentences import sentence
from portal.rules.shortening import short

ANY = {"if": "everything"}
PROTECT = {"do": "protect"}


def rule(*conditions: dict[str, Any], then: tuple[dict[str, Any], ...] = (PROTECT,), **fields: Any) -> dict[str, Any]:
    return {"id": "r", "name": "R", "when": list(conditions or (ANY,)), "then": list(then), **fields}


def rules(*given: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"format": 1, "rules": [{**one, "id": f"r{n}"} for n, one in enumerate(given)], **fields}


def sentences(document: object) -> str:
    with pytest.raises(BadRules) as refused:
        checked(document)
    return str(refused.value)


def test_the_built_in_rules_are_a_document_in_order() -> None:
    names = [one["name"] for one in checked(DOCUMENT)["rules"]]
    assert names[0] == "header from a program"
    assert len(names) == 4


def test_checking_a_checked_document_changes_nothing_and_yaml_keeps_it() -> None:
    once = checked(DOCUMENT)
    assert checked(once) == once
    assert checked(yamls.read(yamls.written(once).encode())) == once
    assert checked(short(once)) == once


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "must be a mapping"),
        ({"format": 2, "rules": []}, "“format” must be 1"),
        ({"format": 1, "rules": [], "extra": 1}, "no field “extra”"),
        ({"format": 1, "mode": "some", "rules": []}, "“mode” must be first or all"),
        (rules(*[rule()] * (limits.MOST_RULES + 1)), "at most 1,000 rules; there are 1,001"),
        (rules({"name": "R", "when": [ANY], "then": [PROTECT], "colour": 1}), "Rule 1 “R”: there is no field “colour”"),
        (rules({"when": [ANY], "then": [PROTECT]}), "“name” is missing"),
        (rules(rule({"if": "moon"})), "Rule 1 “R”: there is no condition “moon”"),
        (rules(rule(then=({"do": "dance"},))), "there is no action “dance”"),
        (rules(rule({"if": "subject_words", "values": []})), "must name at least one"),
        (rules(rule({"if": "subject_words", "values": ["x" * 10_000]})), "at most 128 characters; word 1 has 10,000"),
        (rules(rule({"if": "subject_words", "values": ["w"] * 1025})), "at most 1,024 words; it holds 1,025"),
        (rules(rule({"if": "subject_words", "values": ["\u200b"]})), "word 1 has none"),
        (rules(rule({"if": "subject_words", "wordz": ["a"]})), "“subject_words” has no field “wordz”"),
        (rules(rule({"if": "subject_patterns", "values": ["(a"]})), "pattern 1 cannot be read (missing ): (a)"),
        (rules(rule({"if": "subject_patterns", "values": ["(?=a)"]})), "cannot be read"),
        (rules(rule({"if": "subject_patterns", "values": [r"(a)\1"]})), "cannot be read"),
        (rules(rule({"if": "subject_patterns", "values": ["a" * 1001]})), "1 to 1,000 characters; number 1 has 1,001"),
        (rules(rule({"if": "sender_network", "values": ["10.0.0.0/99"]})), "networks like 192.0.2.0/24"),
        (rules(rule({"if": "sender_domain", "values": ["not a domain"]})), "domains like example.org"),
        (rules(rule({"if": "recipient_address", "values": ["nobody"]})), "number 1 is none"),
        (rules(rule({"if": "sensitive", "types": ["no-such"]})), "no kind of sensitive information “no-such”"),
        (rules(rule({"if": "size_over", "bytes": "10"})), "must be a whole number"),
        (rules(rule(then=({"do": "protect", "open": 731},))), "from 1 to 730, or never"),
        (rules(rule(then=({"do": "protect", "level": 4},))), "whole number from 1 to 3"),
        (rules(rule(then=({"do": "refuse"},))), "in “refuse”, “text” is missing"),
        (rules(rule(then=({"do": "add_header", "name": "DKIM-Signature", "value": "x"},))), "must not be a header"),
        (rules(rule(then=({"do": "add_header", "name": "X-Y", "value": "a\nBcc: b"},))), "must be one line"),
        (rules(rule(then=({"do": "disclaimer", "text": "x" * 5001},))), "at most 5,000 characters; it has 5,001"),
        (rules(rule(then=(PROTECT, PROTECT))), "may name each of"),
        (rules(rule(then=({"do": "drop"}, PROTECT))), "“drop” stands alone; what is deleted is not protect as well"),
        (rules(rule(**{"from": "2026-02-30"})), "must be a day like"),
        (rules(rule(**{"from": "2026-03-02", "until": "2026-03-01"})), "must not be before"),
        (rules(rule(state="maybe")), "“state” must be one of on, off, log"),
        ({"format": 1, "rules": [rule(), rule()]}, "Rules 1 and 2 have the same id"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_what_is_wrong_is_told_with_rule_field_and_limit(document: object, said: str) -> None:
    assert said in sentences(document)


def test_all_problems_are_told_at_once() -> None:
    assert len(sentences(rules(rule({"if": "moon"}), rule(then=({"do": "dance"},)))).splitlines()) == 2


def test_groups_are_nested_six_deep_and_no_deeper() -> None:
    nested: dict[str, Any] = ANY
    for _ in range(limits.MOST_DEPTH - 1):
        nested = {"any": [nested]}
    assert checked_rule(rule(nested))["when"]["all"]
    assert "at most 6 deep" in sentences(rules(rule({"any": [nested]})))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"a: &a [x]\nb: *a\n", "no anchors and aliases"),
        (b"a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n", "no anchors and aliases"),
        (b"!!python/object/apply:os.system ['true']", "no tags"),
        (b"a: [" * 100, "levels deep"),
        (b"x" * (limits.MOST_DOCUMENT_BYTES + 1), "at most 1,024 KiB"),
        (b"a: 1\na: 2\n", "stands twice"),
        (b"a: [1", "not YAML"),
        (b"\xff\xfe\xff", "not UTF-8"),
        (b"? [1, 2]\n: 3\n", "must be a word"),
    ],
    ids=["alias", "bomb", "tag", "deep", "large", "twice", "broken", "bytes", "key"],
)
def test_yaml_that_could_grow_or_run_is_refused(text: bytes, said: str) -> None:
    with pytest.raises(BadRules, match=said):
        yamls.read(text)


def test_a_bare_off_in_yaml_is_the_state() -> None:
    text = b"format: 1\nrules:\n- {id: a, name: A, state: off, when: [{if: everything}], then: [{do: protect}]}\n"
    assert checked(yamls.read(text))["rules"][0]["state"] == "off"


GIVEN: dict[str, Any] = {
    "words": ["a"], "patterns": ["a+"], "addresses": ["a@b.example"], "domains": ["b.example"], "slug": "a",
    "networks": ["10.0.0.0/8"], "slugs": ["a"], "line": "a", "text": "a", "header": "X-A", "extensions": ["pdf"],
    "types": ["image/*"], "guid": "0a1b2c3d-0000-4000-8000-000000000000", "flag": False, "days": 3,
    "sensitive": [{"name": "payment-card", "at_least": 2}],
}  # fmt: skip


def filled(fields: Any) -> dict[str, Any]:
    """Every field of a kind with something in it."""
    found = {}
    for name, field in fields.items():
        if field.kind == "number":
            found[name] = field.least + 1
        elif field.kind == "choice":
            found[name] = field.choices[-1]
        elif field.kind == "choices":
            found[name] = list(field.choices)
        else:
            found[name] = GIVEN[field.kind]
    return found


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_condition_is_checked_and_told_in_words(kind: str) -> None:
    one = checked_rule(rule({"if": kind, **filled(KINDS[kind].fields)}))
    assert sentence(one).startswith("If ")
    assert checked_rule(one) == one


@pytest.mark.parametrize("kind", list(ACTIONS))
def test_every_action_is_checked_and_told_in_words(kind: str) -> None:
    one = checked_rule(rule(then=({"do": kind, **filled(ACTIONS[kind].fields)},)))
    assert sentence(one).endswith(".")


def test_a_rule_is_one_sentence() -> None:
    one = checked_rule(
        rule(
            {"if": "recipient_is", "place": "outside"},
            {"any": [{"if": "label", "label": GIVEN["guid"], "name": "Confidential"}, {"if": "size_over", "bytes": 9}]},
            then=({"do": "protect", "template": "view-only", "open": 30}, {"do": "stop"}),
            **{"except": [{"if": "sender_group", "values": ["press"]}]},
        )
    )
    assert sentence(one) == (
        "If a recipient is outside and (the sensitivity label is Confidential or the mail is larger than 9 bytes), "
        "except if the sender belongs to the group “press”, then protect it, with the rights “view-only”, "
        "open for 30 days and look at no further rule."
    )
