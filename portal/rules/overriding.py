"""The sender's override: a word that begins the subject, by which one of our own people sends what a rule would refuse.

Only rules whose refusal allows it step back, and the record notes which and how. `[override]` says that it is meant so,
`[false positive]` that the rule is mistaken (the original's RejectUnlessExplicitOverride, New-TransportRule).
"""

from __future__ import annotations

import re

from portal.rules.triggers import has_tag
from portal.rules.view import View

WORDS = ("override", "false positive")
"""In square brackets at the very beginning of the subject, whatever their case, width and accents; recipients do not
see them. Behind "Re:" another may have written them, whose mail one of ours answers without a thought of rules."""
WANTED, MISTAKEN = "wanted", "mistaken"
_FIRST = re.compile(r"(?:\s*[\[［﹇][^\[\]［］﹇﹈]{1,40}[\]］﹈])*")


def may(view: View) -> bool:
    """Whether this sender can override at all: one of our own people, as far as envelope and From say, by a way whose
    word counts. Nobody can while the organisation has named no domain: then nobody is known to be inside."""
    senders = view.senders("either")
    return view.facts.trusted and bool(senders) and all(map(view.is_inside, senders))


def asked(view: View) -> str:
    """How its sender overrides rules: "wanted", "mistaken", or "" for not at all."""
    words = written(view.facts.subject)
    if not words or not may(view):
        return ""
    return MISTAKEN if WORDS[1] in words else WANTED


def written(subject: str) -> list[str]:
    """Which of the words its writer put first, with nothing before them but other tags."""
    first = _FIRST.match(subject)
    return [word for word in WORDS if first and has_tag(first.group(), (word,))]
