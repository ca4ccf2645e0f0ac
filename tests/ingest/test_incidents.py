"""A rule has people inside told of a mail: by a message of our own that is protected, whatever became of the mail."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings

from branding.models import Brand
from portal.access.roles import Role
from portal.audit.models import Entry
from portal.delivery.letters import prepare
from portal.delivery.models import Outbound
from portal.ingest import holding, incidents, pipeline
from portal.ingest.errors import SpoolUnavailable
from portal.ingest.models import Spooled
from portal.operations.wording import sentence
from portal.rules import publishing
from portal.rules.errors import BadRules
from portal.vault.models import Message, Reader
from portal.vault.opening import Opened, open_message
from portal.vault.readers import address_of
from tests.ingest.test_rules import MAY, OUTSIDE, publish, rule
from tests.mails import JONAS, KARIN, MAYA, mail
from tests.rules.test_diverting import somebody
from tests.seals import put, reader_of, turn

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_inside")]
OFFICER = "officer@aldervalley.example"
TELL = {"do": "incident_report", "addresses": [OFFICER]}
WHOLE = {**TELL, "parts": ["sender", "original"]}
CARD = "Card 4111 1111 1111 1111."


def reports_of(row: Spooled) -> list[Message]:
    """The reports on a mail, once the pipeline has taken them up."""
    pipeline.process()
    made = Entry.objects.filter(kind="incident.reported", message=row.pk).order_by("id")
    return [Message.objects.get(pk=entry.facts["report"]) for entry in made]


def report_of(row: Spooled) -> tuple[Message, Opened]:
    (message,) = reports_of(row)
    return message, open_message(reader_of(message, OFFICER))


def test_a_report_tells_what_was_chosen_and_is_protected() -> None:
    publish(
        rule(
            TELL, {"do": "set_severity", "severity": "high"},
            when={"any": [{"if": "sensitive", "types": ["payment-card"]}]}, name="Cards",
        )
    )  # fmt: skip
    to = [f"r{n}@mail.example" for n in range(12)]
    row = put(mail("Lunch", CARD), JONAS, *to)
    assert row.state == Spooled.State.RELAYING, "what becomes of the mail is not the report's to say"
    message, opened = report_of(row)
    assert opened.toc.subject == "Incident report: Cards"
    text = opened.toc.text.here
    for line in (
        "The mail was passed on without protection.", "Rule: Cards", "Severity: high", f"Sender: {MAYA}",
        "Subject: Lunch",
        "Sensitive information: Payment card number (1)", f"Its number in the record: {row.pk}",
        f"Goes to: {', '.join([JONAS, *to[:9]])} and 3 more",
    ):  # fmt: skip
        assert line in text
    assert "4111" not in text
    assert opened.toc.files == ()
    rights = opened.rights
    assert not (rights.reply or rights.forward)
    assert [address_of(reader) for reader in message.readers.all()] == [OFFICER]
    (notice,) = Outbound.objects.filter(message=message.pk)
    assert notice.kind == "notice"
    sent = prepare(notice)
    assert sent is not None
    assert b"Payment" not in b"".join(sent.data)
    assert JONAS.encode() not in b"".join(sent.data)
    told = Entry.objects.get(kind="incident.reported")
    assert told.facts == {
        "rule": "Cards", "severity": "high", "report": str(message.pk), "people": 1, "whole": False,
    }  # fmt: skip
    accepted = Entry.objects.get(kind="message.accepted", message=row.pk)
    assert accepted.facts["severity"] == "high"
    assert "Severity: high." in sentence("message.accepted", accepted.facts)


def test_the_mail_itself_is_attached_where_an_owner_said_so_and_takes_no_less_to_read() -> None:
    publish(rule(WHOLE, {"do": "protect", "level": 3}))
    raw = mail("Lunch", "Soup.", headers=[("X-Letterlock-Protect", 'v=1; phrase="blue horse at noon"; hint="x"')])
    row = put(raw)
    _message, opened = report_of(row)
    assert opened.rights.level == 3
    (file,) = opened.toc.files
    assert (file.name, file.content_type) == ("mail.eml", "message/rfc822")
    (inner,) = opened.toc.inner
    assert (inner.subject, inner.text.here.strip()) == ("Lunch", "Soup.")
    assert b"blue horse" not in b"".join(opened.chunks(file))


@pytest.mark.parametrize(
    ("then", "said"), [({"do": "refuse", "text": "No."}, "It was refused."), ({"do": "hold"}, "It waits for approval.")]
)
def test_what_was_refused_or_held_is_reported_once(then: dict[str, Any], said: str) -> None:
    publish(rule(then, TELL), rule(TELL, {"do": "protect"}, when=OUTSIDE, name="Behind"))
    row = put(mail("Lunch"))
    assert said in report_of(row)[1].toc.text.here
    if row.state == Spooled.State.HELD:
        holding.approve(row)
        turn(row.pk)
        subjects = [open_message(reader_of(one, OFFICER)).toc.subject for one in reports_of(row)]
        assert subjects == ["Incident report: Lunch rule", "Incident report: Behind"]


def test_an_override_is_told() -> None:
    publish(rule(MAY, TELL))
    assert "says that the rule is mistaken" in report_of(put(mail("[false positive] Lunch")))[1].toc.text.here


def test_a_mail_without_a_sender_is_told_of_in_a_whole_sentence() -> None:
    publish(rule(TELL))
    text = report_of(put(mail("Lunch").replace(b"From: ", b"X-From: ", 1), sender=""))[1].toc.text.here
    assert "It names no sender." in text
    assert "Sender:" not in text


def test_those_in_bcc_are_told_and_a_rule_that_is_only_logged_reports_nothing() -> None:
    publish(rule(TELL))
    assert f"Bcc: {KARIN}" in report_of(put(mail("Lunch"), JONAS, KARIN))[1].toc.text.here
    publish(rule(TELL, state="log"))
    assert not reports_of(put(mail("Lunch")))


def test_only_an_owner_publishes_a_report() -> None:
    document = {"format": 1, "rules": [{"id": "r", **rule(TELL)}]}
    with pytest.raises(BadRules, match="Only an owner"):
        publishing.publish(document, expected=0, by=somebody(Role.ADMINISTRATOR))
    publishing.publish(document, expected=0, by=somebody(Role.OWNER))


def test_a_mail_waits_and_is_not_decided_on_while_its_report_cannot_be_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    publish(rule(TELL))

    def full(*_: object) -> None:
        raise SpoolUnavailable("the disk is full")

    with monkeypatch.context() as now:
        now.setattr(incidents, "commit", full)
        row = put(mail("Lunch"))
    assert (row.state, row.last_error[:27]) == (Spooled.State.RECEIVED, "Mail cannot be stored just ")
    assert not Entry.objects.filter(kind="message.accepted").exists()
    Spooled.objects.update(due_at=row.received_at)
    assert turn(row.pk).state == Spooled.State.RELAYING
    assert report_of(row)


@pytest.mark.parametrize("address", [JONAS, "x@portal.example"])
def test_nobody_outside_is_told_and_not_the_portal_itself(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Brand.objects.create(slug="own", name="Own", host="portal.example", is_default=True)
    inside = replace(settings.LETTERLOCK, inside_domains=("aldervalley.example", "portal.example"))
    monkeypatch.setattr(settings, "LETTERLOCK", inside)
    with pytest.raises(BadRules, match=r"in a circle|outside the organisation"):
        publish(rule({**TELL, "addresses": [OFFICER, address]}))
    assert publishing.live_number() == 0


def test_who_is_no_longer_inside_is_told_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    publish(rule(TELL))
    monkeypatch.setattr(settings, "LETTERLOCK", replace(settings.LETTERLOCK, inside_domains=("other.example",)))
    assert not reports_of(put(mail("Lunch")))
    assert not Reader.objects.exists()
