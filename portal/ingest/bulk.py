"""A bulk run: many mails from one body, each taken once however often the body is sent, and durable as it comes.

The run's key belongs to its body. Every item is kept by its number with a keyed hash of its bytes, in the transaction
that makes its mail durable; so a body that was cut is sent again and goes on where it was cut, and another body under
the same key is noticed at the first item that differs.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID, uuid4

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Max, Q
from django.utils import timezone

from portal.audit.record import record
from portal.celery import PROCESS_BULK, ring
from portal.ingest.bulk_errors import KeyRefused, OtherBody, RunBusy, TooManyItems
from portal.ingest.errors import NotTaken, SpoolUnavailable
from portal.ingest.hands import Hands
from portal.ingest.intake import HIDDEN, Admit, Intake, Named
from portal.ingest.models import Item, Run
from portal.ingest.spool import SpoolWriter, commit_all
from portal.inserting import insert
from portal.keys.service import keys

MAX_ITEMS = 1_000_000
GROUP, GROUP_BYTES, GROUP_SECONDS = 100, 8 << 20, 0.5
"""Mails that are made durable together: so many, so large together (they are in memory), waiting so long."""
MOST_KEY_CHARACTERS = 255
_WINDOW = 1000
_LARGE_BYTES = 1 << 20
_LARGE = threading.BoundedSemaphore(2)
"""Items that are in memory whole while they are read, and several times over: so many at once, however many requests
bring them."""


class Offered(Protocol):
    """One item of a body. Its bytes are read once, by `mail` or by `finish`."""

    number: int
    name: str
    size: int
    """Bytes of the mail where they are known beforehand, else 0."""

    def mail(self) -> tuple[Named, Iterable[bytes]]:
        """Who sends it to whom, and the mail in pieces with line ends of mail. Raises NotTaken, also while read."""

    def finish(self) -> bytes:
        """Read what is left of it; the SHA-256 of its bytes as they stood in the body."""


@dataclass(frozen=True)
class Outcome:
    """What became of one item, before it is written."""

    number: int
    name: str
    digest: bytes
    reason: str = ""
    writer: SpoolWriter | None = None

    def __repr__(self) -> str:
        return f"Outcome({self.number})"


def begin(owner: str, key: str) -> Run:
    """The run of this key, new or known, leased to the caller. Raises KeyRefused, RunBusy, and key errors."""
    lookup = _key_lookup(owner, key)
    now = timezone.now()
    try:
        with transaction.atomic():
            run, _ = Run.objects.get_or_create(
                key_lookup=lookup, defaults={"id": uuid4(), "owner": owner, "made_at": now}
            )
    except IntegrityError:  # made by another request in the same moment
        raise RunBusy from None
    holder = secrets.token_hex(16)
    free = Q(leased_until=None) | Q(leased_until__lt=now)
    if not Run.objects.filter(free, pk=run.pk).update(leased_until=_lease_end(), leased_by=holder):
        raise RunBusy
    run.leased_by = holder
    return run


def find(owner: str, key: str) -> Run | None:
    """The run of this key, if there is one. Raises KeyRefused."""
    return Run.objects.filter(key_lookup=_key_lookup(owner, key)).first()


def feed(run: Run, offers: Iterable[Offered], admit: Admit | None = None) -> Run:
    """Take all items of a body that are not taken yet; the run as it stands then. Ends the caller's lease.

    `admit` sees each mail's header block with its envelope, and may raise NotTaken.

    Raises:
        OtherBody, TooManyItems, NotTaken: the body is not this run's, or cannot be read on.
        SpoolUnavailable, RunBusy, key errors, or what reading the body raises: sending it again goes on from here.
    """
    with Hands() as hands:
        taker = _Taker(run, hands, admit)
        try:
            try:
                for offered in offers:
                    taker.take(offered)
            finally:
                taker.flush()  # also when the body was cut: what came whole is kept
            taker.end()
        finally:
            taker.discard()
            Run.objects.filter(pk=run.pk, leased_by=run.leased_by).update(leased_until=None)
    return Run.objects.get(pk=run.pk)


class _Taker:
    def __init__(self, run: Run, hands: Hands, admit: Admit | None) -> None:
        self._admit = admit
        self._run = run
        self._hands = hands
        self._last_known: int = run.items.aggregate(last=Max("number"))["last"] or 0
        self._known: dict[int, bytes] = {}
        self._known_to = 0
        self._last = 0
        self._group: list[Outcome] = []
        self._group_bytes = 0
        self._group_began = 0.0

    def take(self, offered: Offered) -> None:
        number = offered.number
        if number > MAX_ITEMS:
            raise TooManyItems(MAX_ITEMS)
        self._last = number
        known = self._digest_of(number)
        if known is not None:
            if not secrets.compare_digest(known, self._keyed(number, offered.finish())):
                raise OtherBody
            self._keep_lease()
            return
        if self._run.state == Run.State.TAKEN:
            raise OtherBody  # it has more items than the one that was taken
        self._add(_spooled(offered, self._admit), number, offered)

    def end(self) -> None:
        """The body has come whole. Raises OtherBody when the run has more items than it."""
        if self._last < self._last_known:
            raise OtherBody
        if self._run.state == Run.State.TAKEN:
            return
        mine = Run.objects.filter(pk=self._run.pk, state=Run.State.OPEN, leased_by=self._run.leased_by)
        with transaction.atomic():
            if mine.update(state=Run.State.TAKEN, taken_at=timezone.now()):
                found = Run.objects.get(pk=self._run.pk)
                taken, refused = found.accepted, found.refused
                record("bulk.taken", run=str(found.pk), owner=found.owner, accepted=taken, refused=refused)

    def flush(self) -> None:
        """Make the group durable, mails and outcomes in one transaction, and wake the pipeline."""
        group, self._group, self._group_bytes = self._group, [], 0
        if not group:
            return
        writers = [outcome.writer for outcome in group if outcome.writer is not None]

        def beside(good: Sequence[SpoolWriter]) -> None:
            kept = set(good)
            self._write([outcome for outcome in group if outcome.writer is None or outcome.writer in kept])

        if not writers:
            with transaction.atomic():
                beside(())
            return
        for writer in writers:
            writer.bulk = True
        outcomes = commit_all(writers, self._hands.map, beside)
        ring(PROCESS_BULK)
        for outcome in outcomes:
            if isinstance(outcome, SpoolUnavailable):
                raise outcome

    def discard(self) -> None:
        for outcome in self._group:
            if outcome.writer is not None:
                outcome.writer.discard()

    def _add(self, spooled: SpoolWriter | str, number: int, offered: Offered) -> None:
        digest = self._keyed(number, offered.finish())
        if isinstance(spooled, str):
            self._group.append(Outcome(number, offered.name, digest, reason=spooled))
        else:
            self._group.append(Outcome(number, offered.name, digest, writer=spooled))
            self._group_bytes += spooled.size
        now = time.monotonic()
        if len(self._group) == 1:
            self._group_began = now
        if len(self._group) >= GROUP or self._group_bytes >= GROUP_BYTES or now - self._group_began > GROUP_SECONDS:
            self.flush()

    def _write(self, outcomes: Sequence[Outcome]) -> None:
        accepted = sum(outcome.writer is not None for outcome in outcomes)
        held = Run.objects.filter(pk=self._run.pk, leased_by=self._run.leased_by)
        if not held.update(
            accepted=F("accepted") + accepted,
            refused=F("refused") + len(outcomes) - accepted,
            leased_until=_lease_end(),
        ):
            raise RunBusy  # this request was taken for dead, and another feeds the run
        insert(
            Item(
                run=self._run,
                number=outcome.number,
                name=seal_name(self._run.pk, outcome.name),
                digest=outcome.digest,
                spooled=outcome.writer.id if outcome.writer else None,
                reason=outcome.reason[:240],
            )
            for outcome in outcomes
        )

    def _digest_of(self, number: int) -> bytes | None:
        if number > self._last_known:
            return None
        if number > self._known_to:
            self._known_to = number + _WINDOW
            window = self._run.items.filter(number__gte=number, number__lte=self._known_to)
            self._known = {item: bytes(digest) for item, digest in window.values_list("number", "digest")}
        return self._known.get(number)

    def _keyed(self, number: int, digest: bytes) -> bytes:
        # Keyed: a bare hash would let whoever has the database try what a short mail may have said.
        return keys().lookup("bulk-item", f"{self._run.pk}:{number}:{digest.hex()}")

    def _keep_lease(self) -> None:
        now = time.monotonic()
        if now - self._group_began > GROUP_SECONDS:
            self._group_began = now
            Run.objects.filter(pk=self._run.pk, leased_by=self._run.leased_by).update(leased_until=_lease_end())


def room_for(size: int) -> AbstractContextManager[object]:
    """Within it, so many bytes may be in memory whole, several times over."""
    return _LARGE if size > _LARGE_BYTES else nullcontext()


def _spooled(offered: Offered, admit: Admit | None = None) -> SpoolWriter | str:
    """The mail in the spool, not yet durable, or the sentence why not."""
    with room_for(offered.size):
        return _into_spool(offered, admit)


def _into_spool(offered: Offered, admit: Admit | None = None) -> SpoolWriter | str:
    intake = None
    try:
        named, pieces = offered.mail()
        intake = Intake(named.admitted(admit), offered.size, hide=HIDDEN)
        for piece in pieces:
            intake.feed(piece)
        return intake.finish()
    except NotTaken as refused:
        if refused.ends_run:
            raise
        return str(refused)
    finally:
        if intake is not None:
            intake.discard()


def seal_name(run: UUID, name: str) -> bytes:
    return keys().seal_field("bulk-name", run, name.encode("utf-8", "replace")) if name else b""


def name_of(item: Item) -> str:
    """File name of an item; empty for a line."""
    sealed = bytes(item.name)
    return keys().open_field("bulk-name", item.run_id, sealed).decode() if sealed else ""


def _key_lookup(owner: str, key: str) -> bytes:
    if not 0 < len(key) <= MOST_KEY_CHARACTERS or not key.isascii() or not key.isprintable():
        raise KeyRefused(MOST_KEY_CHARACTERS)
    return keys().lookup("bulk-key", f"{owner}\0{key}")


def _lease_end() -> datetime:
    return timezone.now() + timedelta(seconds=settings.LETTERLOCK.lease_seconds)
