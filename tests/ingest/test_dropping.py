"""A rule that deletes mail: an owner's to publish, told to nobody, and never without a trace."""

from __future__ import annotations

import email
from typing import Any

import pytest

from portal.access.roles import Role
from portal.audit.models import Entry
from portal.delivery.models import Outbound
from portal.ingest import holding, spool
from portal.ingest.errors import IngestError
from portal.ingest.models import Spooled
from portal.operations import tracing
from portal.rules import publishing
from portal.rules.errors import BadRules
from portal.vault.models import Message
from tests.ingest.test_incidents import TELL, report_of
from tests.ingest.test_rules import LUNCH, OUTSIDE, publish, rule
from tests.mails import JONAS, mail
from tests.rules.test_diverting import somebody
from tests.seals import put, turn

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_inside")]
S = Spooled.State
DROP = {"do": "drop"}
ASKS = [("X-Letterlock-Protect", "v=1")]


def test_what_is_deleted_is_gone_told_to_nobody_and_stands_in_the_record() -> None:
    publish(rule(DROP, {"do": "notify_sender", "text": "Never read."}, {"do": "copy_to", "addresses": [JONAS]}))
    row = put(mail("Lunch"))
    assert (row.state, row.last_error) == (S.DROPPED, "Deleted by the rule “Lunch rule”.")
    assert not Outbound.objects.exists()
    assert not Message.objects.exists()
    with pytest.raises(IngestError):
        spool.open_spooled(row)
    told = {entry.kind: entry.facts for entry in Entry.objects.filter(message=row.pk)}
    assert (told["message.accepted"]["action"], told["message.accepted"]["rule"]) == ("drop", "Lunch rule")
    assert told["message.dropped"] == {"rule": "Lunch rule", "version": 1}
    found = tracing.trace(row.pk)
    assert found is not None
    assert found.sentence == "Deleted by a rule, and nobody was told"
    assert any("Deleted by the rule “Lunch rule”" in event.sentence for event in found.events)


def test_a_report_may_go_with_it() -> None:
    publish(rule(DROP, TELL))
    assert "It was deleted, and nobody else is told." in report_of(put(mail("Lunch")))[1].toc.text.here


def test_what_a_trusted_program_asks_to_protect_is_deleted_only_where_the_rule_says_so() -> None:
    publish(rule(DROP), rule({"do": "protect"}, when=OUTSIDE, name="All outside"))
    assert put(mail("Lunch", headers=ASKS)).state == S.DONE
    assert put(mail("Lunch", headers=ASKS), trusted=False).state == S.DROPPED, "a stranger asks for nothing"
    publish(rule({**DROP, "also_asked": True}))
    assert put(mail("Lunch", headers=ASKS)).state == S.DROPPED


@pytest.mark.parametrize("to", ["postmaster@mail.example", "abuse@aldervalley.example"])
def test_mail_to_those_who_keep_mail_going_is_never_deleted(to: str) -> None:
    publish(rule(DROP))
    assert put(mail("Lunch"), to).state == S.RELAYING


def test_nothing_is_deleted_for_a_doubt_or_after_an_approval_and_nothing_that_a_reader_wrote_here() -> None:
    locked = {"if": "file_words", "values": ["patient"]}
    raw = mail("Scan", files=[("scan.pdf", "application/pdf", b"%PDF-1.7 this is no PDF that anybody could read")])
    publish(rule(DROP, when=locked))
    assert put(raw).state == S.RELAYING
    publish(rule({"do": "hold"}), rule(DROP, name="Second"), mode="all")
    row = put(mail("Lunch"))
    assert row.state == S.HELD, "holding is stricter: what waits can still be read"
    holding.approve(row)
    assert turn(row.pk).state == S.RELAYING
    first = mail("[secure] Results")
    publish(rule({"do": "protect"}, when={"if": "subject_tag"}), rule(DROP, when={"if": "written_here"}))
    put(first)
    answer = mail("Re: Results", headers=[("In-Reply-To", email.message_from_bytes(first)["Message-ID"])])
    thread = Message.objects.get().pk
    writer = spool.SpoolWriter.begin(
        spool.Envelope(JONAS, ("maya.lindqvist@aldervalley.example",), "reply", trusted=True, thread=thread),
        len(answer),
    )
    writer.write(answer)
    assert turn(writer.commit()).state != S.DROPPED


@pytest.mark.parametrize("role", [Role.RULES, Role.ADMINISTRATOR])
def test_only_an_owner_publishes_it_and_nobody_else_widens_it(role: Role) -> None:
    def document(*rules: dict[str, Any]) -> dict[str, Any]:
        return {"format": 1, "rules": [{"id": f"r{n}", **one} for n, one in enumerate(rules)]}

    me = somebody(role)
    with pytest.raises(BadRules, match=r"deletes mail and tells nobody.*Only an owner"):
        publishing.publish(document(rule(DROP)), expected=0, by=me)
    publishing.publish(document(rule(DROP, state="log")), expected=0, by=me)
    publishing.publish(document(rule(DROP)), expected=1, by=somebody(Role.OWNER))
    with pytest.raises(BadRules, match="may match more than before"):
        publishing.publish(document(rule(DROP, when={"any": [LUNCH, OUTSIDE]})), expected=2, by=me)


def test_a_set_that_would_delete_ordinary_mail_is_refused() -> None:
    with pytest.raises(BadRules, match="would drop ordinary mail"):
        publish(rule(DROP, when={"if": "everything"}))
