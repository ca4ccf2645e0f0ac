"""`manage.py rights ID`: what readers may do with a message, and changing it after it was sent."""

from __future__ import annotations

from argparse import BooleanOptionalAction
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.console.management.commands.trace import id_of
from portal.lifecycle import granting
from portal.operations.commands import sentences
from portal.vault.models import Message
from portal.vault.rights import Rights
from portal.vault.templates import NAMES


class Command(BaseCommand):
    help = "Show the rights of a message, or change them for one reader or for all, from their next request on: "
    help += "--no-download turns downloading off (docs/rights.md)."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id")
        parser.add_argument("--reader", metavar="ADDRESS", default="", help="Only for this reader.")
        for name in NAMES:
            parser.add_argument(f"--{name.replace('_', '-')}", dest=name, action=BooleanOptionalAction, default=None)

    def handle(self, *args: Any, id: str, reader: str, **options: Any) -> None:
        message, changes = id_of(id), {name: options[name] for name in NAMES if options[name] is not None}
        with sentences():
            if changes:
                number = granting.change_rights(message, changes, address=reader)
                self.stdout.write(
                    f"Changed for {number} reader{'' if number == 1 else 's'}, from their next request on."
                )
            else:
                self._show(Message.objects.filter(pk=message).prefetch_related("readers").first())

    def _show(self, message: Message | None) -> None:
        if message is None:
            raise CommandError("No sealed message with this id is known here.")
        template = f" (template {message.template})" if message.template else ""
        self.stdout.write(f"All readers: {_words(bytes(message.rights))}{template}")
        for reader in message.readers.exclude(rights=None).order_by("number"):
            # Addresses are nobody's business who only has a shell; its number is enough to find a reader by.
            self.stdout.write(f"Reader {reader.number}: {_words(bytes(reader.rights or b''))}")


def _words(stored: bytes) -> str:
    rights = Rights.decode(stored)
    return ", ".join(f"{name.replace('_', '-')} {'on' if getattr(rights, name) else 'off'}" for name in NAMES)
