"""What each condition asks of a mail, what explaining tells, and that the quick way decides as the plain way does."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.rules.compiling import compiled
from portal.rules.contents import Attachment, Contents
from portal.rules.deciding import decide, explain
from portal.rules.document import GROUPS
from portal.rules.facts import Facts
from portal.rules.reading import Reading
from portal.rules.view import View

LABEL, TENANT = "0a1b2c3d-0000-4000-8000-000000000000", "9f8e7d6c-0000-4000-8000-000000000000"


class Office:
    """A directory of one doctor."""

    def groups_of(self, addresses: Collection[str]) -> Mapping[str, frozenset[str]]:
        return {one: frozenset({"doctors"}) if one.startswith("maya") else frozenset() for one in addresses}

    def attributes_of(self, addresses: Collection[str]) -> Mapping[str, Mapping[str, str]]:
        return {one: {"department": "Oncology"} for one in addresses if one.startswith("maya")}

    def existing(self, groups: Collection[str]) -> frozenset[str]:
        return frozenset(groups)


PLAIN = Facts(
    subject="Results: Straße, ｃｏｎｆｉｄｅｎｔｉａｌ",
    headers=(
        ("from", '"Maya" <maya@aldervalley.example>'),
        ("to", "jonas@mail.example, karin@sub.post.example"),
        ("x-spam-score", "7.5 / 10"),
        ("x-class", "Top Secret"),
        ("importance", "High"),
        ("x-classification", "Secret"),
        ("sensitivity", "Private"),
        ("msip_labels", f"MSIP_Label_{LABEL}_Enabled=True; MSIP_Label_{LABEL}_SiteId={TENANT}"),
        ("auto-submitted", "auto-replied (vacation)"),
    ),
    sender="maya@aldervalley.example",
    recipients=("jonas@mail.example", "karin@sub.post.example"),
    trusted=True,
    inside_domains=("aldervalley.example",),
    size=5000,
    today=date(2026, 11, 23),
    peer="::ffff:192.0.2.7",
    protections=("smime-signed",),
    contents=Contents(
        "The diag\u200bnosis of case-4711 is 健康診断 good. Card 4111 1111 1111 1111.",
        (
            Attachment("Befund 2026.PDF", "application/pdf", 900, read=lambda: Reading("Patient: Jonas Berg")),
            Attachment("x.zip", "application/zip", 9000, read=lambda: Reading(password_protected=True)),
            Attachment("run.exe", "application/x-msdownload", 10, executable=True),
            Attachment("d.docx", "application/msword", 10, read=lambda: Reading(properties={"author": "Maya A"})),
        ),
        charsets=lambda: frozenset({"utf-8", "koi8-r"}),
    ),
    directory=Office(),
)


def one(*conditions: dict[str, Any], **fields: Any) -> Any:
    rule = {"id": "r", "name": "R", "when": list(conditions), "then": [{"do": "tag", "name": "yes"}], **fields}
    return compiled({"format": 1, "rules": [rule]})


def holds(condition: dict[str, Any], facts: Facts = PLAIN) -> bool | None:
    found: bool | None = one(condition).rules[0].check(View(facts))
    return found


@pytest.mark.parametrize(
    ("yes", "no"),
    [
        ({"if": "sender_address", "values": ["Maya@AlderValley.example"]}, {"values": ["m@aldervalley.example"]}),
        ({"if": "sender_domain", "values": ["example"]}, {"values": ["valley.example"]}),
        ({"if": "sender_words", "values": ["maya"]}, {"values": ["may"]}),
        ({"if": "sender_patterns", "values": ["^MAYA@"]}, {"values": ["^aya"]}),
        ({"if": "sender_group", "values": ["doctors"]}, {"values": ["nurses"]}),
        ({"if": "sender_attribute", "attribute": "Department", "values": ["oncology"]}, {"values": ["ward"]}),
        ({"if": "sender_is", "place": "inside"}, {"place": "outside"}),
        ({"if": "sender_network", "values": ["192.0.2.0/24"]}, {"values": ["192.0.3.0/24", "::/8"]}),
        ({"if": "recipient_address", "values": ["jonas@mail.example"]}, {"of": "every"}),
        ({"if": "recipient_domain", "values": ["post.example"]}, {"of": "every"}),
        ({"if": "recipient_domain", "values": ["post.example", "mail.example"], "of": "every"}, {"where": "cc"}),
        ({"if": "recipient_words", "values": ["karin"], "where": "to"}, {"where": "cc"}),
        ({"if": "recipient_patterns", "values": [r"@sub\."]}, {"values": [r"^sub"]}),
        ({"if": "recipient_is", "place": "outside", "of": "every"}, {"place": "inside", "of": "any"}),
        ({"if": "subject_words", "values": ["confidential"]}, {"values": ["confident"]}),
        ({"if": "subject_words", "values": ["STRASSE"]}, {"values": ["strass"]}),
        ({"if": "subject_patterns", "values": ["results:"]}, {"values": ["^confidential"]}),
        ({"if": "text_words", "values": ["diagnosis"]}, {"values": ["diag"]}),
        ({"if": "text_words", "values": ["診断"]}, {"values": ["断診"]}),
        ({"if": "text_patterns", "values": [r"case-[0-9]{4}\b"]}, {"values": [r"case-[0-9]{5}"]}),
        ({"if": "header_exists", "name": "X-Class"}, {"name": "X-Classy"}),
        ({"if": "header_is", "name": "x-class", "values": ["top secret"]}, {"values": ["secret"]}),
        ({"if": "header_words", "name": "x-class", "values": ["secret"]}, {"values": ["secre"]}),
        ({"if": "header_patterns", "name": "x-class", "values": ["^top"]}, {"values": ["^secret"]}),
        ({"if": "label", "label": LABEL}, {"label": TENANT}),
        ({"if": "label", "label": LABEL, "tenant": TENANT}, {"tenant": LABEL}),
        ({"if": "spam_score", "at_least": 7}, {"at_least": 8}),
        ({"if": "file_name_patterns", "values": ["^befund"]}, {"values": ["pdf.$"]}),
        ({"if": "file_extension", "values": [".pdf"]}, {"values": ["txt"]}),
        ({"if": "file_type", "values": ["application/*"]}, {"values": ["image/*", "application/x"]}),
        ({"if": "file_size_over", "bytes": 8999}, {"bytes": 9000}),
        ({"if": "file_count_over", "number": 3}, {"number": 4}),
        ({"if": "file_words", "values": ["jonas berg"]}, {"values": ["jonas karlsson"]}),
        ({"if": "file_patterns", "values": ["patient: j"]}, {"values": ["^jonas"]}),
        ({"if": "file_property", "name": "Author", "values": ["maya"]}, {"name": "title"}),
        ({"if": "file_is", "values": ["password_protected"]}, {"values": ["unreadable"]}),
        ({"if": "file_is", "values": ["executable"]}, {"values": ["unreadable"]}),
        ({"if": "sensitive", "types": ["payment-card"]}, {"types": [{"name": "payment-card", "at_least": 2}]}),
        ({"if": "importance", "values": ["high"]}, {"values": ["low", "normal"]}),
        ({"if": "classification", "values": ["secret"]}, {"values": ["internal"]}),
        ({"if": "classification"}, {"if": "no_classification"}),
        ({"if": "charset_words", "values": ["KOI8-R"]}, {"values": ["koi8-u"]}),
        ({"if": "sensitivity", "values": ["private"]}, {"values": ["company_confidential"]}),
        ({"if": "size_over", "bytes": 4999}, {"bytes": 5000}),
        ({"if": "message_type", "values": ["signed"]}, {"values": ["encrypted", "bounce", "calendar", "receipt"]}),
        (
            {"if": "message_type", "values": ["auto_reply"]},
            {"values": ["auto_forward", "permission_controlled", "voicemail"]},
        ),
    ],
    ids=lambda value: value.get("if", ""),
)
def test_a_condition_holds_for_what_it_says_and_for_nothing_else(yes: dict[str, Any], no: dict[str, Any]) -> None:
    assert holds(yes) is True
    assert holds({**yes, **no}) is False


def test_what_strangers_call_their_mail_is_as_if_absent() -> None:
    stranger = replace(PLAIN, trusted=False)
    assert holds({"if": "classification"}, stranger) is False
    assert holds({"if": "no_classification"}, stranger) is True


@pytest.mark.parametrize(
    "facts",
    [
        replace(PLAIN, content_type="multipart/voice-message"),
        replace(PLAIN, headers=(*PLAIN.headers, ("x-voicemessageduration", "12"))),
    ],
)
def test_a_voice_message_is_known_by_what_it_says_of_itself(facts: Facts) -> None:
    assert holds({"if": "message_type", "values": ["voicemail"]}, facts) is True


@pytest.mark.parametrize(
    "condition",
    [
        {"if": "file_words", "values": ["zebra"]},
        {"if": "sensitive", "types": [{"name": "payment-card", "at_least": 9}]},
    ],
)
def test_what_cannot_be_read_is_not_told(condition: dict[str, Any]) -> None:
    locked = Attachment("x.bin", "application/x", 3, read=lambda: Reading(unreadable=True))
    assert holds(condition, replace(PLAIN, contents=Contents("", (locked,)))) is None
    assert holds({"none": [condition]}, replace(PLAIN, contents=Contents("", (locked,)))) is None
    assert holds({"any": [condition, {"if": "everything"}]}, replace(PLAIN, contents=Contents("", (locked,)))) is True


def test_a_number_of_kinds_counts_those_alone_that_are_as_sure_as_a_rule_wants() -> None:
    text = "Visa 4111 1111 1111 1111" + " " * 700 + "5555 5555 5555 4444, 4000 0000 0000 0002"
    facts = replace(PLAIN, contents=Contents(text))
    for confidence, number in ((65, 3), (85, 1)):
        kind = {"name": "payment-card", "confidence": confidence}
        assert holds({"if": "sensitive", "types": [{**kind, "at_least": number}]}, facts) is True
        assert holds({"if": "sensitive", "types": [{**kind, "at_least": number + 1}]}, facts) is False


def test_no_pattern_and_no_text_takes_long() -> None:
    """Each would take longer than anybody waits, in an engine that goes back."""
    rules = one({"if": "text_patterns", "values": ["(a*)*$", "(a|aa)+$", "(.*)(.*)(.*)x", "((a{1,30}){1,30}){1,1}b"]})
    facts = replace(PLAIN, contents=Contents("a" * 200_000 + "!"))
    began = time.process_time()
    decide(facts, rules, "relay")
    assert time.process_time() - began < 5


@pytest.mark.parametrize("subject", ["\ud800", "\u202e" * 1000, "İ" * 1000, "\u0000", "ﷺ" * 500, "a\u0300" * 9000])
def test_hostile_letters_are_only_letters(subject: str) -> None:
    rules = one({"any": [{"if": "subject_words", "values": ["x"]}, {"if": "subject_patterns", "values": ["^x$"]}]})
    assert decide(replace(PLAIN, subject=subject), rules, "relay").tags == ()


def test_a_rule_counts_between_its_days_and_not_when_it_is_off() -> None:
    for fields, counts in (
        ({"from": "2026-11-23", "until": "2026-11-23"}, True),
        ({"from": "2026-11-24"}, False),
        ({"until": "2026-11-22"}, False),
        ({"state": "off"}, False),
    ):
        assert bool(decide(PLAIN, one({"if": "everything"}, **fields), "relay").tags) is counts


def test_explaining_names_the_first_condition_that_fails_and_the_exception_that_holds() -> None:
    failing = {"any": [{"if": "size_over", "bytes": 9999}, {"if": "subject_words", "values": ["zebra"]}]}
    (no,) = explain(PLAIN, one({"if": "recipient_is", "place": "outside"}, failing))
    assert (no.matched, no.path) == (False, ("when", "all", 1, "any", 0))
    assert "larger than 9,999 bytes" in no.words
    (excepted,) = explain(PLAIN, one({"if": "everything"}, **{"except": [{"if": "sender_is", "place": "inside"}]}))
    assert (excepted.matched, excepted.path) == (False, ("except", 0))
    (yes,) = explain(PLAIN, one({"if": "everything"}))
    assert (yes.matched, yes.counts, yes.path) == (True, True, ())


def test_explaining_says_which_rules_were_not_asked() -> None:
    rule = {"name": "A", "when": [{"if": "everything"}], "then": [{"do": "pass_on"}]}
    rules = compiled({"format": 1, "rules": [{**rule, "id": "a"}, {**rule, "id": "b"}]})
    first, second = explain(PLAIN, rules)
    assert (first.looked, second.looked) == (True, False)


# ------------------------------------------------------------------------ the quick way is the plain way

LEAVES: list[dict[str, Any]] = [
    {"if": "sender_domain", "values": ["aldervalley.example"]},
    {"if": "recipient_domain", "values": ["mail.example"]},
    {"if": "recipient_domain", "values": ["other.example", "post.example"]},
    {"if": "recipient_address", "values": ["jonas@mail.example"]},
    {"if": "recipient_is", "place": "outside"},
    {"if": "subject_words", "values": ["results", "zebra"]},
    {"if": "subject_words", "values": ["zebra"]},
    {"if": "subject_patterns", "values": ["^a"]},
    {"if": "header_words", "name": "x-class", "values": ["secret"]},
    {"if": "header_is", "name": "x-class", "values": ["top secret"]},
    {"if": "label", "label": LABEL},
    {"if": "size_over", "bytes": 100},
    {"if": "file_words", "values": ["zebra"]},
    {"if": "everything"},
]
conditions = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.builds(
        lambda kind, items: {kind: items}, st.sampled_from(GROUPS), st.lists(inner, min_size=1, max_size=3)
    ),
    max_leaves=6,
)
mails = st.builds(
    lambda subject, to, size, secret, locked: replace(
        PLAIN,
        subject=subject,
        recipients=tuple(to),
        size=size,
        headers=PLAIN.headers if secret else PLAIN.headers[:2],
        contents=Contents("", (Attachment("a", "b/c", 1, read=lambda: Reading(unreadable=locked)),)),
    ),
    st.sampled_from(["Results", "a zebra", "nothing", ""]),
    st.lists(st.sampled_from(["jonas@mail.example", "x@other.example", "maya@aldervalley.example"]), max_size=2),
    st.sampled_from([50, 500]),
    st.booleans(),
    st.booleans(),
)


def plainly(condition: dict[str, Any], facts: Facts) -> bool | None:
    """Three values, each leaf asked on its own."""
    for kind in GROUPS:
        if kind in condition:
            found = [plainly(inner, facts) for inner in condition[kind]]
            if kind == "all":
                return False if False in found else None if None in found else True
            any_ = True if True in found else None if None in found else False
            return any_ if kind == "any" else None if any_ is None else not any_
    return holds(condition, facts)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(conditions, st.lists(conditions, max_size=1)), min_size=1, max_size=5), mails)
def test_an_indexed_rule_set_decides_as_its_rules_one_by_one(rules: list[Any], facts: Facts) -> None:
    document = {
        "format": 1,
        "mode": "all",
        "rules": [
            {"id": f"r{n}", "name": "R", "when": [when], "except": excepted, "then": [{"do": "tag", "name": f"t{n}"}]}
            for n, (when, excepted) in enumerate(rules)
        ],
    }
    expected = tuple(
        f"t{n}"
        for n, (when, excepted) in enumerate(rules)
        if plainly({"all": [when, *({"none": [one_]} for one_ in excepted)]}, facts) is True
    )
    assert decide(facts, compiled(document), "relay").tags == expected
