"""How well a mail must be protected on its way: the words, their order, and what a hop has to prove."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from django.conf import settings

from portal.delivery.dane import Tlsa


class Level(Enum):
    """What a connection must have."""

    OPPORTUNISTIC = 0
    """Encrypted when offered; a try that fails never goes on in clear."""
    REQUIRED = 1
    """Encrypted, by whomever: stops listeners, not impostors."""
    VERIFIED = 2
    """A certificate of a known authority for one of `names`, or of the domain's TLSA records."""


@dataclass(frozen=True)
class Demand:
    """What one hop has to prove. `names` are host names, of which one must stand in the certificate."""

    level: Level
    names: tuple[str, ...] = field(default=(), repr=False)
    tlsa: tuple[Tlsa, ...] = field(default=(), repr=False)
    called: str = field(default="", repr=False)
    """The name that TLS asks for where it is not the host's: of TLSA records their base (RFC 7672 section 8.1)."""
    policy: str = "no-policy-found"
    """The policy it comes from, in the words of RFC 8460 section 4.2."""
    testing: bool = False
    """Of an MTA-STS policy in the mode testing: what fails is counted, and the mail goes all the same."""


PUBLISHED, STS, DANE = "published", "mta-sts", "dane"
_RANK = {"": 0, PUBLISHED: 0, "opportunistic": 0, "required": 1, "verified": 2, STS: 2, DANE: 2}


def policy_for(domain: str, asked: str = "") -> str:
    """The word that counts for mail to a domain: the setting's, or what the mail itself asks for if that is more."""
    asked = _understood(asked)
    policies = dict(settings.LETTERLOCK.tls_policy)
    word = policies.get(domain) or policies.get("*", PUBLISHED)
    return asked if _RANK[asked] > _RANK[word] and word != PUBLISHED else word


def floor_of(asked: str) -> Level:
    """The least level that a mail's own wish means where a domain's published policy decides the rest."""
    return Level(_RANK[_understood(asked)])


def _understood(asked: str) -> str:
    """A word that only another version knows asks for the most that this one has."""
    return asked if asked in _RANK else "verified"


def context_for(demand: Demand) -> ssl.SSLContext:
    """The client's side of TLS for a demand; the name is checked apart, for more than one may do."""
    if demand.level is Level.VERIFIED and not demand.tlsa:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
        return context
    # Against listeners only, or proved by TLSA: most mail servers have a certificate that nobody signed.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def names_match(certificate: Iterable[str], names: Iterable[str]) -> bool:
    """Whether one of a certificate's names stands for one of `names` (RFC 6125 section 6.4)."""
    shown = [value.lower().rstrip(".") for value in certificate]
    return any(_stands_for(presented, wanted.lower().rstrip(".")) for presented in shown for wanted in names)


def _stands_for(presented: str, wanted: str) -> bool:
    if address := _address(wanted):
        return _address(presented) == address  # OpenSSL writes IPv6 without "::"
    if presented.startswith("*."):
        # The star stands for exactly one label.
        return wanted.partition(".")[2] == presented[2:] and "." in presented[2:]
    return presented == wanted


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        return ""
