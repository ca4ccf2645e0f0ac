"""What each check of the health page is about: its name for people, and why it matters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from portal.operations.health import OK


@dataclass(frozen=True)
class Row:
    """One check. `sentence` says what is wrong and what to do, "" when all is well."""

    name: str
    well: bool
    why: str
    sentence: str


def rows(states: Mapping[str, str]) -> list[Row]:
    """The checks in words; what is wrong stands first."""
    found = [_row(name, state) for name, state in states.items()]
    return sorted(found, key=lambda row: row.well)


def _row(name: str, state: str) -> Row:
    known = {
        "web": (_("Pages"), _("Recipients read and answer here.")),
        "door": (_("SMTP door"), _("Your mail server hands over its mail here. While it is away, mail waits there.")),
        "database": (
            _("Database"),
            _("It knows every message and its state. Nothing is lost while it is away."),
        ),
        "worker": (
            _("Workers"),
            _("They seal what came in and send what leaves. While they are away, mail waits."),
        ),
        "scanner": (_("Virus scanner"), _("While it is away, protected mail waits and readers can add no files.")),
        "storage": (_("Storage"), _("Large messages lie there. While it is away, they wait and cannot be opened.")),
        "keys": (_("Keys"), _("Without them nothing can be sealed or opened. Mail waits until they are back.")),
        "audit": (
            _("Record"),
            _("What happens is recorded and signed. While that fails, the signature waits."),
        ),
    }
    label, why = known.get(name, (name, ""))
    return Row(label, state == OK, why, "" if state == OK else state)
