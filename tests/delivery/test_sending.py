"""Sending what is due: once, by one, and again when it has to be."""

import logging
import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from portal.audit.models import Entry
from portal.delivery import letters, sending, tasks
from portal.delivery.models import Lane, Outbound
from portal.delivery.queue import address_of, enqueue, sender_of
from portal.delivery.sending import GIVE_UP_AFTER, send_due
from portal.keys.errors import KeyDestroyed, ProviderUnavailable
from portal.vault.errors import SealBroken

S = Outbound.State


def now_due(**changes):
    Lane.objects.update(failures=0, rests_until=None)
    Outbound.objects.update(due_at=timezone.now(), leased_until=None, **changes)


def kinds_recorded():
    return list(Entry.objects.order_by("id").values_list("kind", flat=True))


@pytest.mark.django_db
def test_addresses_are_sealed_and_come_back(relayed):
    outbound = relayed(sender="maya@aldervalley.example")
    outbound.refresh_from_db()
    assert (address_of(outbound), sender_of(outbound)) == ("jonas.berg@mail.example", "maya@aldervalley.example")
    for column in (outbound.address, outbound.sender):
        assert not any(word in bytes(column) for word in (b"jonas", b"maya", b"example"))


@pytest.mark.django_db
def test_a_due_mail_is_sent_once_and_recorded(relay, relayed):
    message = uuid4()
    outbound = relayed(message=message)
    assert send_due(["relay"]) == 1
    assert send_due(["relay"]) == 0
    outbound.refresh_from_db()
    assert (outbound.state, outbound.last_answer, outbound.attempts) == (S.SENT, "250 2.0.0", 1)
    assert outbound.sent_at is not None
    assert (outbound.leased_until, outbound.leased_by) == (None, "")
    assert len(relay.taken) == 1
    entry = Entry.objects.get(kind="message.relayed")
    assert (entry.message, entry.facts) == (message, {"answer": "250 2.0.0", "attempt": 1, "host": "127.0.0.1"})


@pytest.mark.django_db
def test_only_the_kinds_asked_for_are_sent(relay, relayed):
    relayed()
    assert send_due(["passcode", "notice"]) == 0
    assert relay.taken == []


@pytest.mark.django_db
def test_no_more_than_the_limit_is_taken_up(relay, relayed):
    for number in range(5):
        relayed(f"reader{number}@mail.example")
    assert send_due(["relay"], limit=3) == 3
    assert send_due(["relay"], limit=3) == 2
    assert len(relay.taken) == 5
    assert relay.sessions == 2


@pytest.mark.django_db
def test_a_temporary_answer_waits_longer_each_time(relay, relayed):
    relay.answers["RCPT"] = "451 4.7.1 greylisted"
    outbound = relayed()
    waits = []
    for _ in range(9):
        now_due()
        send_due(["relay"])
        outbound.refresh_from_db()
        waits.append((outbound.due_at - timezone.now()).total_seconds())
    assert outbound.state == S.DUE
    assert outbound.last_answer == "451 4.7.1"
    for wait, wanted in zip(waits, (30, 60, 120, 240, 480, 960, 1920, 3600, 3600), strict=True):
        assert 0.8 * wanted - 5 < wait <= 1.2 * wanted
    assert kinds_recorded() == ["wrapper.deferred"]
    relay.answers.clear()
    now_due()
    send_due(["relay"])
    assert len(relay.taken) == 1
    assert kinds_recorded() == ["wrapper.deferred", "message.relayed"]


@pytest.mark.django_db
def test_a_mail_is_not_tried_before_its_time(relay, relayed):
    relay.answers["RCPT"] = "451 4.7.1 greylisted"
    relayed()
    assert send_due(["relay"]) == 1
    relay.answers.clear()
    assert send_due(["relay"]) == 0


@pytest.mark.django_db
def test_after_five_days_it_fails_visibly(relay, relayed):
    relay.answers["RCPT"] = "451 4.7.1 greylisted"
    outbound = relayed()
    now_due(made_at=timezone.now() - GIVE_UP_AFTER - timedelta(minutes=1))
    send_due(["relay"])
    outbound.refresh_from_db()
    assert (outbound.state, outbound.last_answer) == (S.FAILED, "451 4.7.1")
    assert kinds_recorded() == ["wrapper.bounced"]


@pytest.mark.django_db
def test_a_refused_recipient_fails_alone(relay, relayed):
    relay.answers["nobody@closed.example"] = "550 5.1.1 <nobody@closed.example>: no such person"
    message = uuid4()
    rows = [relayed(a, message=message) for a in ("a@mail.example", "nobody@closed.example", "b@mail.example")]
    send_due(["relay"])
    for row in rows:
        row.refresh_from_db()
    assert [row.state for row in rows] == [S.SENT, S.FAILED, S.SENT]
    assert rows[1].last_answer == "550 5.1.1"
    assert Entry.objects.get(kind="wrapper.bounced").facts == {"answer": "550 5.1.1", "mail": "relay", "attempt": 1}
    assert send_due(["relay"]) == 0


@pytest.mark.django_db
def test_no_address_and_no_word_of_the_relay_is_logged_or_recorded(relay, relayed, caplog):
    relay.answers["nobody@closed.example"] = "550 5.1.1 <nobody@closed.example>: canary"
    relay.answers["full@busy.example"] = "452 4.2.2 <full@busy.example>: canary"
    relayed("nobody@closed.example")
    relayed("full@busy.example")
    with caplog.at_level(logging.DEBUG):
        send_due(["relay"])
    seen = caplog.text + str(list(Entry.objects.values())) + str(list(Outbound.objects.values("last_answer")))
    assert "550 5.1.1" in seen
    assert "452 4.2.2" in seen
    for secret in ("canary", "nobody", "busy.example"):
        assert secret not in seen


@pytest.mark.django_db
def test_a_relay_that_is_down_defers_the_whole_batch_with_one_try(configure, relayed):
    configure(relay_url="smtp://127.0.0.1:9")
    rows = [relayed(f"reader{number}@mail.example") for number in range(3)]
    assert send_due(["relay"]) == 3
    for row in rows:
        row.refresh_from_db()
        assert (row.state, row.last_answer, row.attempts) == (S.DUE, "no connection", 1)
        assert row.due_at > timezone.now() + timedelta(seconds=20)


@pytest.mark.django_db
def test_a_mail_that_is_no_longer_wanted_is_dropped(relay, relayed, monkeypatch):
    outbound = relayed()
    monkeypatch.setitem(letters._builders, "relay", lambda row: None)
    send_due(["relay"])
    outbound.refresh_from_db()
    assert (outbound.state, relay.taken, kinds_recorded()) == (S.DROPPED, [], [])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("trouble", "state", "answer"),
    [
        (ProviderUnavailable(), S.DUE, "waits for keys"),
        (KeyDestroyed(), S.DROPPED, "key destroyed"),
        (SealBroken(), S.FAILED, "damaged"),
        (OSError(28, "canary"), S.DUE, "OSError"),
        (UnicodeDecodeError("utf-8", b"canary", 0, 1, "canary"), S.DUE, "UnicodeDecodeError"),
    ],
)
def test_a_mail_that_cannot_be_written_waits_or_fails_and_the_next_one_leaves(
    relay, relayed, monkeypatch, caplog, trouble, state, answer
):
    bad, good = relayed(), relayed("karin@post.example")
    build = letters._builders["relay"]

    def builder(row):
        if row.id == bad.id:
            raise trouble
        return build(row)

    monkeypatch.setitem(letters._builders, "relay", builder)
    send_due(["relay"])
    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.state, bad.last_answer, good.state) == (state, answer, S.SENT)
    assert "canary" not in caplog.text


@pytest.mark.django_db
def test_waiting_for_keys_never_ends_in_failure(relay, relayed, monkeypatch):
    outbound = relayed()

    def builder(row):
        raise ProviderUnavailable

    monkeypatch.setitem(letters._builders, "relay", builder)
    now_due(made_at=timezone.now() - 10 * GIVE_UP_AFTER, attempts=200)
    send_due(["relay"])
    outbound.refresh_from_db()
    assert outbound.state == S.DUE
    assert outbound.due_at < timezone.now() + timedelta(minutes=6)


@pytest.mark.django_db
def test_a_kind_that_nobody_writes_waits_and_is_seen(relay, monkeypatch):
    monkeypatch.delitem(letters._builders, "relay", raising=False)
    outbound = enqueue("relay", address="jonas.berg@mail.example")
    send_due(["relay"])
    outbound.refresh_from_db()
    assert (outbound.state, outbound.last_answer) == (S.DUE, "NoBuilder")


@pytest.mark.django_db
def test_a_row_left_by_a_dead_sender_is_sent_again_and_marked(relay, relayed):
    outbound = relayed()
    Outbound.objects.update(
        state=S.SENDING, leased_by="dead", leased_until=timezone.now() - timedelta(seconds=1), attempts=1
    )
    assert send_due(["relay"]) == 1
    outbound.refresh_from_db()
    assert (outbound.state, outbound.attempts, len(relay.taken)) == (S.SENT, 2, 1)
    facts = {"answer": "250 2.0.0", "attempt": 2, "maybe_twice": True, "host": "127.0.0.1"}
    assert Entry.objects.get().facts == facts


@pytest.mark.django_db
def test_the_mark_stays_though_a_busy_relay_comes_in_between(relay, relayed):
    outbound = relayed()
    Outbound.objects.update(
        state=S.SENDING, leased_by="dead", leased_until=timezone.now() - timedelta(seconds=1), attempts=1
    )
    relay.answers["MAIL"] = "451 4.3.0 later"
    for _ in range(2):
        send_due(["relay"])
        now_due()
    del relay.answers["MAIL"]
    send_due(["relay"])
    outbound.refresh_from_db()
    assert (outbound.state, outbound.attempts, len(relay.taken)) == (S.SENT, 4, 1)
    assert Entry.objects.get(kind="message.relayed").facts["maybe_twice"] is True


@pytest.mark.django_db
def test_a_row_that_a_living_sender_holds_is_left_alone(relay, relayed):
    relayed()
    Outbound.objects.update(state=S.SENDING, leased_by="alive", leased_until=timezone.now() + timedelta(seconds=5))
    assert send_due(["relay"]) == 0
    assert relay.taken == []


@pytest.mark.django_db(transaction=True)
def test_a_sender_that_was_overtaken_changes_nothing(relay, relayed):
    outbound = relayed()

    def overtake():
        Outbound.objects.filter(pk=outbound.pk).update(leased_by="another", state=S.DUE)
        connection.close()

    relay.before_accepting = overtake
    send_due(["relay"])
    outbound.refresh_from_db()
    assert (outbound.state, outbound.leased_by, outbound.sent_at) == (S.DUE, "another", None)
    assert kinds_recorded() == []


@pytest.mark.django_db(transaction=True)
def test_a_slow_relay_keeps_its_mail_to_one_sender(configure, relay, relayed):
    configure(lease_seconds=4)
    outbound = relayed()
    others = []

    def meanwhile():
        # The relay thinks for longer than the lease; another sender looks for work all the time.
        for _ in range(10):
            threading.Event().wait(0.6)
            others.append(send_due(["relay"]))
        connection.close()

    relay.before_accepting = meanwhile
    send_due(["relay"])
    outbound.refresh_from_db()
    assert others == [0] * 10
    assert (outbound.state, len(relay.taken)) == (S.SENT, 1)


@pytest.mark.django_db(transaction=True)
def test_many_senders_at_once_send_each_mail_once(relay, relayed):
    for number in range(40):
        relayed(f"reader{number}@mail.example")

    def sender():
        while send_due(["relay"], limit=4):
            pass
        connection.close()

    threads = [threading.Thread(target=sender) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recipients = [recipient for taken in relay.taken for recipient in taken.recipients]
    assert sorted(recipients) == sorted(f"reader{number}@mail.example" for number in range(40))
    assert set(Outbound.objects.values_list("state", flat=True)) == {S.SENT}


@pytest.mark.django_db
def test_a_passcode_never_waits_behind_other_mail(relay, relayed, monkeypatch):
    monkeypatch.setitem(
        letters._builders,
        "passcode",
        lambda row: letters.Prepared.whole("", address_of(row), b"Subject: code\r\n\r\n12345678\r\n"),
    )
    relayed()
    passcode = enqueue("passcode", address="karin@post.example")
    tasks.send_passcodes()
    assert [taken.recipients for taken in relay.taken] == [("karin@post.example",)]
    passcode.refresh_from_db()
    assert passcode.state == S.SENT
    assert kinds_recorded() == ["recipient.passcode_sent"]
    tasks.send_mail()
    assert len(relay.taken) == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("away", "state"), [(2, S.SENT), (99, S.SENDING)])
def test_what_was_taken_is_noted_when_the_database_is_back(relay, relayed, monkeypatch, away, state):
    monkeypatch.setattr(sending, "NOTE_PAUSES", (0.01,) * 3)
    failures = iter(range(away))

    def failing(execute, sql, params, many, context):
        if sql.startswith('INSERT INTO "audit_entry"') and next(failures, None) is not None:
            raise OperationalError("the server closed the connection")
        return execute(sql, params, many, context)

    outbound = relayed()
    with connection.execute_wrapper(failing):
        assert send_due(["relay"]) == 1
    outbound.refresh_from_db()
    assert outbound.state == state
    assert len(relay.taken) == 1
    now_due()
    send_due(["relay"])
    outbound.refresh_from_db()
    assert outbound.state == S.SENT
    sure = state == S.SENT
    assert len(relay.taken) == (1 if sure else 2), "one whose outcome nobody could note goes again"
    assert bool(Entry.objects.get(kind="message.relayed").facts.get("maybe_twice")) is not sure


@pytest.mark.django_db(transaction=True)
def test_a_mail_is_noted_before_the_next_is_handed_over(relay, relayed):
    seen = []

    def look():
        seen.append(sorted(Outbound.objects.values_list("state", flat=True)))
        connection.close()

    relay.before_accepting = look
    for number in range(3):
        relayed(f"reader{number}@mail.example")
    assert send_due(["relay"]) == 3
    assert seen == [[S.DUE, S.DUE, S.SENDING], [S.DUE, S.SENDING, S.SENT], [S.SENDING, S.SENT, S.SENT]]
    assert set(Outbound.objects.values_list("state", flat=True)) == {S.SENT}


@pytest.mark.django_db(transaction=True)
def test_what_cannot_be_noted_with_the_next_is_noted_by_itself_and_no_mail_leaves_twice(relay, relayed, monkeypatch):
    monkeypatch.setattr(sending, "NOTE_PAUSES", (0.01,) * 3)
    failures = iter([False, True, True, False, True])

    def failing(execute, sql, params, many, context):
        if sql.startswith('INSERT INTO "audit_entry"') and next(failures, False):
            raise OperationalError("the server closed the connection")
        return execute(sql, params, many, context)

    for number in range(4):
        relayed(f"reader{number}@mail.example")
    with connection.execute_wrapper(failing):
        assert send_due(["relay"]) == 4
    assert len(relay.taken) == 4
    assert set(Outbound.objects.values_list("state", "attempts")) == {(S.SENT, 1)}
    assert [entry.facts.get("maybe_twice") for entry in Entry.objects.filter(kind="message.relayed")] == [None] * 4


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.django_db(transaction=True)
def test_a_process_that_is_to_end_while_it_notes_has_noted_what_was_taken(relay, relayed):
    """SIGTERM raises wherever the process is; the mail in hand then must not leave once more with the next process."""
    ends = iter([True])

    def ending(execute, sql, params, many, context):
        if sql.startswith("UPDATE delivery_outbound SET state") and relay.taken and next(ends, False):
            raise SystemExit
        return execute(sql, params, many, context)

    for number in range(2):
        relayed(f"reader{number}@mail.example")
    with connection.execute_wrapper(ending), pytest.raises(SystemExit):
        send_due(["relay"])
    assert len(relay.taken) == 1
    assert sorted(Outbound.objects.values_list("state", flat=True)) == [S.DUE, S.SENT]
