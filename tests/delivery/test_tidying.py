"""Old rows of passcode mails go; everything else stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from portal.delivery.models import Outbound
from portal.delivery.queue import enqueue
from portal.delivery.tidying import forget_old_passcodes

S, K = Outbound.State, Outbound.Kind


@pytest.mark.django_db
def test_old_passcode_rows_go_and_all_others_stay() -> None:
    made = {}
    for kind in (K.PASSCODE, K.NOTICE):
        for state in (S.DUE, S.SENT, S.DROPPED):
            for days in (1, 3):
                row = enqueue(kind, address="jonas.berg@mail.example")
                made[kind, state, days] = row.pk
                Outbound.objects.filter(pk=row.pk).update(state=state, made_at=timezone.now() - timedelta(days=days))
    assert forget_old_passcodes(timezone.now()) == 2
    gone = {what for what, pk in made.items() if not Outbound.objects.filter(pk=pk).exists()}
    assert gone == {(K.PASSCODE, S.SENT, 3), (K.PASSCODE, S.DROPPED, 3)}
