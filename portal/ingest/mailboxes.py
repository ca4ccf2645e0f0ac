"""The few addresses at the portal's own name that mail may come to; what comes to others would go round in a circle."""

from __future__ import annotations

from django.conf import settings

from portal.delivery import verp
from portal.ingest import probes
from portal.ingest.errors import NobodyHere
from portal.mime.addresses import normalise
from portal.values import is_loopback

_MUST_EXIST = ("postmaster", "abuse")
"""RFC 5321 section 4.5.1, RFC 2142: at every name that takes mail."""


def reader_of(address: str) -> str:
    """Who gets a mail to this address: almost always the address itself. Raises NobodyHere.

    A mail server hands over what is for the portal's name. Relayed, it would be handed over again, until it has made
    three rounds. So what has no reader here is refused, and `postmaster` and `abuse` are the organisation's own, as is
    `postmaster` without a domain (docs/decisions/0014). Not where that name is a domain in which people have
    mailboxes, nor on a single computer.
    """
    configuration = settings.LETTERLOCK
    if address.lower() == _MUST_EXIST[0]:
        return _at_the_organisation(address.lower())
    local, _, domain = normalise(address).rpartition("@")
    names = {configuration.public_host, configuration.bounce_domain} - {""} - set(configuration.inside_domains)
    if domain not in names or is_loopback(domain):
        return address
    if local in _MUST_EXIST:
        return _at_the_organisation(local)
    # By their whole form: what only begins like one is relayed as any other mail, and would come round again.
    if not verp.domain_of_form(address) and not probes.has_form(local):
        raise NobodyHere
    return address


def _at_the_organisation(local: str) -> str:
    domains = settings.LETTERLOCK.inside_domains
    if not domains:
        raise NobodyHere
    return f"{local}@{domains[0]}"
