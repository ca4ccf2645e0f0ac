"""Many rows by one statement: what is stored is what Django itself would store."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.apps import apps
from django.db import IntegrityError, connection
from django.db.models import AutoField, Model, Value
from django.utils import timezone

from portal.audit.models import Entry
from portal.delivery.models import Outbound
from portal.inserting import insert
from portal.rules.models import Hits, Seen

pytestmark = pytest.mark.django_db
NOW = timezone.now()
SALT = os.urandom(16)


def _entry(_id: UUID) -> Entry:
    facts: dict[str, Any] = {"size": 3, "why": "“Zoë”", "on": True, "none": None}
    return Entry(at=NOW, kind="message.sealed", message=UUID(int=7), facts=facts, salt=SALT)


def _outbound(id_: UUID) -> Outbound:
    return Outbound(id=id_, kind="notice", message=UUID(int=7), address=b"\x00\xff", due_at=NOW, made_at=NOW)


def _stored(model: type[Model]) -> list[tuple[Any, ...]]:
    """All columns but numbers that the database gives, ids and the moment of writing, as the database has them."""
    passed = {"made_at", "id"}
    columns = [
        field.column
        for field in model._meta.local_concrete_fields
        if field.column not in passed and not isinstance(field, AutoField)
    ]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(columns)} FROM {model._meta.db_table} ORDER BY id")  # noqa: S608 own names
        return cursor.fetchall()


@pytest.mark.parametrize("made", [_entry, _outbound])
def test_a_row_is_stored_as_bulk_create_stores_it(made: Callable[[UUID], Model]) -> None:
    one, other = made(uuid4()), made(uuid4())
    insert([one])
    type(other)._default_manager.bulk_create([other])
    first, second = _stored(type(one))
    assert first == second
    assert not one._state.adding


def test_what_a_field_fills_in_itself_is_filled_in() -> None:
    row = Outbound(id=uuid4(), kind="notice", address=b"x", due_at=NOW)
    insert([row])
    assert NOW <= Outbound.objects.get(pk=row.pk).made_at <= timezone.now()


def test_rows_are_written_in_their_order_and_nothing_for_none() -> None:
    insert(Entry(at=NOW, kind=f"kind.{number}") for number in range(5))
    assert list(Entry.objects.order_by("id").values_list("kind", flat=True)) == [
        f"kind.{number}" for number in range(5)
    ]
    assert insert(list[Entry]()) == []


def test_an_expression_is_stored_as_what_it_stands_for() -> None:
    insert([Hits(rule="a", day=NOW.date(), number=Value(4)), Hits(rule="b", day=NOW.date(), number=5)])
    assert dict(Hits.objects.values_list("rule", "number")) == {"a": 4, "b": 5}


@pytest.mark.django_db(transaction=True)
def test_of_rows_of_which_one_is_refused_none_is_stored() -> None:
    there = Seen(id=uuid4(), at=NOW, facts=b"x")
    insert([there])
    with pytest.raises(IntegrityError):
        insert([Seen(id=uuid4(), at=NOW, facts=b"y"), Seen(id=there.id, at=NOW, facts=b"z")])
    assert [bytes(row.facts) for row in Seen.objects.all()] == [b"x"]


def test_a_number_that_a_row_has_already_is_kept() -> None:
    insert([Entry(id=77, at=NOW, kind="a"), Entry(at=NOW, kind="b")])
    assert Entry.objects.get(kind="a").pk == 77


def test_a_row_that_is_there_already_stays_where_that_is_wanted() -> None:
    there = Seen(id=uuid4(), at=NOW, facts=b"x")
    insert([there])
    insert([Seen(id=there.id, at=NOW, facts=b"y"), Seen(id=uuid4(), at=NOW, facts=b"z")], ignore_conflicts=True)
    assert sorted(bytes(row.facts) for row in Seen.objects.all()) == [b"x", b"z"]


def test_what_is_no_value_is_null_in_every_field_of_ours() -> None:
    fields = {field for model in apps.get_models() for field in model._meta.local_concrete_fields}
    assert fields
    assert [field for field in fields if field.get_db_prep_save(None, connection) is not None] == []
