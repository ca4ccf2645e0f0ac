"""The few addresses at the portal's own name that mail may come to; what comes to others would go round in a circle."""

from __future__ import annotations

from django.conf import settings

from portal.delivery import bounces
from portal.ingest import probes
from portal.ingest.errors import NobodyHere
from portal.mime.addresses import normalise
from portal.values import is_loopback

_MUST_EXIST = ("postmaster", "abuse")
"""RFC 5321 section 4.5.1, RFC 2142: for whoever the mail server in front gives them to."""


def refuse_nobodys(address: str) -> None:
    """Raises NobodyHere for an address at the portal's own name that is no bounce address and no doctor's.

    A mail server hands over what is for the portal's name. Relayed, it would be handed over again, until it has made
    three rounds. Not where that name is a domain in which people have mailboxes, nor on a single computer.
    """
    configuration = settings.LETTERLOCK
    local, _, domain = normalise(address).rpartition("@")
    names = {configuration.public_host, configuration.bounce_domain} - {""} - set(configuration.inside_domains)
    if domain not in names or is_loopback(domain):
        return
    # By their whole form: what only begins like one is relayed as any other mail, and would come round again.
    if not bounces.domain_of_form(address) and not probes.has_form(local) and local not in _MUST_EXIST:
        raise NobodyHere
