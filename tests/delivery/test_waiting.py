"""What an administrator sees of the queue, lets try at once, and reads of TLS: `manage.py delivery`."""

import io
import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from portal.delivery import results, tidying
from portal.delivery.models import Lane, Outbound, TlsResult
from portal.delivery.sending import send_due

S = Outbound.State
pytestmark = pytest.mark.django_db


def run(*words):
    out = io.StringIO()
    call_command("delivery", *words, stdout=out)
    return out.getvalue()


def test_the_queue_is_shown_by_domain_with_the_last_answer(relay, relayed):
    assert run("queue") == "No mail waits.\n"
    relay.answers["jonas@busy.example"] = "451 4.3.0 later canary"
    relayed("jonas@busy.example")
    send_due(["relay"])
    relayed("karin@post.example")
    relayed("karin2@post.example")
    shown = {one["domain"]: one for one in json.loads(run("queue", "--json"))}
    assert (shown["busy.example"]["mails"], shown["post.example"]["mails"]) == (1, 2)
    assert shown["busy.example"]["last_answer"] == "451 4.3.0"
    assert shown["busy.example"]["rests_until"]
    text = run("queue")
    assert "busy.example  1 waiting" in text
    assert "canary" not in text
    assert "jonas" not in text


def test_a_domain_tries_again_at_once_when_it_is_told_to(relay, relayed):
    relay.answers["RCPT"] = "451 4.3.0 later"
    relayed("jonas@busy.example")
    send_due(["relay"])
    relay.answers.clear()
    assert send_due(["relay"]) == 0
    assert run("retry", "busy.example") == "1 mail will be tried at once.\n"
    assert send_due(["relay"]) == 1
    assert len(relay.taken) == 1


def test_a_refused_mail_tries_again_when_it_is_named(relay, relayed):
    relay.answers["RCPT"] = "550 5.7.1 no"
    row = relayed("jonas@busy.example")
    send_due(["relay"])
    relay.answers.clear()
    with pytest.raises(SystemExit):
        run("retry", "busy.example")
    run("retry", str(row.id))
    send_due(["relay"])
    row.refresh_from_db()
    assert row.state == S.SENT


@pytest.mark.parametrize("what", ["nobody.example", "not a domain", "9e51fe1f-854f-4f1e-85c3-4bdcd8da6ed2"])
def test_what_does_not_wait_is_said_in_a_sentence(what):
    with pytest.raises(SystemExit) as refused:
        run("retry", what)
    assert "No mail waits under this name" in str(refused.value.code)


def test_sessions_are_counted_by_domain_and_result(relay, relayed):
    assert run("report") == "No session has been counted yet.\n"
    for _ in range(3):
        results.note("partner.example", "sts", "certificate-expired")
    results.note("other.example", "no-policy-found", "success")
    relayed()
    send_due(["relay"])
    (line,) = json.loads(run("report", "--json", "--domain", "partner.example"))
    assert (line["policy"], line["result"], line["sessions"]) == ("sts", "certificate-expired", 3)
    assert "(relay)  no-policy-found  starttls-not-supported  1" in run("report")
    assert b"partner" not in b"".join(bytes(lane.name) for lane in Lane.objects.all())


def test_old_counts_and_idle_lanes_go(brand):
    results.note("partner.example", "sts", "success")
    tidying.tidy(timezone.now())
    assert (TlsResult.objects.count(), Lane.objects.count()) == (1, 1)
    TlsResult.objects.update(day=timezone.now().date() - timedelta(days=91))
    Lane.objects.update(last_at=timezone.now() - timedelta(days=61))
    tidying.tidy(timezone.now())
    assert (TlsResult.objects.count(), Lane.objects.count()) == (0, 0)
