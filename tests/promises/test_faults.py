"""Everything that can befall a distributed set-up, one thing after the other under load: nothing is lost, told twice or
left in clear. `make soak` does the same at random for ten minutes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.mails import Mailbox, link_in, passcode_in
from tests.person import Person
from tests.promises import trouble
from tests.promises.estate import Estate, can_mount, fill, until
from tests.promises.ledger import CANARY, Load
from tests.servers import alive

pytestmark = pytest.mark.servers
NEEDS_ROOT = pytest.mark.skipif(not can_mount(), reason="making a small disk to fill needs root")
BOUND = 200
"""Wake-ups that a queue holds at most."""


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    with Estate(tmp_path_factory.mktemp("estate")) as running:
        yield running


def told(estate: Estate, address: str, kind: str = "notice", number: int = 1) -> EmailMessage:
    """The newest mail of a kind, waited for as long as a relay that failed may be left alone."""
    return estate.mailhost.mailbox(address).wait(kind, number, seconds=90)


def count(estate: Estate, address: str, kind: str = "notice") -> int:
    return len(estate.mailhost.mailbox(address).mails(kind))


def test_mail_that_came_before_the_broker_was_there_is_told(estate: Estate) -> None:
    told(estate, "early@mail.example")


def at_the_link(estate: Estate, address: str) -> tuple[Person, str, Mailbox]:
    """A recipient, the path of the link in their notice, and their mailbox."""
    inbox = estate.mailhost.mailbox(address)
    return estate.ledger.person(address), urlsplit(link_in(told(estate, address))).path, inbox


def test_a_relay_that_is_slow_to_answer_gets_everything_once(estate: Estate) -> None:
    with trouble.relay_tarpit(estate):
        for number in range(2):
            estate.ledger.hand_in(f"tarpit{number}@mail.example")
        for number in range(2):
            told(estate, f"tarpit{number}@mail.example")


def test_a_relay_that_refuses_for_good_is_said_so(estate: Estate) -> None:
    estate.mailhost.refuse("nobody@mail.example")
    for protected in (True, False):
        estate.ledger.hand_in("nobody@mail.example", protected=protected)
    until(
        lambda: sum(estate.states("delivery_outbound").get(state, 0) for state in ("failed", "bounced")) == 2,
        30,
        lambda: f"not refused: {estate.states('delivery_outbound')}",
    )


def not_taken(estate: Estate, what: trouble.Trouble) -> None:
    """Mail is tried in vain, and stays."""
    address = f"{what.__name__}@mail.example"
    with what(estate):
        before = estate.tries()
        estate.ledger.hand_in(address)
        until(lambda: estate.tries() > before, 90, lambda: "nobody tried to send anything")
    assert count(estate, address) == 0


# Between these come others: after a failure the relay is left alone for a while, and then all is told.


def test_mail_waits_for_a_relay_that_is_away(estate: Estate) -> None:
    not_taken(estate, trouble.relay_away)


@pytest.mark.parametrize("what", [trouble.postgresql_restarted, trouble.postgresql_killed])
def test_the_door_takes_no_mail_while_the_database_is_away(estate: Estate, what: trouble.Trouble) -> None:
    with Load(estate.ledger) as load:
        with what(estate):
            refused = estate.ledger.hand_in("db@mail.example", patience=0)
            assert not refused.ids
            assert refused.refusal in ("", "451"), "a code that is for good would make its sender give up"
        estate.until_well()
        load.goes_on()


@pytest.mark.parametrize("what", [trouble.broker_flushed, trouble.broker_killed])
def test_the_door_takes_mail_while_the_broker_is_away(estate: Estate, what: trouble.Trouble) -> None:
    with Load(estate.ledger) as load, what(estate):
        assert estate.ledger.hand_in("broker@mail.example", patience=0).ids
        load.goes_on()


def test_web_door_and_workers_are_killed_together(estate: Estate) -> None:
    with Load(estate.ledger) as load:
        load.goes_on()
        before = estate.portal.processes()
        with ExitStack() as stack:
            for kill in trouble.KILLS:
                stack.enter_context(kill(estate))
            load.goes_on()
        until(lambda: len(estate.portal.processes()) == len(before), 30, lambda: "not all are started again")
        estate.until_well()


def test_large_mail_waits_for_a_blob_store_that_is_away_and_small_mail_does_not(estate: Estate) -> None:
    with trouble.blobs_away(estate):
        large = estate.ledger.hand_in("large@mail.example", large=True)
        estate.ledger.hand_in("small@mail.example")
        told(estate, "small@mail.example")
        until(lambda: estate.reason(large.ids[0]), 30, lambda: "it does not say why it waits")
        assert "LETTERLOCK_BLOB_URL" in estate.reason(large.ids[0])
        assert count(estate, "large@mail.example") == 0
    told(estate, "large@mail.example")


def test_mail_waits_for_a_relay_that_has_no_time(estate: Estate) -> None:
    not_taken(estate, trouble.relay_busy)


def test_a_slow_blob_store_is_waited_for(estate: Estate) -> None:
    with trouble.blobs_slow(estate):
        estate.ledger.hand_in("patient@mail.example", large=True)
        told(estate, "patient@mail.example")


@NEEDS_ROOT
@pytest.mark.parametrize("what", [trouble.spool_full, trouble.database_disk_full])
def test_a_full_disk_refuses_for_now_and_loses_nothing(estate: Estate, what: trouble.Trouble) -> None:
    with Load(estate.ledger):
        with what(estate):
            refused = estate.ledger.hand_in("full@mail.example", large=True, patience=0)
            if what is trouble.spool_full:
                while refused.ids:  # there was room again by what had just been sealed
                    fill(estate.spool)
                    refused = estate.ledger.hand_in("full@mail.example", large=True, patience=0)
                assert refused.refusal in ("451", "452")
        estate.until_well()
        assert estate.ledger.hand_in("full@mail.example", large=True).ids


def test_mail_is_whole_or_not_taken_when_the_connection_breaks_in_its_middle(estate: Estate) -> None:
    not_taken(estate, trouble.relay_cut_in_data)


def test_an_hour_ahead_closes_sessions_and_passcodes_and_not_the_way_back_in(estate: Estate) -> None:
    read, asked = (estate.ledger.hand_in(f"{name}@mail.example") for name in ("reader", "asker"))
    (reader, path, inbox), (asker, asked_path, asked_inbox) = (
        at_the_link(estate, f"{name}@mail.example") for name in ("reader", "asker")
    )
    assert read.marker in reader.sign_in(path, inbox).text
    asker.post(f"{asked_path}/ask/", page=asked_path)
    code = passcode_in(asked_inbox.wait("passcode"))
    with trouble.clock_ahead(estate):
        assert CANARY not in reader.get(path).text, "half an hour of idleness has passed"
        assert CANARY not in asker.post(f"{asked_path}/passcode/", {"code": code}).text, "15 minutes have passed"
        assert read.marker in reader.sign_in(path, inbox, known=1).text
        assert asked.marker in asker.sign_in(asked_path, asked_inbox, known=1).text
        estate.ledger.hand_in("tomorrow@mail.example")
        told(estate, "tomorrow@mail.example")
    # Now an hour back, for whatever was written meanwhile.
    assert read.marker in reader.get(path).text
    estate.ledger.hand_in("today@mail.example")
    told(estate, "today@mail.example")


def test_an_hour_back_keeps_sessions_and_passcodes_and_delays_nothing(estate: Estate) -> None:
    entry = estate.ledger.hand_in("behind@mail.example")
    person, path, inbox = at_the_link(estate, "behind@mail.example")
    person.post(f"{path}/ask/", page=path)
    code = passcode_in(inbox.wait("passcode"))
    with trouble.clock_behind(estate):
        # Whoever asks again need not wait for an hour because the first passcode seems to be of an hour ahead.
        Person(estate.portal.url).post(f"{path}/ask/", page=path)
        told(estate, "behind@mail.example", "passcode", 2)
        assert entry.marker in person.post(f"{path}/passcode/", {"code": code}).text
        assert entry.marker in person.get(path).text
        estate.ledger.hand_in("yesterday@mail.example")
        told(estate, "yesterday@mail.example")
        estate.ledger.hand_in("yesterday@mail.example", protected=False)
        told(estate, "yesterday@mail.example", "")
    estate.until_well()


def test_a_mail_whose_250_was_lost_and_that_is_handed_in_again_is_there_as_often_as_it_was_taken(
    estate: Estate,
) -> None:
    estate.ledger.hand_in("twice@mail.example", again=True)
    until(lambda: count(estate, "twice@mail.example") == 2, 30, lambda: "two mails, two notices")


def test_all_that_was_answered_250_is_readable_once_and_nothing_lies_in_clear(
    estate: Estate, record_property: Callable[[str, object], None]
) -> None:
    result = estate.settle()
    print(result)
    record_property("ledger", str(result))
    assert result.readable > 50
    assert (result.refused, result.held) == (2, 0), "only what the relay was told to refuse may be missing"
    assert estate.other_beat is not None
    assert alive(estate.other_beat.pid), "the second scheduler did not last"
    assert estate.broker.longest() <= BOUND
    assert estate.plaintext() == []
    assert not any("Traceback" in path.read_text() for path in Path(estate.portal.data / "logs").iterdir())
