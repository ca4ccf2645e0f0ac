"""Asking DNS where mail for a domain goes, and whether the answer was proved by DNSSEC."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import dns.exception
import dns.flags
import dns.resolver
from django.conf import settings

from portal.delivery.dane import Tlsa
from portal.delivery.errors import Deferred, Refused
from portal.values import Resolver

SECONDS = 10.0
"""For one question, over all name servers."""
NO_SUCH_DOMAIN, NULL_MX, NO_ADDRESS = "550 5.1.2", "556 5.1.10", "550 5.4.4"
NOT_PUBLIC = "550 5.4.4 not a public address"
_UDP_BYTES = 1232


@dataclass(frozen=True)
class Host:
    """One mail server of a domain. `secure` says that DNSSEC proved its name and, once looked up, its addresses."""

    name: str
    preference: int
    addresses: tuple[str, ...] = ()
    secure: bool = False
    bases: tuple[str, ...] = ()
    """Where its TLSA records may be, in order (base domains, RFC 7672 section 2.2.2); none where nothing is proved."""


def hosts_of(domain: str) -> list[Host]:
    """A domain's mail servers without their addresses, best first (RFC 5321 section 5.1).

    Raises:
        Refused: there is no such domain, or it takes no mail (a null MX, RFC 7505).
        Deferred: DNS gives no answer now.
    """
    answer = _ask(domain, "MX")
    if answer is None:
        raise Refused(NO_SUCH_DOMAIN)
    if answer.rrset is None:
        # The domain itself, when it has an address; with TLSA records of its own, like any server of others
        # (RFC 7672 section 2.2.1).
        return [Host(domain, 0, (), _is_secure(answer))]
    found = [(record.preference, record.exchange.to_text(omit_final_dot=True).lower()) for record in answer]
    if [name for _, name in found] in ([""], ["."]):
        raise Refused(NULL_MX)
    secure = _is_secure(answer)
    return [Host(name, preference, (), secure) for preference, name in sorted(found) if name not in ("", ".")]


def addresses_of(host: Host, *, seconds: float = SECONDS) -> Host:
    """The host with its addresses, IPv6 first; none when it has none. Raises Deferred.

    `seconds` is for each of the two questions.
    """
    found: list[str] = []
    secure, real = host.secure, host.name
    for kind in ("AAAA", "A"):
        answer = _ask(host.name, kind, seconds)
        if answer is not None and answer.rrset is not None:
            found += [record.address for record in answer]
            secure = secure and _is_secure(answer)
            real = answer.canonical_name.to_text(omit_final_dot=True).lower()
    proved = secure and bool(found)
    bases: tuple[str, ...] = (real, host.name) if proved else ()
    if host.secure and found and not proved and real != host.name and _alias_is_secure(host.name):
        # What the name stands for is not proved, but that it stands for something is: its own records count.
        bases = (host.name,)
    return Host(host.name, host.preference, tuple(found), proved, tuple(dict.fromkeys(bases)))


def _alias_is_secure(name: str) -> bool:
    answer = _ask(name, "CNAME")
    return answer is not None and answer.rrset is not None and _is_secure(answer)


def txt(name: str, *, seconds: float = SECONDS) -> list[str]:
    """The TXT records of a name, each in one piece. Raises Deferred."""
    answer = _ask(name, "TXT", seconds)
    if answer is None or answer.rrset is None:
        return []
    return [b"".join(record.strings).decode("ascii", "replace") for record in answer]


def texts(name: str, kind: str, *, seconds: float = SECONDS) -> list[str]:
    """The records of a name as text, TXT records each in one piece; none when there are none. Raises Deferred."""
    if kind == "TXT":
        return txt(name, seconds=seconds)
    answer = _ask(name, kind, seconds)
    return [] if answer is None or answer.rrset is None else [record.to_text().lower() for record in answer]


def tlsa_of(host: Host, port: int) -> tuple[str, tuple[Tlsa, ...]]:
    """The first of a host's bases that has TLSA records, and these; the host's name and none where nothing is proved.

    Raises Deferred when they cannot be had: then nobody may assume that there are none (RFC 7672 section 2.1.2).
    """
    for base in host.bases:
        answer = _ask(f"_{port}._tcp.{base}", "TLSA")
        if answer is not None and answer.rrset is not None and _is_secure(answer):
            return base, tuple(Tlsa(record.usage, record.selector, record.mtype, record.cert) for record in answer)
    return host.name, ()


def _ask(name: str, kind: str, seconds: float = SECONDS) -> dns.resolver.Answer | None:
    """None: there is no such name. An answer without rrset: the name has no such record."""
    chosen = settings.LETTERLOCK.dns
    try:
        asked = _resolver(chosen)
        return asked.resolve(f"{name}.", kind, search=False, raise_on_no_answer=False, lifetime=seconds)
    except dns.resolver.NXDOMAIN:
        return None
    except dns.exception.DNSException:
        raise Deferred("no DNS answer") from None


def forget() -> None:
    """Ask anew from here on: somebody has just published what was not there a moment ago."""
    _resolver.cache_clear()


@lru_cache(maxsize=8)
def _resolver(chosen: tuple[Resolver, ...]) -> dns.resolver.Resolver:
    """Remembers answers for as long as they live."""
    resolver = dns.resolver.Resolver(configure=not chosen)
    if chosen:
        resolver.nameservers = [one.address for one in chosen]
        resolver.nameserver_ports = {one.address: one.port for one in chosen}
    resolver.use_edns(0, dns.flags.DO, _UDP_BYTES)
    resolver.flags = dns.flags.RD | dns.flags.AD
    resolver.cache = dns.resolver.LRUCache(2000)
    return resolver


def _is_secure(answer: dns.resolver.Answer) -> bool:
    """Whether a name server whose word counts says so: anyone on the way can set the bit for any other."""
    believed = {one.address for one in settings.LETTERLOCK.dns if one.trusted}
    return answer.nameserver in believed and bool(answer.response.flags & dns.flags.AD)
