"""What a rule can order: each kind of action with its fields and its words. Nothing is done here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from portal.rules import limits
from portal.rules.fields import Field
from portal.rules.triggers import DELIVERY, MAX_OPEN_DAYS, SPLIT
from portal.vault.rights import LEVELS

Given = Mapping[str, Any]
_OURS = frozenset({"x-letterlock-protect", "x-letterlock-seal", "x-letterlock"})
_STRUCTURE = frozenset(
    {
        "bcc", "cc", "content-transfer-encoding", "content-type", "content-disposition", "date", "dkim-signature",
        "from", "message-id", "mime-version", "received", "return-path", "sender", "subject", "to",
    }
)  # fmt: skip
_LEADING = frozenset(
    {
        "disposition-notification-to", "errors-to", "mail-followup-to", "mail-reply-to", "reply-to", "resent-bcc",
        "resent-cc", "resent-from", "resent-sender", "resent-to", "return-receipt-to",
    }
)  # fmt: skip
"""Headers that name where answers, receipts or copies go: no rule sends those past whom a sender named."""


@dataclass(frozen=True)
class ActionKind:
    """One kind. `strength` orders the verdicts: of several, the strongest is done; 0 for what goes with any."""

    name: str
    fields: Mapping[str, Field]
    words: Callable[[Given], str]
    strength: int = 0
    check: Callable[[Given], str] = field(default=lambda given: "")
    """A sentence's end when the fields do not go together; "" when they do."""


def _free_header(given: Given) -> str:
    name = given["name"].lower()
    if name in _OURS or name in _STRUCTURE:
        return "“name” must not be a header that mail needs or that the portal sets itself"
    if name in _LEADING:
        return "“name” must not be a header that says where answers, receipts or copies go"
    return ""


def _removable(given: Given) -> str:
    name = given["name"].lower()
    if name in _OURS or name in _STRUCTURE:
        return "“name” must not be a header that mail needs or that the portal looks after itself"
    return ""


def _refuse_words(given: Given) -> str:
    unless = ", unless the sender sends it anyway" if given["override"] else ""
    return f"refuse it with {_quoted(given['text'])}{unless}"


def _drop_words(given: Given) -> str:
    also = ", also where a program asks to protect it" if given["also_asked"] else ""
    return f"delete it, and tell nobody{also}"


def _hold_words(given: Given) -> str:
    named = f"{_copied(given)} or " if given["addresses"] or given["manager"] else ""
    return f"hold it until {named}an administrator approves it"


def _protect_words(given: Given) -> str:
    said = ["protect it as asked" if given["as_asked"] else "protect it"]
    if given["template"]:
        said.append(f"with the rights “{given['template']}”")
    if given["brand"]:
        said.append(f"with the brand “{given['brand']}”")
    if given["open"] == "never":
        said.append("open for ever")
    elif given["open"]:
        said.append(f"open for {given['open']} day{'' if given['open'] == 1 else 's'}")
    if given["level"] > 1:
        said.append(f"readers proved at level {given['level']}")
    if given["split"]:
        said.append(f"split key {given['split']}")
    if given["delivery"]:
        said.append(f"delivered by {given['delivery']}")
    return ", ".join(said)


def _protect_check(given: Given) -> str:
    if given["as_asked"] and (given["template"] or given["open"] or given["split"] or given["delivery"]):
        return "as_asked takes rights, date, split and delivery from the header, so the rule must not name them"
    return ""


def _quoted(text: str) -> str:
    return f"“{text if len(text) <= 80 else text[:79] + '…'}”"


def _copied(given: Given) -> str:
    return ", ".join(
        [*([_addresses(given)] if given["addresses"] else []), *(["the manager of its sender"] * given["manager"])]
    )


def _somebody(given: Given) -> str:
    return "" if given["addresses"] or given["manager"] else "name addresses, or the manager"


def _addresses(given: Given) -> str:
    return ", ".join(given["addresses"][:3]) + (" …" if len(given["addresses"]) > 3 else "")


CLASSIFICATION, SPAM_CONFIDENCE = "X-Classification", "X-Spam-Confidence"
"""Headers that two actions set, in the place of what there is of that name."""
ASKING = "approval request"
"""Name of the rule, as it were, of the portal's own messages that ask people to approve a mail."""
PARTS = (
    "sender", "recipients", "cc", "bcc", "subject", "severity", "rules", "sensitive", "override", "original",
)  # fmt: skip
"""What an incident report can tell, in its order."""
SEVERITIES = ("low", "medium", "high")


def _report_words(given: Given) -> str:
    whole = ", with the mail itself" if "original" in given["parts"] else ""
    return f"report it to {_addresses(given)} by a protected message{whole}"


_SENTENCE = Field("text", most=limits.LONGEST_TEXT)
_ADDRESSES = Field("addresses", most=20)
KINDS: Mapping[str, ActionKind] = {
    kind.name: kind
    for kind in (
        ActionKind("refuse", {"text": _SENTENCE, "override": Field("flag", required=False, default=False)},
                   _refuse_words, 60),
        ActionKind(
            "hold",
            {
                "text": Field("text", required=False, default="", most=limits.LONGEST_TEXT),
                "addresses": Field("addresses", required=False, default=(), most=20),
                "manager": Field("flag", required=False, default=False),
            },
            _hold_words, 50,
        ),
        ActionKind("drop", {"also_asked": Field("flag", required=False, default=False)}, _drop_words, 45),
        ActionKind(
            "protect",
            {
                "template": Field("slug", required=False, default=""),
                "brand": Field("slug", required=False, default=""),
                "open": Field("days", required=False, default=0, most=MAX_OPEN_DAYS),
                "level": Field("number", required=False, default=1, least=LEVELS[0], most=LEVELS[-1]),
                "split": Field("choice", required=False, default="", choices=SPLIT),
                "delivery": Field("choice", required=False, default="", choices=DELIVERY),
                "as_asked": Field("flag", required=False, default=False),
            },
            _protect_words, 40, _protect_check,
        ),
        ActionKind("remove_protection", {}, lambda given: "take our own protection off", 30),
        ActionKind("require_tls", {}, lambda given: "pass it on only over verified TLS", 20),
        ActionKind("pass_on", {}, lambda given: "pass it on as it is", 10),
        ActionKind(
            "disclaimer",
            {
                "text": Field("text", most=limits.LONGEST_DISCLAIMER),
                "at": Field("choice", required=False, default="end", choices=("end", "beginning")),
                "if_signed": Field("choice", required=False, default="wrap", choices=("wrap", "ignore", "refuse")),
            },
            lambda given: f"add the text {_quoted(given['text'])} at the {given['at']}",
        ),
        ActionKind(
            "copy_to",
            {
                "addresses": Field("addresses", required=False, default=(), most=20),
                "manager": Field("flag", required=False, default=False),
            },
            lambda given: f"send a copy to {_copied(given)}", 0, _somebody,
        ),
        ActionKind("redirect_to", {"addresses": _ADDRESSES},
                   lambda given: f"send it to {_addresses(given)} instead"),
        ActionKind("add_header", {"name": Field("header"), "value": Field("line", most=limits.LONGEST_HEADER_VALUE)},
                   lambda given: f"add the header {given['name']}", 0, _free_header),
        ActionKind("remove_header", {"name": Field("header")},
                   lambda given: f"remove the header {given['name']}", 0, _removable),
        ActionKind("set_classification", {"name": Field("line", most=limits.LONGEST_NAME)},
                   lambda given: f"classify it as {_quoted(given['name'])}"),
        ActionKind(
            "set_spam_confidence",
            {
                "value": Field("number", least=-1, most=9),
                "name": Field("header", required=False, default=SPAM_CONFIDENCE),
            },
            lambda given: f"set the spam confidence to {given['value']}, in {given['name']}", 0, _free_header,
        ),
        ActionKind("prepend_subject", {"text": Field("line", most=limits.LONGEST_NAME)},
                   lambda given: f"put {_quoted(given['text'])} before the subject"),
        ActionKind("tag", {"name": Field("slug")}, lambda given: f"note the tag “{given['name']}” in the record"),
        ActionKind("set_severity", {"severity": Field("choice", choices=SEVERITIES)},
                   lambda given: f"note it as of {given['severity']} severity"),
        ActionKind(
            "incident_report",
            {
                "addresses": _ADDRESSES,
                "parts": Field("choices", required=False, default=PARTS[:-1], choices=PARTS),
                "level": Field("number", required=False, default=1, least=LEVELS[0], most=LEVELS[-1]),
            },
            _report_words,
        ),
        ActionKind("notify_sender", {"text": _SENTENCE},
                   lambda given: f"tell the sender {_quoted(given['text'])}"),
        ActionKind("stop", {}, lambda given: "look at no further rule"),
    )
}  # fmt: skip
"""By the name that stands in an action's `do`."""

VERDICTS = tuple(name for name, kind in KINDS.items() if kind.strength)
LOCKING = frozenset({"refuse", "hold", "drop", "protect"})
"""Verdicts that keep a mail from arriving as it is."""
SAFE = frozenset({"refuse", "hold", "protect", "require_tls"})
"""Verdicts of rules that count as matched when a condition cannot be told: too much protection harms less than none.
Nothing is deleted for a doubt."""
