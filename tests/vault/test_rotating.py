"""Rotation of generations: everything living moves, what is dead stays dead, and a run cut short is taken up."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from portal.audit.models import Entry
from portal.keys.epochs import HOLD
from portal.keys.errors import KeyDestroyed, ProviderUnavailable
from portal.keys.service import keys
from portal.lifecycle import changing, withdrawing
from portal.operations import keyending
from portal.vault import destroying, rotating
from portal.vault.errors import KeyringOlder
from portal.vault.models import Blob, Epoch, Generation, Message, Reader, Wrap
from portal.vault.opening import open_message
from portal.vault.verifying import verify
from tests.mails import JONAS, mail
from tests.seals import keyring_of_before, reader_of, seal

pytestmark = pytest.mark.django_db
KARIN = "karin.berg@mail.example"


def sealed() -> Message:
    """Three wraps: the author's, Jonas's and Karin's."""
    return seal(mail("[secure] Knee", "Good news."), JONAS, KARIN)


def text_of(message: Message, address: str = JONAS) -> str:
    return open_message(reader_of(message, address)).toc.text.here


def epoch_of(message: Message) -> str:
    return Epoch.objects.filter(message=message).order_by("-id").values_list("epoch", flat=True)[0]


def ignore(_: int) -> None:
    """No bar is wanted."""


def begun() -> list[str]:
    epochs = rotating.used_epochs()
    rotating.begin(epochs, timezone.now())
    rotating.make()
    return epochs


def rotated() -> rotating.Moved:
    begun()
    return rotating.move(ignore)


def test_wraps_move_under_the_next_generation_and_bodies_stay_as_they_are() -> None:
    message = sealed()
    before, container = epoch_of(message), bytes(message.container)
    moved = rotated()
    assert (moved.moved, moved.dead, moved.damaged) == (3, 0, 0)
    after = rotating.next_generation(before)
    assert {wrap.epoch.epoch for wrap in Wrap.objects.select_related("epoch")} == {after}
    assert [text_of(message, address).strip() for address in (JONAS, KARIN)] == ["Good news."] * 2
    message.refresh_from_db()
    assert bytes(message.container) == container
    # Destruction needs every generation that the message was ever wrapped under.
    assert set(Epoch.objects.filter(message=message).values_list("epoch", flat=True)) == {before, after}
    assert rotating.unfinished() == []
    assert rotating.outstanding().count() == 0


def content() -> tuple[dict[str, list[object]], dict[Path, tuple[int, int]]]:
    """Every row that holds content or names it, and inode and time of every blob."""
    rows = {kind.__name__: list(kind.objects.order_by("pk").values()) for kind in (Message, Reader, Blob)}
    blobs = [path for path in (settings.LETTERLOCK.data / "blobs").rglob("*") if path.is_file()]
    return rows, {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in blobs}


def test_no_byte_of_content_is_written() -> None:
    sealed()
    seal(mail("[secure] Scan", "See the file.", files=[("scan.bin", "a/b", os.urandom(700_000))]), JONAS)
    before = content()
    assert before[0]["Blob"] and before[1]
    assert rotated().moved == 5
    assert content() == before


def test_a_new_message_is_sealed_under_the_newest_generation() -> None:
    first = sealed()
    rotated()
    assert epoch_of(sealed()) == rotating.next_generation(Epoch.objects.filter(message=first).earliest("id").epoch)


def test_a_run_that_was_cut_short_is_taken_up_where_it_was() -> None:
    messages = [sealed() for _ in range(3)]
    epochs = begun()

    class Interrupted(Exception):
        """Ctrl-C after the first batch."""

    def interrupt(_: int) -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        rotating.move(interrupt, batch=2)
    assert rotating.unfinished() == epochs
    assert rotating.outstanding().count() == 7
    assert rotating.move(ignore, batch=3).moved == 7
    assert rotating.unfinished() == []
    assert rotating.move(ignore).moved == 0
    assert [text_of(message).strip() for message in messages] == ["Good news."] * 3


def test_cut_short_before_the_new_generation_was_made_it_is_unfinished() -> None:
    message = sealed()
    epochs = rotating.used_epochs()
    rotating.begin(epochs, timezone.now())
    assert rotating.unfinished() == epochs
    rotating.make()
    rotating.make()
    assert keys().current(rotating.base_of(epochs[0])) == rotating.next_generation(epochs[0])
    rotating.move(ignore)
    assert text_of(message).strip() == "Good news."


def test_two_rotations_after_each_other_move_the_wraps_twice() -> None:
    message = sealed()
    first = epoch_of(message)
    rotated()
    rotated()
    assert epoch_of(message) == rotating.next_generation(rotating.next_generation(first))
    assert Epoch.objects.filter(message=message).count() == 3
    assert text_of(message).strip() == "Good news."


def test_what_is_being_destroyed_is_not_moved() -> None:
    message, other = sealed(), sealed()
    Message.objects.filter(pk=message.pk).update(destroying_at=timezone.now())
    assert rotated().moved == 3
    assert Epoch.objects.filter(message=message).count() == 1
    assert text_of(other).strip() == "Good news."


def test_what_is_withdrawn_after_a_rotation_is_dead_in_every_generation() -> None:
    message, other = sealed(), sealed()
    copies = list(Wrap.objects.filter(reader__message=message).select_related("reader", "epoch"))
    rotated()
    copies += list(Wrap.objects.filter(reader__message=message).select_related("reader", "epoch"))
    withdrawing.withdraw(message.pk, "Sent to the wrong person", now=True)
    destroying.destroy_due(timezone.now())
    assert {copy.epoch.epoch.rpartition(".")[2] for copy in copies} != {"0"}
    for copy in copies:
        with pytest.raises(KeyDestroyed):
            keys().leaf(copy.epoch.epoch, copy.epoch.number, copy.reader.number)
    assert text_of(other).strip() == "Good news."


def test_a_damaged_wrap_is_counted_named_and_left_and_keeps_its_generation_alive() -> None:
    message = sealed()
    wrap = Wrap.objects.get(reader=reader_of(message, KARIN))
    Wrap.objects.filter(pk=wrap.pk).update(wrapped=bytes(60))
    old = epoch_of(message)
    moved = rotated()
    assert (moved.moved, moved.damaged, moved.stuck) == (2, 1, {old})
    found = verify(ignore)
    assert found.troubles == {"damaged": 1}
    assert found.messages == {"damaged": [message.pk]}
    assert rotating.retire(timezone.now() + timedelta(days=400), 35) == []
    assert old in keys().epochs()


def test_a_wrap_whose_number_is_taken_in_the_new_generation_gets_another() -> None:
    message, other = sealed(), sealed()
    number = Epoch.objects.get(message=message).number
    begun()
    new = keys().current(rotating.base_of(epoch_of(message)))
    Epoch.objects.create(message=other, epoch=new, number=number)
    assert rotating.move(ignore).moved == 6
    assert Epoch.objects.get(message=message, epoch=new).number != number
    assert text_of(message).strip() == text_of(other).strip() == "Good news."


def test_an_old_generation_lives_as_long_as_backups_then_goes_whole() -> None:
    message = sealed()
    old = epoch_of(message)
    copy = Wrap.objects.select_related("reader", "epoch").get(reader=reader_of(message))
    rotated()
    now = timezone.now()
    assert rotating.retire(now + timedelta(days=34), 35) == []
    assert len(keys().leaf(old, copy.epoch.number, copy.reader.number)) == 32
    assert rotating.retire(now + timedelta(days=36), 35) == [old]
    with pytest.raises(KeyDestroyed):
        keys().leaf(old, copy.epoch.number, copy.reader.number)
    assert text_of(message).strip() == "Good news."
    assert rotating.retire(now + timedelta(days=36), 35) == []
    assert Generation.objects.get(epoch=old).destroyed_at is not None
    assert Entry.objects.filter(kind="keys.generation_destroyed").count() == 1
    # Nothing makes the day's first generation again, and the day goes on under its next one.
    keys().prepare(now.date(), {30, None})
    assert old not in keys().epochs()
    assert epoch_of(sealed()) == rotating.next_generation(old)


def test_a_straggler_under_the_old_generation_is_moved_before_it_goes() -> None:
    rotated_before = sealed()
    old = epoch_of(rotated_before)
    begun()
    assert rotating.outstanding().count() == 3
    assert rotating.retire(timezone.now() + timedelta(days=36), 35) == [old]
    assert text_of(rotated_before).strip() == "Good news."


def test_a_keyring_older_than_the_database_stops_it_and_changes_nothing() -> None:
    message = sealed()
    begun()
    before = list(Wrap.objects.values_list("pk", "epoch", "wrapped"))
    Epoch.objects.filter(message=message).update(epoch="2031-01-01.0")
    Generation.objects.create(epoch="2031-01-01.0", superseded_at=timezone.now())
    with pytest.raises(KeyringOlder), transaction.atomic():
        rotating.move(ignore)
    assert list(Wrap.objects.values_list("pk", "epoch", "wrapped")) == before


def test_a_root_key_that_is_away_stops_it_and_the_next_run_goes_on() -> None:
    message = sealed()
    begun()
    root = settings.LETTERLOCK.data / "root.key"
    aside = root.with_suffix(".aside")
    keys()._opened._kept.clear()
    root.rename(aside)
    try:
        with pytest.raises(ProviderUnavailable):
            rotating.move(ignore)
    finally:
        aside.rename(root)
    assert rotating.outstanding().count() == 3
    assert rotating.move(ignore).moved == 3
    assert text_of(message).strip() == "Good news."


def test_verify_opens_every_wrap_or_a_sample_and_counts_them() -> None:
    for _ in range(3):
        sealed()
    steps: list[int] = []
    assert verify(steps.append).opened == sum(steps) == 9
    assert verify(ignore, sample=2).opened == 2
    assert verify(ignore, sample=0).opened == 0
    assert verify(ignore, sample=100).opened == 9


def test_verify_tells_destroyed_from_missing() -> None:
    destroyed, missing, well = sealed(), sealed(), sealed()
    at = Epoch.objects.get(message=destroyed)
    keys().puncture(at.epoch, at.number, None)
    Epoch.objects.filter(message=missing).update(epoch="2031-01-01.0")
    found = verify(ignore)
    assert found.opened == 3
    assert found.troubles == {"destroyed": 3, "missing": 3}
    assert found.messages == {"destroyed": [destroyed.pk], "missing": [missing.pk]}
    assert text_of(well).strip() == "Good news."


def test_generations_that_an_old_copy_of_the_keyring_brings_back_are_destroyed_again() -> None:
    message, asked = sealed(), rotating.base_of(epoch_of(sealed()))
    (old,) = begun()
    rotating.move(ignore)
    by_hand = f"{asked}.7"
    keys().make(by_hand)
    with keyring_of_before():
        late = timezone.now() + timedelta(days=settings.LETTERLOCK.restore_days + 1)
        assert rotating.retire(late, settings.LETTERLOCK.restore_days) == [old]
        keyending.destroy(by_hand)
    assert {old, by_hand} <= set(keys().epochs())
    assert destroying.repeat() == 2
    assert not {old, by_hand} & set(keys().epochs())
    assert text_of(message).strip() == "Good news."


def test_after_a_days_key_was_destroyed_by_hand_new_mail_of_that_day_is_sealed_under_the_next() -> None:
    with keyring_of_before():
        epoch = epoch_of(sealed())
        assert keyending.destroy(epoch) == 1
        message = sealed()
        assert epoch_of(message) == rotating.next_generation(epoch)
        assert text_of(message).strip() == "Good news."


def test_a_key_that_only_a_held_or_reopenable_message_needs_is_not_said_to_be_needed_by_none() -> None:
    held, grace, closed = sealed(), sealed(), sealed()
    past, soon = timezone.now() - timedelta(hours=1), timezone.now() + timedelta(days=3)
    changing.hold(held.pk)
    Message.objects.filter(pk__in=[held.pk, grace.pk, closed.pk]).update(open_until=past)
    Message.objects.filter(pk=grace.pk).update(keys_until=soon)
    day = epoch_of(closed)
    assert keyending.lost_with(day) == 1
    Wrap.objects.filter(epoch__epoch=day).delete()
    assert keyending.lost_with(keys().current(HOLD)) == 1
    assert verify(ignore).opened == 3


def test_what_is_destroyed_rightly_is_no_trouble() -> None:
    message = sealed()
    withdrawing.withdraw(message.pk, "Sent to the wrong person", now=True)
    destroying.destroy_due(timezone.now())
    assert not verify(ignore).troubles
    assert destroying.repeat() > 0
