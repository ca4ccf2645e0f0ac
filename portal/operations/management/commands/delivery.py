"""`manage.py delivery queue|retry|report`: what waits to leave, letting it try at once, and how TLS went."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from portal.delivery import results, waiting
from portal.operations.commands import sentences


class Command(BaseCommand):
    help = "Show the mail that waits to leave, let it try again at once, and count how TLS went with each domain."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        chosen = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
        _shown(chosen.add_parser("queue", help="Each domain's waiting mail, its oldest and the last answer."))
        again = chosen.add_parser("retry", help="Try a domain's mail, or one mail, at once; a refused mail as well.")
        again.add_argument("what", metavar="DOMAIN|ID", help="a domain, or an id that manage.py trace --json shows")
        report = chosen.add_parser("report", help="Sessions by day, domain and result, in the words of RFC 8460.")
        report.add_argument("--domain", default="", help="only this domain")
        _shown(report)

    def handle(self, *_: object, **options: Any) -> None:
        with sentences():
            lines = {"queue": _queue, "retry": _retry, "report": _report}[options["verb"]](options)
        for line in lines:
            self.stdout.write(line)


def _shown(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="For programs: one JSON document.")


def _queue(options: dict[str, Any]) -> list[str]:
    found = waiting.by_domain()
    if options["json"]:
        return [json.dumps([asdict(one) for one in found], default=str, indent=2)]
    if not found:
        return ["No mail waits."]
    return [
        f"{one.domain or '(domain not known)'}  {one.mails} waiting, oldest since "
        f"{timezone.localtime(one.oldest):%Y-%m-%d %H:%M}  {one.last_answer}"
        + (f"  rests until {timezone.localtime(one.rests_until):%H:%M:%S}" if one.rests_until else "")
        for one in found
    ]


def _retry(options: dict[str, Any]) -> list[str]:
    number = waiting.retry(options["what"])
    return [f"{number} mail{'' if number == 1 else 's'} will be tried at once."]


def _report(options: dict[str, Any]) -> list[str]:
    found = results.report(options["domain"])
    if options["json"]:
        return [json.dumps([asdict(one) for one in found], default=str, indent=2)]
    if not found:
        return ["No session has been counted yet."]
    return [f"{one.day}  {one.domain or '(relay)'}  {one.policy}  {one.result}  {one.sessions}" for one in found]
