"""Senders as real processes: two at once never send a mail twice, and a killed one's mail is sent again."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from portal.audit.models import Entry
from portal.delivery.models import Outbound
from portal.delivery.queue import enqueue
from tests.delivery import relays

pytestmark = pytest.mark.django_db(transaction=True)
S = Outbound.State


def environment(**more):
    """This test's database and keys, with a short lease."""
    database = f"sqlite:///{connection.settings_dict['NAME']}"
    return {**os.environ, "LETTERLOCK_DATABASE_URL": database, "LETTERLOCK_LEASE_SECONDS": "3", **more}


def sender(rounds, **more):
    """Start one; it waits for a line before it begins."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.delivery.sender", "send", str(rounds)],
        env=environment(**more),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    return process


def begin(*processes):
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()


def states():
    return Counter(Outbound.objects.values_list("state", flat=True))


def test_two_processes_at_once_send_each_mail_once():
    addresses = [f"reader{number}@mail.example" for number in range(60)]
    for address in addresses:
        enqueue("relay", address=address)
    with relays.running() as relay:
        both = [sender(20, LETTERLOCK_RELAY_URL=relay.url, LETTERLOCK_LEASE_SECONDS="120") for _ in range(2)]
        begin(*both)
        for process in both:
            assert process.wait(120) == 0
        assert sorted(taken.recipients[0] for taken in relay.taken) == sorted(addresses)
        assert relay.sessions >= 2
    assert states() == {S.SENT: 60}
    assert Entry.objects.filter(kind="message.relayed").count() == 60


def test_a_killed_senders_mail_is_sent_again_and_marked():
    enqueue("relay", address="jonas.berg@mail.example")
    with relays.running() as relay:
        doomed = sender(1, LETTERLOCK_RELAY_URL=relay.url)
        # Between the relay's yes and our note of it: the one moment in which a mail can leave twice.
        relay.before_accepting = lambda: (doomed.send_signal(signal.SIGKILL), doomed.wait())
        begin(doomed)
        assert doomed.wait(120) == -signal.SIGKILL
        assert states() == {S.SENDING: 1}
        relay.before_accepting = lambda: None
        time.sleep(3.1)
        second = sender(1, LETTERLOCK_RELAY_URL=relay.url)
        begin(second)
        assert second.wait(120) == 0
        assert {taken.recipients for taken in relay.taken} == {("jonas.berg@mail.example",)}
    assert states() == {S.SENT: 1}
    assert Entry.objects.get(kind="message.relayed").facts["maybe_twice"] is True


def test_killed_at_any_moment_the_outbox_holds_each_mail_once():
    """Kill a sender again and again at moments of chance; what is left in the end is each mail once, and whole."""
    wanted = {enqueue("relay", address=f"reader{number}@mail.example").id for number in range(60)}
    started = time.monotonic()
    kills = 0
    while states()[S.SENT] < len(wanted) and time.monotonic() - started < 300:
        process = sender(40, LETTERLOCK_RELAY_URL="")
        begin(process)
        if kills < 6:
            time.sleep(0.02 + 0.03 * kills)
            kills += 1
            process.kill()
            process.wait()
        else:
            process.wait(120)
            time.sleep(1)
    assert states() == {S.SENT: len(wanted)}
    outbox = settings.LETTERLOCK.data / "outbox"
    found = [
        path for path in (outbox / "new").iterdir() if path.name.removesuffix(".letterlock") in set(map(str, wanted))
    ]
    assert len(found) == len(wanted)
    assert all(path.read_bytes().endswith(b"\r\n\r\n" + b"x" * 70 + b"\r\n") for path in found)


def test_a_sender_that_sleeps_past_its_lease_stops_before_the_mail_is_accepted():
    database = connection.settings_dict["NAME"]
    enqueue("relay", address="jonas.berg@mail.example")
    with relays.running() as slow, relays.running() as quick:
        sleeper = sender(1, LETTERLOCK_RELAY_URL=slow.url)
        stopped = threading.Event()

        def stop() -> None:
            # The whole computer sleeps here, say: the relay waits for a command and the lease runs out. Not while it
            # renews the lease, though: who is stopped with SQLite's one write lock in hand stops all others too.
            with contextlib.closing(sqlite3.connect(database, timeout=30, isolation_level=None)) as base:
                base.execute("BEGIN IMMEDIATE")
                sleeper.send_signal(signal.SIGSTOP)
                while Path(f"/proc/{sleeper.pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
                    time.sleep(0.01)
                base.execute("ROLLBACK")
            stopped.set()

        slow.before_rcpt = stop
        begin(sleeper)
        assert stopped.wait(120)
        time.sleep(3.1)
        other = sender(1, LETTERLOCK_RELAY_URL=quick.url)
        begin(other)
        assert other.wait(120) == 0
        sleeper.send_signal(signal.SIGCONT)
        assert sleeper.wait(120) == 0
        assert (len(quick.taken), len(slow.taken)) == (1, 0)
    assert states() == {S.SENT: 1}


def run(database, *arguments):
    command, given = [sys.executable, *arguments], environment(LETTERLOCK_DATABASE_URL=database)
    return subprocess.run(command, env=given, check=True, capture_output=True, text=True).stdout


@pytest.mark.servers
def test_on_postgresql_what_was_read_ahead_holds_or_is_forgotten_as_on_sqlite(postgresql):
    found = json.loads(run(postgresql.url, "-m", "tests.delivery.sender", "ahead"))
    assert [name for name, still in found.items() if still] == ["nothing"]
    assert found == json.loads(run(environment()["LETTERLOCK_DATABASE_URL"], "-m", "tests.delivery.sender", "ahead"))


@pytest.mark.servers
def test_on_postgresql_three_processes_send_each_mail_once(postgresql):
    run(postgresql.url, "manage.py", "migrate", "--skip-checks", "--verbosity", "0")
    run(postgresql.url, "-m", "tests.delivery.sender", "ask", "90")
    with relays.running() as relay:
        places = {
            "LETTERLOCK_RELAY_URL": relay.url,
            "LETTERLOCK_DATABASE_URL": postgresql.url,
            "LETTERLOCK_LEASE_SECONDS": "120",
        }
        three = [sender(20, **places) for _ in range(3)]
        begin(*three)
        for process in three:
            assert process.wait(120) == 0
        recipients = [taken.recipients[0] for taken in relay.taken]
    assert sorted(recipients) == sorted(f"reader{number}@mail.example" for number in range(90))
    assert json.loads(run(postgresql.url, "-m", "tests.delivery.sender", "states")) == {S.SENT: 90}
