"""What the DNS says about the portal: its host, where bounces go, and whether receivers believe its mail."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from urllib.parse import urlsplit

import dns.exception
import dns.nameserver
import dns.rdatatype
import dns.resolver
import dns.reversename
from django.db import DatabaseError

from branding import addresses
from branding.models import Brand
from portal.configuration import Configuration
from portal.delivery import published
from portal.delivery.models import DkimKey
from portal.delivery.published import Fault
from portal.operations.doctor.finding import Finding, notice, unknown, well, wrong
from portal.values import Resolver

SECONDS = 4.0
"""For one question, over all servers."""
ENOUGH = 2
"""Questions in a row without an answer; nobody waits for more of them."""


class NoAnswer(Exception):
    """No name server gave an answer, neither yes nor no."""


class Names:
    """Questions to the servers of LETTERLOCK_DNS, else the system's."""

    def __init__(self, servers: Sequence[Resolver]) -> None:
        self._resolver: dns.resolver.Resolver | None
        self._unanswered = 0
        try:
            self._resolver = dns.resolver.Resolver(configure=not servers)
        except dns.resolver.NoResolverConfiguration:
            self._resolver = None
            return
        if servers:
            self._resolver.nameservers = [dns.nameserver.Do53Nameserver(one.address, one.port) for one in servers]
        self._resolver.lifetime = SECONDS
        self._resolver.timeout = SECONDS / 2

    def ask(self, name: str, kind: str) -> list[str]:
        """What is there, as text; empty when there is nothing. NoAnswer when nobody says."""
        if self._resolver is None or self._unanswered >= ENOUGH:
            raise NoAnswer
        try:
            answer = self._resolver.resolve(name, kind, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            self._unanswered = 0
            return []
        except (dns.exception.DNSException, OSError, UnicodeError):
            self._unanswered += 1
            raise NoAnswer from None
        self._unanswered = 0
        if answer.rdtype == dns.rdatatype.TXT:
            return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]
        return [record.to_text() for record in answer]

    def addresses(self, name: str) -> list[str]:
        return [*self.ask(name, "A"), *self.ask(name, "AAAA")]


def findings(configuration: Configuration, names: Names) -> Iterator[Finding]:
    """All about the hosts and domains that the portal writes from."""
    if configuration.loopback:
        yield well("DNS", "Not needed: the portal is for this computer only.")
        return
    brands = _brands()
    hosts = sorted({configuration.public_host, *(brand.host for brand in brands)})
    writing = {addresses.portal_address(brand).rpartition("@")[2] for brand in brands}
    for check, names_of in (
        (host, hosts),
        (spf, _senders(configuration, {*hosts, *writing})),
        (dmarc, _senders(configuration, {*hosts, *writing})),
    ):
        for name in names_of:
            yield from _sure(name, partial(check, names, name))
    for name in sorted({*hosts, *map(addresses.bounce_domain, brands)}):
        yield from _sure(name, partial(bounces, names, name))
    keys = _signing_keys()
    for domain, selector, public in keys:
        yield from _sure(domain, partial(dkim, names, domain, selector, public))
    if not keys:
        yield unknown(
            "DKIM",
            "Letterlock signs nothing itself, and what your mail server signs is seen only in a mail that has arrived.",
            "Look for DKIM-Signature with your domain in the header of a delivered notice (manage.py doctor --mail).",
        )
    yield from _sure("PTR", partial(pointers, configuration, names))


def host(names: Names, name: str) -> Iterator[Finding]:
    found = names.addresses(name)
    if found:
        yield well(f"{name} A", f"It resolves to {', '.join(found)}.")
    else:
        yield wrong(
            f"{name} A",
            "The name has no address.",
            "No recipient can open a link.",
            f"Add an A or AAAA record for {name} that leads to the TLS proxy.",
        )


def bounces(names: Names, name: str) -> Iterator[Finding]:
    """The portal writes as messages@host, so bounces and answers come to that domain."""
    seen, check = published.exchangers(names.ask, name), f"{name} MX"
    match seen.fault:
        case Fault.TAKES_NO_MAIL:
            yield wrong(
                check,
                "The MX record says that this domain takes no mail (RFC 7505).",
                "Notices come from messages@ this domain; receivers refuse a sender who cannot be answered.",
                f"Point the MX record of {name} to your mail server.",
            )
        case Fault.MISSING:
            yield notice(
                check,
                "There is no MX record.",
                "Notices come from messages@ this domain: bounces go to the web server's port 25 and are lost.",
                f"Add: {name}. IN MX 10 and the name of your mail server.",
            )
        case _:
            servers = sorted(one.split()[-1].rstrip(".") for one in seen.found)
            yield well(check, f"Bounces go to {', '.join(servers)}.")


def spf(names: Names, name: str) -> Iterator[Finding]:
    """Who may send in its name."""
    seen, check = published.spf(names.ask, name), f"{name} SPF"
    match seen.fault:
        case Fault.MISSING:
            yield notice(
                check,
                "There is no SPF record.",
                "Receivers cannot tell your notices from forged ones, and put them aside as spam.",
                f'Add: {name}. IN TXT "v=spf1 mx -all", '
                "with your mail server's addresses if its mail leaves elsewhere.",
            )
        case Fault.SEVERAL:
            yield wrong(
                check,
                f"There are {len(seen.found)} SPF records.",
                "Then none counts: it is an error to receivers (RFC 7208 section 4.5).",
                "Join them in one record that begins with v=spf1.",
            )
        case Fault.ANYONE:
            yield wrong(
                check,
                "It ends with +all: every computer may send in your name.",
                "A record that allows everybody protects nobody.",
                "End it with -all, or with ~all while you try it out.",
            )
        case _:
            yield well(check, seen.found[0])


def dmarc(names: Names, name: str) -> Iterator[Finding]:
    """What receivers are to do with mail that only says it is yours."""
    seen, check = published.dmarc(names.ask, name), f"{name} DMARC"
    match seen.fault:
        case Fault.SEVERAL:
            yield wrong(
                check,
                f"There are {len(seen.found)} DMARC records at {seen.name}.",
                "Then none counts (RFC 7489 section 6.6.3).",
                "Keep one of them.",
            )
        case Fault.LETS_THROUGH:
            yield notice(
                check,
                "The policy is p=none: forged mail is delivered.",
                "Who copies your notices reaches people's inboxes.",
                "When the reports show that your own mail passes, write p=quarantine, later p=reject.",
            )
        case Fault.MISSING:
            yield notice(
                check,
                "There is no DMARC record.",
                "Anybody can write to your recipients as if it were you; large receivers ask for a record.",
                f'Add: {seen.name}. IN TXT "v=DMARC1; p=quarantine; rua=mailto:" '
                "and the address that reads the reports.",
            )
        case _:
            yield well(check, f"At {seen.name}: {seen.found[0]}")


def dkim(names: Names, domain: str, selector: str, public: str) -> Iterator[Finding]:
    """Whether the key that mail is signed with (its public half, base64) is the one that receivers find."""
    seen, check = published.dkim(names.ask, f"{selector}._domainkey.{domain}", public), f"{domain} DKIM"
    why = "Receivers find every signature of yours broken, and trust the mail less than an unsigned one."
    record = f"v=DKIM1; k=rsa; p={public}"
    match seen.fault:
        case Fault.OTHER_KEY:
            fix = f"Replace the TXT record at {seen.name} by: {record}"
            yield wrong(check, f"The key at {seen.name} is another than the one that signs.", why, fix)
        case Fault.MISSING:
            yield wrong(check, f"There is no key at {seen.name}.", why, f'Add: {seen.name}. IN TXT "{record}"')
        case _:
            yield well(check, f"The key at {seen.name} is the one that signs.")


def _signing_keys() -> list[tuple[str, str, str]]:
    """Domain, selector and public half of each key that signs."""
    return list(DkimKey.objects.filter(active=True).values_list("domain", "selector", "public"))


def pointers(configuration: Configuration, names: Names) -> Iterator[Finding]:
    """The name in EHLO and its way back, which receivers ask of those who deliver themselves (RFC 1912 section 2.1)."""
    if configuration.relay_url and urlsplit(configuration.relay_url).scheme != "mx":
        yield well("PTR", "Not needed: your mail server delivers, and its own names count.")
        return
    name = configuration.public_host
    for address in names.addresses(name):
        back = [text.rstrip(".").lower() for text in names.ask(str(dns.reversename.from_address(address)), "PTR")]
        if name in back:
            yield well("PTR", f"{address} is called {name}.")
        else:
            yield wrong(
                "PTR",
                f"{address} is called {', '.join(back) or 'nothing'}, and greets as {name}.",
                "Many receivers refuse mail from a server whose name and address do not agree.",
                f"Ask the address's owner, often the hosting provider, to set the PTR of {address} to {name}.",
            )


def _senders(configuration: Configuration, hosts: Collection[str]) -> list[str]:
    """Domains in From of what leaves: the portal's own, and the organisation's."""
    return sorted({*hosts, *configuration.inside_domains})


def _brands() -> list[Brand]:
    try:
        return list(Brand.objects.all())
    except DatabaseError:
        return []


def _sure(check: str, ask: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from ask()
    except NoAnswer:
        yield unknown(
            f"{check} DNS",
            "no name server answered.",
            "Name one that can be reached in LETTERLOCK_DNS, or mend /etc/resolv.conf.",
        )
