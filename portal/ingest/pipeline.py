"""From the spool to the vault: one idempotent step per state, each safe to stop anywhere and to run twice.

received ──seal──▶ sealed ──drop──▶ done          the message and its notices are rows; the spool file goes
         ──relay─▶ relaying ──drop──▶ done        the relay took it for every recipient
         ──any───▶ held                           cannot go on by itself; `manage.py trace ID` says why
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from portal import leases, observing
from portal.audit.record import record
from portal.celery import PROCESS, SEND_MAIL, ring
from portal.delivery import bounces
from portal.delivery.models import Outbound
from portal.delivery.queue import enqueue
from portal.ingest import drafting, probes, returning, spool
from portal.ingest.errors import IngestError
from portal.ingest.models import Spooled
from portal.keys.errors import KeyDestroyed, KeysError, WrapRefused
from portal.mime.addresses import domain_of
from portal.mime.dsn import Dsn
from portal.mime.reading import Letter, read
from portal.rules.deciding import decide
from portal.rules.decision import Decision
from portal.rules.errors import BadTrigger
from portal.rules.facts import Facts
from portal.rules.first import RULES
from portal.vault import sealing
from portal.vault.errors import KeyringOlder, VaultError
from portal.vault.models import Message, Reader
from portal.vault.readers import address_of

log = logging.getLogger(__name__)

BATCH = 20
BATCH_SECONDS = 60
STARTS_BEFORE_HELD = 4
_WAIT_FIRST, _WAIT_MOST = timedelta(seconds=2), timedelta(minutes=10)
_LOOK_AGAIN = timedelta(seconds=3)
S = Spooled.State


def process(limit: int = BATCH) -> int:
    """Take what is due one step further; returns how many mails moved."""
    moved, end = 0, time.monotonic() + BATCH_SECONDS
    rows = leases.claim(_due(), limit=limit)
    for number, row in enumerate(rows):
        if time.monotonic() > end:
            leases.give_back(rows[number:])
            break
        with observing.work("pipeline", row.pk, size=row.size, state=row.state):
            moved += _begin(row) and _step(row)
    return moved


def _begin(row: Spooled) -> bool:
    """Take up a claimed mail, counting that before anything is done with it: what a poisonous mail does to this process
    leaves no time to count afterwards. After a few starts without an end it is held, and the others go on."""
    if not leases.renew(row, more_seconds=row.size >> 20, unfinished=F("unfinished") + 1):
        return False
    if row.unfinished >= STARTS_BEFORE_HELD:
        _hold(row, "Processing of this mail was begun several times and never came to an end.")
        return False
    return True


def _due() -> QuerySet[Spooled]:
    return Spooled.objects.filter(state__in=[S.RECEIVED, S.SEALED, S.RELAYING], due_at__lte=timezone.now())


def retry(row: Spooled) -> None:
    """Let a held mail try again, as an administrator asks; who has a relayed mail already gets it once."""
    relayed = Outbound.objects.filter(kind="relay", message=row.pk)
    with transaction.atomic():
        again = S.RELAYING if relayed.exists() else S.RECEIVED
        moved = Spooled.objects.filter(pk=row.pk, state=S.HELD).update(
            state=again, attempts=0, unfinished=0, due_at=timezone.now(), leased_until=None, last_error=""
        )
        if not moved:
            return
        relayed.filter(state=Outbound.State.FAILED).update(
            state=Outbound.State.DUE, attempts=0, due_at=timezone.now(), leased_until=None
        )
        record("message.released", message=row.pk)
    ring(PROCESS)
    ring(SEND_MAIL)


def _step(row: Spooled) -> bool:
    try:
        STEPS[row.state](row)
    except Overtaken:
        return False
    except (WrapRefused, KeyDestroyed) as error:
        _hold(row, _sentence(error))
    except (KeysError, KeyringOlder, OSError, DatabaseError) as error:
        # Nothing is wrong with the mail: a key service, a disk or the database is. It waits for as long as that takes.
        _wait(row, _sentence(error))
    except (IngestError, VaultError, BadTrigger) as error:
        _hold(row, _sentence(error))
    except Exception as error:
        # One poisonous mail must not stop the others, nor be tried for ever. Only the type is kept: the text of a
        # foreign exception may hold what the mail says.
        log.error("mail %s: %s in the pipeline", row.pk, type(error).__name__)
        _wait(row, f"Processing failed with {type(error).__name__}.", unfinished=F("unfinished"))
    else:
        return True
    return False


def _wait(row: Spooled, sentence: str, **changes: object) -> None:
    delay = min(_WAIT_FIRST * 2 ** min(row.attempts, 20), _WAIT_MOST) * random.uniform(0.8, 1.2)  # noqa: S311 jitter
    log.warning("mail %s waits: %s", row.pk, sentence)
    Spooled.objects.filter(pk=row.pk, leased_by=row.leased_by).update(
        attempts=min(row.attempts + 1, 1000),
        due_at=timezone.now() + delay,
        leased_until=None,
        last_error=sentence[:240],
        **{"unfinished": 0, **changes},
    )


def _hold(row: Spooled, sentence: str) -> None:
    log.error("mail %s is held: %s", row.pk, sentence)
    with transaction.atomic():
        Spooled.objects.filter(pk=row.pk).update(state=S.HELD, leased_until=None, last_error=sentence[:240])
        record("message.held", message=row.pk, reason=sentence[:240])


def _sentence(error: BaseException) -> str:
    if isinstance(error, IngestError | KeysError | VaultError | BadTrigger):
        return str(error)
    if isinstance(error, OSError):
        return f"The disk or network failed ({type(error).__name__}, errno {error.errno})."
    return f"The database failed ({type(error).__name__})."


# ---------------------------------------------------------------------------------------------------- received


def _receive(row: Spooled) -> None:
    """Open, parse, decide; then seal or relay in one transaction."""
    opened = spool.open_spooled(row)
    raw = opened.read()
    letter = read(raw)
    envelope = opened.envelope
    if (probe := probes.returned(letter, envelope.recipients)) is not None:
        with transaction.atomic():
            _advance(row, S.RECEIVED, S.SEALED)
            record(probes.RETURNED, message=probe)
        _drop(row)
        return
    if any(bounces.is_one(address) for address in envelope.recipients):
        envelope = _returned(row, envelope, raw)
        if not envelope.recipients:
            return
    seal = returning.passes(raw, envelope)
    decision = Decision("relay", rule="seal") if seal else _decide(letter, envelope, len(raw))
    if decision.action == "refuse":
        raise Refused(decision.text)
    if decision.action == "relay":
        with transaction.atomic():
            _advance(row, S.RECEIVED, S.RELAYING)
            record("message.accepted", message=row.pk, action="relay", rule=decision.rule, size=row.size)
            for address, dsn in envelope.addressed():
                wishes = dsn if dsn != Dsn() else None
                enqueue("relay", address=address, sender=envelope.sender, message=row.pk, dsn=wishes)
            _look_again(row)
        return
    draft = drafting.draft(row, letter, raw, envelope, decision)
    with observing.work("seal", size=row.size):
        sealed = sealing.seal_streams(draft)
        with transaction.atomic():
            _advance(row, S.RECEIVED, S.SEALED)
            record("message.accepted", message=row.pk, action="protect", rule=decision.rule, size=row.size)
            message = sealing.commit(draft, sealed)
            for reader in message.readers.filter(role=Reader.Role.RECIPIENT):
                _tell(message, reader, sealed.share_of(reader))
    _drop(row)


def _returned(row: Spooled, envelope: spool.Envelope, raw: bytes) -> spool.Envelope:
    """Take in what came back to bounce addresses; gives the envelope of those whom it concerns besides."""
    with transaction.atomic():
        taken = bounces.take(envelope.recipients, envelope.sender, raw)
        if taken is None:
            return envelope
        if taken.others:
            asked = dict(envelope.addressed())
            left = (*taken.others, *taken.pass_on)
            return replace(envelope, recipients=left, dsn=tuple(asked.get(address, Dsn()) for address in left))
        _advance(row, S.RECEIVED, S.RELAYING if taken.pass_on else S.SEALED)
        for address in taken.pass_on:
            enqueue("relay", address=address, message=row.pk)
        _look_again(row)
    if not taken.pass_on:
        _drop(row)
    return replace(envelope, recipients=(), dsn=())


def _advance(row: Spooled, old: str, new: str) -> None:
    """Move on only from where this worker found it: a lease that ran out may have given the row to another."""
    if not Spooled.objects.filter(pk=row.pk, state=old, leased_by=row.leased_by).update(state=new, last_error=""):
        raise Overtaken
    row.state = new


def _tell(message: Message, reader: Reader, share: bytes) -> None:
    """A notice to whoever reads here; an answer for our own people goes whole into their mailbox."""
    address = address_of(reader)
    inside = domain_of(address) in settings.LETTERLOCK.inside_domains
    kind = "reply" if message.direction == Message.Direction.IN and inside else "notice"
    enqueue(kind, address=address, message=message.id, reader=reader, share=share)


def _decide(letter: Letter, envelope: spool.Envelope, size: int) -> Decision:
    facts = Facts(
        subject=letter.subject,
        headers=tuple((name.lower(), value) for name, value in letter.headers),
        sender=envelope.sender,
        recipients=envelope.recipients,
        trusted=envelope.trusted,
        inside_domains=settings.LETTERLOCK.inside_domains,
        size=size,
        refers_to_protected=envelope.source == "reply" or drafting.thread_of(letter) is not None,
    )
    return decide(facts, RULES, settings.LETTERLOCK.default_action)


# ------------------------------------------------------------------------------------------ sealed and relaying


def _drop(row: Spooled) -> None:
    """The spool file goes once what it held is safe elsewhere."""
    spool.remove(row)
    Spooled.objects.filter(pk=row.pk).update(state=S.DONE, leased_until=None, last_error="")


def _relayed(row: Spooled) -> None:
    """Drop a relayed mail when it has left for everyone; while one recipient waits or failed, its file stays."""
    states = set(Outbound.objects.filter(kind="relay", message=row.pk).values_list("state", flat=True))
    if states <= {Outbound.State.SENT}:
        _drop(row)
    elif states & {Outbound.State.DUE, Outbound.State.SENDING}:
        _look_again(row)
    else:
        _hold(row, "The relay refused this mail for at least one recipient.")


def _look_again(row: Spooled) -> None:
    Spooled.objects.filter(pk=row.pk).update(due_at=timezone.now() + _LOOK_AGAIN, leased_until=None, unfinished=0)


STEPS: dict[str, Callable[[Spooled], None]] = {S.RECEIVED: _receive, S.SEALED: _drop, S.RELAYING: _relayed}


class Refused(IngestError):
    """A rule refuses the mail."""


class Overtaken(IngestError):
    """Another worker took this mail on; what was done here is undone."""
