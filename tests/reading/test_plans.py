"""How the database finds one person's messages: through that person's rows, however many a brand has.

SQLite is asked without statistics, as it runs in the product; there a tempting index of the brand's messages is near.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.db.models import QuerySet

from portal.console import listing
from portal.reading import conversations
from portal.vault import readers
from portal.vault.models import Message, Reader
from tests.seals import default_brand

pytestmark = pytest.mark.django_db
NOW, ONE = datetime(2026, 11, 23, tzinfo=UTC), UUID(int=1)
Mine = QuerySet[Reader]


@pytest.mark.parametrize(
    "asked",
    [
        lambda mine: mine[:1],
        lambda mine: mine.filter(message__thread=ONE).exclude(pk=ONE)[: conversations.PAGE],
        lambda mine: mine.filter(message__thread__in=[ONE]).defer("message__container"),
        lambda mine: mine.filter(pk__in=[ONE]),
        *(
            lambda mine, show=show: conversations._threads(mine, show, NOW)[: conversations.PAGE]
            for show in (conversations.ALL, conversations.UNREAD, conversations.CLOSING, conversations.HIDDEN)
        ),
    ],
)
def test_one_person_s_list_begins_at_their_own_rows(asked: Callable[[Mine], QuerySet[Any, Any]]) -> None:
    first, *_ = asked(readers.of_person(bytes(32), default_brand())).explain().splitlines()
    assert "SEARCH vault_reader" in first


def test_the_office_s_list_walks_along_an_index_and_stops() -> None:
    found = Message.objects.order_by("-made_at", "-pk")[: listing.PAGE]
    plan = found.explain()
    assert "message_newest" in plan
    assert "USE TEMP B-TREE FOR ORDER BY" not in plan
