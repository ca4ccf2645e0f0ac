"""Pages of files as pictures and text: which files have any, and how they are got from the sandbox.

Rendered when asked for, and kept nowhere, but for one thing: what LibreOffice made of an office file. It takes seconds,
so it is made in the background and kept for some minutes in this process's memory, sealed under the message's own key:
whoever may not open the message cannot open it (docs/previews.md).
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Condition, Lock
from uuid import UUID

from portal.ids import new_id
from portal.reading import sandbox
from portal.reading.rendering import office, wire
from portal.reading.rendering.wire import Answer, Asked
from portal.vault.errors import VaultError
from portal.vault.models import Reader
from portal.vault.opening import Opened
from portal.vault.sources import Bytes
from portal.vault.stream import Context
from portal.vault.toc import File

log = logging.getLogger(__name__)
KINDS = {
    "pdf": ("pdf",),
    "picture": ("png", "jpg", "jpeg", "jpe", "jfif", "gif", "webp", "tif", "tiff", "bmp"),
    "text": ("txt", "text", "log", "md"),
    "table": ("csv", "tsv"),
    "office": ("doc", "docx", "xls", "xlsx", "ppt", "pptx", "odt", "ods", "odp", "rtf"),
}
_BY_SUFFIX = {suffix: kind for kind, suffixes in KINDS.items() for suffix in suffixes}
_BY_TYPE = {
    "application/pdf": "pdf", "image/png": "picture", "image/jpeg": "picture", "image/gif": "picture",
    "image/webp": "picture", "image/tiff": "picture", "image/bmp": "picture", "text/plain": "text", "text/csv": "table",
}  # fmt: skip
"""For a file whose name has no ending that is known; of office files the ending alone tells which they are."""
OFFICE_PAGES = office.MOST_PAGES
LARGEST = 32 * 1024 * 1024
"""Bytes of a file; twice that is in memory while it is rendered."""
AT_ONCE = 2
"""Sandboxes of one process."""
MOST_WAITING, MOST_OF_ONE = 12, 6
"""Of this process's 32 threads, so many may wait for a sandbox, and so many of them for one reader."""
WAIT_SECONDS = 20.0
CONVERSIONS = 3
"""Office files that wait or are made, of different readers: one at a time."""
KEPT_SECONDS, KEPT_BYTES = 600.0, 64 * 1024 * 1024
SOON_SECONDS = 2.5
"""A page that shows an office file waits so long before it says that it is being prepared."""


class Busy(Exception):
    """Not now: it is being made, or others are waiting. Asking again in some seconds helps."""


def kind_of(file: File) -> str:
    """One of KINDS, or "" for a file that has no preview, here or anywhere."""
    suffix = file.name.rpartition(".")[2].lower() if "." in file.name else ""
    return _BY_SUFFIX.get(suffix) or _BY_TYPE.get(file.content_type, "")


def too_large(file: File) -> bool:
    """Whether it would have a preview if it were smaller."""
    return file.size > LARGEST and kind_of(file) != ""


def offered(file: File) -> bool:
    """Whether this host can show it; it may still turn out to be damaged, or locked with a password."""
    kind = kind_of(file)
    if not kind or not 0 < file.size <= LARGEST:
        return False
    return sandbox.office_available() if kind == "office" else sandbox.available()


def render(
    reader: Reader, opened: Opened, file: File, want: str, *, page: int = 1, mark: str = "", kind: str = "",
    seconds: float = sandbox.OFFICE_SECONDS,
) -> Answer:  # fmt: skip
    """Ask for pages, a picture or a text of a file (portal.reading.rendering.wire).

    `kind` is for a file whose name and type do not tell; `seconds` is how long an office file is waited for.

    Raises:
        Busy: later.
        VaultError: the file's sealed bytes are damaged, or not there.
    """
    kind = kind or kind_of(file)
    if file.size > LARGEST:
        return Answer(wire.LARGE)
    if not kind or file.size == 0 or not sandbox.available():
        return Answer(wire.FAILED)
    if kind != "office":
        with _places.one_for(reader.pk):
            return _checked(sandbox.run(Asked(kind, want, page, mark), opened.chunks(file)))
    made = _office.made(reader, opened, file, seconds)
    if made.state != wire.OK:
        return made
    with _places.one_for(reader.pk):
        return _checked(sandbox.run(Asked("pdf", want, page, mark), [made.data]))


def _checked(answer: Answer) -> Answer:
    """Nothing but a picture goes on as one, whatever the sandbox says."""
    if answer.data and not (answer.data.startswith(wire.PICTURE) and answer.data[8:12] == b"WEBP"):
        return Answer(wire.FAILED, answer.pages)
    return answer


class _Places:
    """Who may start a sandbox now: AT_ONCE in all, and one of them for each reader."""

    def __init__(self) -> None:
        self._change = Condition()
        self._held: set[UUID] = set()
        self._waiting: list[UUID] = []

    @contextmanager
    def one_for(self, reader: UUID) -> Iterator[None]:
        """Wait for a place. Busy when there is none within WAIT_SECONDS, or too many wait already."""
        with self._change:
            if len(self._waiting) >= MOST_WAITING or self._waiting.count(reader) >= MOST_OF_ONE:
                raise Busy
            self._waiting.append(reader)
            try:
                if not self._change.wait_for(lambda: self._free(reader), WAIT_SECONDS):
                    raise Busy
                self._held.add(reader)
            finally:
                self._waiting.remove(reader)
        try:
            yield
        finally:
            with self._change:
                self._held.discard(reader)
                self._change.notify_all()

    def _free(self, reader: UUID) -> bool:
        return reader not in self._held and len(self._held) < AT_ONCE


@dataclass(frozen=True)
class _Kept:
    """What LibreOffice made, sealed; of a file that it could not read, the state alone."""

    id: UUID
    state: str
    sealed: bytes = field(repr=False)
    until: float


Key = tuple[UUID, str, bytes]


class _Office:
    """Office files as PDF, made one after the other."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()
        self._running: dict[Key, tuple[UUID, Future[None]]] = {}
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="office")

    def made(self, reader: Reader, opened: Opened, file: File, seconds: float) -> Answer:
        """The file as PDF. Busy when it is not ready in `seconds`, or cannot be begun yet."""
        key = (opened.message.id, file.stream, file.sha256)
        if found := self._find(key, opened):
            return found
        if not sandbox.office_available():
            return Answer(wire.FAILED)
        running = self._start(key, reader, opened, file)
        try:
            running.result(seconds)
        except NotYet:
            raise Busy from None
        return self._find(key, opened) or Answer(wire.FAILED)

    def _find(self, key: Key, opened: Opened) -> Answer | None:
        with self._lock:
            self._forget_old()
            kept = self._kept.get(key)
        if kept is None or kept.state != wire.OK:
            return Answer(kept.state) if kept else None
        try:
            stream = opened.opener_beside(Context(kept.id, "preview"), Bytes(kept.sealed))
            return Answer.decode(stream.read(0, stream.size))
        except (VaultError, wire.Garbled):
            return None  # made from another message that was posted under the same id

    def _start(self, key: Key, reader: Reader, opened: Opened, file: File) -> Future[None]:
        with self._lock:
            if key in self._running:
                return self._running[key][1]
            if len(self._running) >= CONVERSIONS or reader.pk in [who for who, _ in self._running.values()]:
                raise Busy
            # Room is taken before the file is read, so that not many are in memory at once.
            future: Future[None] = Future()
            self._running[key] = reader.pk, future
        try:
            # Here and not in the pool: the database is asked for it, and the request's connection is this thread's.
            data = b"".join(opened.chunks(file))
        except BaseException:
            self._end(key, future)
            raise
        self._pool.submit(self._make, key, future, opened, file.name.rpartition(".")[2].lower(), data)
        return future

    def _make(self, key: Key, future: Future[None], opened: Opened, suffix: str, data: bytes) -> None:
        try:
            answer = sandbox.run(Asked("office", wire.PDF, suffix=suffix), [data])
            if answer.state == wire.OK and not answer.data.startswith(b"%PDF"):
                answer = Answer(wire.FAILED)
            kept = self._sealed(opened, answer)
            with self._lock:
                self._kept[key] = kept
                self._forget_old()
        except Exception as error:  # the page says that it cannot be previewed
            log.error("message %s: a preview was not made: %s", opened.message.id, type(error).__name__)
        finally:
            self._end(key, future)

    def _sealed(self, opened: Opened, answer: Answer) -> _Kept:
        id_, until = new_id(), time.monotonic() + KEPT_SECONDS
        if answer.state != wire.OK:
            return _Kept(id_, answer.state, b"", until)
        plain = answer.encode()
        sealer = opened.sealer_beside(Context(id_, "preview"), len(plain))
        sealed = b"".join((sealer.header, sealer.update(plain), sealer.finish()))
        return _Kept(id_, answer.state, sealed, until)

    def _end(self, key: Key, future: Future[None]) -> None:
        with self._lock:
            self._running.pop(key, None)
        future.set_result(None)

    def _forget_old(self) -> None:
        now = time.monotonic()
        while self._kept:
            first = next(iter(self._kept))
            size = sum(len(kept.sealed) for kept in self._kept.values())
            if self._kept[first].until > now and (size <= KEPT_BYTES or len(self._kept) == 1):
                return
            del self._kept[first]


_places = _Places()
_office = _Office()
