"""How many mails a second 100 rules of all kinds decide on, on one core; the target is 20,000."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import islice
from typing import Any

from bench.rounds import alternate, cpu
from bench.table import Row, Target

TARGET = 20_000
RULES, MAILS, CALLS = 100, 500, 10


def document() -> dict[str, Any]:
    """A hundred rules such as a bank or a clinic has: by people, words, patterns, labels, headers, size and files."""
    return {"format": 1, "mode": "first", "rules": list(islice(_rules(), RULES))}


def _rules() -> Iterator[dict[str, Any]]:
    outside = {"if": "recipient_is", "place": "outside"}
    for number in range(RULES):
        kinds: tuple[list[dict[str, Any]], ...] = (
            [{"if": "recipient_domain", "values": [f"partner{number}-{one}.example" for one in range(10)]}],
            [outside, {"if": "subject_words", "values": [f"vertrag{number}", f"contract no {number}", "[geheim]"]}],
            [{"if": "sender_address", "values": [f"office{number}@aldervalley.example"]}, outside],
            [{"if": "subject_patterns", "values": [rf"\bcase[ -]?{number}[0-9]{{4}}\b"]}, outside],
            [{"if": "label", "label": f"0a1b2c3d-0000-4000-8000-{number:012d}"}],
            [{"if": "header_words", "name": "X-Category", "values": [f"category {number}", "restricted"]}],
            [{"any": [{"if": "size_over", "bytes": 30_000_000 + number}, {"if": "importance", "values": ["high"]}]},
             {"if": "recipient_address", "values": [f"board{number}@mail.example"]}],
            [{"if": "file_extension", "values": ["xlsm", "p12"]}, outside],
            [{"if": "sender_network", "values": [f"10.{number}.0.0/16"]}],
            [outside, {"none": [{"if": "sender_domain", "values": ["aldervalley.example"]}]}],
        )  # fmt: skip
        yield {
            "id": f"rule-{number}",
            "name": f"Rule {number}",
            "when": kinds[number % len(kinds)],
            "then": [{"do": "protect", "level": 2}, {"do": "stop"}],
        }


def _facts() -> list[Any]:
    from portal.rules.contents import Attachment, Contents
    from portal.rules.facts import Facts

    found = []
    for number in range(MAILS):
        sender, recipient = f"maya{number}@aldervalley.example", f"jonas{number}@mail{number % 50}.example"
        subject = f"Results of the scan on Friday the {number}, please call back"
        headers = (
            ("from", f"Maya Alder <{sender}>"), ("to", recipient), ("subject", subject), ("x-category", "ordinary"),
            ("message-id", f"<{number}@aldervalley.example>"), ("content-type", "multipart/mixed"),
        )  # fmt: skip
        files = (Attachment("scan.pdf", "application/pdf", 20_000),)
        found.append(
            Facts(
                subject, headers, sender, (recipient,), True, ("aldervalley.example",), 30_000,
                today=date(2026, 11, 23), peer="192.0.2.7", contents=Contents("See the file.", files),
            )
        )  # fmt: skip
    return found


def rows() -> list[Row]:
    """Decisions a second on mail that no rule ends early; beside them, every rule asked one by one."""
    from portal.rules.compiling import compiled
    from portal.rules.deciding import decide
    from portal.rules.view import View

    rules, mails = compiled(document()), _facts()
    if {decide(one, rules, "relay").action for one in mails} != {"relay"}:
        raise AssertionError

    def ours() -> None:
        for one in mails:
            decide(one, rules, "relay")

    def one_by_one() -> None:
        for one in mails:
            view = View(one)
            for rule in rules.rules:
                rule.check(view)

    found = alternate(
        {"ours": lambda: MAILS / cpu(ours, CALLS), "all": lambda: MAILS / cpu(one_by_one, CALLS)}, seconds=5
    )
    what, against = f"decide by {RULES} rules", "every rule asked"
    return [Row(what, against, "/s", found["ours"], found["all"], Target(TARGET, absolute=True))]
