"""Each domain has a pace of its own: fair turns, few senders at once, rest after failures, and nobody waits for it."""

import asyncio
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from portal.delivery import claiming, lanes, letters, sending
from portal.delivery.letters import Prepared
from portal.delivery.models import Lane, Outbound
from portal.delivery.queue import address_of, enqueue
from portal.delivery.sending import send_due
from tests.delivery import relays

S = Outbound.State
pytestmark = pytest.mark.django_db


def test_the_database_does_not_tell_who_is_written_to(relayed, relay):
    relay.answers["RCPT"] = "451 4.3.0 later"
    row = relayed("jonas@busy.example")
    send_due(["relay"])
    lane = Lane.objects.get()
    assert (lane.id, lanes.name_of(lane)) == (row.lane, "busy.example")
    assert b"busy" not in bytes(lane.name) + lane.id.bytes


def test_ten_thousand_mails_for_one_domain_hide_no_other(relayed):
    for number in range(100):
        relayed(f"reader{number}@large.example")
    small = [relayed(f"jonas@small{number}.example") for number in range(5)]
    taken = {row.pk for row in claiming.claim(["relay"], 15)}
    assert {row.pk for row in small} <= taken
    assert len(taken) == 15, "what the small ones leave is the large one's"


def test_a_domain_has_so_many_senders_at_once_and_no_more(relayed, configure):
    configure(domain_connections=3)
    for number in range(100):
        relayed(f"reader{number}@large.example")
    assert [len(claiming.claim(["relay"], 10)) for _ in range(5)] == [10, 10, 10, 0, 0]
    relayed("jonas@small.example")
    assert len(claiming.claim(["relay"], 10)) == 1


def test_a_domain_that_failed_gets_one_sender_until_it_takes_a_mail(relayed, relay):
    relay.answers["RCPT"] = "451 4.3.0 later"
    for number in range(30):
        relayed(f"reader{number}@busy.example")
    send_due(["relay"])
    Lane.objects.update(rests_until=None)
    Outbound.objects.update(due_at=timezone.now())
    assert [len(claiming.claim(["relay"], 10)) for _ in range(2)] == [10, 0]


def test_a_domain_that_puts_mail_off_is_left_alone_and_the_others_go_on(relayed, relay):
    refusing = [relayed(f"reader{number}@busy.example") for number in range(4)]
    for row in refusing:
        relay.answers[address_of(row)] = "451 4.7.1 later"
    asked = []
    relay.before_rcpt = lambda: asked.append(1)
    good = [relayed(f"jonas@good{number}.example") for number in range(4)]
    while send_due(["relay"]):
        pass
    assert len(asked) == 5, "one try at the refusing domain, one for each of the others"
    assert {row.recipients[0] for row in relay.taken} == {address_of(row) for row in good}
    assert Outbound.objects.filter(pk__in=[row.pk for row in refusing], state=S.DUE).count() == 4
    assert not Outbound.objects.filter(state=S.DUE, due_at__lte=timezone.now()).exists()


def test_one_full_mailbox_stops_no_other_of_its_domain(relayed, relay):
    relay.answers["full@mail.example"] = "452 4.2.2 full"
    relayed("full@mail.example")
    for number in range(3):
        relayed(f"reader{number}@mail.example")
    send_due(["relay"])
    assert len(relay.taken) == 3
    assert not Lane.objects.exists()


def test_rests_grow_and_a_mail_taken_ends_them(relayed):
    row = relayed("jonas@busy.example")
    waits = []
    for _ in range(12):
        Lane.objects.update(rests_until=None)
        lanes.rest(row.lane, "busy.example", "451 4.3.0")
        waits.append((Lane.objects.get().rests_until - timezone.now()).total_seconds())
    for wait, wanted in zip(waits, [10, 20, 40, 80, 160, 320, 640, 1280, 1800, 1800, 1800, 1800], strict=True):
        assert 0.8 * wanted - 1 < wait <= 1.2 * wanted
    lanes.went_well(row.lane, "250")
    assert (Lane.objects.get().failures, Lane.objects.get().rests_until) == (0, None)


def test_failures_of_several_senders_at_once_are_one_failure(relayed):
    row = relayed("jonas@busy.example")
    for _ in range(5):
        lanes.rest(row.lane, "busy.example", "451 4.3.0")
    assert Lane.objects.get().failures == 1


def test_while_the_relay_is_away_no_mail_is_taken_up(relayed, configure):
    configure(relay_url="smtp://127.0.0.1:9")
    for number in range(3):
        relayed(f"reader{number}@mail.example")
    assert send_due(["relay"], limit=1) == 1
    assert Lane.objects.get().id == lanes.RELAY
    assert send_due(["relay"]) == 0
    assert Outbound.objects.filter(attempts=0).count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_tarpit_holds_up_nobody_else(configure, monkeypatch):
    """A server that does not answer keeps its own thread waiting; the other mail leaves meanwhile."""
    arrived, let_go = threading.Event(), threading.Event()
    others = 12
    with relays.running() as relay:
        configure(relay_url=relay.url)
        monkeypatch.setattr(sending, "_PATIENCE_SECONDS", 0.1)
        monkeypatch.setitem(
            letters._builders, "relay", lambda row: Prepared.whole("maya@x.example", address_of(row), b"\r\n")
        )
        enqueue("relay", address="jonas@tarpit.example")
        for number in range(others):
            enqueue("relay", address=f"jonas@quick{number}.example")

        send = relays.Relay.handle_RCPT

        async def slow(self, server, session, envelope, address, options):
            if "tarpit" in address:
                arrived.set()
                await asyncio.get_running_loop().run_in_executor(None, let_go.wait, 300)
            return await send(self, server, session, envelope, address, options)

        monkeypatch.setattr(relays.Relay, "handle_RCPT", slow)
        counted = []

        def watch():
            arrived.wait(120)
            until = timezone.now() + timedelta(seconds=120)
            while len(relay.taken) < others and timezone.now() < until:
                threading.Event().wait(0.02)
            counted.append(len(relay.taken))
            let_go.set()

        watcher = threading.Thread(target=watch)
        watcher.start()
        assert send_due(["relay"]) == others + 1
        watcher.join()
        connection.close()
    assert counted == [others]
    assert Outbound.objects.filter(state=S.SENT).count() == others + 1


@pytest.mark.django_db(transaction=True)
def test_a_round_goes_on_while_a_slow_server_keeps_it_from_ending(configure, monkeypatch):
    """Mail that comes after the round's time is taken up though somebody still waits: no wake-up would be heard."""
    arrived, let_go = threading.Event(), threading.Event()
    with relays.running() as relay:
        configure(relay_url=relay.url)
        monkeypatch.setattr(sending, "_PATIENCE_SECONDS", 0.05)
        monkeypatch.setattr(sending, "ROUND_SECONDS", 1.0)
        monkeypatch.setitem(
            letters._builders, "relay", lambda row: Prepared.whole("maya@x.example", address_of(row), b"\r\n")
        )
        enqueue("relay", address="jonas@tarpit.example")
        send = relays.Relay.handle_RCPT

        async def slow(self, server, session, envelope, address, options):
            if "tarpit" in address:
                arrived.set()
                await asyncio.get_running_loop().run_in_executor(None, let_go.wait, 300)
            return await send(self, server, session, envelope, address, options)

        monkeypatch.setattr(relays.Relay, "handle_RCPT", slow)
        late_comers = []

        def come_late():
            arrived.wait(120)
            threading.Event().wait(1.3)  # longer than the round
            enqueue("relay", address="jonas@quick.example")
            connection.close()
            until = timezone.now() + timedelta(seconds=120)
            while not relay.taken and timezone.now() < until:
                threading.Event().wait(0.02)
            late_comers.extend(taken.recipients for taken in relay.taken)
            let_go.set()

        watcher = threading.Thread(target=come_late)
        watcher.start()
        assert send_due(["relay"]) >= 2, "what was taken up as the time ended is given back, and counts twice"
        watcher.join()
        connection.close()
    assert late_comers == [("jonas@quick.example",)]
    assert Outbound.objects.filter(state=S.SENT).count() == 2
