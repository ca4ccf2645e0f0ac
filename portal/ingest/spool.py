"""Taking mail into the spool: sealed to the day's door key while it arrives, and durable before anyone says 250.

Order of writes: file and fsync, rename, fsync of the folder, row, then the file's mark, then 250. So a row always has
its file, and a file without row and mark was never answered (portal.ingest.sweeping). In a bucket: object, then row.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from django.db import Error as DatabaseFailure
from django.db import transaction
from django.utils import timezone

from portal import inserting, observing
from portal.celery import PROCESS, PROCESS_BULK, ring
from portal.ids import new_id
from portal.ingest import spoolbucket, spoolfolder
from portal.ingest.errors import IngestError, SpoolMissing, SpoolUnavailable
from portal.ingest.models import Spooled
from portal.ingest.spares import PART
from portal.ingest.spoolfile import STREAM, Envelope, OpenedSpool, head
from portal.ingest.spoolfolder import SpoolFile, folder, sweeping_stopped
from portal.keys.disk import sync_folder
from portal.keys.door import DoorPublic
from portal.keys.errors import KeysError
from portal.keys.service import keys
from portal.vault.behind import Write, write_whole
from portal.vault.blobstore import Store
from portal.vault.stream import Context, Sealer, chunk_log2_for

__all__ = ["Envelope", "OpenedSpool", "SpoolWriter", "commit_all", "open_spooled", "remove"]

FLUSH_BYTES = 128 * 1024
"""Sealed bytes up to this wait in memory, so that a small mail is one write."""
KEY_SECONDS = 2.0
"""How long the door key's public half is remembered; reading it from its file took as long as sealing to it."""
T = TypeVar("T")
R = TypeVar("R")


@lru_cache(maxsize=2)
def _door_public(today: date, _period: int) -> DoorPublic:
    return keys().door_public(today)


class SpoolWriter:
    """One mail on its way in. Holds the door key's public half and nothing that could open the file again once the key
    of its stream, which lives in memory only, is gone. Safe to discard from another thread than the one that writes."""

    @classmethod
    def begin(cls, envelope: Envelope, expected_size: int = 0) -> SpoolWriter:
        """`expected_size` in bytes chooses the chunk size; 0 when unknown. Raises SpoolUnavailable."""
        try:
            public = _door_public(datetime.now(UTC).date(), int(time.monotonic() / KEY_SECONDS))
            target = folder()
        except KeysError:
            raise SpoolUnavailable("there is no door key for today") from None
        except OSError as error:
            raise _unavailable(error) from None
        return cls(envelope, expected_size, target, public)

    def __init__(self, envelope: Envelope, expected_size: int, target: Path, public: DoorPublic) -> None:
        self.id = new_id()
        self.began_ns = time.time_ns()
        self.size = 0
        self.recipients = len(envelope.recipients)
        self.bulk = False
        """Whether it belongs to a bulk run; set before it is committed."""
        self.door_key = public.key_id
        self.path = target / str(self.id)
        self._part = target / f"{self.id}{PART}"
        self._bucket = spoolbucket.bucket()
        self._lock = threading.Lock()
        self._descriptor = -1
        self._done = False
        stream_key = os.urandom(32)
        self._sealer = Sealer(stream_key, Context(self.id, STREAM), chunk_log2_for(expected_size))
        encoded = envelope.encode()
        self._waiting = [head(public, stream_key, self.id), self._sealer.header]
        self._waiting_bytes = 0
        self._keep(self._sealer.update(len(encoded).to_bytes(4, "big") + encoded))

    def __repr__(self) -> str:
        return f"SpoolWriter({self.id})"

    def write(self, chunk: bytes | memoryview) -> None:
        """Seal the mail's next bytes. Raises SpoolUnavailable; then nothing of the mail is kept."""
        with self._lock:
            if self._done:
                raise ValueError("the mail is committed or discarded")
            self.size += len(chunk)
            self._keep(self._sealer.update(chunk))
            if self._waiting_bytes >= FLUSH_BYTES:
                self._flush()

    def commit(self) -> UUID:
        """Make file and row durable, the row in the caller's transaction if there is one, and wake the pipeline.

        Raises SpoolUnavailable; then nothing of the mail is kept.
        """
        (outcome,) = commit_all([self])
        if isinstance(outcome, SpoolUnavailable):
            raise outcome
        # Rung within a caller's transaction, nobody would see the row yet.
        transaction.on_commit(partial(ring, PROCESS_BULK if self.bulk else PROCESS))
        return outcome

    def discard(self) -> None:
        """Leave nothing behind. Does nothing when the mail is committed, being committed, or discarded already."""
        with self._lock:
            if not self._done:
                self._drop()

    def complete(self) -> None:
        """The first step of a commit: nothing more comes, and a file is on its way to the disk."""
        with self._lock:
            if self._done:
                raise ValueError("the mail is committed or discarded")
            self._keep(self._sealer.finish())
            if self._bucket is None:
                self._flush()
                self._begin_writing()
            self._done = True

    def make_durable(self) -> None:
        """The second step: all of it is on the disk, the file under its passing name, or in the bucket."""
        try:
            if self._bucket is not None:
                self._upload(self._bucket)
            else:
                os.fsync(self._descriptor)
                self._close()
        except OSError as error:
            self._drop()
            raise _unavailable(error) from None

    def publish(self) -> None:
        """The third step: the file gets its name; durable when the folder is."""
        if self._bucket is None:
            self._part.rename(self.path)

    @property
    def to_mark(self) -> Path | None:
        """The file that is marked as the last step before 250: one that bears the mark and has no row lost it later."""
        return self.path if self._bucket is None else None

    def withdraw(self) -> None:
        """Undo all steps."""
        if self._bucket is not None:
            with suppress(OSError):
                self._bucket.delete(self.id)
        for path in (self._part, self.path):
            with suppress(OSError):
                path.unlink()

    def row(self, now: datetime) -> Spooled:
        return Spooled(
            id=self.id,
            bulk=self.bulk,
            door_key=self.door_key,
            size=self.size,
            recipients=self.recipients,
            received_at=now,
            due_at=now,
        )

    def _keep(self, sealed: bytes) -> None:
        if sealed:
            self._waiting.append(sealed)
            self._waiting_bytes += len(sealed)

    def _flush(self) -> None:
        try:
            if self._descriptor < 0:
                self._descriptor = spoolfolder.spares().open_new(self._part)
            _write_all(self._descriptor, self._waiting)
        except OSError as error:
            self._drop()
            raise _unavailable(error) from None
        self._waiting, self._waiting_bytes = [], 0

    def _begin_writing(self) -> None:
        try:
            spoolfolder.begin_writing(self._descriptor)
        except OSError as error:
            self._drop()
            raise _unavailable(error) from None

    def _upload(self, bucket: Store) -> None:
        """What was too much for memory lies sealed in this host's folder; the rest was never on a disk of ours."""

        def fill(write: Write) -> None:
            if self._descriptor >= 0:
                with self._part.open("rb", buffering=0) as file:
                    while piece := file.read(FLUSH_BYTES):
                        write_whole(write, memoryview(piece))
            for piece in self._waiting:
                write_whole(write, memoryview(piece))

        spoolbucket.put(bucket, self.id, fill)
        self._waiting = []
        if self._descriptor >= 0:
            self._close()
            self._part.unlink(missing_ok=True)

    def _drop(self) -> None:
        self._done = True
        self._waiting = []
        if self._descriptor >= 0:
            with suppress(OSError):
                self._close()
        with suppress(OSError):
            self._part.unlink()

    def _close(self) -> None:
        # Once: also where closing fails the number is given out again, to another mail's file perhaps (close(2)).
        descriptor, self._descriptor = self._descriptor, -1
        os.close(descriptor)


def commit_all(
    writers: Sequence[SpoolWriter],
    each: Callable[[Callable[[T], R], Iterable[T]], Iterable[R]] = map,
    beside: Callable[[Sequence[SpoolWriter]], None] = lambda _: None,
) -> list[UUID | SpoolUnavailable]:
    """Make several mails durable with one fsync of the folder and one transaction; an outcome for each, in order.

    `each` is `map`, or that of a pool of threads, so that the fsyncs of several files share the disk's journal.
    `beside` writes what else belongs to those that are on the disk into the transaction; an IngestError of it undoes
    the mails, and is raised again.
    """
    completed = [_completed(writer) for writer in writers]  # all on their way to the disk before one is waited for
    # Of one type at each call, which the type of an argument cannot say.
    outcomes: list[UUID | SpoolUnavailable] = list(each(_durable, completed))  # type: ignore[arg-type]
    good = [writer for writer, outcome in zip(writers, outcomes, strict=True) if isinstance(outcome, UUID)]
    if not good:
        return outcomes
    committing = False
    try:
        with sweeping_stopped():
            publish(good)
            with transaction.atomic():
                insert_rows(good)
                beside(good)
                # Paths, not writers: within a caller's transaction this waits, and writers hold what they sealed.
                transaction.on_commit(partial(_mark, [path for writer in good if (path := writer.to_mark)]))
                committing = True
    except IngestError:
        for writer in good:
            writer.withdraw()
        raise
    except (OSError, DatabaseFailure) as error:
        # A commit that fails may have happened all the same: the database says so only when it is back. Its files stay,
        # for a row without its file would be a lost mail; the sweeper takes them when there is no row.
        if not committing:
            for writer in good:
                writer.withdraw()
        failure = _unavailable(error) if isinstance(error, OSError) else SpoolUnavailable("the database takes no rows")
        return [failure if isinstance(outcome, UUID) else outcome for outcome in outcomes]
    observing.accepted([(writer.id, writer.size, writer.began_ns) for writer in good])
    return outcomes


def _completed(writer: SpoolWriter) -> SpoolWriter | SpoolUnavailable:
    try:
        writer.complete()
    except SpoolUnavailable as failure:
        return failure
    return writer


def _durable(completed: SpoolWriter | SpoolUnavailable) -> UUID | SpoolUnavailable:
    if isinstance(completed, SpoolUnavailable):
        return completed
    try:
        completed.make_durable()
    except SpoolUnavailable as failure:
        return failure
    return completed.id


def publish(writers: Sequence[SpoolWriter]) -> None:
    """Name the finished files and make the names durable."""
    for writer in writers:
        writer.publish()
    if spoolbucket.bucket() is None:
        for target in {writer.path.parent for writer in writers}:
            sync_folder(target)


def _mark(paths: Sequence[Path]) -> None:
    for path in paths:
        spoolfolder.mark(path)


def insert_rows(writers: Sequence[SpoolWriter]) -> None:
    """One row for each file, in the caller's transaction."""
    now = timezone.now()
    inserting.insert([writer.row(now) for writer in writers])


def open_spooled(row: Spooled) -> OpenedSpool:
    """Needs the door key's private half.

    Raises:
        SpoolMissing, SpoolDamaged, portal.vault.errors.VaultError: the file is gone or not as it was written.
        portal.keys.errors.KeysError: the key cannot be had; ProviderUnavailable when it may be had later.
        OSError: the folder cannot be read just now.
    """
    if bucket := spoolbucket.bucket():
        return OpenedSpool(row.id, spoolbucket.source(bucket, row.id))
    try:
        return OpenedSpool(row.id, SpoolFile(folder() / str(row.id)))
    except FileNotFoundError:
        raise SpoolMissing from None


def remove(row: Spooled) -> None:
    """Take a mail's file or object away once what it holds is safe elsewhere. Safe to do twice.

    Raises OSError when the folder or bucket does not let it go just now.
    """
    if bucket := spoolbucket.bucket():
        bucket.delete(row.id)
    else:
        spoolfolder.remove(row.id)


def _write_all(descriptor: int, pieces: Sequence[bytes]) -> None:
    data = memoryview(pieces[0] if len(pieces) == 1 else b"".join(pieces))
    while data:
        data = data[os.write(descriptor, data) :]


def _unavailable(error: OSError) -> SpoolUnavailable:
    # strerror is a fixed text of the system; str(error) would name the path.
    return SpoolUnavailable(os.strerror(error.errno) if error.errno else "the spool folder failed")
