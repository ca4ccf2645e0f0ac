"""Searching for messages: addresses by POST and never in a URL, filters, pages of them, and taking the list along."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from branding.models import Brand
from portal.access.models import Person
from portal.audit.models import Entry
from portal.console import bouncing, finding, listing, trace_search
from portal.console.finding import Filter
from portal.delivery.models import Outbound
from portal.keys.errors import ProviderUnavailable
from portal.operations import searches
from portal.operations.models import Search
from portal.operations.searches import Sought
from portal.vault.models import Message
from tests.console.conftest import CANARY, Arrive
from tests.console.test_roles import with_role
from tests.mails import JONAS, KARIN, MAYA


def searched(client: Client, **typed: str) -> str:
    """The address that a search leads to."""
    answer = client.post("/admin/messages/search/", typed)
    assert answer.status_code == 303
    return str(answer.headers["Location"])


def found(client: Client, **typed: str) -> str:
    text = client.get(searched(client, **typed)).content.decode()
    for secret in (CANARY, JONAS, KARIN, MAYA):
        assert secret not in text
    return text


def test_a_message_is_found_by_who_gets_it_who_sent_it_and_both(owner: Client, arrive: Arrive) -> None:
    ours, other = arrive(to=(JONAS,)), arrive(to=(KARIN,))
    for typed in ({"recipient": JONAS.upper()}, {"recipient": JONAS, "sender": MAYA}):
        text = found(owner, **typed)
        assert str(ours) in text
        assert str(other) not in text
    text = found(owner, sender=MAYA)
    assert str(ours) in text
    assert str(other) in text
    assert "Nothing fits." in found(owner, sender=JONAS)


def test_an_address_that_nobody_has_is_found_nowhere(owner: Client, arrive: Arrive) -> None:
    arrive()
    assert "Nothing fits." in found(owner, recipient="nobody@mail.example")


def test_an_address_stands_in_no_url_no_record_and_no_column(owner: Client, arrive: Arrive) -> None:
    arrive()
    where = searched(owner, recipient=JONAS)
    assert "jonas" not in where
    row = Search.objects.get()
    assert b"jonas" not in bytes(row.asked).lower()
    entry = Entry.objects.get(kind="messages.searched")
    assert entry.facts["by"] == "recipient"
    assert "jonas" not in str(entry.facts)


def test_a_search_is_over_after_an_hour_and_never_another_s(owner: Client, brand: Brand, arrive: Arrive) -> None:
    id_ = arrive()
    where = searched(owner, recipient=JONAS)
    assert str(id_) in owner.get(where).content.decode()
    over = "This search is over."
    assert over in with_role(brand, Person.Role.SUPPORT).get(where).content.decode()
    assert over in owner.get(f"/admin/messages/?search={uuid4()}").content.decode()
    assert over in owner.get("/admin/messages/?search=x").content.decode()
    Search.objects.update(made_at=timezone.now() - searches.KEPT)
    text = owner.get(where).content.decode()
    assert over in text
    assert str(id_) not in text
    assert searches.forget_old() == 1


def test_what_is_no_address_is_said_to_be_none_and_kept_in_the_field(owner: Client) -> None:
    answer = owner.post("/admin/messages/search/", {"recipient": "jonas", "brand": "alder"})
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "That is not a complete address." in text
    assert 'value="jonas"' in text
    assert not Search.objects.exists()


def test_without_keys_nothing_is_searched_and_nothing_typed_is_lost(
    owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: object) -> bytes:
        raise ProviderUnavailable

    monkeypatch.setattr(searches.keys(), "seal_field", away)
    answer = owner.post("/admin/messages/search/", {"recipient": JONAS})
    assert answer.status_code == 503
    assert "The keys are away" in answer.content.decode()
    assert f'value="{JONAS}"' in answer.content.decode()


def test_filters_without_personal_data_stand_in_the_url(owner: Client, arrive: Arrive) -> None:
    id_ = arrive()
    message = Message.objects.get(pk=id_)
    today = timezone.localdate().isoformat()
    where = searched(owner, brand="alder", rule=message.rule, state="open", **{"from": today, "to": today})
    assert "search=" not in where
    assert str(id_) in owner.get(where).content.decode()
    for other in ({"state": "withdrawn"}, {"brand": "other"}, {"rule": "none"}, {"to": "2020-01-01"}):
        assert "Nothing fits." in found(owner, **other)


def test_what_did_not_arrive_is_found_by_its_state(owner: Client, arrive: Arrive) -> None:
    well, ill = arrive(), arrive(to=(JONAS, KARIN))
    row = Outbound.objects.filter(message=ill, kind="notice").first()
    assert row is not None
    Outbound.objects.filter(pk=row.pk).update(state="failed")
    text = owner.get("/admin/messages/?state=undelivered").content.decode()
    assert str(ill) in text
    assert "Not delivered to 1 of 2" in text
    assert str(well) not in text
    assert str(ill) in found(owner, sender=MAYA, state="undelivered")
    assert str(well) not in found(owner, sender=MAYA, state="undelivered")


def test_a_message_is_found_by_reference_and_by_its_message_id(owner: Client, arrive: Arrive) -> None:
    id_ = arrive()
    message = Message.objects.get(pk=id_)
    there = f"/admin/messages/{id_}/"
    assert owner.get(f"/admin/messages/?id={message.short_id}").headers["Location"] == there
    assert "No mail with this id" in owner.get("/admin/messages/?id=00000000").content.decode()
    Message.objects.filter(pk=id_).update(mail_id_lookup=searches.keys().lookup("mail-id", "<x@y.example>"))
    assert str(id_) in found(owner, mail_id="x@y.example")
    assert "Nothing fits." in found(owner, mail_id="<z@y.example>")


def test_pages_follow_each_other_and_end(brand: Brand, arrive: Arrive, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [arrive() for _ in range(3)]
    monkeypatch.setattr(listing, "PAGE", 2)
    Outbound.objects.filter(kind="notice").update(state="failed")
    for asked in (Filter(), Filter(sought=Sought(recipient=JONAS)), Filter(state="undelivered"), Filter(state="open")):
        first = listing.messages(asked, None)
        assert first.older is not None
        second = listing.messages(asked, first.older)
        assert [line.id for line in (*first.lines, *second.lines)] == ids[::-1]
        assert second.older is None
        assert len(list(listing.every(asked, 100))) == 3
        assert len(list(listing.every(asked, 1))) == 1


def test_the_list_can_be_taken_along_without_anything_of_the_messages(owner: Client, arrive: Arrive) -> None:
    id_ = arrive()
    answer = owner.post("/admin/messages/export/", {"format": "csv", "state": "open"})
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    head, row = list(csv.reader(io.StringIO(text)))
    assert tuple(head) == trace_search.COLUMNS
    assert (row[0], row[2], row[6]) == (str(id_), "aldervalley.example", "Notice sent")
    answer = owner.post("/admin/messages/export/", {"format": "json"})
    as_json = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert json.loads(as_json)[0]["id"] == str(id_)
    for secret in (CANARY, JONAS, MAYA):
        assert secret not in text + as_json
    assert Entry.objects.filter(kind="messages.exported").count() == 2
    assert owner.get("/admin/messages/export/").status_code == 405
    over = owner.post("/admin/messages/export/", {"search": str(uuid4())})
    assert over.status_code == 303, "a search that is over must not become all messages"


def queries() -> dict[str, str]:
    """Each way to search, as the database would do it."""
    today = timezone.localdate()
    asked = {
        "recipient": finding.of_people(Filter(sought=Sought(recipient=JONAS)), None),
        "recipient later": finding.of_people(Filter(sought=Sought(recipient=JONAS)), uuid4()),
        "sender": finding.of_people(Filter(sought=Sought(sender=MAYA)), None),
        "state and date": finding.of_all(Filter(state="withdrawn", since=today - timedelta(days=7)), None),
        "rule": finding.of_all(Filter(rule="tag in the subject"), None),
        "date": finding.of_all(Filter(since=today), None),
        "reference": finding.of_all(Filter(reference="0123abcd"), None),
        "mail id": finding.of_all(Filter(sought=Sought(mail_id="a@b.example")), None),
    }
    return {name: rows.values_list("pk")[:51].explain() for name, rows in asked.items()} | {
        "undelivered": finding.bounced_after(None).values_list("message").distinct()[:200].explain()
    }


def test_every_search_ends_in_an_index_and_sorts_nothing(brand: Brand) -> None:
    """On PostgreSQL too, by tests/test_on_postgresql.py."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:  # empty tables: with a choice, the planner would read them whole
            cursor.execute("SET enable_seqscan = off; SET enable_sort = off; SET enable_bitmapscan = off")
    unique = ("reference", "mail id")  # at most a handful of rows, which may be sorted
    for name, plan in queries().items():
        for table in ("vault_message", "vault_reader", "delivery_outbound"):
            assert f"Seq Scan on {table}" not in plan, (name, plan)
            assert not [line for line in plan.splitlines() if f"SCAN {table}" in line and "INDEX" not in line], name
        assert name in unique or ("TEMP B-TREE" not in plan and "Sort Key" not in plan), (name, plan)
    assert "message_by_reference" in queries()["reference"]
    assert "reader_by_role" in queries()["recipient"]
    assert "message_by_state" in queries()["state and date"]
    assert "outbound_bounced" in queries()["undelivered"]


def test_bounces_are_listed_along_an_index(brand: Brand) -> None:
    for sort in ("", "hard"):
        plan = bouncing.newest(sort, None)[:51].explain()
        assert "bounce_newest" in plan or "bounce_by_sort" in plan
        assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize("query", ["from=0001-01-01", "to=9999-12-31", "brand=%00", "rule=%00"])
def test_what_no_database_could_look_for_is_passed_over(owner: Client, arrive: Arrive, query: str) -> None:
    assert str(arrive()) in owner.get(f"/admin/messages/?{query}").content.decode()
