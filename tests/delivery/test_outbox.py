"""The Maildir that stands for the outside world: each mail once, whole, with its envelope on top."""

import mailbox
import threading
from uuid import uuid4

import pytest

from portal.delivery.errors import Deferred, LeaseLost
from portal.delivery.letters import Prepared
from portal.delivery.outbox import Outbox

MAIL = b"Subject: hello\r\n\r\nbody\r\n"


def mail():
    return Prepared.whole("maya@aldervalley.example", "jonas.berg@mail.example", MAIL)


@pytest.fixture
def outbox(tmp_path):
    made = Outbox(tmp_path / "outbox")
    made.open()
    return made


def test_a_mail_lies_in_new_under_its_rows_name_with_its_envelope_on_top(outbox, tmp_path):
    id_ = uuid4()
    assert outbox.send(id_, mail(), lambda: None) == "250 2.0.0"
    assert (tmp_path / "outbox" / "new" / f"{id_}.letterlock").read_bytes() == (
        b"Return-Path: <maya@aldervalley.example>\r\nDelivered-To: jonas.berg@mail.example\r\n" + MAIL
    )
    (read,) = mailbox.Maildir(tmp_path / "outbox")
    assert read["Delivered-To"] == "jonas.berg@mail.example"


@pytest.mark.parametrize("seen_as", ["new/{}", "cur/{}", "cur/{}:2,S"])
def test_a_mail_sent_again_is_there_once_also_after_somebody_read_it(outbox, tmp_path, seen_as):
    id_ = uuid4()
    outbox.send(id_, mail(), lambda: None)
    name = f"{id_}.letterlock"
    (tmp_path / "outbox" / "new" / name).rename(tmp_path / "outbox" / seen_as.format(name))
    outbox.send(id_, mail(), lambda: None)
    found = [path for part in ("new", "cur", "tmp") for path in (tmp_path / "outbox" / part).iterdir()]
    assert len(found) == 1


def test_a_stopped_writer_leaves_nothing_and_the_next_try_is_whole(outbox, tmp_path):
    id_ = uuid4()

    def stop():
        raise LeaseLost

    with pytest.raises(LeaseLost):
        outbox.send(id_, mail(), stop)
    assert not list((tmp_path / "outbox").rglob("*.letterlock*"))
    outbox.send(id_, mail(), lambda: None)
    assert (tmp_path / "outbox" / "new" / f"{id_}.letterlock").read_bytes().endswith(MAIL)


def test_what_a_killed_writer_left_in_tmp_goes_with_the_next_try(outbox, tmp_path):
    id_ = uuid4()
    (tmp_path / "outbox" / "tmp" / f"{id_}.letterlock.deadbeef").write_bytes(b"half")
    outbox.send(id_, mail(), lambda: None)
    assert not list((tmp_path / "outbox" / "tmp").iterdir())


def test_two_writers_of_the_same_mail_leave_one_whole_mail(outbox, tmp_path):
    id_ = uuid4()
    outcomes = []

    def write():
        try:
            outcomes.append(outbox.send(id_, Prepared("a@b.example", "c@d.example", [MAIL] * 2000), lambda: None))
        except Deferred as error:
            outcomes.append(error.answer)

    threads = [threading.Thread(target=write) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (path,) = (tmp_path / "outbox" / "new").iterdir()
    assert path.read_bytes().endswith(MAIL * 2000)
    assert any(outcome.startswith("250") for outcome in outcomes)


def test_a_full_or_missing_disk_defers(tmp_path):
    (tmp_path / "outbox").write_text("a file where the folder should be")
    with pytest.raises(Deferred) as deferred:
        Outbox(tmp_path / "outbox").open()
    assert deferred.value.answer.startswith("outbox, errno ")
