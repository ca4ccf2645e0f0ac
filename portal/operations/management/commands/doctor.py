"""`manage.py doctor`: what is not as it should be, and how to mend it."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from portal.operations.commands import sentences
from portal.operations.doctor import mail
from portal.operations.doctor.examining import Area, examine, worst
from portal.operations.doctor.finding import Finding, State
from portal.values import Address

MARKS = {State.WELL: "well  ", State.NOTICE: "notice", State.WRONG: "WRONG "}


class Command(BaseCommand):
    help = "Look at settings, DNS, TLS, keys, queues, clocks, disk and parts; exit status 0 well, 1 notices, 2 wrong."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
        parser.add_argument("--all", action="store_true", help="show what is well too")
        parser.add_argument(
            "--mail",
            nargs="?",
            const="",
            metavar="ADDRESS",
            help="prove the whole way with a test message instead, to this mailbox or to a reserved address of ours",
        )
        parser.add_argument("--via", type=_place, metavar="HOST:PORT", help="hand the test message to your mail server")
        parser.add_argument("--wait", type=float, default=60, metavar="SECONDS", help="patience with the whole way")

    def handle(self, *args: Any, **options: Any) -> None:
        with sentences():
            if options["mail"] is None:
                areas = examine(settings.LETTERLOCK)
            else:
                hops = mail.prove(settings.LETTERLOCK, options["mail"], options["via"], options["wait"])
                areas = [Area("mail", tuple(hops))]
        state = worst(areas)
        if options["json"]:
            self.stdout.write(json.dumps(as_json(areas, state), indent=2, ensure_ascii=False))
        else:
            self.stdout.write("\n".join(lines(areas, everything=options["all"] or options["mail"] is not None)))
        sys.exit(int(state))


def _place(text: str) -> Address:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ArgumentTypeError(f"“{text}” is not host:port, like 127.0.0.1:25.")
    return Address(host.strip("[]"), int(port))


def as_json(areas: list[Area], state: State) -> dict[str, Any]:
    """For programs: the state of all, and each finding."""
    found = [
        {
            "area": area.name,
            "check": finding.check,
            "state": finding.state.word,
            "seen": finding.seen,
            "why": finding.why,
            "fix": finding.fix,
        }
        for area in areas
        for finding in area.findings
    ]
    return {"state": state.word, "findings": found}


def lines(areas: list[Area], *, everything: bool) -> list[str]:
    """For people: what needs them, with the fix; the rest as one number."""
    said: list[str] = []
    hidden = 0
    for area in areas:
        shown = [finding for finding in area.findings if everything or finding.state is not State.WELL]
        hidden += len(area.findings) - len(shown)
        if shown:
            said += ["", area.name, *(line for finding in shown for line in _lines(finding))]
    if hidden:
        said += ["", f"{hidden} checks are well (--all shows them)."]
    return said[1:] if said and not said[0] else said


def _lines(finding: Finding) -> list[str]:
    first = f"  {MARKS[finding.state]}  {finding.check}: {finding.seen}"
    if finding.state is State.WELL:
        return [first]
    return [first, f"          {finding.why}", f"          Do: {finding.fix}"]
