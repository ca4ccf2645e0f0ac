"""What one reader forwards in many windows at once stays within what they may forward."""

from __future__ import annotations

import pytest

from portal.audit.models import Entry
from portal.ingest.models import Spooled
from portal.vault.models import Unsent
from portal.vault.opening import open_message
from portal.vault.unsent import words_of
from portal.writing import recipients
from tests.access.test_races import MANY, at_once
from tests.seals import signed_in, words
from tests.writing.test_forwarding import free, post

pytestmark = pytest.mark.django_db(transaction=True)
MOST = 5


def test_of_twenty_forwards_at_once_so_many_leave_as_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipients, "MOST_FORWARDED", MOST)
    reader = free()
    clients = [signed_in(reader) for _ in range(MANY)]
    refused: list[str] = []

    def forward(number: int) -> str:
        answer = post(clients[number], reader, f"a{number}@web.example, b{number}@web.example")
        if answer.status_code == 422:
            refused.append(answer.content.decode())
        return str(answer.status_code)

    assert at_once(forward) == {"303": MOST // 2, "422": MANY - MOST // 2}
    assert Spooled.objects.count() == 1 + MOST // 2
    assert sum(entry.facts["people"] for entry in Entry.objects.filter(kind="message.forwarded")) == MOST - 1
    for page in refused:
        assert "You can forward this message to 1 more address." in words(page.encode())
        assert "See below.</textarea>" in page
    assert words_of(open_message(reader), Unsent.objects.get()).text == "See below.", "and it lies as a draft"
