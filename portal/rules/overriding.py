"""The sender's override: a word in the subject by which one of our own people sends what a rule would refuse.

Only rules whose refusal allows it step back, and the record notes which and how. `[override]` says that it is meant so,
`[false positive]` that the rule is mistaken (the original's RejectUnlessExplicitOverride, New-TransportRule).
"""

from __future__ import annotations

from portal.rules.triggers import has_tag
from portal.rules.view import View

WORDS = ("override", "false positive")
"""In square brackets in the subject, whatever their case, width and accents; recipients do not see them."""
WANTED, MISTAKEN = "wanted", "mistaken"


def may(view: View) -> bool:
    """Whether this sender can override at all: one of our own people, as far as envelope and From say, by a way whose
    word counts. Nobody can while the organisation has named no domain: then nobody is known to be inside."""
    senders = view.senders("either")
    return view.facts.trusted and bool(senders) and all(map(view.is_inside, senders))


def asked(view: View) -> str:
    """How its sender overrides rules: "wanted", "mistaken", or "" for not at all."""
    for how, word in ((MISTAKEN, WORDS[1]), (WANTED, WORDS[0])):
        if has_tag(view.facts.subject, (word,)):
            return how if may(view) else ""
    return ""
