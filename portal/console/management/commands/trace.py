"""`manage.py trace ID`: what became of a mail."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from portal.operations.commands import sentences
from portal.operations.tracing import Trace, trace


def id_of(text: str) -> UUID:
    """The id as it stands in the door's answer. Raises CommandError."""
    try:
        return UUID(text.strip().strip("<>"))
    except ValueError:
        raise CommandError(
            "An id looks like 019b2f6e-3c1a-7d11-8a50-4f2d9c0a7e31; it is in the door’s answer 250."
        ) from None


class Command(BaseCommand):
    help = "Show state, events, outgoing mails and last error of a mail, by the id in the door's answer 250."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id")
        parser.add_argument("--json", action="store_true", help="For programs: one JSON document.")

    def handle(self, *args: Any, id: str, json: bool, **options: Any) -> None:
        with sentences():
            found = trace(id_of(id))
        if found is None:
            raise CommandError("No mail with this id is known here: look for the line “queued as” in the sender’s log.")
        self.stdout.write(_json(found) if json else "\n".join(_lines(found)))


def _json(found: Trace) -> str:
    return json.dumps(asdict(found), indent=2, ensure_ascii=False, default=_plain)


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _lines(found: Trace) -> list[str]:
    lines = [f"{found.id}  {found.sentence} ({found.state})"]
    if found.last_error:
        lines.append(f"Last error: {found.last_error} (after {_times(found.attempts)})")
    if found.held:
        lines.append(f"Let it try again: manage.py release {found.id}")
    if found.brand:
        until = f"until {timezone.localtime(found.open_until):%Y-%m-%d %H:%M}" if found.open_until else "for ever"
        lines.append(f"Brand {found.brand}, open {until}")
    lines.append("")
    for event in found.events:
        who = f" {event.who}" if event.who else ""
        lines.append(f"{timezone.localtime(event.at):%Y-%m-%d %H:%M:%S}  {event.sentence}{who}")
    readers = [f"{r.address}  {r.role}{_opened(r.first_opened_at)}" for r in found.readers]
    mails = [f"{m.what} to {m.to}  {m.sentence}, {_times(m.attempts)}  {m.last_answer}".rstrip() for m in found.mails]
    for title, rows in (("Readers", readers), ("Mails", mails)):
        if rows:
            lines += ["", title, *(f"  {row}" for row in rows)]
    return lines


def _opened(at: datetime | None) -> str:
    return f", first opened {timezone.localtime(at):%Y-%m-%d %H:%M}" if at else ""


def _times(attempts: int) -> str:
    return f"{attempts} attempt{'' if attempts == 1 else 's'}"
