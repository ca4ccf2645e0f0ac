"""Mail of a domain whose brand somebody wrote waits: under another brand it must not go out."""

from __future__ import annotations

import pytest
from django.utils import timezone

from branding.models import Brand
from portal.ingest.models import Spooled
from portal.vault.models import Message
from tests.mails import mail
from tests.seals import put, turn

pytestmark = pytest.mark.django_db


def test_it_waits_and_goes_on_when_what_stood_there_is_put_back() -> None:
    north = Brand.objects.create(slug="north", name="North", host="north.example", domains=["aldervalley.example"])
    Brand.objects.filter(slug="north").update(host="evil.example", minimum_level=1)
    row = put(mail("[secure] Zebra"))
    assert (row.state, row.unfinished) == ("received", 0) and "not as the portal wrote it" in row.last_error
    Brand.objects.filter(slug="north").update(host="north.example")
    Spooled.objects.update(due_at=timezone.now())
    assert turn(row.pk).state == "done"
    assert Message.objects.get().brand == north
