"""What DNS says about a domain's mail, and what receivers make of it: judged here, put in words by whoever asked.

Every function raises what `ask` does when no name server says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

Ask = Callable[[str, str], list[str]]
"""The records of a name and type as text, TXT records each in one piece; empty when there are none."""


class Fault(Enum):
    MISSING = "missing"
    SEVERAL = "several"
    """More than one, and then none counts."""
    TAKES_NO_MAIL = "takes no mail"
    ANYONE = "anyone"
    """It lets every computer send in the domain's name."""
    LETS_THROUGH = "lets through"
    """It has forged mail delivered."""
    OTHER_KEY = "other key"


@dataclass(frozen=True)
class Published:
    """The records found at `name`, and what is wrong with them; None for nothing."""

    name: str
    found: tuple[str, ...]
    fault: Fault | None


def exchangers(ask: Ask, domain: str) -> Published:
    """Its mail servers (MX). One record with the root as its server says that there are none (RFC 7505)."""
    found = ask(domain, "MX")
    if not found:
        return Published(domain, (), Fault.MISSING)
    no_mail = all(one.split()[-1] == "." for one in found)
    return Published(domain, tuple(found), Fault.TAKES_NO_MAIL if no_mail else None)


def spf(ask: Ask, domain: str) -> Published:
    """Who may send in its name (RFC 7208 sections 4.5, 5.1)."""
    seen = one_text(ask, domain, lambda text: text.lower().split(" ")[0] == "v=spf1")
    if seen.fault is None and {"+all", "all"} & set(seen.found[0].lower().split()):
        return Published(domain, seen.found, Fault.ANYONE)
    return seen


def dkim(ask: Ask, name: str, public: str) -> Published:
    """Whether a public half (base64) is at `name`, selector._domainkey.domain (RFC 6376 section 3.6.1)."""
    found = [text for text in ask(name, "TXT") if "p" in tags(text)]
    if any(tags(text)["p"] == public for text in found):
        return Published(name, tuple(found), None)
    return Published(name, tuple(found), Fault.OTHER_KEY if found else Fault.MISSING)


def dmarc(ask: Ask, domain: str) -> Published:
    """What is to be done with mail that only says it is the domain's; a record above it counts as well (RFC 7489)."""
    labels = domain.split(".")
    for start in range(max(1, len(labels) - 1)):
        name = f"_dmarc.{'.'.join(labels[start:])}"
        seen = one_text(ask, name, lambda text: text.lower().replace(" ", "").startswith("v=dmarc1"))
        if seen.fault is None and tags(seen.found[0].lower()).get("p") == "none":
            return Published(name, seen.found, Fault.LETS_THROUGH)
        if seen.found:
            return seen
    return Published(f"_dmarc.{domain}", (), Fault.MISSING)


def one_text(ask: Ask, name: str, counts: Callable[[str], bool]) -> Published:
    """The TXT record of a kind of which a name may have one."""
    found = tuple(text for text in ask(name, "TXT") if counts(text))
    return Published(name, found, Fault.SEVERAL if len(found) > 1 else None if found else Fault.MISSING)


def tags(text: str) -> dict[str, str]:
    """The tags of a record like DKIM's by name, without any white space in their values (RFC 6376 section 3.2)."""
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip().lower(): "".join(value.split()) for name, found, value in pairs if found}
