"""A rule that gives mail to further people: only an owner publishes it, and nobody else widens it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from portal.access import administrators
from portal.access.models import Person
from portal.access.roles import PERMISSIONS, May, Role
from portal.owners import OWNER, decides_alone
from portal.rules import draft, publishing
from portal.rules.errors import BadRules
from tests.grants import change

pytestmark = pytest.mark.django_db
FINANCE = {"if": "subject_words", "values": ["invoice"]}
COPY = {"do": "copy_to", "addresses": ["me@aldervalley.example"]}


def rule(id_: str, *then: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": id_, "name": id_, "when": [FINANCE], "then": list(then), **more}


def somebody(role: Role) -> UUID:
    return administrators.add(f"{role.value}@aldervalley.example", role, by=None).pk


def publish(by: UUID | None, *rules: dict[str, Any], mode: str = "first") -> None:
    document = {"format": 1, "mode": mode, "rules": list(rules)}
    publishing.publish(document, expected=publishing.live_number(), by=by)


FIRST, COPYING = rule("first", {"do": "pass_on"}, state="on"), rule("archive", COPY)


def test_an_owner_is_who_appoints_others_and_nobody_else() -> None:
    assert [role for role in Role if May.PEOPLE in PERMISSIONS[role]] == [Role(OWNER)]
    assert decides_alone(somebody(Role.OWNER))
    assert decides_alone(None)
    assert not decides_alone(somebody(Role.ADMINISTRATOR))
    change(Person.objects.all(), role=Role.RULES)
    assert not any(map(decides_alone, Person.objects.values_list("pk", flat=True)))


@pytest.mark.parametrize("role", [Role.RULES, Role.ADMINISTRATOR])
@pytest.mark.parametrize(
    "then",
    [COPY, {"do": "redirect_to", "addresses": ["me@evil.example"]}, {"do": "copy_to", "manager": True}],
)
def test_who_writes_rules_has_no_mail_sent_to_anybody_else(role: Role, then: dict[str, Any]) -> None:
    me = somebody(role)
    with pytest.raises(BadRules, match=r"Rule 2 “copies” sends mail to further people.*Only an owner"):
        publish(me, FIRST, rule("copies", then))
    assert publishing.live_number() == 0
    publish(me, FIRST, rule("copies", then, state="off"))
    with pytest.raises(BadRules, match="Only an owner"):
        publish(me, FIRST, rule("copies", then))
    publish(somebody(Role.OWNER), FIRST, rule("copies", then))
    with pytest.raises(BadRules, match="Only an owner"):
        publish(me, FIRST, rule("copies", {**then, "addresses": ["other@aldervalley.example"]}))


@pytest.mark.parametrize(
    ("wider", "mode"),
    [
        ([FIRST, {**COPYING, "when": [{"if": "everything"}]}], "first"),
        ([COPYING, FIRST], "first"),
        ([COPYING], "first"),
        ([{**FIRST, "state": "off"}, COPYING], "first"),
        ([{**FIRST, "when": [{"if": "subject_words", "values": ["other"]}]}, COPYING], "first"),
        ([FIRST, COPYING], "all"),
    ],
    ids=[
        "its conditions",
        "moved to the front",
        "alone",
        "the one before is off",
        "the one before is narrower",
        "mode",
    ],
)
def test_what_an_owner_published_is_widened_by_nobody_else(wider: list[dict[str, Any]], mode: str) -> None:
    publish(None, FIRST, COPYING)
    with pytest.raises(BadRules, match="may match more than before"):
        publish(somebody(Role.RULES), *wider, mode=mode)


def test_an_owner_publishes_the_draft_that_another_made() -> None:
    me, document = somebody(Role.RULES), {"format": 1, "mode": "first", "rules": [COPYING]}
    draft.save(lambda _old: document, lambda _old: "", draft.token(""), me)
    seen = draft.standing().seen
    with pytest.raises(BadRules, match="ask one to look at it"):
        draft.publish_draft(seen, me)
    assert draft.standing().draft is not None
    assert draft.publish_draft(seen, somebody(Role.OWNER))
    assert publishing.live_number() == 1


def test_everything_beside_it_stays_theirs() -> None:
    me = somebody(Role.RULES)
    publish(None, FIRST, COPYING)
    publish(
        me, rule("new", {"do": "protect"}), FIRST, {**COPYING, "name": "Archive", "note": "agreed"}, FIRST | {"id": "z"}
    )
    publish(me, FIRST)
    with pytest.raises(BadRules, match="Only an owner"):
        publishing.roll_back(1, expected=3, by=me)
    publishing.roll_back(1, expected=3, by=somebody(Role.OWNER))


@pytest.mark.parametrize("name", ["Reply-To", "Disposition-Notification-To", "Resent-To", "Return-Receipt-To"])
def test_no_rule_leads_answers_or_receipts_elsewhere(name: str) -> None:
    with pytest.raises(BadRules, match="where answers, receipts or copies go"):
        publish(None, rule("answers", {"do": "add_header", "name": name, "value": "me@evil.example"}))
