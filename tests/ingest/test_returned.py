"""Mail that comes back through the door is taken in before any rule looks at it, and shown where its message is."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import call_command
from django.utils import timezone

from portal.delivery import verp
from portal.delivery.models import Outbound
from portal.delivery.queue import address_of, sender_of
from portal.ingest import spool, spoolfolder
from portal.ingest.models import Spooled
from portal.vault.models import Message
from tests.ingest.test_smtp import configure
from tests.mails import JONAS, KARIN, MAYA, mail
from tests.seals import default_brand, put, seal, turn

pytestmark = pytest.mark.django_db
REPORT = b"""From: MAILER-DAEMON@mail.example
Subject: [secure] Undelivered
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example

Final-Recipient: rfc822; jonas.berg@mail.example
Action: failed
Status: 5.1.1

--b--
""".replace(b"\n", b"\r\n")


def sent_notice() -> tuple[Message, Outbound, str]:
    message = seal(mail("[secure] Results"))
    notice = Outbound.objects.get(message=message.pk, kind="notice")
    Outbound.objects.filter(pk=notice.pk).update(state="sent", sent_at=timezone.now())
    return message, notice, verp.address_for(notice, message.brand)


def test_a_bounce_is_matched_shown_and_told_and_seals_nothing() -> None:
    message, notice, address = sent_notice()
    row = put(REPORT, address, trusted=False)
    assert row.state == Spooled.State.DONE
    assert not (spoolfolder.folder() / str(row.pk)).exists()
    assert list(Message.objects.all()) == [message]
    assert not Outbound.objects.filter(message=row.pk).exists()
    telling = Outbound.objects.get(kind="telling")
    assert (address_of(telling), telling.subject_row) == (MAYA, notice.pk)
    out = io.StringIO()
    call_command("trace", str(message.pk), json=True, stdout=out)
    found = json.loads(out.getvalue())
    shown = next(one for one in found["mails"] if one["kind"] == "notice")
    assert (shown["sentence"], shown["news"]) == ("Came back: not delivered (5.1.1)", "failed")
    assert found["sentence"] == "Not delivered to 1 of 1"
    assert "A mail came back: it was not delivered (5.1.1)." in [event["sentence"] for event in found["events"]]


def test_a_holiday_reply_is_passed_on_as_it_came_with_no_sender(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, inside_domains=("aldervalley.example",))
    _, _, address = sent_notice()
    raw = mail("[secure] Away until Monday", headers=[("Auto-Submitted", "auto-replied")])
    row = put(raw, address, trusted=False)
    assert row.state == Spooled.State.RELAYING
    passed = Outbound.objects.get(kind="relay", message=row.pk)
    assert (address_of(passed), sender_of(passed)) == (MAYA, "")


def test_what_comes_to_a_forged_address_is_dropped() -> None:
    row = put(REPORT, f"bounce+{'a' * 55}@localhost", trusted=False)
    assert row.state == Spooled.State.DONE
    assert not Outbound.objects.exists()


def test_the_bounce_addresses_of_others_are_no_business_of_ours() -> None:
    """Another organisation's Letterlock, or whoever else writes such addresses: a bounce that was swallowed is lost."""
    to = f"bounce+{'a' * 55}@portal.elsewhere.example"
    row = put(REPORT.replace(b"[secure] ", b""), to, sender="")
    assert row.state == Spooled.State.RELAYING
    passed = Outbound.objects.get(kind="relay", message=row.pk)
    assert (address_of(passed), sender_of(passed)) == (to, "")
    _, _, ours = sent_notice()
    assert all(verp.is_one(one) for one in (ours, ours.upper(), ours + ".", ours.replace("localhost", "old.example")))


def test_another_recipient_of_the_same_mail_still_gets_it() -> None:
    _, _, address = sent_notice()
    row = put(mail("Lunch"), address, "karin.berg@post.example", trusted=False)
    assert row.state == Spooled.State.RELAYING
    reached = sorted(address_of(one) for one in Outbound.objects.filter(message=row.pk))
    assert reached == ["karin.berg@post.example", MAYA]


def test_a_holiday_reply_to_a_guest_is_protected_like_any_other_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A guest's answer lies whole in Maya's mailbox. Her holiday reply to it names its subject, and may quote it."""
    configure(monkeypatch, inside_domains=("aldervalley.example",))
    message = seal(mail())
    default_brand()
    envelope = spool.Envelope(sender=JONAS, recipients=(MAYA,), source="reply", trusted=True, thread=message.pk)
    writer = spool.SpoolWriter.begin(envelope)
    writer.write(mail("Re: Your results", sender=JONAS, to=MAYA))
    answer = turn(writer.commit())
    answered = Outbound.objects.get(message=answer.pk, kind="reply")
    address = verp.address_for(answered, message.brand)
    away = mail("Away: Re: Your results", to=address, headers=[("Auto-Submitted", "auto-replied")])
    for sender in ("", MAYA):
        row = put(away, address, sender=sender)
        assert row.state == Spooled.State.DONE, row.last_error
        assert not Outbound.objects.filter(message=row.pk).exclude(kind="notice").exists()
        assert address_of(Outbound.objects.get(message=row.pk, kind="notice")) == JONAS
        assert Message.objects.get(pk=row.pk).thread == message.pk


def test_two_guests_on_holiday_do_not_answer_each_other_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, inside_domains=("aldervalley.example",))
    message = seal(mail())
    envelope = spool.Envelope(sender=JONAS, recipients=(KARIN,), source="reply", trusted=True, thread=message.pk)
    writer = spool.SpoolWriter.begin(envelope)
    writer.write(mail("Re: Your results", sender=JONAS, to=KARIN))
    notice = Outbound.objects.get(message=turn(writer.commit()).pk, kind="notice")
    away = mail("Away", sender=KARIN, to=JONAS, headers=[("Auto-Submitted", "auto-replied")])
    row = put(away, verp.address_for(notice, message.brand), sender="")
    passed = Outbound.objects.get(message=row.pk)
    assert (passed.kind, address_of(passed), sender_of(passed)) == ("relay", JONAS, "")


def test_a_bounce_address_is_no_way_out_in_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    """An insider writes to themselves in a stranger's name, and has a bounce address that leads to that stranger."""
    configure(monkeypatch, inside_domains=("aldervalley.example",), default_action="protect")
    message = seal(mail(sender="eve@mail.example"), MAYA)
    notice = Outbound.objects.get(message=message.pk, kind="notice")
    address = verp.address_for(notice, message.brand)
    for to in ([address], [address, MAYA]):
        row = put(mail("Secret plans"), *to)
        assert row.state == Spooled.State.DONE, row.last_error
        assert not Outbound.objects.filter(message=row.pk, kind="relay").exists()
        assert "eve@mail.example" in [address_of(one) for one in Outbound.objects.filter(message=row.pk)]


@pytest.mark.parametrize("sender", [MAYA, ""])
def test_nor_where_it_leads_from_one_stranger_to_another(monkeypatch: pytest.MonkeyPatch, sender: str) -> None:
    """The same between two strangers who are one: they tell the insider the address that their notice came from."""
    configure(monkeypatch, inside_domains=("aldervalley.example",), default_action="protect")
    message = seal(mail(sender="eve@mail.example"), "adam@mail.example")
    notice = Outbound.objects.get(message=message.pk, kind="notice")
    row = put(mail("Secret plans"), verp.address_for(notice, message.brand), sender=sender)
    assert row.state == Spooled.State.DONE, row.last_error
    assert not Outbound.objects.filter(message=row.pk, kind="relay").exists()
    assert [address_of(one) for one in Outbound.objects.filter(message=row.pk)] == ["eve@mail.example"]
