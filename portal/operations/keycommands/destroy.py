"""`keys destroy EPOCH`: destroy one generation of an epoch for good, with all that nothing else opens."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.db.models import Exists, OuterRef
from django.utils import timezone

from portal.audit.record import record
from portal.keys.service import keys
from portal.operations.errors import KeysRefused
from portal.operations.terminal import Terminal
from portal.vault.models import Generation, Wrap
from portal.vault.verifying import living

HELP = "Destroy one epoch key for good. Without --yes it only says what would be lost."


def add_arguments(parser: ArgumentParser) -> None:
    """EPOCH, --yes, --with-messages."""
    parser.add_argument("epoch", help="with its generation, like 2026-12-17.0; `keys status --all` lists them")
    parser.add_argument("--yes", action="store_true", help="do it")
    parser.add_argument("--with-messages", action="store_true", help="even though open messages are lost by it")


def run(options: dict[str, Any], terminal: Terminal) -> int:
    """Refuses to take open messages along unless that is said."""
    epoch = options["epoch"]
    if epoch not in keys().epochs():
        raise KeysRefused("The keyring holds no such epoch. See manage.py keys status --all.")
    elsewhere = Wrap.objects.filter(reader=OuterRef("reader"), epoch__epoch__in=keys().epochs())
    only_here = living().filter(epoch__epoch=epoch).exclude(Exists(elsewhere.exclude(epoch__epoch=epoch)))
    lost = only_here.values("epoch__message").distinct().count()
    terminal.say(f"{epoch}: {lost:,} open messages can be opened by nothing else.")
    if not options["yes"]:
        terminal.say("Nothing was changed. Add --yes to do it.")
        return 0
    if lost and not options["with_messages"]:
        raise KeysRefused(
            "Nothing was changed. Add --with-messages to lose them for good, or withdraw them one by one."
        )
    keys().destroy_epoch(epoch)
    Generation.objects.filter(epoch=epoch, destroyed_at=None).update(destroyed_at=timezone.now())
    record("keys.epoch_destroyed", epoch=epoch, messages=lost)
    terminal.say("Destroyed. Backups of the keyring from before still hold it: delete them.")
    return 0
