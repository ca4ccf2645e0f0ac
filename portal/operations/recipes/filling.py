"""Fills values into a block, quoted as the block's language wants it, so that no value can end its own quotes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from typing import cast

from portal.operations.recipes.values import Filled
from portal.values import Address

_PLACE = re.compile(r"«([a-z_]+)(?:\.([a-z_]+))?»")
_POWERSHELL_QUOTES = re.compile("['‘’‚‛]")
"""PowerShell ends a text in single quotes at any of these, and takes two of them for one."""


def places(text: str) -> tuple[str, ...]:
    """Names of the values that a block has places for, each once, in order."""
    return tuple(dict.fromkeys(found.group(1) for found in _PLACE.finditer(text)))


def fill(file: str, text: str, values: Mapping[str, Filled]) -> str:
    """The block of a file whose suffix says the language: .ps1 and .sh quote, all others take checked values as they
    are. A place is «name», or «name.form» for one of the forms below."""
    write = _WRITERS.get(file.rpartition(".")[2], plain)

    def filled(found: re.Match[str]) -> str:
        value = values[found.group(1)]
        return write(_FORMS[found.group(2)](value) if found.group(2) else value)

    return _PLACE.sub(filled, text)


def plain(value: Filled) -> str:
    return " ".join(value) if isinstance(value, tuple) else str(value)


def powershell(value: Filled) -> str:
    """A literal: nothing in it is looked at but the end of the quotes (about_Quoting_Rules)."""
    if isinstance(value, int):
        return str(value)
    if isinstance(value, tuple):
        return f"@({', '.join(map(powershell, value))})"
    return "'" + _POWERSHELL_QUOTES.sub(lambda quote: quote.group() * 2, str(value)) + "'"


def shell(value: Filled) -> str:
    return shlex.quote(plain(value))


def _host(value: Filled) -> str:
    return cast("Address", value).host


def _port(value: Filled) -> int:
    return cast("Address", value).port


def _nexthop(value: Filled) -> str:
    """A host without MX look-up, as Postfix writes it (transport(5))."""
    host = _host(value)
    return f"[{'ipv6:' if ':' in host else ''}{host}]:{_port(value)}"


def _service(value: Filled) -> str:
    if isinstance(value, Address):
        return f"{value}/inet"
    return f"{plain(value)}/inet/cleanup_service_name"


def _message_id(value: Filled) -> str:
    """A regular expression for Message-IDs made at a host."""
    return f"@{re.escape(plain(value))}>"


def _exim(value: Filled) -> str:
    """A list whose items may hold colons (Exim specification, chapter 6.21)."""
    words = value if isinstance(value, tuple) else (plain(value),)
    return " ; ".join(words)


_FORMS: Mapping[str, Callable[[Filled], Filled]] = {
    "host": _host,
    "port": _port,
    "message_id": _message_id,
    "exim": _exim,
    # A colon separates hosts, and two stand for one.
    "exim_host": lambda value: _host(value).replace(":", "::"),
    "comma": lambda value: ",".join(value) if isinstance(value, tuple) else plain(value),
    "nexthop": _nexthop,
    "listen": lambda value: f"{_host(value)}.{_port(value)}",
    # A line of master.cf, or one of its parameters, as postconf names it.
    "service": _service,
    "tag": lambda value: rf"\[({plain(value)})\]",
}
_WRITERS: Mapping[str, Callable[[Filled], str]] = {"ps1": powershell, "sh": shell}
