"""TLS as others see it: of the pages, of the relay and of the door."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from urllib.parse import urlsplit

from django.utils import timezone

from portal.configuration import Configuration
from portal.operations import certificates
from portal.operations.certificates import Seen
from portal.operations.doctor.finding import Finding, notice, well, wrong
from portal.operations.health import reachable
from portal.values import is_loopback

SOON, VERY_SOON = 21, 7
"""Days. Certificates of 90 days are renewed 30 days before their end: what is younger than that was not renewed."""
Blame = Callable[[str, str, str, str], Finding]


def of_pages(configuration: Configuration) -> Iterator[Finding]:
    check = "certificate of the pages"
    if not configuration.https:
        yield well(check, "Not needed: the portal is for this computer only.")
        return
    try:
        seen = certificates.of_pages(configuration)
    except OSError as error:
        yield wrong(
            check,
            f"Nothing answers with TLS at {configuration.public_url} ({type(error).__name__}).",
            "No recipient can open a link.",
            "Start the TLS proxy and let its port through; LETTERLOCK_PUBLIC_URL must be what it serves.",
        )
        return
    yield _judged(check, seen, timezone.now(), "Browsers refuse to open the page.", wrong)


def of_relay(configuration: Configuration) -> Iterator[Finding]:
    check = "TLS to the relay"
    relay = urlsplit(configuration.relay_url)
    if not relay.hostname:
        yield well(check, "Not needed: there is no relay.")
        return
    try:
        if relay.scheme == "smtps":
            seen: Seen | None = certificates.of_tls(relay.hostname, relay.port or 465)
        else:
            seen = certificates.of_mail(relay.hostname, relay.port or 25, relay.hostname)
    except OSError as error:
        yield wrong(
            check,
            f"The relay {relay.hostname} does not answer ({type(error).__name__}).",
            "No notice and no passcode can leave; they wait here.",
            "Start it, mend LETTERLOCK_RELAY_URL, or open the firewall between the two.",
        )
        return
    if seen is not None:
        why = "Notices go there over a way that somebody else may listen on."
        yield _judged(check, seen, timezone.now(), why, notice)
    elif is_loopback(relay.hostname):
        yield well(check, "Not needed: the relay is on this computer.")
    else:
        yield notice(
            check,
            "The relay offers no STARTTLS.",
            "Links and passcodes go there in clear.",
            "Turn it on at the relay; in Postfix: smtpd_tls_security_level = may, with a certificate.",
        )


def of_door(configuration: Configuration) -> Iterator[Finding]:
    check = "TLS of the door"
    address = configuration.smtp
    try:
        seen = certificates.of_mail(reachable(address.host), address.port, configuration.public_host)
    except OSError as error:
        yield wrong(
            check,
            f"The door on {address} does not answer ({type(error).__name__}).",
            "No mail can come in; it waits at your mail server.",
            "Start it: manage.py door, or manage.py up for all parts.",
        )
        return
    if seen is not None:
        yield _judged(check, seen, timezone.now(), "Mail servers that verify it hand nothing over.", notice)
    elif address.loopback:
        yield well(check, "Not needed: the door listens on this computer only.")
    else:
        yield notice(
            check,
            "The door offers no STARTTLS.",
            "Mail reaches it in clear over the network.",
            "Give it a certificate (docs/settings.md), or let it listen on 127.0.0.1 with the mail server beside it.",
        )


def _judged(check: str, seen: Seen, now: datetime, why: str, blame: Blame) -> Finding:
    days = (seen.ends_at - now).days
    renew = "Renew it, and see why that did not happen by itself."
    if days < 0:
        return wrong(check, f"It ended on {seen.ends_at:%Y-%m-%d}.", why, renew)
    if seen.trouble:
        fix = "Install the whole chain of a certificate for this name, or for a name inside, one of your own authority."
        return blame(check, f"It is not accepted: {seen.trouble}.", why, fix)
    if days < VERY_SOON:
        return wrong(check, f"It ends in {days} days, on {seen.ends_at:%Y-%m-%d}.", why, renew)
    if days < SOON:
        return notice(check, f"It ends in {days} days, on {seen.ends_at:%Y-%m-%d}.", why, renew)
    return well(check, f"It is valid until {seen.ends_at:%Y-%m-%d}.")
