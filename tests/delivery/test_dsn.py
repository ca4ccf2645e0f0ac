"""What the sender of relayed mail is told: as they asked by NOTIFY, in the form of RFC 3464, and never a machine."""

import email
import email.policy
import logging
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from portal import observing
from portal.delivery import late
from portal.delivery.models import Lane, Outbound
from portal.delivery.queue import address_of, dsn_of
from portal.delivery.sending import send_due
from portal.mime.dsn import Dsn
from tests.delivery import relays

S, N = Outbound.State, Outbound.News
pytestmark = pytest.mark.django_db
MAYA = "maya@aldervalley.example"
ASKED = Dsn("SUCCESS,FAILURE", "rfc822;jonas+2Bberg@mail.example", "HDRS", "id+2B1")
SCRIPT = (
    "220 relay.example",
    "250-relay.example\r\n250 DSN",
    "250 reset",
    "250 ok",
    "250 ok",
    "354 go",
    b"250 2.0.0 ok",
    "221 bye",
)


def reports():
    return list(Outbound.objects.filter(kind="report"))


def read(taken):
    mail = email.message_from_bytes(taken.data, policy=email.policy.default)
    text, status, *rest = mail.iter_parts()
    about_mail, about_recipient = status.get_payload()
    return mail, text.get_content(), about_mail, about_recipient, rest


def test_the_wishes_are_kept_sealed_and_come_back(relayed):
    row = relayed(sender=MAYA, dsn=ASKED)
    row.refresh_from_db()
    assert dsn_of(row) == ASKED
    assert b"jonas" not in bytes(row.dsn)


def test_wishes_go_on_to_a_relay_that_offers_dsn(relayed, configure):
    row = relayed(sender=MAYA, dsn=ASKED)
    with relays.scripted(*SCRIPT) as (url, heard):
        configure(relay_url=url)
        send_due(["relay"])
    assert heard[2].endswith(b"RET=HDRS ENVID=id+2B1\r\n")
    assert heard[3].endswith(b"NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;jonas+2Bberg@mail.example\r\n")
    row.refresh_from_db()
    assert (row.state, reports()) == (S.SENT, [])


def test_wishes_that_would_be_another_command_do_not_pass(relayed, configure):
    relayed(sender=MAYA, dsn=Dsn("SUCCESS\r\nRSET", "rfc822;a b", "BOTH", "x\r\nQUIT"))
    with relays.scripted(*SCRIPT) as (url, heard):
        configure(relay_url=url)
        send_due(["relay"])
    assert [line.split(b" ")[0].strip().lower() for line in heard[:4]] == [b"ehlo", b"rset", b"mail", b"rcpt"]
    assert not any(word in b"".join(heard) for word in (b"NOTIFY", b"ORCPT", b"ENVID", b"RSET", b"RET="))


def test_success_at_a_relay_without_dsn_is_reported_as_relayed(relay, relayed):
    relayed(sender=MAYA, dsn=ASKED)
    send_due(["relay"])
    (row,) = reports()
    assert (row.news, address_of(row)) == (N.RELAYED, MAYA)


def test_nobody_who_did_not_ask_is_told_of_success(relay, relayed):
    relayed(sender=MAYA)
    relayed(sender=MAYA, dsn=Dsn("FAILURE"))
    relayed(dsn=Dsn("SUCCESS"))  # of the null sender
    send_due(["relay"])
    assert reports() == []


def test_never_goes_out_with_no_sender_where_it_cannot_be_said(relay, relayed):
    relayed(sender=MAYA, dsn=Dsn("NEVER"))
    send_due(["relay"])
    assert relay.taken[0].sender in ("", "<>")


def test_a_failure_is_reported_in_the_form_that_mail_programs_read(relay, relayed, brand):
    relay.answers["jonas.berg@mail.example"] = "550 5.1.1 <jonas.berg@mail.example>: canary"
    relayed(sender=MAYA, dsn=ASKED)
    send_due(["relay"])
    assert send_due(["report"]) == 1
    taken = relay.taken[-1]
    mail, text, about_mail, about_recipient, rest = read(taken)
    assert (taken.sender or "<>", taken.recipients) == ("<>", (MAYA,))
    assert mail.get_content_type() == "multipart/report"
    assert mail.get_param("report-type") == "delivery-status"
    assert mail["Auto-Submitted"] == "auto-replied"
    assert about_mail["Original-Envelope-Id"] == "id+1"
    assert about_recipient["Original-Recipient"] == "rfc822; jonas+berg@mail.example"
    assert about_recipient["Final-Recipient"] == "rfc822; jonas.berg@mail.example"
    assert (about_recipient["Action"], about_recipient["Status"]) == ("failed", "5.1.1")
    assert about_recipient["Diagnostic-Code"] == "smtp; 550 5.1.1"
    assert "The address does not exist" in " ".join(text.split())
    assert rest[0].get_content_type() == "text/rfc822-headers"
    assert "Subject: hello" in str(rest[0].get_payload())
    assert "body" not in str(rest[0].get_payload())
    assert b"canary" not in taken.data


@pytest.mark.parametrize("asked", [Dsn("NEVER"), Dsn("SUCCESS"), Dsn("DELAY")])
def test_a_failure_is_not_reported_to_whom_asked_otherwise(relay, relayed, asked):
    relay.answers["RCPT"] = "550 5.1.1 no"
    relayed(sender=MAYA, dsn=asked)
    relayed()  # the null sender: a report would answer a report
    send_due(["relay"])
    assert reports() == []


def test_a_refused_report_is_reported_to_nobody(relay, relayed, brand):
    relay.answers["RCPT"] = "550 5.1.1 no"
    relayed(sender=MAYA)
    send_due(["relay"])
    send_due(["report"])
    assert [row.state for row in reports()] == [S.FAILED]


def test_after_four_hours_a_delay_is_told_once_and_the_failure_after_five_days(relay, relayed, brand):
    relay.answers["jonas.berg@mail.example"] = "451 4.3.0 later"
    row = relayed(sender=MAYA)
    send_due(["relay"])
    late.look()
    assert reports() == []
    Outbound.objects.filter(pk=row.pk).update(made_at=timezone.now() - timedelta(hours=5))
    late.look()
    late.look()
    assert [one.news for one in reports()] == [N.DELAYED]
    send_due(["report"])
    _, text, _, about_recipient, _ = read(relay.taken[-1])
    assert (about_recipient["Action"], about_recipient["Status"]) == ("delayed", "4.3.0")
    assert about_recipient["Will-Retry-Until"]
    assert "has not reached jonas.berg@mail.example yet" in " ".join(text.split())
    Outbound.objects.filter(pk=row.pk).update(made_at=timezone.now() - timedelta(days=6))
    late.look()
    row.refresh_from_db()
    assert (row.state, row.last_answer) == (S.FAILED, "451 4.3.0")
    assert sorted(one.news for one in reports()) == [N.DELAYED, N.FAILED]


def test_mail_that_waits_for_us_is_neither_late_nor_given_up(relayed):
    row = relayed(sender=MAYA)
    old = timezone.now() - timedelta(days=9)
    Outbound.objects.filter(pk=row.pk).update(made_at=old, last_answer="waits for keys", attempts=9)
    relayed("never.tried@mail.example", sender=MAYA)
    Outbound.objects.exclude(pk=row.pk).update(made_at=old)
    assert late.look() == 0
    assert set(Outbound.objects.values_list("state", flat=True)) == {S.DUE}


def test_a_domain_that_fails_ends_all_that_waits_for_it(relayed, relay):
    relay.answers["RCPT"] = "451 4.3.0 later"
    relayed("tried@mail.example", sender=MAYA)
    send_due(["relay"])
    relayed("not.tried@mail.example", sender=MAYA)
    assert Lane.objects.get().failures == 1
    Outbound.objects.update(made_at=timezone.now() - timedelta(days=6))
    late.look()
    assert set(Outbound.objects.filter(kind="relay").values_list("state", "last_answer")) == {(S.FAILED, "451 4.3.0")}


def test_the_log_says_of_which_message_it_was_that_failed(relayed, relay):
    class Seen(logging.Handler):
        def emit(self, record):
            said.append((observing.mail_id(), record.getMessage()))

    said: list[tuple[object, str]] = []
    relay.answers["gone@mail.example"] = "550 5.1.1 no such user"
    relay.answers["late@mail.example"] = "451 4.3.0 later"
    rows = [relayed("gone@mail.example", sender=MAYA), relayed("late@mail.example", sender=MAYA)]
    for row in rows:
        Outbound.objects.filter(pk=row.pk).update(message=uuid4())
    seen = Seen()
    logging.getLogger("portal.delivery").addHandler(seen)
    try:
        send_due(["relay"])
        Outbound.objects.update(made_at=timezone.now() - timedelta(days=6))
        late.look()
    finally:
        logging.getLogger("portal.delivery").removeHandler(seen)
    failed = {text.split()[1]: mail for mail, text in said if "failed for good" in text}
    assert failed == {str(row.pk): Outbound.objects.get(pk=row.pk).message for row in rows}


def test_a_row_whose_sender_cannot_be_read_keeps_no_other_from_being_told_of(relayed, relay):
    relay.answers["RCPT"] = "451 4.3.0 later"
    damaged, well = relayed("a@mail.example", sender=MAYA), relayed("b@other.example", sender=MAYA)
    send_due(["relay"])
    old = timezone.now() - timedelta(hours=5)
    Outbound.objects.filter(pk=damaged.pk).update(made_at=old - timedelta(minutes=1), sender=b"damaged")
    Outbound.objects.filter(pk=well.pk).update(made_at=old)
    late.look()
    assert [one.subject_row for one in reports()] == [well.pk]


def test_a_refusal_is_noted_though_its_sender_cannot_be_read(relayed, relay):
    relay.answers["RCPT"] = "550 5.1.1 no such user"
    row = relayed(sender=MAYA)
    Outbound.objects.update(sender=b"damaged")
    send_due(["relay"])
    row.refresh_from_db()
    assert (row.state, row.last_answer, reports()) == (S.FAILED, "550 5.1.1", [])
