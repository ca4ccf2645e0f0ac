"""Destruction: what is withdrawn or closed is gone in keys, wraps, row and blobs; everything beside it lives."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from portal.audit.models import Entry
from portal.keys.epochs import day_of
from portal.keys.errors import KeyDestroyed
from portal.keys.service import keys
from portal.lifecycle import changing, withdrawing
from portal.lifecycle.errors import (
    AlreadyDestroyed,
    DateIsPast,
    NotHeld,
    NotWithdrawn,
    UnknownMessage,
    Withdrawn,
)
from portal.vault import destroying, readers
from portal.vault.errors import KeyringOlder
from portal.vault.models import Blob, Epoch, Message, Wrap
from portal.vault.opening import open_message
from portal.vault.wrapping import add_wraps, base_of
from tests.mails import JONAS, mail
from tests.seals import keyring_of_before, path_of, reader_of, seal, signed_in, words

pytestmark = pytest.mark.django_db
KARIN = "karin.berg@mail.example"
BIG = os.urandom(400_000)


def sealed(*to: str) -> Message:
    return seal(mail("[secure] Knee", "Good news."), *(to or (JONAS,)))


def text_of(message: Message, address: str = JONAS) -> str:
    return open_message(reader_of(message, address)).toc.text.here


def later(minutes: float = 11) -> datetime:
    """After the time to undo."""
    return timezone.now() + timedelta(minutes=minutes)


def kept_wraps(message: Message) -> list[Wrap]:
    """A message's wraps with what they hang on, as a copy of the database would have them."""
    return list(Wrap.objects.filter(reader__message=message).select_related("reader__message", "epoch"))


def dead(wraps: list[Wrap]) -> bool:
    """Whether no wrap that anybody kept has a key any more."""
    assert wraps
    for wrap in wraps:
        try:
            keys().leaf(wrap.epoch.epoch, wrap.epoch.number, wrap.reader.number)
        except KeyDestroyed:
            continue
        return False
    return True


@pytest.fixture(autouse=True)
def _own_store_and_keyring() -> Iterator[None]:
    """No blob of another test, and no key destroyed for another: both outlive the rows that a test rolls back."""
    for path in blob_files():
        path.unlink()
    with keyring_of_before():
        yield


def blob_files() -> set[Path]:
    return {path for path in (settings.LETTERLOCK.data / "blobs").rglob("*") if path.is_file()}


# ------------------------------------------------------------------------------------------------------- withdrawing


def test_a_withdrawn_message_is_closed_at_once_and_destroyed_when_the_time_to_undo_is_over() -> None:
    message, other = sealed(), sealed()
    wraps = kept_wraps(message)
    outcome = withdrawing.withdraw(message.id, "Wrong person")
    assert not outcome.destroyed
    page = signed_in(reader_of(message)).get(path_of(reader_of(message)))
    assert page.status_code == 410 and "has withdrawn this message" in words(page.content)
    assert destroying.destroy_due(timezone.now()).messages == 0
    assert not dead(wraps)
    assert destroying.destroy_due(later()).messages == 1
    assert dead(wraps)
    assert text_of(other).strip() == "Good news."
    page = signed_in(reader_of(message)).get(path_of(reader_of(message)))
    assert page.status_code == 410 and "has withdrawn this message" in words(page.content)


def test_only_a_tombstone_without_content_is_left() -> None:
    message = seal(mail("[secure] Knee", "Good news.", files=[("scan.bin", "application/pdf", BIG)]))
    assert blob_files()
    Message.objects.filter(pk=message.pk).update(
        envelope=readers.seal_envelope(
            message.pk,
            readers.Envelope("Maya", "maya@x.example", timezone.now(), "<1@x>", subject="Knee", note="Call me"),
        )
    )
    withdrawing.withdraw(message.id, "Wrong person", now=True)
    message.refresh_from_db()
    assert message.state == Message.State.WITHDRAWN and message.destroyed_at is not None
    assert bytes(message.container) == b""
    assert not Wrap.objects.filter(reader__message=message).exists()
    assert not Blob.objects.filter(message=message).exists() and not blob_files()
    left = readers.envelope_of(message)
    assert (left.sender_name, left.subject, left.note) == ("Maya", "", "")
    assert Entry.objects.filter(message=message.id, kind="message.erased").count() == 1
    assert withdrawing.reason_of(message) == "Wrong person"
    assert b"Wrong person" not in bytes(message.reason or b"")


def test_withdrawing_from_one_reader_leaves_the_others_alone() -> None:
    message = sealed(JONAS, KARIN)
    wraps = [wrap for wrap in kept_wraps(message) if wrap.reader_id == reader_of(message, KARIN).id]
    withdrawing.withdraw_reader(message.id, KARIN, "Left the clinic")
    karin, jonas = reader_of(message, KARIN), reader_of(message, JONAS)
    page = signed_in(karin).get(path_of(karin))
    assert page.status_code == 410 and "has withdrawn this message" in words(page.content)
    assert signed_in(jonas).get(path_of(jonas)).status_code == 200
    assert "Withdrawn" in words(signed_in(karin).get("/inbox/").content)
    assert destroying.destroy_due(later()).readers == 1
    assert dead(wraps)
    assert text_of(message, JONAS).strip() == "Good news."
    assert signed_in(karin).get(path_of(karin)).status_code == 410
    with pytest.raises(AlreadyDestroyed):
        withdrawing.undo_reader(message.id, KARIN)


def test_a_message_that_was_withdrawn_from_each_reader_goes_whole() -> None:
    message = sealed(JONAS, KARIN)
    for reader in message.readers.all():
        address = readers.address_of(reader)
        withdrawing.withdraw_reader(message.id, address, "Wrong file", now=True)
    assert destroying.destroy_due(timezone.now()).messages == 1
    message.refresh_from_db()
    assert bytes(message.container) == b"" and message.state == Message.State.WITHDRAWN


def test_a_withdrawal_is_undone_until_it_is_destroyed() -> None:
    message = sealed(JONAS, KARIN)
    withdrawing.withdraw(message.id, "Mistake")
    withdrawing.undo(message.id)
    withdrawing.withdraw_reader(message.id, KARIN, "Mistake")
    withdrawing.undo_reader(message.id, KARIN)
    destroying.destroy_due(later())
    assert text_of(message, KARIN).strip() == "Good news."
    with pytest.raises(NotWithdrawn):
        withdrawing.undo(message.id)
    withdrawing.withdraw(message.id, "No mistake", now=True)
    with pytest.raises(AlreadyDestroyed):
        withdrawing.undo(message.id)


def test_withdrawing_twice_keeps_the_first_time_unless_it_is_to_be_now() -> None:
    message = sealed()
    first = withdrawing.withdraw(message.id, "One")
    assert withdrawing.withdraw(message.id, "Two") == first
    assert withdrawing.reason_of(Message.objects.get(pk=message.pk)) == "One"
    assert withdrawing.withdraw(message.id, "Three", now=True).destroyed


def test_what_is_not_there_is_not_withdrawn() -> None:
    message = sealed()
    with pytest.raises(UnknownMessage):
        withdrawing.withdraw_reader(message.id, "nobody@mail.example", "x")
    with pytest.raises(UnknownMessage):
        withdrawing.withdraw_reader(message.id, "no address", "x")
    with pytest.raises(UnknownMessage):
        withdrawing.withdraw(reader_of(message).id, "x")


# ----------------------------------------------------------------------------------------------------------- closing


def test_a_closed_message_dies_with_its_day_and_says_until_when_it_could_be_read() -> None:
    message = sealed()
    wraps = kept_wraps(message)
    assert message.open_until is not None
    day = day_of(wraps[0].epoch.epoch)
    assert day == message.open_until.astimezone(UTC).date()
    assert destroying.destroy_due(message.open_until).messages == 0
    with keyring_of_before():
        done = destroying.destroy_due(message.open_until + timedelta(days=1))
        assert done.messages == 1 and done.epochs >= 1
        assert dead(wraps)
        Message.objects.filter(pk=message.pk).update(open_until=timezone.now() - timedelta(days=1))
        page = signed_in(reader_of(message)).get(path_of(reader_of(message)))
        assert page.status_code == 410 and "It could be read until" in words(page.content)


def test_a_shortened_message_dies_when_it_closes_and_the_others_of_its_day_live() -> None:
    message, other = sealed(), sealed()
    wraps = kept_wraps(message)
    soon = timezone.now() + timedelta(minutes=2)
    changing.change_date(message.id, soon)
    assert Epoch.objects.filter(message=message).count() == 1
    assert destroying.destroy_due(soon + timedelta(minutes=9)).messages == 0
    assert destroying.destroy_due(soon + timedelta(minutes=10)).messages == 1
    assert dead(wraps) and text_of(other).strip() == "Good news."
    assert Message.objects.get(pk=message.pk).state == Message.State.GONE


@pytest.mark.parametrize("days", [40, None])
def test_an_extended_message_outlives_its_first_day(days: int | None) -> None:
    message = sealed(JONAS, KARIN)
    until = message.open_until
    assert until is not None
    changing.change_date(message.id, None if days is None else until + timedelta(days=days))
    assert reader_of(message, KARIN).wraps.count() == 2
    with keyring_of_before():
        other = kept_wraps(sealed())
        destroying.destroy_due(until + timedelta(days=2))
        keys()._opened._kept.clear()
        assert text_of(message, KARIN).strip() == "Good news."
        # A backup from before the extension knows only the wraps of the first day.
        Epoch.objects.filter(message=message, epoch__gt=other[0].epoch.epoch).delete()
        assert text_of(message, KARIN).strip() == "Good news."
        assert dead(other)
        wraps = kept_wraps(message)
        withdrawing.withdraw(message.id, "Over", now=True)
        assert dead(wraps)


def test_what_a_past_day_kept_for_old_backups_is_destroyed_when_they_are_too_old() -> None:
    message = sealed()
    first, until = Epoch.objects.get(message=message).epoch, message.open_until
    assert until is not None
    changing.change_date(message.id, None)
    with keyring_of_before():
        destroying.destroy_due(until + timedelta(days=settings.LETTERLOCK.restore_days))
        assert first in keys().epochs()
        destroying.destroy_due(until + timedelta(days=settings.LETTERLOCK.restore_days + 1))
        assert first not in keys().epochs()
        keys()._opened._kept.clear()
        assert text_of(message).strip() == "Good news."


def test_a_message_dies_in_every_epoch_it_was_ever_wrapped_under() -> None:
    message = sealed()
    assert message.open_until is not None
    changing.change_date(message.id, message.open_until + timedelta(days=3))
    changing.hold(message.id)
    changing.change_date(message.id, None)
    changing.lift(message.id)
    wraps = kept_wraps(message)
    assert len({wrap.epoch.epoch for wrap in wraps}) == 4
    withdrawing.withdraw(message.id, "Over", now=True)
    assert dead(wraps)


def test_extending_again_within_the_epochs_it_has_wraps_nothing_anew() -> None:
    message = sealed()
    until = message.open_until
    assert until is not None
    changing.change_date(message.id, until + timedelta(days=5))
    changing.change_date(message.id, until)
    changing.change_date(message.id, until + timedelta(days=5))
    changing.change_date(message.id, until + timedelta(days=4))
    assert reader_of(message).wraps.count() == 2


def test_what_was_withdrawn_from_a_reader_for_good_is_not_wrapped_for_them_again() -> None:
    message = sealed(JONAS, KARIN)
    withdrawing.withdraw_reader(message.id, KARIN, "Left", now=True)
    changing.change_date(message.id, None)
    assert not Wrap.objects.filter(reader=reader_of(message, KARIN)).exists()
    with pytest.raises(KeyDestroyed):
        open_message(reader_of(message, KARIN))


def test_extending_a_restored_copy_gives_no_new_wrap_to_who_was_withdrawn_after_it_was_made() -> None:
    message = sealed(JONAS, KARIN)
    old, wraps = reader_of(message, KARIN), list(Wrap.objects.filter(reader=reader_of(message, KARIN)))
    withdrawing.withdraw_reader(message.id, KARIN, "Left", now=True)
    old.save()
    Wrap.objects.bulk_create(wraps)
    changing.change_date(message.id, None)
    assert reader_of(message, JONAS).wraps.count() == 2
    assert reader_of(message, KARIN).wraps.count() == 1
    with pytest.raises(KeyDestroyed):
        open_message(reader_of(message, KARIN))


def test_a_date_that_is_over_or_of_a_dead_or_withdrawn_message_is_refused() -> None:
    message = sealed()
    with pytest.raises(DateIsPast):
        changing.change_date(message.id, timezone.now() - timedelta(seconds=1))
    withdrawing.withdraw(message.id, "x")
    with pytest.raises(Withdrawn):
        changing.change_date(message.id, None)
    destroying.destroy_due(later())
    with pytest.raises(AlreadyDestroyed):
        changing.change_date(message.id, None)


# ------------------------------------------------------------------------------------------------------------- holds


def test_a_held_message_outlives_its_day_and_its_withdrawal_until_the_hold_is_lifted() -> None:
    closed, withdrawn = sealed(), sealed()
    assert closed.open_until is not None
    for message in (closed, withdrawn):
        changing.hold(message.id)
    outcome = withdrawing.withdraw(withdrawn.id, "x", now=True)
    assert outcome.held and not outcome.destroyed
    assert signed_in(reader_of(withdrawn)).get(path_of(reader_of(withdrawn))).status_code == 410
    with keyring_of_before():
        after = closed.open_until + timedelta(days=3)
        assert destroying.destroy_due(after).messages == 0
        keys()._opened._kept.clear()
        assert text_of(closed).strip() == text_of(withdrawn).strip() == "Good news."
        wraps = kept_wraps(closed) + kept_wraps(withdrawn)
        for message in (closed, withdrawn):
            changing.lift(message.id)
        assert destroying.destroy_due(after).messages == 2
        assert dead(wraps)
        with pytest.raises(AlreadyDestroyed):
            changing.hold(closed.id)


def test_a_reader_of_a_held_message_is_destroyed_after_the_hold() -> None:
    message = sealed(JONAS, KARIN)
    changing.hold(message.id)
    assert withdrawing.withdraw_reader(message.id, KARIN, "x", now=True).held
    assert destroying.destroy_due(later()).readers == 0
    changing.lift(message.id)
    assert destroying.destroy_due(later()).readers == 1
    with pytest.raises(NotHeld):
        changing.lift(message.id)


# ------------------------------------------------------------------------------------------------------------ faults


def test_a_destruction_that_was_killed_after_any_step_is_finished_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    message = seal(mail("[secure] Knee", "Good news.", files=[("scan.bin", "application/pdf", BIG)]))
    wraps = kept_wraps(message)
    withdrawing.withdraw(message.id, "x")
    for step in ("puncture", "_erase_messages"):
        with monkeypatch.context() as patched:

            def killed(*_: object) -> int:
                raise KeyboardInterrupt

            patched.setattr(destroying, step, killed)
            with pytest.raises(KeyboardInterrupt):
                destroying.destroy_due(later())
        with pytest.raises(AlreadyDestroyed):
            withdrawing.undo(message.id)
    assert destroying.destroy_due(later()).messages == 1
    assert dead(wraps) and not blob_files()


def test_a_keyring_older_than_the_database_holds_up_only_what_it_lacks() -> None:
    lacking, other = sealed(), sealed()
    Epoch.objects.filter(message=lacking).update(epoch="2031-01-01.0")
    for message in (lacking, other):
        withdrawing.withdraw(message.id, "x")
    with pytest.raises(KeyringOlder):
        destroying.destroy_due(later())
    assert Message.objects.get(pk=other.pk).destroyed_at is not None
    waiting = Message.objects.get(pk=lacking.pk)
    assert waiting.destroyed_at is None and bytes(waiting.container)
    page = signed_in(reader_of(lacking)).get(path_of(reader_of(lacking)))
    assert page.status_code == 410


def test_what_an_old_copy_of_the_keyring_brings_back_is_destroyed_again() -> None:
    message, other, shared = sealed(), sealed(), sealed(JONAS, KARIN)
    wraps = kept_wraps(message)
    lost = [wrap for wrap in kept_wraps(shared) if wrap.reader_id == reader_of(shared, KARIN).id]
    with keyring_of_before():
        withdrawing.withdraw(message.id, "x", now=True)
        withdrawing.withdraw_reader(shared.id, KARIN, "x", now=True)
    assert not dead(wraps) and not dead(lost)
    assert destroying.repeat() == 2
    assert dead(wraps) and dead(lost)
    assert text_of(other).strip() == text_of(shared).strip() == "Good news."


def test_a_message_wrapped_under_an_epoch_the_keyring_lacks_says_try_again() -> None:
    message = sealed()
    Epoch.objects.filter(message=message).update(epoch="2031-01-01.0")
    with pytest.raises(KeyringOlder):
        open_message(reader_of(message))
    page = signed_in(reader_of(message)).get(path_of(reader_of(message)))
    assert page.status_code == 503 and "cannot open this message right now" in words(page.content)


def test_a_row_from_before_its_destruction_says_that_it_is_no_longer_stored() -> None:
    message = sealed()
    row = Epoch.objects.get(message=message)
    keys().puncture(row.epoch, row.number, None)
    client = signed_in(reader_of(message))
    page = client.get(path_of(reader_of(message)))
    assert page.status_code == 410 and "no longer stored" in words(page.content)
    assert "No longer stored" in words(client.get("/inbox/").content)


def test_a_thousand_withdrawals_are_one_write_of_their_epoch() -> None:
    message = sealed()
    found = Epoch.objects.get(message=message)
    copies = [
        Message(
            brand=message.brand,
            thread=message.thread,
            made_at=message.made_at,
            rights=message.rights,
            envelope=b"",
            padded_size=1,
            container=b"x",
            destroy_after=timezone.now(),
        )
        for _ in range(100)
    ]
    for copy in copies:
        copy.envelope = readers.seal_envelope(copy.id, readers.envelope_of(message))
    Message.objects.bulk_create(copies)
    Epoch.objects.bulk_create(
        Epoch(message=copy, epoch=found.epoch, number=number) for number, copy in enumerate(copies, 1)
    )
    before = keys()._keyring.read(f"epoch-{found.epoch}")[0]
    assert destroying.destroy_due(later()).messages == 100
    assert keys()._keyring.read(f"epoch-{found.epoch}")[0] == before + 1
    assert text_of(message).strip() == "Good news."


def test_a_new_generation_takes_new_wraps_and_the_old_dies_with_the_message() -> None:
    message, other = sealed(), sealed()
    base = base_of(message.open_until)
    (old,) = {wrap.epoch.epoch for wrap in kept_wraps(message)}
    new = f"{base}.{int(old.rpartition('.')[2]) + 1}"
    keys().make(new)
    for one in (message, other):
        reader = reader_of(one)
        assert add_wraps(one, [reader], [open_message(reader)._key], base) == 1
        assert add_wraps(one, [reader], [open_message(reader)._key], base) == 0
    wraps = kept_wraps(message)
    assert {wrap.epoch.epoch for wrap in wraps} == {old, new}
    withdrawing.withdraw(message.id, "x", now=True)
    assert dead(wraps)
    keys().destroy_epoch(old)
    assert text_of(other).strip() == "Good news."
