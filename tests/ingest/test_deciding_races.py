"""A mail that waits for approval is decided once, however many decide it at once."""

from __future__ import annotations

import pytest
from django.utils import timezone

from portal.audit.models import Entry
from portal.ingest import holding, spool
from portal.ingest.errors import NotHeld
from portal.ingest.models import Spooled
from tests.access.test_races import MANY, at_once
from tests.mails import JONAS, MAYA, mail
from tests.seals import default_brand

pytestmark = pytest.mark.django_db(transaction=True)


def test_of_ten_who_approve_and_ten_who_refuse_at_once_one_is_heard() -> None:
    default_brand()
    raw = mail()
    envelope = spool.Envelope(sender=MAYA, recipients=(JONAS,), source="smtp", trusted=True)
    writer = spool.SpoolWriter.begin(envelope, len(raw))
    writer.write(raw)
    number = writer.commit()
    Spooled.objects.update(state=Spooled.State.HELD, approval=Spooled.Approval.ASKED, held_at=timezone.now())

    def decide(one: int) -> str:
        row = Spooled.objects.get(pk=number)
        try:
            if one % 2:
                holding.approve(row)
            else:
                holding.refuse(row, "It is not to leave.")
        except NotHeld:
            return "decided before"
        return "decided"

    assert at_once(decide) == {"decided": 1, "decided before": MANY - 1}
    assert Entry.objects.filter(kind__in=("message.approved", "message.refused")).count() == 1
