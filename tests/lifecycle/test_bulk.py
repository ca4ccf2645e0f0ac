"""A wrong attachment went to three hundred people: many messages withdrawn, or dated anew, and undone as a whole."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.audit.models import Entry
from portal.lifecycle import bulk, changing, withdrawing
from portal.lifecycle.actors import COMMAND, Why
from portal.lifecycle.choosing import ANY, UNOPENED, Choice, messages
from portal.lifecycle.errors import (
    BadReaderAddress,
    NoneFound,
    NothingChosen,
    RunOver,
    TooMany,
    WrongNumber,
)
from portal.lifecycle.models import Run, RunItem
from portal.vault import destroying
from portal.vault.models import Message, Reader, Wrap
from tests.mails import JONAS, KARIN, MAYA, mail
from tests.seals import path_of, reader_of, seal, signed_in

pytestmark = pytest.mark.django_db
EBBA = "ebba.olsson@aldervalley.example"
O = RunItem.Outcome  # noqa: E741


def sent(number: int, sender: str = MAYA) -> list[Message]:
    """So many protected messages of one sender, each to somebody else."""
    to = [f"person{place}@post.example" for place in range(number)]
    return [seal(mail(sender=f"Sender <{sender}>"), address, sender=sender) for address in to]


def asked(choice: Choice, action: str = Run.Action.WITHDRAW) -> Run:
    return bulk.ask(action, choice, COMMAND)


def confirmed(run: Run, **more: object) -> Run:
    bulk.confirm(run, bulk.count(run).messages, COMMAND, Why.WRONG_CONTENT, **more)  # type: ignore[arg-type]
    return run


def carried_out(run: Run) -> dict[str, int]:
    while bulk.carry_out(only=run):
        pass
    run.refresh_from_db()
    return bulk.outcomes(run)


def test_a_wrong_attachment_to_many_people_is_withdrawn_from_all_and_from_nobody_else() -> None:
    wrong = sent(12)
    other = seal(mail(sender=f"Ebba <{EBBA}>"), JONAS, sender=EBBA)
    reader = wrong[0].readers.get(role=Reader.Role.RECIPIENT)
    assert signed_in(reader).get(path_of(reader)).status_code == 200
    run = asked(Choice(sender=MAYA.upper()))
    counted = bulk.count(run)
    assert (counted.messages, counted.opened, counted.held, counted.recipients) == (12, 1, 0, 12)
    confirmed(run, tell=True)
    late = seal(mail(), KARIN)
    assert signed_in(reader).get(path_of(reader)).status_code == 200, "nothing happens before its turn"
    assert carried_out(run) == {O.DONE: 12}
    assert signed_in(reader).get(path_of(reader)).status_code == 410
    for untouched in (other, late):
        assert Message.objects.get(pk=untouched.pk).state == Message.State.OPEN
    assert run.undo_until
    due = set(Message.objects.filter(pk__in=[one.pk for one in wrong]).values_list("destroy_after", flat=True))
    assert due == {run.undo_until}, "the time to undo begins for all when the last is through"
    again = asked(Choice(sender=MAYA))
    assert bulk.count(again).messages == 1, "only what came in since"
    assert MAYA not in str(list(Run.objects.values()))
    assert Entry.objects.filter(kind="message.withdrawn").count() == 12
    destroying.destroy_due(run.undo_until + timedelta(seconds=1))
    assert not Wrap.objects.filter(reader__message__in=wrong).exists()


def test_the_whole_run_is_undone_while_its_time_lasts() -> None:
    wrong = sent(3)
    run = confirmed(asked(Choice(sender=MAYA)))
    carried_out(run)
    withdrawing.undo(wrong[0].id)
    withdrawing.withdraw(wrong[0].id, "by somebody else, later")
    bulk.undo(run, COMMAND)
    assert carried_out(run) == {O.UNDONE: 2, O.KEPT: 1}
    assert run.state == Run.State.UNDONE
    states = list(Message.objects.order_by("made_at").values_list("state", flat=True))
    assert states == [Message.State.WITHDRAWN, Message.State.OPEN, Message.State.OPEN]
    with pytest.raises(RunOver):
        bulk.undo(run, COMMAND)


def test_nothing_is_undone_when_the_time_is_over() -> None:
    sent(1)
    run = confirmed(asked(Choice(sender=MAYA)))
    carried_out(run)
    Run.objects.update(undo_until=timezone.now() - timedelta(seconds=1))
    with pytest.raises(RunOver):
        bulk.undo(run, COMMAND)


def test_undoing_in_the_middle_leaves_the_rest_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    sent(5)
    run = confirmed(asked(Choice(sender=MAYA)))
    monkeypatch.setattr(bulk, "BATCH", 2)
    assert bulk._batch(run, run.items.filter(outcome=O.WAITING), bulk._do_one)
    bulk.undo(run, COMMAND)
    assert carried_out(run) == {O.UNDONE: 2, O.SKIPPED: 3}
    assert not Message.objects.exclude(state=Message.State.OPEN).exists()


class Killed(BaseException):
    """As a worker ends that is killed."""


def test_a_worker_that_dies_in_the_middle_leaves_nothing_half_done(monkeypatch: pytest.MonkeyPatch) -> None:
    sent(4)
    run = confirmed(asked(Choice(sender=MAYA)))
    real, calls = bulk._do_one, []

    def dies(run: Run, item: RunItem) -> str:
        calls.append(item)
        found = real(run, item)
        if len(calls) == 3:
            raise Killed
        return found

    monkeypatch.setattr(bulk, "_do_one", dies)
    with pytest.raises(Killed):
        bulk.carry_out(only=run)
    assert bulk.outcomes(run) == {O.DONE: 2, O.WAITING: 2}
    assert Message.objects.filter(state=Message.State.WITHDRAWN).count() == 2
    monkeypatch.setattr(bulk, "_do_one", real)
    assert carried_out(run) == {O.DONE: 2, O.WAITING: 2}, "another worker waits until the lease of the dead one is over"
    Run.objects.update(leased_until=None)
    assert carried_out(run) == {O.DONE: 4}
    assert Entry.objects.filter(kind="message.withdrawn").count() == 4


def test_the_report_says_what_was_held_withdrawn_before_or_destroyed() -> None:
    held, already, gone, plain = sent(4)
    changing.hold(held.id)
    withdrawing.withdraw(already.id, "before")
    run = confirmed(asked(Choice(sender=MAYA, state=ANY)))
    withdrawing.withdraw(gone.id, "in between", now=True)
    assert carried_out(run) == {O.HELD: 1, O.ALREADY: 1, O.GONE: 1, O.DONE: 1}
    assert Message.objects.get(pk=plain.pk).state == Message.State.WITHDRAWN


def test_dates_are_changed_in_bulk_and_put_back() -> None:
    many = sent(2)
    before = set(Message.objects.values_list("open_until", flat=True))
    run = confirmed(asked(Choice(sender=MAYA), Run.Action.DATE), until=None)
    assert carried_out(run) == {O.DONE: 2}
    assert not Message.objects.exclude(open_until=None).exists()
    again = confirmed(asked(Choice(sender=MAYA), Run.Action.DATE), until=None)
    assert carried_out(again) == {O.ALREADY: 2}
    bulk.undo(run, COMMAND)
    carried_out(run)
    assert set(Message.objects.filter(pk__in=[one.pk for one in many]).values_list("open_until", flat=True)) == before


def test_who_mistypes_the_number_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    sent(2)
    run = asked(Choice(sender=MAYA))
    with pytest.raises(WrongNumber):
        bulk.confirm(run, 3, COMMAND, Why.OTHER)
    monkeypatch.setattr(bulk, "MOST", 1)
    with pytest.raises(TooMany):
        bulk.confirm(run, 2, COMMAND, Why.OTHER)
    monkeypatch.undo()
    with pytest.raises(NoneFound):
        bulk.confirm(asked(Choice(sender=KARIN)), 0, COMMAND, Why.OTHER)
    assert not RunItem.objects.exists()
    confirmed(run)
    with pytest.raises(RunOver):
        confirmed(run)


@pytest.mark.parametrize("choice", [Choice(), Choice(state=ANY), Choice(before=timezone.now())])
def test_nobody_means_every_message_there_is(choice: Choice) -> None:
    with pytest.raises(NothingChosen):
        asked(choice)
    with pytest.raises(BadReaderAddress):
        asked(Choice(sender="nobody"))


def test_each_way_to_choose_narrows() -> None:
    first, second = seal(mail(), JONAS, KARIN), seal(mail(), KARIN)
    now = timezone.now()
    Reader.objects.filter(pk=reader_of(first).pk).update(first_opened_at=now)
    Message.objects.filter(pk=second.pk).update(rule="Results", made_at=now - timedelta(days=2))

    def found(choice: Choice) -> set[object]:
        return set(messages(choice, now).values_list("pk", flat=True))

    assert found(Choice(recipient=JONAS)) == {first.pk}
    assert found(Choice(recipient=KARIN)) == {first.pk, second.pk}
    assert found(Choice(recipient=MAYA)) == set(), "an author is no recipient"
    assert found(Choice(sender=MAYA, state=UNOPENED)) == {second.pk}
    assert found(Choice(rule="Results")) == {second.pk}
    assert found(Choice(since=now - timedelta(days=1))) == {first.pk}
    assert found(Choice(brand="alder", before=now - timedelta(days=1))) == {second.pk}
    assert found(Choice(brand="another")) == set()


def test_a_sender_is_found_by_the_index_of_addresses_and_not_by_looking_at_every_message() -> None:
    sent(2)
    with CaptureQueriesContext(connection) as seen:
        list(messages(Choice(sender=MAYA), timezone.now()).values_list("pk", flat=True))
    plan = messages(Choice(sender=MAYA), timezone.now()).values_list("pk", flat=True).explain()
    assert len(seen) == 1
    assert "SCAN vault_message" not in plan.replace('"', ""), plan
    assert "address_lookup=?" in plan


def test_the_command_counts_asks_for_the_number_and_withdraws() -> None:
    sent(3)
    said = StringIO()
    call_command("withdraw", "--bulk", "--sender", MAYA, "--since", "2001-01-01", "--dry-run", stdout=said)
    assert said.getvalue().startswith("3 messages to 3 recipients; 0 have been opened")
    assert not Run.objects.exists()
    with pytest.raises(SystemExit, match="not the number"):
        call_command("withdraw", "--bulk", "--sender", MAYA, "--confirm", "2")
    call_command("withdraw", "--bulk", "--sender", MAYA, "--confirm", "3", stdout=said)
    assert Message.objects.filter(state=Message.State.WITHDRAWN).count() == 3
    run = Run.objects.get(state=Run.State.DONE)
    call_command("undo", "--run", str(run.id), stdout=said)
    assert "3 undone" in said.getvalue()
    assert not Message.objects.exclude(state=Message.State.OPEN).exists()


def test_what_was_counted_and_never_confirmed_is_forgotten_after_a_day() -> None:
    sent(1)
    old, new, done = asked(Choice(sender=MAYA)), asked(Choice(sender=MAYA)), asked(Choice(sender=MAYA))
    confirmed(done)
    Run.objects.filter(pk__in=(old.pk, done.pk)).update(asked_at=timezone.now() - timedelta(days=2))
    assert bulk.tidy(timezone.now()) == 1
    assert set(Run.objects.all()) == {new, done}
