"""Tokens in the texts that rules add to a mail, like %%DisplayName%%: what the directory says of who sends it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from portal.rules.view import View

TOKENS: Mapping[str, str] = MappingProxyType(
    {
        "displayname": "name",
        "title": "title",
        "department": "department",
        "company": "company",
        "office": "office",
        "city": "city",
        "country": "country",
        "manager": "manager",
        "email": "",
    }
)
"""Token in lower case to the attribute of the directory that it stands for; the address itself for `email`."""
MARK = "%%"
_TOKEN = re.compile(r"%%([A-Za-z]{1,40})%%")


def filled(text: str, view: View) -> str:
    """The text with each token as the directory has it of the sender, "" where it says nothing; what is none of TOKENS
    stays as it is written. A plain text that is put beside a mail: nothing in it can be markup.

    Of somebody who is not known to be one of our own nothing is told: whoever writes a name into From would learn it.
    """
    sender = next((one for one in view.senders("either") if view.is_inside(one)), "") if view.facts.trusted else ""
    known = view.attributes.get(sender, {}) if sender else {}

    def value(found: re.Match[str]) -> str:
        name = TOKENS.get(found[1].lower())
        if name is None:
            return found[0]
        return " ".join((known.get(name, "") if name else sender).split())

    return _TOKEN.sub(value, text)
