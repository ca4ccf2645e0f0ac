"""Settings that are allowed and yet seldom meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import fields

from portal.configuration import Configuration
from portal.operations.doctor.finding import Finding, notice, well, wrong

_NOT_SETTINGS = frozenset({"PART"})
_FILE = "_FILE"


def findings(configuration: Configuration, environment: Mapping[str, str]) -> Iterator[Finding]:
    """What the start does not refuse."""
    yield from unknown_names(environment)
    yield from who_may_hand_in(configuration)
    yield from whose_domains(configuration)
    yield from way_out(configuration)
    yield from figures(configuration)


def unknown_names(environment: Mapping[str, str]) -> Iterator[Finding]:
    known = {field.name.upper() for field in fields(Configuration)} | _NOT_SETTINGS
    known |= {name + _FILE for name in known}
    given = {name.removeprefix("LETTERLOCK_") for name in environment if name.startswith("LETTERLOCK_")}
    strange = sorted(given - known)
    for name in strange:
        near = difflib.get_close_matches(name, known, 1)
        meant = f"Write LETTERLOCK_{near[0]} instead" if near else "Take it away"
        yield notice(
            f"LETTERLOCK_{name}",
            "There is no setting of this name, so it has no effect.",
            "Somebody thinks that it has one.",
            f"{meant}; docs/settings.md lists all names.",
        )
    if not strange:
        yield well("names", "Every LETTERLOCK_ name in the environment is a setting.")


def who_may_hand_in(configuration: Configuration) -> Iterator[Finding]:
    check = "LETTERLOCK_NETWORKS"
    all_of_it = [network for network in configuration.networks if network.prefixlen == 0]
    wide = [
        network
        for network in configuration.networks
        if not network.is_private and network.prefixlen < (16 if network.version == 4 else 48)
    ]
    if all_of_it:
        yield wrong(
            check,
            f"It lists {all_of_it[0]}: every computer of the Internet.",
            "Anybody may send mail in your organisation's name and use the portal as an open relay.",
            "List your mail servers only, like LETTERLOCK_NETWORKS=192.0.2.25.",
        )
    elif wide:
        yield notice(
            check,
            f"It lists {wide[0]}, a large public network.",
            "Every computer in it may send mail in your organisation's name.",
            "List your mail servers only, like LETTERLOCK_NETWORKS=192.0.2.25.",
        )
    else:
        yield well(check, f"Mail is taken from {', '.join(map(str, configuration.networks))}.")


def whose_domains(configuration: Configuration) -> Iterator[Finding]:
    if configuration.inside_domains:
        yield well("LETTERLOCK_INSIDE_DOMAINS", f"Yours: {', '.join(configuration.inside_domains)}.")
    else:
        yield notice(
            "LETTERLOCK_INSIDE_DOMAINS",
            "It is not set.",
            "Answers to your own people reach them as notices instead of ordinary mail.",
            "Name your mail domains, like LETTERLOCK_INSIDE_DOMAINS=example.org.",
        )


def way_out(configuration: Configuration) -> Iterator[Finding]:
    if configuration.relay_url:
        yield well("LETTERLOCK_RELAY_URL", "Outgoing mail is handed to your mail server.")
    else:
        yield well(
            "LETTERLOCK_RELAY_URL", f"Not needed here: outgoing mail lands in the folder {configuration.outbox}."
        )


def figures(configuration: Configuration) -> Iterator[Finding]:
    address = configuration.metrics
    if address is None:
        yield well("LETTERLOCK_METRICS", "No figures are served.")
    elif address.host in ("0.0.0.0", "::"):  # noqa: S104 # compared, not listened on
        yield notice(
            "LETTERLOCK_METRICS",
            f"The figures are served on every address of this machine ({address}).",
            "They tell strangers how much mail there is and what is slow.",
            "Name an inside address, or keep the port to your Prometheus by a firewall.",
        )
    else:
        yield well("LETTERLOCK_METRICS", f"Figures are served on {address}.")
