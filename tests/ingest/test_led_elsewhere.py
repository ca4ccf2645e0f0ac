"""Whoever writes the database leads no mail to themselves: outgoing rows are bound to what they were made for."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from portal.delivery import queue
from portal.delivery.letters import Prepared, prepare
from portal.delivery.models import Outbound
from portal.delivery.queue import enqueue
from portal.ingest import spool
from portal.ingest.models import Spooled
from portal.keys.errors import WrapRefused
from tests.mails import JONAS, MAYA, mail
from tests.seals import default_brand, put, reader_of, seal

pytestmark = pytest.mark.django_db
EVE = "eve@elsewhere.example"
K = Outbound.Kind


def changed(row: Outbound, **fields: Any) -> Outbound:
    Outbound.objects.filter(pk=row.pk).update(**fields)
    return Outbound.objects.get(pk=row.pk)


def own(**fields: Any) -> Outbound:
    """A row of a mail that went to Eve, changed to something else."""
    spooled = put(mail("Lunch"), EVE)
    return changed(Outbound.objects.get(kind=K.RELAY, message=spooled.pk), **fields)


def waiting() -> Spooled:
    """A mail that was taken in, and that nobody has decided on."""
    writer = spool.SpoolWriter.begin(spool.Envelope(MAYA, (JONAS,), "smtp", True))
    writer.write(mail("[secure] Results"))
    return Spooled.objects.get(pk=writer.commit())


@pytest.mark.parametrize("state", [Spooled.State.RECEIVED, Spooled.State.HELD, Spooled.State.RELAYING])
@pytest.mark.parametrize("words", ["kept", "none", "another kind's"])
def test_a_relayed_mail_is_the_one_that_its_row_was_made_for(state: str, words: str) -> None:
    default_brand()
    row, victim = own(), waiting()
    Spooled.objects.filter(pk=victim.pk).update(state=state)
    if words == "none":
        row = changed(row, words=b"")
    elif words == "another kind's":
        row = changed(enqueue(K.TIP, address=EVE, words=str(victim.pk)), kind=K.RELAY)
    with pytest.raises(WrapRefused):
        prepare(changed(row, message=victim.pk))


def test_what_the_version_before_asked_for_still_goes_to_its_recipients() -> None:
    put(mail("Lunch"), JONAS)
    row = Outbound.objects.get(kind=K.RELAY)
    Outbound.objects.filter(pk=row.pk).update(words=b"")
    assert isinstance(prepare(Outbound.objects.get(pk=row.pk)), Prepared)
    Spooled.objects.update(state=Spooled.State.HELD)
    with pytest.raises(WrapRefused):
        prepare(Outbound.objects.get(pk=row.pk))


def told_of_a_message(kind: str) -> dict[str, Any]:
    """Of a protected message: what a row of this kind names."""
    reader = reader_of(seal(mail("[secure] Results")))
    type(reader).objects.filter(pk=reader.pk).update(first_opened_at=timezone.now())
    notice = Outbound.objects.get(kind=K.NOTICE, reader=reader)
    return {"kind": kind, "message": reader.message_id, "reader": reader, "subject_row": notice.pk, "news": "failed"}


@pytest.mark.parametrize("kind", [K.TELLING, K.OPENED, K.CORRECTED])
def test_a_sender_alone_is_told_what_became_of_their_message(kind: str) -> None:
    named = told_of_a_message(kind)
    if kind == K.CORRECTED:
        named["subject_row"] = named["reader"].pk
    row = own(**named, words=b"")
    with pytest.raises(WrapRefused):
        prepare(row)


def test_a_report_goes_to_the_sender_of_the_mail_alone() -> None:
    put(mail("Lunch"), JONAS)
    about = Outbound.objects.get(kind=K.RELAY)
    with pytest.raises(WrapRefused):
        prepare(own(kind=K.REPORT, subject_row=about.pk, news="failed"))
    told = enqueue(K.REPORT, address=MAYA, message=about.message, subject_row=about.pk, news="failed")
    assert isinstance(prepare(told), Prepared)


def test_no_report_shows_the_header_of_another_kind_of_mail() -> None:
    reader = reader_of(seal(mail("[secure] Results")))
    notice = Outbound.objects.get(kind=K.NOTICE, reader=reader)
    sealed = queue.keys().seal_field("outbound-sender", notice.pk, EVE.encode())
    Outbound.objects.filter(pk=notice.pk).update(sender=sealed)  # as if they had one of their own to put there
    assert prepare(own(kind=K.REPORT, subject_row=notice.pk, news="failed")) is None
    assert prepare(own(kind=K.REPORT, subject_row=uuid4(), news="failed")) is None
