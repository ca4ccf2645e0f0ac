"""A Maildir in place of the outside world: a mail sent twice is there once."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

from portal.delivery.errors import Deferred
from portal.delivery.letters import Prepared
from portal.delivery.wire import pieces
from portal.keys.disk import sync_folder

SUFFIX = ".letterlock"


class Outbox:
    """Delivers into new/ of a Maildir. A file is named by its mail's row; the envelope stands in two headers on top."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def tells(self) -> bool:
        """The demo's outside world asks for no reports."""
        return True

    @property
    def facts(self) -> dict[str, str]:
        return {}

    def open(self) -> None:
        """Make the folders. Deferred when the disk does not take them."""
        try:
            for part in ("tmp", "new", "cur"):
                (self._folder / part).mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Deferred(f"outbox, errno {error.errno}") from None

    def send(self, id_: UUID, mail: Prepared, keep: Callable[[], None]) -> str:
        """Write the mail unless it is there. Deferred when the disk does not take it."""
        name = f"{id_}{SUFFIX}"
        try:
            if self._has(name):
                return "250 2.0.0 again"
            self._write(name, mail, keep)
        except OSError as error:
            raise Deferred(f"outbox, errno {error.errno}") from None
        return "250 2.0.0"

    def close(self) -> None:
        """Nothing is held open between mails."""

    def _has(self, name: str) -> bool:
        # A mail program that has seen it moves it to cur/ and adds flags behind a colon.
        return (self._folder / "new" / name).exists() or any((self._folder / "cur").glob(f"{name}*"))

    def _write(self, name: str, mail: Prepared, keep: Callable[[], None]) -> None:
        temporary = self._folder / "tmp" / f"{name}.{secrets.token_hex(8)}"
        for left_behind in (self._folder / "tmp").glob(f"{name}.*"):
            left_behind.unlink(missing_ok=True)
        try:
            with temporary.open("xb") as file:
                for piece in pieces(_with_envelope(mail)):
                    file.write(piece)
                    keep()
                file.flush()
                os.fsync(file.fileno())
            temporary.rename(self._folder / "new" / name)
        finally:
            temporary.unlink(missing_ok=True)
        sync_folder(self._folder / "new")


def _with_envelope(mail: Prepared) -> Iterator[bytes]:
    yield f"Return-Path: <{mail.envelope_sender}>\r\nDelivered-To: {mail.recipient}\r\n".encode()
    yield from mail.data
