"""How sender and recipients stand to each other, by what the directory says of them, and by what it does not say."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import pytest

from portal.directory.sealed import ATTRIBUTES
from portal.rules.conditions import relations
from portal.rules.deciding import decide
from portal.rules.facts import Facts
from tests.rules.test_language import PLAIN, holds, one

MAYA, NILS, BOSS = "maya@aldervalley.example", "nils@aldervalley.example", "boss@aldervalley.example"
NEW, JONAS = "new@aldervalley.example", "jonas@mail.example"
KNOWN: dict[str, dict[str, str]] = {
    MAYA: {"department": "Oncology", "manager": "Boss@AlderValley.example"},
    NILS: {"department": "oncology ", "manager": MAYA},
    BOSS: {"department": "Board"},
}


class Office:
    """A directory of three people, one of whom has no manager there."""

    def groups_of(self, addresses: Collection[str]) -> Mapping[str, frozenset[str]]:
        return {}

    def attributes_of(self, addresses: Collection[str]) -> Mapping[str, Mapping[str, str]]:
        return {one: KNOWN[one] for one in addresses if one in KNOWN}

    def existing(self, groups: Collection[str]) -> frozenset[str]:
        return frozenset(groups)


def sent(to: str, *more: str, sender: str = MAYA, **fields: Any) -> Facts:
    headers = (("from", sender), ("to", to))
    return replace(
        PLAIN, sender=sender, recipients=(to, *more), headers=headers, directory=fields.pop("directory", Office()),
        **fields,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("condition", "to", "told"),
    [
        ({"if": "management", "sender_is": "manager_of"}, NILS, True),
        ({"if": "management", "sender_is": "manager_of"}, JONAS, False),
        ({"if": "management", "sender_is": "manager_of"}, NEW, None),
        ({"if": "management", "sender_is": "report_of"}, BOSS, True),
        ({"if": "management", "sender_is": "report_of"}, NILS, False),
        ({"if": "manager_address", "values": [BOSS]}, JONAS, True),
        ({"if": "manager_address", "values": [NILS]}, JONAS, False),
        ({"if": "manager_address", "values": [MAYA], "whose": "recipient"}, NILS, True),
        ({"if": "manager_address", "values": [MAYA], "whose": "recipient"}, BOSS, None),
        ({"if": "same_attribute", "attribute": "department"}, NILS, True),
        ({"if": "same_attribute", "attribute": "department"}, BOSS, False),
        ({"if": "same_attribute", "attribute": "department", "are": "not_equal"}, BOSS, True),
        ({"if": "same_attribute", "attribute": "department", "are": "not_equal"}, NILS, False),
        ({"if": "same_attribute", "attribute": "department", "are": "not_equal"}, NEW, None),
        ({"if": "same_attribute", "attribute": "department", "are": "not_equal"}, JONAS, False),
        ({"if": "same_attribute", "attribute": "city"}, NILS, None),
    ],
)
def test_what_the_directory_says_holds_and_what_it_does_not_say_is_not_told(
    condition: dict[str, Any], to: str, told: bool | None
) -> None:
    assert holds(condition, sent(to)) is told


def test_one_that_holds_decides_and_nobody_is_known_to_be_outside_without_domains() -> None:
    apart = {"if": "same_attribute", "attribute": "department", "are": "not_equal"}
    assert holds(apart, sent(NEW, BOSS)) is True
    assert holds(apart, sent(JONAS, inside_domains=())) is None
    assert holds({"if": "management", "sender_is": "manager_of"}, sent(JONAS, inside_domains=())) is None


def test_a_wall_between_departments_stops_what_cannot_be_told_and_lets_the_same_one_through() -> None:
    wall = one(
        {"if": "same_attribute", "attribute": "department", "are": "not_equal"}, then=[{"do": "refuse", "text": "No."}]
    )
    actions = {to: decide(sent(to), wall, "relay").action for to in (NILS, BOSS, NEW, JONAS)}
    assert actions == {NILS: "relay", BOSS: "refuse", NEW: "refuse", JONAS: "relay"}


def test_a_copy_goes_to_the_manager_of_the_sender_and_to_nobody_outside() -> None:
    copied = one({"if": "everything"}, then=[{"do": "copy_to", "manager": True}])
    assert decide(sent(JONAS), copied, "relay").copies == (BOSS,)
    unknown = decide(sent(JONAS, sender=BOSS), copied, "relay")
    assert (unknown.copies, unknown.lacks_manager) == ((), True)
    away: dict[str, Any] = {
        "directory": type("Away", (Office,), {"attributes_of": lambda *_: {MAYA: {"manager": JONAS}}})()
    }
    assert decide(sent(NILS, **away), copied, "relay").copies == ()


def test_the_attributes_are_those_of_the_directory() -> None:
    assert set(relations.ATTRIBUTES) == set(ATTRIBUTES) - {"name"}
