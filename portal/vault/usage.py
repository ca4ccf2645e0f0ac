"""The usage rights of Microsoft's rights management, and which of ours each of them is (docs/rights.md).

Names, levels and ready sets as in "Configure usage rights for Azure Information Protection"; the order in which they
are looked at as in "Enforcing usage rights with the MIP SDK": full control first, and nothing without VIEW.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType

from portal.vault.rights import GRANTS, Rights


@dataclass(frozen=True)
class Usage:
    """One usage right. `ours` is the right that it is here; "" where a page in a browser has nothing to grant."""

    code: str
    ours: str
    here: str
    """How it is kept here, or why there is nothing to keep."""


ORDER = (
    Usage("OWNER", "", "Nobody outside has it. The sender's organisation changes rights and withdraws, in the office."),
    Usage("VIEW", "", "Whoever has a wrap of the message's key may read. It is asked at every request."),
    Usage("PRINT", "print", "Without it the page, the previews and the text print one sentence and nothing else."),
    Usage("EXPORT", "download", "Without it no file and no mail leaves the server as it came; previews show them."),
    Usage("EXTRACT", "copy", "Without it words cannot be selected and an answer quotes nothing."),
    Usage("EDIT", "", "Nothing that was received can be changed here, so there is nothing to save."),
    Usage("DOCEDIT", "", "The same: the message is read, and an answer is a message of its own."),
    Usage("COMMENT", "", "There are no notes in the margin of a message here."),
    Usage(
        "FORWARD",
        "forward",
        "Without it the portal sends the message to nobody else. With it each new reader gets"
        " a wrap of their own, under no more rights.",
    ),
    Usage("REPLY", "reply", "An answer goes to its sender. The server works out whom, never the browser."),
    Usage("REPLYALL", "reply_all", "An answer may go to the others as well; nobody can be added."),
    Usage("OBJMODEL", "", "Programs reach no message that was received: the API takes mail in and gives none out."),
    Usage("VIEWRIGHTSDATA", "", "Everyone who reads is told the rights, in words, beside the message."),
    Usage("EDITRIGHTSDATA", "", "Nobody outside changes rights; the organisation does, and it is recorded."),
)
"""All fourteen, in the order in which they are looked at."""

CODES = tuple(usage.code for usage in ORDER)
_OURS = {usage.code: usage.ours for usage in ORDER if usage.ours}

_VIEWER = frozenset({"VIEW", "VIEWRIGHTSDATA", "REPLY", "REPLYALL", "OBJMODEL"})
_REVIEWER = _VIEWER | {"EDIT", "DOCEDIT", "FORWARD"}
_EDITOR = _REVIEWER | {"EXTRACT", "PRINT"}

LEVELS = MappingProxyType(
    {
        "viewer": _VIEWER,
        "restricted-editor": _REVIEWER,
        "editor": _EDITOR,
        "owner": frozenset(CODES),
    }
)
"""The four levels by their names."""

SETS = MappingProxyType(
    {
        "encrypt-only": frozenset(CODES) - {"EXPORT", "OWNER"},
        "do-not-forward": frozenset({"VIEW", "DOCEDIT", "EDIT", "OBJMODEL", "REPLY", "REPLYALL", "VIEWRIGHTSDATA"}),
    }
)
"""The two ready sets that a sender is offered."""


class UnknownUsage(ValueError):
    """No such usage right, level or set; the text says which there are."""


def rights_for(codes: Iterable[str]) -> Rights:
    """Our rights for a set of usage rights, level 1 and no mark.

    Raises UnknownUsage for a code that is none, and where VIEW is missing: what nobody may read is not sent.
    """
    given = {code.strip().upper() for code in codes}
    unknown = sorted(given - set(CODES))
    if unknown:
        raise UnknownUsage(f"{unknown[0]} is no usage right. There are {', '.join(CODES)}.")
    if "OWNER" in given:
        return Rights().changed(dict.fromkeys(GRANTS, True))
    if "VIEW" not in given:
        raise UnknownUsage("Without VIEW nobody could read it. Name VIEW as well.")
    return Rights(**{ours: code in given for code, ours in _OURS.items()})


def named(words: str) -> Rights:
    """The same for what a person writes: a level, a set, or codes with commas. Raises UnknownUsage."""
    name = words.strip().lower().replace(" ", "-")
    if name in LEVELS or name in SETS:
        return rights_for(LEVELS.get(name) or SETS[name])
    return rights_for(code for code in words.split(",") if code.strip())


def codes_of(rights: Rights) -> tuple[str, ...]:
    """The usage rights that a reader has with these of ours, in the order in which they are looked at."""
    always = {"VIEW", "VIEWRIGHTSDATA"}
    return tuple(code for code in CODES if code in always or (code in _OURS and getattr(rights, _OURS[code])))
