"""All checks in order, each on its own: one that breaks is a finding too and stops no other."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from django.db import DatabaseError

from portal.configuration import Configuration
from portal.operations.doctor import (
    clock,
    configured,
    disk,
    granting,
    keyring,
    memory,
    names,
    parts,
    passcodes,
    queues,
    transport,
)
from portal.operations.doctor.finding import Finding, State, unknown

log = logging.getLogger(__name__)
Check = Callable[[], Iterable[Finding]]


@dataclass(frozen=True)
class Area:
    """A group of checks under one heading."""

    name: str
    findings: tuple[Finding, ...]


def examine(configuration: Configuration, environment: Mapping[str, str] = os.environ) -> list[Area]:
    """Look at everything; takes some seconds, waits for nothing longer than that and changes nothing."""
    asked = names.Names(configuration.dns)
    areas: dict[str, tuple[Check, ...]] = {
        "settings": (lambda: configured.findings(configuration, environment),),
        "DNS": (lambda: names.findings(configuration, asked),),
        "TLS": (
            lambda: transport.of_pages(configuration),
            lambda: transport.of_relay(configuration),
            lambda: transport.of_door(configuration),
        ),
        "keys": (keyring.service, keyring.ahead, keyring.backups, granting.rows, granting.connectors, granting.renewal),
        "queues": (queues.late, queues.held, queues.refused, passcodes.ceilings),
        "clock": (clock.database, lambda: clock.public(configuration), clock.synchronised),
        "disk": (
            lambda: disk.space(configuration),
            lambda: disk.durable(configuration),
            lambda: disk.permissions(configuration),
        ),
        "memory": (memory.swap, memory.core_files),
        "parts": (
            lambda: parts.door(configuration),
            parts.workers,
            parts.database,
            parts.committed,
            parts.tables,
            parts.needed,
            parts.previews,
            lambda: parts.scanner(configuration),
        ),
    }
    return [Area(name, tuple(all_of(name, checks))) for name, checks in areas.items()]


def worst(areas: Iterable[Area]) -> State:
    """The exit status: 0 well, 1 something to look at, 2 something wrong."""
    return max((finding.state for area in areas for finding in area.findings), default=State.WELL)


def all_of(area: str, checks: Iterable[Check]) -> Iterable[Finding]:
    """What they find; one that breaks is a finding too."""
    database_said = False
    for check in checks:
        try:
            yield from check()
        except DatabaseError:
            # Told once in each area: that the database is away, or has no tables yet, is a finding of its own.
            if not database_said:
                yield unknown(
                    area,
                    "the database gives no answer.",
                    "Mend what is said of the database under “parts” and run manage.py doctor again.",
                )
            database_said = True
        except Exception as error:
            log.error("A check of %s failed with %s.", area, type(error).__name__)
            yield unknown(
                area,
                f"the check itself failed ({type(error).__name__}).",
                "Mend what the other findings name and run manage.py doctor again.",
            )
