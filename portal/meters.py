"""Counters and histograms of what this process does, for /metrics; they cost nothing until switched on.

Every process of a tree writes files of its own into one folder (prometheus-client's multiprocess mode), and whoever is
asked for the figures adds them up. Labels are names from fixed lists: never an address, a domain, an id or a path.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portal.configuration import Configuration

log = logging.getLogger("letterlock.metrics")

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Where prometheus-client looks for the folder, when it is first imported."""
QUICK = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Upper bounds of the histograms' buckets, in seconds: a root key in a file answers in 50 µs, a large mail is sealed in
seconds, and what takes longer than half a minute is broken however long it takes."""


@dataclass(frozen=True)
class Meter:
    """One figure: a counter, or with `seconds` a histogram of durations."""

    name: str
    says: str
    labels: tuple[str, ...] = ()
    seconds: bool = False


METERS = (
    Meter("letterlock_events", "Entries of the record by kind (docs/events.md).", ("kind",)),
    Meter("letterlock_passcodes", "Passcodes by step: asked, sent, confirmed, failed.", ("step",)),
    Meter("letterlock_virus_scans", "Asked of the virus scanner: clean, virus, too_large, away.", ("outcome",)),
    Meter("letterlock_door_sessions", "SMTP sessions begun, by whether the network is listed.", ("listed",)),
    Meter("letterlock_door_replies", "Replies of the door, by class: 2xx, 3xx, 4xx, 5xx.", ("code",)),
    Meter("letterlock_delivery_answers", "Answers to outgoing mail: 2xx, 4xx, 5xx, none.", ("kind", "code")),
    Meter("letterlock_delivery_outcomes", "Tries to send: sent, deferred, bounced, dropped.", ("kind", "outcome")),
    Meter("letterlock_web_requests", "Requests by the view's name and the status.", ("view", "status")),
    Meter("letterlock_probes", "Of livez, readyz and healthz, in no other figure.", ("view", "status")),
    Meter("letterlock_web_seconds", "Time to an answer, without sending its body.", ("view",), seconds=True),
    Meter("letterlock_intake_seconds", "From a mail's first byte to its being durable.", seconds=True),
    Meter("letterlock_read_seconds", "Opening one mail of the spool and reading it.", seconds=True),
    Meter("letterlock_pipeline_seconds", "Deciding on one mail and sealing it, or a later step.", seconds=True),
    Meter("letterlock_seal_seconds", "Sealing what a message holds; not writing its rows.", seconds=True),
    Meter("letterlock_open_seconds", "Opening a message for a reader, to its table of contents.", seconds=True),
    Meter("letterlock_delivery_seconds", "Writing one mail and handing it over.", seconds=True),
    Meter("letterlock_key_provider_seconds", "Calls of the key service, all tries.", ("call",), seconds=True),
    Meter("letterlock_key_provider_errors", "Calls of the key service that failed, by error.", ("call", "error")),
)  # fmt: skip

_made: dict[str, Any] = {}
_on = False


def begin(configuration: Configuration) -> None:
    """Before a tree of processes starts: with LETTERLOCK_METRICS set an empty folder, which all of them write to."""
    if configuration.metrics is None:
        return
    folder = folder_of(configuration)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    switch_on(folder)


def begin_alone(configuration: Configuration) -> None:
    """The same for a part that was started alone; its figures are served by a process beside it."""
    if configuration.metrics is None or os.environ.get("LETTERLOCK_PART"):
        return
    begin(configuration)
    manage = Path(__file__).resolve().parent.parent / "manage.py"
    subprocess.Popen([sys.executable, str(manage), "metrics", "--beside", str(os.getpid())], stdin=subprocess.DEVNULL)


def folder_of(configuration: Configuration) -> Path:
    """Of one tree or part: hosts may share a data folder, and process ids are the same in every container."""
    port = configuration.metrics.port if configuration.metrics else 0
    host = re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname())[:80]
    return configuration.data / "metrics" / f"{host}-{port}"


def switch_on(folder: Path) -> None:
    """From now on this process, and every process that it begins, writes its figures into `folder`."""
    global _on
    os.environ[FOLDER] = str(folder)
    from prometheus_client import CollectorRegistry, Counter, Histogram

    registry = CollectorRegistry(auto_describe=False)  # nobody reads it: the files are read
    for meter in METERS:
        _made[meter.name] = (
            Histogram(meter.name, meter.says, meter.labels, registry=registry, buckets=QUICK)
            if meter.seconds
            else Counter(meter.name, meter.says, meter.labels, registry=registry)
        )
    _on = True


def on() -> bool:
    """Whether anybody wants figures."""
    return _on


def count(name: str, **labels: str) -> None:
    """One more. Never raises: a full disk under the figures must not stop a mail."""
    if _on:
        _tell(name, labels, "inc", 1)


def took(name: str, seconds: float, **labels: str) -> None:
    """One duration more. Never raises."""
    if _on:
        _tell(name, labels, "observe", max(0.0, seconds))


def _tell(name: str, labels: dict[str, str], verb: str, number: float) -> None:
    meter = _made.get(name)  # not every piece of work that is traced is measured
    if meter is None:
        return
    try:
        getattr(meter.labels(**labels) if labels else meter, verb)(number)
    except Exception as error:
        log.warning("A figure was not counted (%s).", type(error).__name__)
