"""Where mail may go when a stranger's DNS names the place: to the public internet, and into no network of ours."""

from __future__ import annotations

import ipaddress

from django.conf import settings

from portal.networks import carried, is_own, is_public


def is_reachable(address: str) -> bool:
    """Whether a stranger's name may lead there. A server of our own network trusts whoever is in it, and would be
    brought what the stranger chose; one with our own address would bring it back to us.

    What LETTERLOCK_MX_NETWORKS names is reachable all the same, and on a portal for this computer alone its loopback.
    """
    try:
        found = carried(ipaddress.ip_address(address))
    except ValueError:
        return False
    if any(found in network for network in settings.LETTERLOCK.mx_networks):
        return True
    if settings.LETTERLOCK.loopback and found.is_loopback:
        return True
    return is_public(address) and not is_own(address)
