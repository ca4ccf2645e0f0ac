"""The desk: what other threads ask for is done by its owner, in order, with its answer or its error."""

import threading
import time
from uuid import uuid4

import pytest

from portal import observing
from portal.delivery.desk import Desk


def asked(desk, call, into):
    try:
        into.append(desk.ask(call))
    except Exception as error:
        into.append(error)


def test_the_owner_does_what_others_ask_and_they_get_answer_or_error():
    desk, answers, done_by = Desk(), [], []

    def well():
        done_by.append(threading.get_ident())
        return 42

    def badly():
        done_by.append(threading.get_ident())
        raise LookupError

    for call in (well, badly):
        thread = threading.Thread(target=asked, args=(desk, call, answers))
        thread.start()
        while thread.is_alive():
            desk.serve(0.05)
    assert answers[0] == 42
    assert isinstance(answers[1], LookupError)
    assert set(done_by) == {threading.get_ident()}


def test_what_is_done_for_others_is_about_the_mail_that_they_are_at():
    desk, answers, mail = Desk(), [], uuid4()

    def ask():
        with observing.mail(mail):
            answers.append(desk.ask(observing.mail_id))

    thread = threading.Thread(target=ask)
    thread.start()
    while thread.is_alive():
        desk.serve(0.05)
    assert answers == [mail]
    assert observing.mail_id() is None


def test_the_owner_asks_itself_without_waiting():
    desk = Desk()
    assert desk.ask(lambda: 7) == 7
    with pytest.raises(LookupError):
        desk.ask(lambda: {}["nothing"])


def test_serving_ends_when_nothing_is_asked():
    desk = Desk()
    desk.wake()
    began = time.monotonic()
    desk.serve(300)
    assert time.monotonic() - began < 200, "it was woken, and waited for a question nevertheless"
    desk.serve(0.01)


def test_what_stops_the_owner_is_not_swallowed_and_the_asker_goes_free():
    desk, answers = Desk(), []

    def stopped():
        raise SystemExit

    def ask():
        try:
            desk.ask(stopped)
        except BaseException as error:
            answers.append(type(error))

    thread = threading.Thread(target=ask)
    thread.start()
    with pytest.raises(SystemExit):
        desk.serve(120)
    thread.join(120)
    assert answers == [SystemExit]
