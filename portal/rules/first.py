"""The rules that every installation starts with, first match wins."""

from __future__ import annotations

from portal.rules.actions import Protect, ProtectAsAsked
from portal.rules.conditions import AnswersProtected, AsksByHeader, HeaderIs, SubjectTag
from portal.rules.deciding import Rule

RULES: tuple[Rule, ...] = (
    # The header stands first because only it carries wishes: a tag beside it must not make them forgotten.
    Rule("header from a program", AsksByHeader(), ProtectAsAsked()),
    Rule("tag in the subject", SubjectTag(), Protect()),
    Rule("sensitivity: company confidential", HeaderIs("sensitivity", "company-confidential"), Protect()),
    Rule("answer to a protected message", AnswersProtected(), Protect()),
)
