"""One attempt at one mail: begun and written at the desk, handed over, and what is to be noted of it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from django.db import transaction

from branding.errors import BrandForged
from portal.delivery import refusing, signing
from portal.delivery.ahead import Ahead
from portal.delivery.errors import Deferred, LeaseLost, Refused
from portal.delivery.letters import Prepared, prepare
from portal.delivery.models import Outbound
from portal.delivery.outcomes import (
    WAIT_FOR_KEYS,
    Lease,
    Outcome,
    again,
    again_or_give_up,
    back_off,
    dropped,
    failed,
    overtaken,
    sent,
)
from portal.delivery.queue import dsn_of
from portal.delivery.transport import Transport
from portal.keys.errors import KeyDestroyed, KeysError, WrapRefused
from portal.mime.dsn import Dsn
from portal.vault.errors import BlobsUnavailable, VaultError

log = logging.getLogger("portal.delivery.sending")

K = Outbound.Kind
Note = Callable[[], None]
"""Notes how one mail went; again is no harm."""
Written = Callable[[], Prepared | None]
"""Gives the mail, or None when it is no longer wanted; raises why it cannot be written or sent."""
_OURS = Dsn(notify="FAILURE,DELAY", returned="HDRS")
"""For what the portal writes itself: nobody need be told that it arrived, nor get the link of a notice back."""


def noted(note: Note) -> None:
    """At the desk: note how a mail went, all of it or nothing."""
    with transaction.atomic():
        note()


def noted_and_begun(note: Note, row: Outbound, lease: Lease, trouble: Deferred | Refused | None) -> Written | None:
    """At the desk, in one visit and one commit: note how the mail before went, and as `begun`."""
    with transaction.atomic():
        note()
        begun = lease.begin()
    return _prepared(row, trouble) if begun else None


def begun(row: Outbound, lease: Lease, trouble: Deferred | Refused | None) -> Written | None:
    """At the desk, in one visit: note that the mail is being sent, and write it. None when another has it by now."""
    return _prepared(row, trouble) if lease.begin() else None


def _prepared(row: Outbound, trouble: Deferred | Refused | None) -> Written:
    try:
        if trouble:
            raise trouble
        mail = _written(row)
    except Exception as error:
        return partial(_raise, error)
    return lambda: mail


def _raise(error: Exception) -> Prepared | None:
    raise error


def attempt(row: Outbound, keep: Callable[[], None], way: Transport, written: Written) -> tuple[Outcome, str]:
    """Hand the mail over; gives what is to be noted. With the way closed that is known already."""
    try:
        mail = written()
        if mail is None:
            return dropped, ""
        answer = way.send(row.id, mail, keep)
        return partial(sent, answer=answer, told=way.tells, way=way.facts), ""
    except LeaseLost:
        return overtaken, ""
    except Refused as error:
        return partial(failed, answer=error.answer), ""
    except Deferred as error:
        return partial(again_or_give_up, answer=error.answer), error.answer
    except KeyDestroyed:
        # Withdrawn or closed meanwhile, on purpose: nothing of it may leave any more.
        return partial(dropped, answer="key destroyed"), ""
    except BlobsUnavailable as error:
        log.warning("mail %s waits: %s", row.id, error)
        return partial(again, answer="waits for storage", wait=min(back_off(row), WAIT_FOR_KEYS)), ""
    except (VaultError, WrapRefused) as error:
        log.error("mail %s cannot be written: %s", row.id, error)
        return partial(failed, answer="damaged"), ""
    except BrandForged as error:
        # No link leaves that leads where somebody wrote: the mail waits until a person has looked.
        log.error("mail %s waits: %s", row.id, error)
        return partial(again, answer="waits for its brand", wait=min(back_off(row), WAIT_FOR_KEYS)), ""
    except KeysError as error:
        # Nothing is wrong with the mail: it waits for the keys as long as that takes.
        log.warning("mail %s waits: %s", row.id, error)
        return partial(again, answer="waits for keys", wait=min(back_off(row), WAIT_FOR_KEYS)), ""
    except Exception as error:
        # One poisonous mail must not stop the others. The text of a foreign exception may hold what the mail says.
        log.error("mail %s: %s while sending", row.id, type(error).__name__)
        return partial(again_or_give_up, answer=type(error).__name__[:100]), ""


def _written(row: Outbound) -> Prepared | None:
    """The mail with what goes beside it, signed where it is our own. Refused when its address gets no more."""
    seen = row.ahead  # it held when the mail was begun: so its address is not suppressed
    if seen is None and refusing.is_held_back(row):
        raise Refused(refusing.SUPPRESSED)
    mail = prepare(row)
    if mail is None:
        return None
    mail = replace(mail, require_tls=bool(row.tls) and row.tls != "opportunistic")
    if row.kind == K.RELAY:
        return replace(mail, dsn=dsn_of(row))
    mail = replace(mail, dsn=_OURS if mail.envelope_sender else None)
    return signing.signed(mail, seen.signers if isinstance(seen, Ahead) else None)
