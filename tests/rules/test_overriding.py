"""Who may send what a rule refuses: one of our own people, where the rule allows it, and nobody else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from portal.rules import overriding
from portal.rules.deciding import decide, explain
from portal.rules.facts import Facts
from portal.rules.view import View
from tests.rules.test_language import PLAIN, one

MINE = replace(PLAIN, subject="[override] Results")
MAY = {"do": "refuse", "text": "No.", "override": True}


def decided(facts: Facts, *then: dict[str, Any]) -> Any:
    return decide(facts, one({"if": "everything"}, then=list(then)), "relay")


@pytest.mark.parametrize(
    ("subject", "how"),
    [
        ("[override] Results", "wanted"),
        (" [ OVERRIDE ] Results", "wanted"),
        ("[secure] [override] Results", "wanted"),
        ("[override] Re: Results", "wanted"),
        ("［ｏｖｅｒｒｉｄｅ］ Results", "wanted"),
        ("[override][False positive] Results", "mistaken"),
        ("override Results", ""),
        ("[overridden] Results", ""),
        # Another's subject that one of ours answers or passes on, or has copied.
        ("Re: [override] Results", ""),
        ("Fwd: [false positive] Results", ""),
        ("[External] Re: [override] Results", ""),
        ("Results [override]", ""),
    ],
)
def test_the_word_that_begins_the_subject_says_how(subject: str, how: str) -> None:
    assert overriding.asked(View(replace(PLAIN, subject=subject))) == how


@pytest.mark.parametrize(
    "who",
    [
        {"trusted": False},
        {"sender": "jonas@mail.example"},
        {"sender": ""},
        {"inside_domains": ()},
        {"headers": (("from", "jonas@mail.example"),)},
        {"headers": (("from", "maya@aldervalley.example"), ("from", "jonas@mail.example"))},
        {"sender": "jonas@mail.example", "written_here": True},
    ],
    ids=["untrusted", "outside", "nobody", "no domains", "other From", "two From", "a reader"],
)
def test_nobody_else_overrides(who: dict[str, Any]) -> None:
    facts = replace(MINE, **who)
    if who == {"sender": ""}:
        facts = replace(facts, headers=())
    found = decided(facts, MAY)
    assert (found.action, found.overridden, found.may_override) == ("refuse", (), False)
    assert not decide(facts, one({"if": "sender_overrides"}), "relay").tags


def test_what_else_the_rule_orders_is_done() -> None:
    found = decided(MINE, MAY, {"do": "protect"}, {"do": "tag", "name": "seen"})
    assert (found.action, found.tags, found.override) == ("protect", ("seen",), "wanted")
    assert decide(MINE, one({"if": "sender_overrides"}), "relay").tags == ("yes",)
    firm = decided(MINE, {**MAY, "override": False})
    assert (firm.action, firm.may_override) == ("refuse", False)
    assert decided(replace(PLAIN, subject="Results"), MAY).may_override


def test_explaining_says_so_and_the_rules_behind_are_asked() -> None:
    rules = one({"if": "everything"}, then=[MAY])
    (mine,), (plain,) = explain(MINE, rules), explain(PLAIN, rules)
    assert "its sender sends it anyway" in mine.words
    assert "anyway" not in plain.words


def test_explaining_says_that_mail_which_a_program_asks_to_protect_is_not_deleted() -> None:
    asks = replace(PLAIN, headers=(*PLAIN.headers, ("x-letterlock-protect", "v=1")))
    (kept,), (gone,) = (explain(facts, one({"if": "everything"}, then=[{"do": "drop"}])) for facts in (asks, PLAIN))
    assert "never deleted" in kept.words
    assert "never" not in gone.words
