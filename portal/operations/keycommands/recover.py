"""`keys recover`: the message codes of a split message in escrow, with the recovery key's private half."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from branding.choosing import origin
from portal.audit.record import record
from portal.ids import id_of
from portal.keys import split
from portal.keys.recovery import RecoveryPrivate
from portal.mime.errors import BadAddress
from portal.operations.errors import KeysRefused
from portal.operations.terminal import Terminal
from portal.vault import readers
from portal.vault.errors import NoEscrow
from portal.vault.escrow import Escrowed, read, readers_in_escrow, written
from portal.vault.models import Message, Reader

HELP = (
    "Give the message codes of a split message that is in escrow. ID --write FILE on the portal's machine, then "
    "FILE --key PRIVATE on the one that has the private half; or ID --key PRIVATE where both are at hand."
)
_LARGEST_FILE = 64 * 1024 * 1024


def add_arguments(parser: ArgumentParser) -> None:
    """ID or FILE, and what to do with it."""
    parser.add_argument("what", metavar="ID|FILE", help="id of a message, or a file that --write wrote")
    parser.add_argument("--reader", metavar="ADDRESS", help="only this reader of the message")
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("--key", type=Path, metavar="PRIVATE", help="the recovery key's private half: prints the codes")
    how.add_argument("--write", type=Path, metavar="FILE", help="a new file to carry to where the private half is")


def run(options: dict[str, Any], terminal: Terminal) -> int:
    """Codes go to the terminal and nowhere else. A file is opened without database and keyring."""
    message = id_of(options["what"])
    if message is None:
        return _offline(options, terminal)
    found = _readers(message, options["reader"])
    if options["write"]:
        return _write(found, options["write"], terminal)
    private = RecoveryPrivate.load(options["key"])
    for reader in found:
        code = split.code_of(Escrowed.of(reader).open(private))
        record("message.share_recovered", message=reader.message_id, reader=reader.id)
        terminal.say(readers.address_of(reader))
        terminal.say(f"  Link: {origin(reader.message.brand)}/m/{readers.link_of(reader)}#{code}")
        terminal.say(f"  Message code: {split.grouped(code)}")
    terminal.say("Give each to its reader alone, over a way that you trust: who has it still needs the passcode.")
    return 0


def _offline(options: dict[str, Any], terminal: Terminal) -> int:
    if options["write"] or options["reader"]:
        raise KeysRefused("No message has this id. Name the id of the door’s answer 250, or a file with --key alone.")
    path = Path(options["what"])
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise NoEscrow
        text = path.read_text("utf-8", "replace")
    except OSError as error:
        raise KeysRefused(f"{path} is no message id, and as a file it cannot be read ({error.strerror}).") from None
    private = RecoveryPrivate.load(options["key"])
    for one in read(text):
        terminal.say(f"{one.reader}  Message code: {split.grouped(split.code_of(one.open(private)))}")
    return 0


def _write(found: Sequence[Reader], path: Path, terminal: Terminal) -> int:
    text = written([Escrowed.of(reader) for reader in found])
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w") as file:
            file.write(text)
    except OSError as error:
        raise KeysRefused(f"{path} cannot be written ({error.strerror}). Name a new file.") from None
    for reader in found:
        record("message.escrow_written", message=reader.message_id, reader=reader.id)
        terminal.say(f"{reader.id}  {readers.address_of(reader)}")
    terminal.say(f"Carry {path} to the private half: `manage.py keys recover FILE --key PRIVATE` gives the codes.")
    return 0


def _readers(id_: UUID, address: str | None) -> list[Reader]:
    message = Message.objects.filter(pk=id_).first()
    if message is None:
        raise KeysRefused("No message with this id is stored here. The id is in the door’s answer 250.")
    found = readers_in_escrow(message)
    if address is None:
        return found
    try:
        lookup = readers.address_lookup(address)
    except BadAddress:
        raise NoEscrow from None
    mine = [reader for reader in found if bytes(reader.address_lookup) == lookup]
    if not mine:
        raise NoEscrow
    return mine
