"""`keys rotate [--epoch E] | --root`: new epoch generations, or a new root key; nothing that is sealed is touched."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.utils import timezone

from portal.audit.record import record
from portal.keys.provider import LocalFile, Renewable
from portal.keys.providers.several import Several
from portal.keys.renewing import renew_root, under_older
from portal.keys.service import configured, keys
from portal.operations.errors import KeysRefused
from portal.operations.keycopies import write_backup
from portal.operations.terminal import Pace, Terminal
from portal.vault import rotating
from portal.vault.models import Wrap

HELP = "Make new keys and move what is wrapped under the old ones. Without --yes it only says what would be done."


def add_arguments(parser: ArgumentParser) -> None:
    """--root or --epoch, --yes, --rate, and a backup of the keyring before anything rests on its new keys."""
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--root", action="store_true", help="renew the root key and seal the whole keyring under it")
    what.add_argument("--epoch", metavar="E", help="only this epoch, like 2026-12-17, forever or hold")
    parser.add_argument("--yes", action="store_true", help="do it")
    parser.add_argument("--rate", type=float, metavar="N", help="at most N wraps a second")
    parser.add_argument("--backup", type=Path, metavar="FILE", help="write a backup of the keyring with the new keys")
    parser.add_argument("--recovery", type=Path, metavar="PUBLIC", help="the recovery key's public half, for --backup")
    parser.add_argument("--without-backup", action="store_true", help="go on without a backup of the new keys")


def run(options: dict[str, Any], terminal: Terminal) -> int:
    """Safe to interrupt and to run again: what was begun is finished first."""
    return _root(options, terminal) if options["root"] else _generations(options, terminal)


def _root(options: dict[str, Any], terminal: Terminal) -> int:
    provider, keyring, _ = configured()
    if isinstance(provider, Several):
        raise KeysRefused("The keyring is being moved to another root key. Finish that first: manage.py keys move.")
    names = keyring.names()
    left = under_older(provider, keyring) if isinstance(provider, Renewable) and provider.renewing() else names
    terminal.say(f"The {provider.describe()} is renewed: {len(left)} of {len(names)} objects are to be sealed anew.")
    if not options["yes"]:
        return _only_said(terminal)
    pace = Pace(options["rate"])
    with terminal.bar("Sealing", len(left)) as bar:

        def step() -> None:
            bar.step()
            pace.step(1)

        destroyed = renew_root(provider, keyring, step)
    record("keys.root_renewed", objects=bar.done)
    if destroyed:
        terminal.say("Done. The old root key is overwritten.")
    else:
        terminal.say("Done. Now destroy the root key's older versions in the key service; nothing needs them any more.")
    if isinstance(provider, LocalFile):
        terminal.say("Back up the new root key file now, apart from everything else. Destroy the old one's backups:")
        terminal.say("while one exists, it opens old copies of the keyring, with what has been destroyed since.")
    return 0


def _generations(options: dict[str, Any], terminal: Terminal) -> int:
    begun = rotating.unfinished()
    epochs = begun or _chosen(options["epoch"])
    count = (
        rotating.outstanding().count()
        if begun
        else Wrap.objects.filter(epoch__epoch__in=epochs, epoch__message__destroying_at=None).count()
    )
    terminal.say("A rotation was begun before and is finished now." if begun else "A new rotation.")
    terminal.say(f"{_number(len(epochs), 'epoch')} with {_number(count, 'wrap')} to move: {_list(epochs)}.")
    if not options["yes"]:
        return _only_said(terminal)
    if not epochs:
        return 0
    if not options["without_backup"] and not (options["backup"] and options["recovery"]):
        raise KeysRefused(
            "New keys are in use at once, and no backup of the keyring holds them yet. Add --backup FILE --recovery "
            "PUBLIC to write one between, or --without-backup where the keyring is copied all the time."
        )
    if not begun:
        rotating.begin(epochs, timezone.now())
    rotating.make()
    if not options["without_backup"]:
        write_backup(options["backup"], options["recovery"])
        terminal.say(f"Backup of the keyring with its new keys: {options['backup']}.")
    pace = Pace(options["rate"])
    with terminal.bar("Moving wraps", count) as bar:

        def step(looked_at: int) -> None:
            bar.step(looked_at)
            pace.step(looked_at)

        # A slow pace in small batches: a batch holds its messages' rows for as long as it takes.
        batch = min(rotating.BATCH, max(1, int(options["rate"]))) if options["rate"] else rotating.BATCH
        moved = rotating.move(step, batch)
    rotating.finish(epochs, moved)
    terminal.say(f"{_number(moved.moved, 'wrap')} moved. The old keys stay for older backups of the database.")
    if moved.dead:
        terminal.say(f"{_number(moved.dead, 'wrap')} passed over: what they open is destroyed.")
    if moved.damaged:
        terminal.say(f"{_number(moved.damaged, 'wrap')} are damaged and stay as they are; see manage.py keys verify.")
    return 1 if moved.damaged else 0


def _chosen(epoch: str | None) -> list[str]:
    """The newest generation of the epoch that was asked for, or of all that are in use."""
    if epoch is None:
        return rotating.used_epochs()
    base = rotating.base_of(epoch) if "." in epoch else epoch
    name = keys().current(base)
    if name not in keys().epochs():
        raise KeysRefused("The keyring holds no such epoch. See manage.py keys status.")
    return [name]


def _only_said(terminal: Terminal) -> int:
    terminal.say("Nothing was changed. Add --yes to do it.")
    return 0


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _list(names: list[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "") if names else "none"
