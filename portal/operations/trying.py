"""A test message through the whole chain, to the administrator who asks: what each step came to is looked up later.

Nothing waits for it: it is handed in at the door like any mail, and the page looks how far it has come.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import transaction
from django.utils.translation import gettext as _

from portal.audit.record import record
from portal.configuration import Configuration
from portal.delivery.models import Outbound
from portal.ingest.models import Spooled
from portal.operations.doctor.finding import State
from portal.operations.doctor.mail import Probe, hand_in
from portal.operations.models import Trial
from portal.vault.models import Message, Reader
from portal.vault.sealing import mail_id_lookup

PAUSE = timedelta(minutes=1)
"""Whoever presses again sooner sees the one that is on its way."""
KEPT = timedelta(days=7)
SECONDS = 10
DONE, WAITING, WRONG = "done", "waiting", "wrong"


@dataclass(frozen=True)
class Step:
    """One step of the chain: its name, DONE, WAITING or WRONG, and what was seen."""

    name: str
    state: str
    seen: str


def begin(by: UUID, address: str, configuration: Configuration, now: datetime) -> Trial:
    """Hand a test message in at the door, for `address`."""
    last = Trial.objects.filter(by=by, made_at__gt=now - PAUSE).order_by("-made_at").first()
    if last is not None:
        return last
    number = uuid4()
    mail_id = f"<test-{number.hex}@{configuration.public_host}>"
    probe = Probe(number, address, mail_id, time.monotonic() + SECONDS)
    said = [finding for finding in hand_in(probe, configuration, None) if finding.state is not State.WELL]
    answer = f"{said[0].seen} {said[0].fix}" if said else ""
    with transaction.atomic():
        Trial.objects.filter(made_at__lt=now - KEPT).delete()
        record("health.tested", message=probe.message, person=str(by), taken=not said)
        return Trial.objects.create(
            id=number,
            by=by,
            mail_id_lookup=mail_id_lookup(mail_id),
            message=probe.message,
            answer=answer[:240],
            made_at=now,
        )


def steps(trial: Trial) -> list[Step]:
    """How far it has come; behind a step that is not done the rest waits."""
    return [_door(trial), _sealed(trial), _told(trial), _read(trial)]


def _door(trial: Trial) -> Step:
    name = _("Taken by the SMTP door")
    return Step(name, WRONG, trial.answer) if trial.answer else Step(name, DONE, str(trial.message or ""))


def _sealed(trial: Trial) -> Step:
    name = _("Sealed")
    if trial.message is None:
        return Step(name, WAITING, "")
    if Message.objects.filter(pk=trial.message).exists():
        return Step(name, DONE, "")
    row = Spooled.objects.filter(pk=trial.message).first()
    if row is not None and row.state == Spooled.State.HELD:
        return Step(name, WRONG, row.last_error)
    if row is not None and row.state in (Spooled.State.RELAYING, Spooled.State.DONE):
        return Step(name, WRONG, _("The rules passed it on unprotected."))
    return Step(name, WAITING, _("It waits in the spool. Is a worker running?"))


def _told(trial: Trial) -> Step:
    name = _("Notice handed to the mail server")
    row = _notice(trial)
    if row is None:
        return Step(name, WAITING, "")
    if row.state == Outbound.State.SENT and row.news != Outbound.News.FAILED:
        return Step(name, DONE, row.last_answer)
    if row.state in (Outbound.State.FAILED, Outbound.State.SENT):
        return Step(name, WRONG, row.heard or row.last_answer)
    return Step(name, WAITING, row.last_answer)


def _read(trial: Trial) -> Step:
    name = _("Opened by you")
    opened = Reader.objects.filter(
        message=trial.message, role=Reader.Role.RECIPIENT, first_opened_at__isnull=False
    ).exists()
    if trial.message is not None and opened:
        return Step(name, DONE, "")
    return Step(name, WAITING, _("Open the mail in your mailbox and read the message."))


def _notice(trial: Trial) -> Outbound | None:
    if trial.message is None:
        return None
    return Outbound.objects.filter(message=trial.message, kind=Outbound.Kind.NOTICE).order_by("made_at").first()
