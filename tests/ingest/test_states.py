"""The state machine: what its table does not have cannot be written, and its page is its table."""

from __future__ import annotations

import ast
from itertools import product
from pathlib import Path
from uuid import uuid4

import pytest
from django.utils import timezone

from portal.ingest import diagram, states
from portal.ingest.errors import IllegalMove, Overtaken
from portal.ingest.models import Spooled

ROOT = Path(__file__).resolve().parent.parent.parent
S = Spooled.State
EVENTS = sorted({step.event for step in states.TRANSITIONS})
ALLOWED = {(step.event, step.source): step.target for step in states.TRANSITIONS}


def row(state: str, leased_by: str = "me") -> Spooled:
    now = timezone.now()
    return Spooled.objects.create(
        id=uuid4(), state=state, door_key="d", size=1, recipients=1, received_at=now, due_at=now, leased_by=leased_by
    )


@pytest.mark.django_db
@pytest.mark.parametrize(("event", "source"), list(product(EVENTS, S.values)))
def test_only_what_the_table_has_is_written(event: str, source: str) -> None:
    made = row(source)
    if (event, source) in ALLOWED:
        states.move(made, event)
        assert Spooled.objects.get(pk=made.pk).state == made.state == ALLOWED[event, source]
    else:
        with pytest.raises(IllegalMove):
            states.move(made, event)
        with pytest.raises(IllegalMove):
            states.move_all([made], event)
        assert Spooled.objects.get(pk=made.pk).state == source


@pytest.mark.django_db
def test_a_row_in_other_hands_or_another_state_is_left_alone() -> None:
    first, second = row(S.RECEIVED), row(S.RECEIVED, leased_by="another")
    second.leased_by = "me"
    with pytest.raises(Overtaken):
        states.move(second, "seal")
    with pytest.raises(Overtaken):
        states.move_all([first, second], "seal")
    Spooled.objects.filter(pk=first.pk).update(state=S.HELD)
    with pytest.raises(Overtaken):
        states.move(first, "seal")
    assert Spooled.objects.get(pk=second.pk).state == S.RECEIVED


def test_every_state_is_reached_and_every_working_one_can_be_held() -> None:
    assert set(states.MEANINGS) == set(S)
    assert {step.target for step in states.TRANSITIONS} | {S.RECEIVED} == set(S)
    assert set(states.WORKING) | {S.HELD} | set(states.FINAL) == set(S)
    assert all(("hold", state) in ALLOWED for state in states.WORKING)
    assert not {step.source for step in states.TRANSITIONS} & set(states.FINAL)


def test_the_page_is_the_table() -> None:
    page = (ROOT / "docs" / "pipeline.md").read_text()
    assert page == diagram.put_into(page), "run scripts/pipeline.py"
    assert page.count("    received --> sealed: seal\n") == 1


def test_nothing_else_writes_a_spooled_mails_state() -> None:
    """Every update of rows of Spooled with a `state` stands in states.py."""
    found = []
    for path in (ROOT / "portal").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "update":
                writes = {keyword.arg for keyword in node.keywords}
                if "Spooled" in ast.unparse(node.func) and writes & {"state", None}:
                    found.append(path.name)
    assert found == []
