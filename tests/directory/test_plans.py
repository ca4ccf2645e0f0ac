"""What a mail asks of the directory is answered from indexes, however many people there are."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.directory import importing, membership

pytestmark = pytest.mark.django_db


def test_no_question_walks_through_all_memberships() -> None:
    lines = "".join(f"p{number}@clinic.example,G{number % 20};All\n" for number in range(300))
    wanted = importing.read(f"address,groups\n{lines}".encode(), "csv")
    importing.apply(importing.plan(wanted, "csv"))
    addresses = [f"p{number}@clinic.example" for number in range(5)]
    with CaptureQueriesContext(
        connection,
    ) as asked:
        found = membership.groups_of(addresses)
        membership.attributes_of(addresses)
    assert all(len(slugs) == 2 for slugs in found.values())
    assert len(asked) == 3
    plans = []
    for query in asked.captured_queries:
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN QUERY PLAN " + query["sql"])
            plans += [row[-1] for row in cursor.fetchall()]
    walks = [plan for plan in plans if plan.startswith("SCAN") and "INDEX groups_in_groups" not in plan]
    assert not walks, plans
