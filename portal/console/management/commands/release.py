"""`manage.py release ID`: let a held mail try again."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.celery import PROCESS, ring
from portal.console.management.commands.trace import id_of
from portal.ingest import pipeline
from portal.ingest.models import Spooled
from portal.operations.commands import sentences


class Command(BaseCommand):
    help = "Let a held mail try again, once what held it is mended (see manage.py trace ID)."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id")

    def handle(self, *args: Any, id: str, **options: Any) -> None:
        with sentences():
            row = Spooled.objects.filter(pk=id_of(id)).first()
            if row is None:
                raise CommandError("No mail with this id is known here, or it is sealed and gone from the spool.")
            if row.state != Spooled.State.HELD:
                raise CommandError(f"This mail is not held, it is {row.state}. There is nothing to release.")
            pipeline.retry(row)
            ring(PROCESS)
        self.stdout.write("It tries again now. See how it goes: manage.py trace " + str(row.id))
