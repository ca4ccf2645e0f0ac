"""Drafts: what a form holds, kept for its writer until it is sent."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from uuid import UUID

from portal.mime.names import safe_file_name
from portal.vault import arriving, unsent
from portal.vault.arriving import Coming
from portal.vault.errors import SealBroken
from portal.vault.models import Reader, Unsent
from portal.vault.opening import Opened
from portal.vault.unsent import Kept
from portal.writing.forms import Written

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Saved:
    """A draft after it was saved."""

    row: Unsent
    unseen: bool
    """Whether it went over words of another window that this one had not shown."""


def save(reader: Reader, opened: Opened, kind: str, written: Written) -> Saved | None:
    """Keep what was written with its new files; None when there is nothing to keep.

    Raises:
        BlobsUnavailable, DatabaseError: not all of it is kept.
    """
    if written.is_empty and unsent.of_reader(reader, kind) is None:
        return None
    row, unseen = unsent.save(opened, reader, kind, written.words, written.version)
    for upload in written.uploads:
        kind_ = upload.content_type or "application/octet-stream"
        name = safe_file_name(upload.name or "", kind_)
        unsent.add_file(opened, row, name, kind_, upload.size or 0, upload.chunks())
    return Saved(row, unseen)


def readable(reader: Reader, opened: Opened, kind: str) -> Unsent | None:
    """The reader's draft; None when there is none. A damaged one is deleted: else nobody could get past it to write."""
    row = unsent.of_reader(reader, kind)
    if row is None:
        return None
    try:
        unsent.words_of(opened, row)
        unsent.files_of(opened, row)
    except SealBroken as error:
        log.error("a draft at message %s is damaged and was deleted: %s", reader.message_id, type(error).__name__)
        unsent.drop(row)
        return None
    return row


def files(opened: Opened, row: Unsent | None) -> list[Kept | Coming]:
    """All files of a draft, those on their way among them: what counts against the limits."""
    return [*unsent.files_of(opened, row), *arriving.of_draft(opened, row)]


def remove_file(reader: Reader, kind: str, file: UUID | None) -> None:
    """Take one file out of a reader's draft, on its way or arrived."""
    row = unsent.of_reader(reader, kind)
    if row is not None and file is not None:
        arriving.remove(row, file)


def drop(reader: Reader, kind: str) -> None:
    """Delete a reader's draft, as they ask."""
    row = unsent.of_reader(reader, kind)
    if row is not None:
        unsent.drop(row)


def sent(reader: Reader, opened: Opened, kind: str, written: Written) -> None:
    """What was sent is no draft any more, unless another window has put into it what this one never showed."""
    row = unsent.of_reader(reader, kind)
    if row is None:
        return
    unseen_files = {file.id for file in unsent.files_of(opened, row)} - written.kept
    unseen_words = (
        row.version not in (written.version, unsent.UNWRITTEN) and unsent.words_of(opened, row) != written.words
    )
    if not unseen_files and not unseen_words:
        unsent.drop(row)
