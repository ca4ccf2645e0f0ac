"""From the spool to the vault: one idempotent step per state, each safe to stop anywhere and to run twice.

The states and what leads from one to another are in portal.ingest.states (a picture: docs/pipeline.md).
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, partial
from typing import TypeVar

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from branding import choosing
from branding.models import Brand
from portal import leases, observing
from portal.audit.record import Event, record, record_each
from portal.celery import SECONDS_A_MIB
from portal.delivery.models import Outbound
from portal.delivery.queue import Asked, enqueue_all
from portal.ingest import drafting, isolation, returning, spool, states
from portal.ingest.errors import IngestError, NotEnoughMemory, Overtaken
from portal.ingest.models import Spooled
from portal.keys.errors import KeyDestroyed, KeysError, WrapRefused
from portal.mime.addresses import domain_of
from portal.mime.fields import decode_words, stray_fields
from portal.mime.reading import Letter, read
from portal.rules.deciding import decide
from portal.rules.decision import Decision
from portal.rules.errors import BadTrigger
from portal.rules.facts import Facts
from portal.rules.first import RULES
from portal.vault import sealing
from portal.vault.errors import KeyringOlder, VaultError
from portal.vault.models import Message, Reader

log = logging.getLogger(__name__)

BATCH = 40
BATCH_SECONDS, BULK_SECONDS = 60, 5
"""After this long a batch ends and rings again. Bulk soon, for in a worker of all queues others wait behind it."""
GROUP = 20
GROUP_BYTES = 4 << 20
"""Mails that share a transaction: so many, so large together. SQLite's other writers wait for about 30 ms then."""
STARTS_BEFORE_HELD = 4
_WAIT_FIRST, _WAIT_MOST = timedelta(seconds=2), timedelta(minutes=10)
_LOOK_AGAIN = timedelta(seconds=3)
S = Spooled.State
T = TypeVar("T")


def process(limit: int = BATCH, *, bulk: bool = False) -> int:
    """Take what is due one step further, at most `limit`; returns how many mails were taken up.

    With `bulk` those of bulk runs, else all others.
    """
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
        _guarded(row, partial(_step, [row]))


def _together(group: list[Spooled]) -> None:
    """The same for a group; what cannot be done together is done one by one, where each failure has its own mail."""
    if not leases.renew_all(group, unfinished=F("unfinished") + 1):
        return  # who took one over is at work on it; the others come back when their lease ends
    if group[0].state == S.RECEIVED:
        _receive(group)
        return
    for row in group:
        _guarded(row, partial(_step, [row]))


def _step(group: list[Spooled]) -> None:
    if group[0].state == S.RECEIVED:
        _receive(group)
    elif group[0].state == S.SEALED:
        _drop(group)
    else:
        _relayed(group[0])


def _guarded(row: Spooled, work: Callable[[], T]) -> T | None:
    """One mail's work: whatever goes wrong in it is that mail's, and the others go on."""
    try:
        with observing.work("pipeline", row.pk, size=row.size, state=row.state):
            return work()
    except Overtaken:
        pass
    except (WrapRefused, KeyDestroyed) as error:
        _hold(row, _sentence(error))
    except (KeysError, KeyringOlder, OSError, DatabaseError) as error:
        # Nothing is wrong with the mail: a key service, a disk or the database is. It waits for as long as that takes.
        _wait(row, _sentence(error))
    except (IngestError, VaultError, BadTrigger) as error:
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


def _hold(row: Spooled, sentence: str) -> None:
    log.error("mail %s is held: %s", row.pk, sentence)
    with transaction.atomic():
        states.move(row, "hold", held_at=timezone.now(), last_error=sentence[:240])
        record("message.held", message=row.pk, reason=sentence[:240])


def _sentence(error: BaseException) -> str:
    if isinstance(error, IngestError | KeysError | VaultError | BadTrigger):
        return str(error)
    if isinstance(error, OSError):
        return f"The disk or network failed ({type(error).__name__}, errno {error.errno})."
    return f"The database failed ({type(error).__name__})."


# ---------------------------------------------------------------------------------------------------- received


@dataclass(frozen=True)
class Ready:
    """A mail that was opened, read and decided on, and is sealed if it is to be; nothing of it is written yet."""

    row: Spooled
    decision: Decision
    envelope: spool.Envelope
    draft: sealing.Draft | None
    sealed: sealing.Sealed | None

    def __repr__(self) -> str:
        return f"Ready({self.row.pk})"


def _receive(group: list[Spooled]) -> None:
    """Open, parse, decide and seal each; then write all in one transaction, and remove the files of what is sealed."""
    brand_of = cache(choosing.of_domain)  # the mails of one group are mostly of one sender
    if len(group) == 1:
        _finish([_ready(group[0], brand_of)])
        return
    ready = [one for row in group if (one := _guarded(row, partial(_ready, row, brand_of))) is not None]
    try:
        _finish(ready)
    except Exception as error:
        # Whatever it was, it may have been one mail's; alone, each has its own outcome.
        log.warning("%d mails could not be written together: %s", len(ready), type(error).__name__)
        for one in ready:
            if one.row.state == S.RECEIVED:
                _guarded(one.row, partial(_finish, [one]))


def _finish(ready: Sequence[Ready]) -> None:
    _write(ready)
    _drop([one.row for one in ready if one.row.state == S.SEALED])
    # A bounce that was taken in, say: there is nobody to wait for.
    _drop([one.row for one in ready if one.row.state == S.RELAYING and not one.envelope.recipients])


def _ready(row: Spooled, brand_of: Callable[[str], Brand]) -> Ready:
    """Read and seal, outside any transaction. Raises whatever is wrong with the mail, its rules or the keys."""
    opened = spool.open_spooled(row)
    with isolation.bounded(row.size):
        raw = opened.read()
        letter = read(raw)
        envelope, passes = returning.look(raw, letter, opened.envelope)
        if passes:
            return Ready(row, Decision("relay", rule=passes), envelope, None, None)
        answered = drafting.answered(letter, envelope)
        decision = _decide(letter, envelope, raw, answered)
        if decision.action == "refuse":
            raise Refused(decision.text)
        if decision.action == "relay":
            return Ready(row, decision, envelope, None, None)
        draft = drafting.draft(row, letter, raw, envelope, decision, answered, brand_of)
        with observing.work("seal", size=row.size):
            sealed = sealing.seal_streams(draft)
        return Ready(row, decision, envelope, draft, sealed)


def _write(group: Sequence[Ready]) -> None:
    """The states, messages, wraps, notices and the record of a group, all or none."""
    protected = [one for one in group if one.draft is not None]
    relayed = [one for one in group if one.draft is None]
    before = {one.row.pk: one.row.state for one in group}
    try:
        with transaction.atomic():
            if protected:
                states.move_all([one.row for one in protected], "seal")
            if relayed:
                states.move_all([one.row for one in relayed], "relay")
            record_each(_accepted(one) for one in group)
            _protect(protected)
            _relay(relayed)
    except BaseException:
        for one in group:
            one.row.state = before[one.row.pk]
        raise


def _accepted(one: Ready) -> Event:
    action = "relay" if one.draft is None else "protect"
    return Event(
        "message.accepted", one.row.pk, facts={"action": action, "rule": one.decision.rule, "size": one.row.size}
    )


def _protect(group: Sequence[Ready]) -> None:
    drafts = [(one.draft, one.sealed) for one in group if one.draft is not None and one.sealed is not None]
    if not drafts:
        return
    made = sealing.commit_all(drafts)
    asked = []
    for one, (draft, sealed), (message, readers) in zip(group, drafts, made, strict=True):
        for (address, role), reader in zip(draft.readers, readers, strict=True):
            if role == Reader.Role.RECIPIENT:
                asked.append(_told(message, reader, address, sealed.share_of(reader), one.row.bulk))
    enqueue_all(asked)


def _told(message: Message, reader: Reader, address: str, share: bytes, bulk: bool) -> Asked:
    """A notice to whoever reads here; an answer for our own people goes whole into their mailbox."""
    inside = domain_of(address) in settings.LETTERLOCK.inside_domains
    kind = "reply" if message.direction == Message.Direction.IN and inside else "notice"
    return Asked(kind, address, message.id, reader, share=share, bulk=bulk)


def _relay(group: Sequence[Ready]) -> None:
    enqueue_all(
        [
            Asked("relay", address, one.row.pk, sender=one.envelope.sender, bulk=one.row.bulk, dsn=dsn)
            for one in group
            for address, dsn in one.envelope.addressed()
        ]
    )
    for one in group:
        if one.envelope.recipients:
            states.later(one.row, _LOOK_AGAIN, unfinished=0)


def _decide(letter: Letter, envelope: spool.Envelope, raw: bytes, answered: Message | None) -> Decision:
    stray = [(name, decode_words(value)) for name, value in stray_fields(raw)]
    facts = Facts(
        subject=letter.subject,
        headers=tuple((name.lower(), value) for name, value in (*letter.headers, *stray)),
        sender=envelope.sender,
        recipients=envelope.recipients,
        trusted=envelope.trusted,
        inside_domains=settings.LETTERLOCK.inside_domains,
        size=len(raw),
        refers_to_protected=envelope.source == "reply" or answered is not None,
    )
    return decide(facts, RULES, settings.LETTERLOCK.default_action)


# ------------------------------------------------------------------------------------------ sealed and relaying


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
        states.later(row, _LOOK_AGAIN, unfinished=0)
    else:
        _hold(row, "The relay refused this mail for at least one recipient.")


class Refused(IngestError):
    """A rule refuses the mail."""
