"""From the spool to the vault: one idempotent step per state, each safe to stop anywhere and to run twice.

The states and what leads from one to another are in portal.ingest.states (a picture: docs/pipeline.md).
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import TypeVar

from django.db import DatabaseError, connection, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from branding.errors import BrandForged
from portal import leases, observing
from portal.audit.record import record
from portal.celery import SECONDS_A_MIB
from portal.delivery.models import Outbound
from portal.delivery.queue import enqueue
from portal.ingest import settled, settling, spool, states
from portal.ingest.errors import IngestError, NotEnoughMemory, Overtaken, SpoolUnavailable, VirusFound
from portal.ingest.models import Spooled
from portal.keys.errors import KeyDestroyed, KeysError, WrapRefused
from portal.rules.errors import BadTrigger, RulesError
from portal.rules.live import RulesUnusable
from portal.vault.errors import KeyringOlder, VaultError
from portal.viruses import ScannerAway, ScannerError

log = logging.getLogger(__name__)

BATCH = 60
BATCH_SECONDS, BULK_SECONDS = 60, 5
"""After this long a batch ends and rings again. Bulk soon, for in a worker of all queues others wait behind it."""
GROUP = 60
GROUP_BYTES = 4 << 20
"""Mails that share a transaction: so many, so large together. SQLite's other writers wait for about 50 ms then."""
CACHE_KIB = 4000
STARTS_BEFORE_HELD = 4
_WAIT_FIRST, _WAIT_MOST = timedelta(seconds=2), timedelta(minutes=10)
S = Spooled.State
T = TypeVar("T")


def process(limit: int = BATCH, *, bulk: bool = False) -> int:
    """Take what is due one step further, at most `limit`; returns how many mails were taken up.

    With `bulk` those of bulk runs, else all others.
    """
    _make_room()
    taken, end = 0, time.monotonic() + (BULK_SECONDS if bulk else BATCH_SECONDS)
    for state in states.WORKING:
        rows = leases.claim(_due(state, bulk), limit=limit - taken)
        taken += len(rows)
        groups = _groups(rows)
        for number, group in enumerate(groups):
            if time.monotonic() > end:
                leases.give_back([row for later in groups[number:] for row in later])
                return limit
            _together(group) if len(group) > 1 else _alone(group[0])
        if taken >= limit:
            break
    return taken


def _make_room() -> None:
    """What a group of small mails writes fits into SQLite's memory then; of its usual 2 MB some pages would be written
    to the log before the end of the transaction, read again, and written once more."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA cache_size=-{CACHE_KIB}")


def _due(state: str, bulk: bool) -> QuerySet[Spooled]:
    # `IN`, for Django writes an equal boolean as `NOT bulk`, which SQLite looks up in no index.
    return Spooled.objects.filter(bulk__in=(bulk,), state=state, due_at__lte=timezone.now())


def _groups(rows: Sequence[Spooled]) -> list[list[Spooled]]:
    """What goes into one transaction: small mails, all in one state, none of which was ever left unfinished.

    Whatever ends this process would be counted for all of them; from then on each is taken up alone, so that only the
    one that does it is held.
    """
    groups: list[list[Spooled]] = []
    room = count = 0
    for row in rows:
        if row.unfinished or row.size > room or not count:
            groups.append([])
            room, count = (0, 0) if row.unfinished else (GROUP_BYTES, GROUP)
        groups[-1].append(row)
        room, count = room - row.size, count - 1
    return groups


def _alone(row: Spooled) -> None:
    """Take up a claimed mail, counting that before anything is done with it: what a poisonous mail does to this process
    leaves no time to count afterwards. After a few starts without an end it is held, and the others go on."""
    if not leases.renew(row, more_seconds=SECONDS_A_MIB * (row.size >> 20), unfinished=F("unfinished") + 1):
        return
    if row.unfinished >= STARTS_BEFORE_HELD:
        _guarded(row, partial(_hold, row, "Processing of this mail was begun several times and never came to an end."))
    else:
        _guarded(row, partial(_step, row))


def _together(group: list[Spooled]) -> None:
    """The same for a group; what cannot be done together is done one by one, where each failure has its own mail."""
    if not leases.renew_all(group, unfinished=F("unfinished") + 1):
        return  # who took one over is at work on it; the others come back when their lease ends
    if group[0].state == S.RECEIVED:
        _receive(group)
        return
    for row in group:
        _guarded(row, partial(_step, row))


def _step(row: Spooled) -> None:
    if row.state == S.RECEIVED:
        _finish(settling.ready([settling.opened(row)], _simply))
        return
    with observing.work("pipeline", row.pk, size=row.size, state=row.state):
        _drop([row]) if row.state == S.SEALED else _relayed(row)


def _guarded(row: Spooled, work: Callable[[], T]) -> T | None:
    """One mail's work: whatever goes wrong in it is that mail's, and the others go on."""
    try:
        return _tried(row, work)
    except Overtaken:  # also where it was to be held
        return None


def _tried(row: Spooled, work: Callable[[], T]) -> T | None:
    try:
        with observing.mail(row.pk):
            return work()
    except Overtaken:
        raise
    except (WrapRefused, KeyDestroyed) as error:
        _hold(row, _sentence(error))
    except (KeysError, KeyringOlder, RulesUnusable, ScannerAway, SpoolUnavailable, OSError, DatabaseError) as error:
        # Nothing is wrong with the mail: a key service, a disk or the database is. It waits for as long as that takes.
        _wait(row, _sentence(error))
    except BrandForged as error:
        _wait(row, str(error))
    except VirusFound as found:
        _hold(row, str(found), told=found.told, words=found.words)
    except (IngestError, VaultError, BadTrigger, ScannerError) as error:
        _hold(row, _sentence(error))
    except MemoryError:
        # Beside other mails less was left for it; it is enough to have failed alone.
        alone = row.unfinished > 0
        _hold(row, str(NotEnoughMemory())) if alone else _wait(row, str(NotEnoughMemory()), unfinished=F("unfinished"))
    except Exception as error:
        # One poisonous mail must not stop the others, nor be tried for ever. Only the type is kept: the text of a
        # foreign exception may hold what the mail says.
        log.error("mail %s: %s in the pipeline", row.pk, type(error).__name__)
        _wait(row, f"Processing failed with {type(error).__name__}.", unfinished=F("unfinished"))
    return None


def _wait(row: Spooled, sentence: str, **changes: object) -> None:
    delay = min(_WAIT_FIRST * 2 ** min(row.attempts, 20), _WAIT_MOST) * random.uniform(0.8, 1.2)  # noqa: S311 jitter
    log.warning("mail %s waits: %s", row.pk, sentence)
    attempts = min(row.attempts + 1, 1000)
    states.later(row, delay, **{"attempts": attempts, "last_error": sentence[:240], "unfinished": 0, **changes})


def _hold(row: Spooled, sentence: str, *, told: str = "", words: str = "") -> None:
    """Raises Overtaken."""
    with transaction.atomic():
        states.move(row, "hold", held_at=timezone.now(), last_error=sentence[:240])
        record("message.held", message=row.pk, reason=sentence[:240])
        if told:
            enqueue("refusal", address=told, message=row.pk, words=words)
    log.error("mail %s is held: %s", row.pk, sentence)


def _sentence(error: BaseException) -> str:
    if isinstance(error, IngestError | KeysError | VaultError | RulesError | ScannerError):
        return str(error)
    if isinstance(error, OSError):
        return f"The disk or network failed ({type(error).__name__}, errno {error.errno})."
    return f"The database failed ({type(error).__name__})."


def _receive(group: list[Spooled]) -> None:
    """Open, read, decide and seal each; then write all in one transaction, and remove the files of what is sealed."""
    opened = [one for row in group if (one := _guarded(row, partial(settling.opened, row))) is not None]
    try:
        ready = settling.ready(opened, _guarded)
    except Exception as error:
        # Only what they ask together can fail here; each asks for itself, and what is wrong is that mail's.
        log.warning("%d mails could not be decided on together: %s", len(opened), type(error).__name__)
        for one in opened:
            _guarded(one.row, partial(_step, one.row))
        return
    try:
        _finish(ready)
    except Exception as error:
        # Whatever it was, it may have been one mail's; alone, each has its own outcome.
        log.warning("%d mails could not be written together: %s", len(ready), type(error).__name__)
        for done in ready:
            if done.row.state == S.RECEIVED:
                _guarded(done.row, partial(_finish, [done]))


def _simply(_row: Spooled, work: Callable[[], T]) -> T:
    return work()


def _finish(ready: Sequence[settling.Ready]) -> None:
    if ready:
        settled.write(ready)
    for one in ready:
        if one.row.state in (S.REFUSED, S.DROPPED):
            with suppress(OSError):  # a file that is left is swept: its row is in a final state
                spool.remove(one.row)
    for state in (S.SEALED, S.RELAYING):
        _drop([one.row for one in ready if one.row.state == state and one.is_over])


def _drop(group: Sequence[Spooled]) -> None:
    """The spool file goes once what it held is safe elsewhere."""
    dropped = []
    for row in group:
        try:
            spool.remove(row)
        except OSError as error:
            _wait(row, _sentence(error))
        else:
            dropped.append(row)
    if dropped:
        states.move_all(dropped, "drop")


def _relayed(row: Spooled) -> None:
    """Drop a relayed mail when it has left for everyone; while one recipient waits or failed, its file stays."""
    found = set(Outbound.objects.filter(kind="relay", message=row.pk).values_list("state", flat=True))
    if found <= {Outbound.State.SENT}:
        _drop([row])
    elif found & {Outbound.State.DUE, Outbound.State.SENDING}:
        states.later(row, settled.LOOK_AGAIN, unfinished=0)
    else:
        _hold(row, "The relay refused this mail for at least one recipient.")
