"""The decision: what protects, what a stranger cannot reach by it, and how fast it is."""

import time
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.rules.compiling import compiled
from portal.rules.deciding import decide
from portal.rules.facts import Facts
from portal.rules.first import RULES

PLAIN = Facts(
    subject="Lunch on Friday",
    headers=(("from", "maya@aldervalley.example"), ("to", "jonas@mail.example")),
    sender="maya@aldervalley.example",
    recipients=("jonas@mail.example",),
    trusted=True,
    inside_domains=("aldervalley.example",),
    size=2000,
    today=date(2026, 11, 23),
)


def with_header(name, *values, **changes):
    return replace(PLAIN, headers=PLAIN.headers + tuple((name, value) for value in values), **changes)


facts_of_any_kind = st.builds(
    Facts,
    subject=st.text(max_size=40) | st.sampled_from(["[secure] a", "［ＥＮＣＲＹＰＴ］"]),
    headers=st.lists(
        st.tuples(
            st.text(max_size=10) | st.sampled_from(["x-letterlock-protect", "sensitivity"]),
            st.text(max_size=40) | st.sampled_from(["v=1", "v=2", "v=1; fwd=1", "v=1; fwd=9", "company-confidential"]),
        ),
        max_size=6,
    ).map(tuple),
    sender=st.text(max_size=20),
    recipients=st.lists(st.text(max_size=20), max_size=4).map(tuple),
    trusted=st.booleans(),
    inside_domains=st.lists(st.text(max_size=10), max_size=3).map(tuple),
    size=st.integers(min_value=0),
    refers_to_protected=st.booleans(),
    today=st.dates(min_value=date(2020, 1, 1), max_value=date(2090, 1, 1)),
)


def test_mail_that_asks_for_nothing_follows_the_default():
    relayed = decide(PLAIN, RULES, "relay")
    assert (relayed.action, relayed.rule, relayed.tag_removed_subject) == ("relay", "default", PLAIN.subject)
    protected = decide(PLAIN, RULES, "protect")
    assert (protected.action, protected.rule, protected.keeps_default_date) == ("protect", "default", True)


def test_a_rule_or_the_header_says_how_it_is_delivered_and_a_stranger_does_not():
    rule = {"id": "by-file", "name": "by file", "when": [{"if": "subject_tag"}]}
    by_file = compiled({"format": 1, "rules": [{**rule, "then": [{"do": "protect", "delivery": "attachment"}]}]})
    assert decide(replace(PLAIN, subject="[secure] a"), by_file, "relay").delivery == "attachment"
    asked = with_header("x-letterlock-protect", "v=1; delivery=attachment")
    assert decide(asked, RULES, "relay").delivery == "attachment"
    assert decide(replace(asked, trusted=False), RULES, "protect").delivery == ""
    assert decide(PLAIN, RULES, "protect").delivery == ""


def test_a_misspelt_default_protects():
    assert decide(PLAIN, RULES, "realy").action == "protect"


@pytest.mark.parametrize("trusted", [True, False])
def test_a_tag_protects_and_is_not_shown(trusted):
    decision = decide(replace(PLAIN, subject="[Secure] Lunch", trusted=trusted), RULES, "relay")
    assert (decision.action, decision.rule, decision.tag_removed_subject) == ("protect", "tag in the subject", "Lunch")


@pytest.mark.parametrize("value", ["[secure] Lunch", "Lunch [encrypt]"])
def test_a_tag_in_any_of_several_subjects_protects(value):
    assert decide(with_header("subject", value), RULES, "relay").rule == "tag in the subject"
    assert decide(with_header("subject", "Lunch"), RULES, "relay").action == "relay"


@pytest.mark.parametrize("value", ["Company-Confidential", "company-confidential", " COMPANY-CONFIDENTIAL "])
def test_company_confidential_protects(value):
    assert decide(with_header("sensitivity", value), RULES, "relay").action == "protect"


@pytest.mark.parametrize("value", ["Personal", "Private", "", "Not Company-Confidential"])
def test_another_sensitivity_does_not(value):
    assert decide(with_header("sensitivity", value), RULES, "relay").action == "relay"


@pytest.mark.parametrize("default_action", ["relay", "protect"])
def test_an_answer_to_a_protected_message_is_protected(default_action):
    decision = decide(replace(PLAIN, refers_to_protected=True), RULES, default_action)
    assert (decision.action, decision.rule) == ("protect", "answer to a protected message")


@pytest.mark.parametrize(
    ("changes", "action"),
    [
        ({"recipients": ("otto@web.example",)}, "protect"),
        ({"recipients": ("karin@aldervalley.example", "jonas@mail.example")}, "protect"),
        ({"recipients": ("karin@AlderValley.example",)}, "relay"),
        ({"recipients": ("karin@aldervalley.example", "no address")}, "protect"),
        ({"sender": "jonas@mail.example", "headers": (("from", "jonas@mail.example"),)}, "relay"),
        (
            {"sender": "jonas@mail.example", "headers": (("from", "jonas@mail.example"),), "written_here": True},
            "protect",
        ),
        ({"sender": "srs0=x@forwarder.example"}, "protect"),
        ({"sender": ""}, "protect"),
        ({"sender": "", "headers": ()}, "protect"),
        ({"inside_domains": ()}, "protect"),
    ],
)
def test_of_answers_by_ordinary_mail_those_that_leave_are_protected(changes, action):
    assert decide(replace(PLAIN, refers_to_protected=True, **changes), RULES, "relay").action == action


def test_the_trigger_header_sets_date_rights_line_and_receipt():
    value = 'v=1; until=2026-12-17; fwd=1; dl=0; rcpt=1; note="As agreed"'
    decision = decide(with_header("x-letterlock-protect", value, subject="[secure] Lunch"), RULES, "relay")
    assert (decision.action, decision.rule) == ("protect", "header from a program")
    assert decision.open_until == date(2026, 12, 17)
    assert not decision.keeps_default_date
    assert dict(decision.rights) == {"forward": True, "download": False}
    assert (decision.note, decision.receipt, decision.tag_removed_subject) == ("As agreed", True, "Lunch")


@pytest.mark.parametrize("values", [["v=2"], [""], ["v=1; fwd=maybe"], ["v=1; fwd=1", "v=1; fwd=0"]])
def test_a_trigger_that_cannot_be_followed_refuses_the_mail(values):
    decision = decide(with_header("x-letterlock-protect", *values), RULES, "relay")
    assert decision.action == "refuse"
    assert decision.text.startswith(("The header X-Letterlock-Protect", "In the header X-Letterlock-Protect"))


def test_the_same_trigger_twice_is_one_wish():
    assert decide(with_header("x-letterlock-protect", "v=1", "v=1"), RULES, "relay").action == "protect"


@given(facts_of_any_kind, st.sampled_from(["relay", "protect", ""]))
def test_any_facts_give_a_decision(facts, default_action):
    decision = decide(facts, RULES, default_action)
    assert decision.action in ("protect", "relay", "refuse")
    assert (decision.text != "") == (decision.action == "refuse")
    assert decision.rule


@given(facts_of_any_kind, st.lists(st.text(max_size=40) | st.sampled_from(["v=1; fwd=1; dl=1", "v=2"]), max_size=3))
def test_a_trigger_from_a_stranger_changes_nothing(facts, forged):
    honest = replace(facts, trusted=False, headers=tuple(h for h in facts.headers if h[0] != "x-letterlock-protect"))
    attacked = replace(honest, headers=honest.headers + tuple(("x-letterlock-protect", value) for value in forged))
    for default_action in ("relay", "protect"):
        assert decide(attacked, RULES, default_action) == decide(honest, RULES, default_action)


@given(facts_of_any_kind)
def test_no_wish_ever_lets_tagged_mail_leave_in_clear(facts):
    assert decide(replace(facts, subject="[secure] " + facts.subject), RULES, "relay").action != "relay"


def test_neither_facts_nor_decision_show_content_when_printed():
    facts = with_header("x-letterlock-protect", 'v=1; note="canary-note"', subject="[secure] canary-subject")
    printed = repr(facts) + repr(decide(facts, RULES, "relay"))
    assert "canary" not in printed
    assert "mail.example" not in printed


def test_a_decision_takes_no_longer_than_three_thousand_of_the_smallest_steps():
    """Half of that, or a second for 20,000 decisions on a slow core."""
    mails = [
        PLAIN,
        replace(PLAIN, subject="[list] [secure] Lunch"),
        with_header("x-letterlock-protect", "v=1; until=2026-12-17; fwd=0; dl=1; print=1; rcpt=1"),
        with_header("sensitivity", "Company-Confidential"),
    ]

    def decisions():
        for _ in range(1_000):
            for mail in mails:
                decide(mail, RULES, "relay")

    def steps():
        number = 0
        for step in range(1_000_000):
            number += step

    def took(what):
        started = time.process_time()
        what()
        return time.process_time() - started

    spans = [(took(decisions), took(steps)) for _ in range(4)]
    # The quickest of each: what else the processor does at that moment is not what is measured.
    decision, step = min(one for one, _ in spans) / 4_000, min(one for _, one in spans) / 1_000_000
    assert decision < 3_000 * step


def test_a_sender_can_ask_that_it_never_closes():
    never = decide(with_header("x-letterlock-protect", "v=1; until=never"), RULES, "relay")
    assert (never.action, never.keeps_default_date, never.open_until) == ("protect", False, None)
