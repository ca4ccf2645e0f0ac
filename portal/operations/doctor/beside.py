"""What only the health page shows beside the doctor's checks: reports asked for in DNS, restore, version."""

from __future__ import annotations

import platform
from collections.abc import Iterator

from django.utils import timezone

from portal.audit.models import Entry
from portal.configuration import Configuration
from portal.operations.doctor.finding import Finding, notice, unknown, well
from portal.operations.doctor.names import Names, NoAnswer
from portal.operations.release import VERSION

RESTORED = "keys.restored"
TEST_DAYS = 180


def policies(configuration: Configuration, names: Names) -> Iterator[Finding]:
    """MTA-STS (RFC 8461) and TLS reports (RFC 8460) of the portal's own mail domain."""
    if configuration.loopback:
        yield well("MTA-STS and TLS-RPT", "Not needed: the portal is for this computer only.")
        return
    domain = configuration.bounce_domain or configuration.public_host
    for name, place, start, why in (
        ("MTA-STS", f"_mta-sts.{domain}", "v=stsv1", "Without it, others may hand bounces and answers over in clear."),
        ("TLS-RPT", f"_smtp._tls.{domain}", "v=tlsrptv1", "Without it, nobody tells you when TLS to your door fails."),
    ):
        check = f"{domain} {name}"
        try:
            found = [text for text in names.ask(place, "TXT") if text.lower().replace(" ", "").startswith(start)]
        except NoAnswer:
            yield unknown(check, f"no name server answered for {place}.", "See that DNS works on this host.")
            continue
        if found:
            yield well(check, f"At {place}: {found[0]}")
        else:
            yield notice(check, f"There is no record at {place}.", why, f"Publish one at {place} when mail works well.")


def restored() -> Iterator[Finding]:
    """Whether a backup of the keyring was ever seen to work."""
    last = Entry.objects.filter(kind=RESTORED).order_by("-id").values_list("at", flat=True).first()
    why, fix = "A backup that was never restored may be none.", "Restore it on a spare host; docs/backup-restore.md."
    if last is None:
        yield notice("restore test", "No restore of a keyring is in this portal's record.", why, fix)
    elif (timezone.now() - last).days > TEST_DAYS:
        yield notice("restore test", f"The last restore was on {last:%Y-%m-%d}.", why, fix)
    else:
        yield well("restore test", f"The last restore was on {last:%Y-%m-%d}.")


def version() -> Iterator[Finding]:
    """What runs. Nothing here calls out, so whether there is a newer version is not known."""
    yield well(
        "version",
        f"Letterlock {VERSION} on Python {platform.python_version()}. Security updates are not looked for from here: "
        "watch the project's releases.",
    )
