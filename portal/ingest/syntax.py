"""The arguments of MAIL and RCPT: a path and parameters (RFC 5321 sections 4.1.2 and 4.1.1.11)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

# The source route before an address is obsolete; it must be accepted and ignored (RFC 5321 appendix C).
_PATH = re.compile(
    r"""\s*<(?:@[^\s<>"]*:)?(?P<address>(?:"(?:[^"\\]|\\.)*"|[^\s"<>])*)>(?:\s+(?P<parameters>.*))?""", re.DOTALL
)
# An address in other letters has a form of its own in ORCPT that stays in this alphabet (RFC 6533 §3).
_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*")
_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([!-<>-~]+))?")


class SyntaxRefused(Exception):
    """The argument does not follow the grammar. Stays inside this room."""


@dataclass(frozen=True)
class Path:
    """An address ("" for the null sender `<>`) and parameters, their names in upper case."""

    address: str
    parameters: dict[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return "Path(…)"


def parse_path(argument: str | None, keyword: str) -> Path:
    """Read `FROM:<a@b> SIZE=1` or `TO:<a@b>`. The address is not checked. Raises SyntaxRefused."""
    if argument is None or argument[: len(keyword)].upper() != keyword:
        raise SyntaxRefused
    found = _PATH.fullmatch(argument, len(keyword))
    if found is None:
        raise SyntaxRefused
    parameters: dict[str, str] = {}
    for word in (found["parameters"] or "").split():
        parameter = _PARAMETER.fullmatch(word)
        if parameter is None or parameter[1].upper() in parameters:
            raise SyntaxRefused
        parameters[parameter[1].upper()] = parameter[2] or ""
    return Path(found["address"], parameters)


def is_xtext(text: str) -> bool:
    """Whether text is xtext: printable ASCII without + and =, other bytes as + and two hex digits (RFC 3461 §4)."""
    return _XTEXT.fullmatch(text) is not None
