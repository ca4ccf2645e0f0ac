"""The rules that every installation starts with, until others are published."""

from __future__ import annotations

from portal.rules.compiling import compiled
from portal.rules.document import FORMAT, Document

DOCUMENT: Document = {
    "format": FORMAT,
    "mode": "first",
    "rules": [
        # The header stands first because only it carries wishes: a tag beside it must not make them forgotten.
        {
            "id": "header",
            "name": "header from a program",
            "when": {"all": [{"if": "asked_by_header"}]},
            "then": [{"do": "protect", "as_asked": True}],
        },
        {
            "id": "tag",
            "name": "tag in the subject",
            "when": {"all": [{"if": "subject_tag"}]},
            "then": [{"do": "protect"}],
        },
        {
            "id": "sensitivity",
            "name": "sensitivity: company confidential",
            "when": {"all": [{"if": "sensitivity", "values": ["company_confidential"]}]},
            "then": [{"do": "protect"}],
        },
        {
            "id": "answer",
            "name": "answer to a protected message",
            "when": {"all": [{"if": "answers_protected"}]},
            "then": [{"do": "protect"}],
        },
    ],
}
RULES = compiled(DOCUMENT)
