"""Rights that were narrowed stay narrow: an older copy of the rows opens nothing, and nothing of a message is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import models
from django.utils import timezone

from portal.audit.models import Entry
from portal.delivery.models import Outbound
from portal.delivery.queue import share_of
from portal.keys.errors import KeyDestroyed, ProviderUnavailable
from portal.keys.service import KeyService, keys
from portal.lifecycle import changing, granting, withdrawing
from portal.lifecycle.errors import AlreadyDestroyed
from portal.vault import destroying, narrowing, rotating
from portal.vault.checking import check
from portal.vault.errors import KeyringOlder, SealBroken
from portal.vault.models import Epoch, Leaf, Message, Reader, Wrap
from portal.vault.opening import key_for, open_message
from portal.vault.readers import address_lookup, seal_address
from portal.vault.rights import Rights
from portal.vault.verifying import verify
from portal.vault.wrapping import add_wraps, base_of
from tests.mails import JONAS, KARIN, MAYA, mail
from tests.seals import keyring_of_before, path_of, seal, signed_in

pytestmark = pytest.mark.django_db
NARROW = {"download": False}


@pytest.fixture(autouse=True)
def _own_keyring() -> Iterator[None]:
    """No leaf of another test is dead: the keyring outlives the rows that a test rolls back."""
    with keyring_of_before():
        yield


def sealed(wishes: str = "v=1") -> Message:
    attached = [("scan.bin", "application/octet-stream", bytes(300))]
    return seal(mail("Results", "Good news.", headers=[("X-Letterlock-Protect", wishes)], files=attached), JONAS, KARIN)


def again(message: Message, address: str = JONAS) -> Reader:
    return Reader.objects.select_related("message__brand").get(message=message, address_lookup=address_lookup(address))


def rights(message: Message, address: str = JONAS) -> Rights:
    return open_message(again(message, address)).rights


class Kept:
    """What somebody with SQL kept of a message: every row that could give its old rights back."""

    def __init__(self, message: Message) -> None:
        self.message = message
        kinds: tuple[Any, ...] = (
            Message.objects.filter(pk=message.pk),
            Epoch.objects.filter(message=message),
            Reader.objects.filter(message=message),
            Wrap.objects.filter(reader__message=message),
        )
        self.rows: list[models.Model] = [row for found in kinds for row in found]

    def put_back(self) -> None:
        """Every table as it was, and nothing of what came since."""
        Leaf.objects.filter(epoch__message=self.message).delete()
        Wrap.objects.filter(reader__message=self.message).delete()
        for row in self.rows:
            row.save()


def destroyed() -> int:
    """As the round of every minute does it."""
    return destroying.destroy_due(timezone.now()).leaves


# -------------------------------------------------------------------------------------------------------- the attack


@pytest.mark.parametrize("whom", [{"address": JONAS}, {}], ids=["for one", "for all"])
def test_old_rows_that_are_put_back_open_nothing(whom: dict[str, Any]) -> None:
    message = sealed()
    kept = Kept(message)
    granting.change_rights(message.pk, NARROW, **whom)
    assert destroyed() == (1 if whom else 2)
    assert rights(message) == Rights(download=False)
    kept.put_back()
    with pytest.raises(KeyDestroyed):
        open_message(again(message))
    assert signed_in(again(message)).get(f"{path_of(again(message))}/file/1").status_code == 410


def test_the_old_wrap_alone_or_the_old_rights_alone_open_nothing() -> None:
    message = sealed()
    old = Wrap.objects.get(reader=again(message))
    granting.change_rights(message.pk, NARROW, address=JONAS)
    destroyed()
    Wrap.objects.filter(reader=again(message)).update(wrapped=old.wrapped)
    with pytest.raises(SealBroken):
        open_message(again(message))
    Reader.objects.filter(pk=again(message).pk).update(rights=None)
    with pytest.raises(SealBroken):
        open_message(again(message))


def test_old_rows_are_carried_on_by_no_date_hold_or_rotation() -> None:
    message = sealed()
    kept = Kept(message)
    granting.change_rights(message.pk, NARROW, address=JONAS)
    destroyed()
    kept.put_back()
    changing.change_date(message.pk, None)
    changing.hold(message.pk)
    begun()
    assert rotating.move(lambda _: None).dead == 1
    with pytest.raises(KeyDestroyed):
        open_message(again(message))
    assert rights(message, KARIN) == Rights()


def test_each_narrowing_after_another_is_bound_and_giving_back_needs_no_new_leaf() -> None:
    message = sealed()
    granting.change_rights(message.pk, {"print": False}, address=JONAS)
    kept, numbers = Kept(message), Epoch.objects.filter(message=message).count()
    granting.change_rights(message.pk, {"print": True}, address=JONAS)
    assert Epoch.objects.filter(message=message).count() == numbers
    granting.change_rights(message.pk, {"watermark": True}, address=JONAS)
    destroyed()
    assert Epoch.objects.filter(message=message).count() == numbers + 1
    assert rights(message) == Rights(watermark=True)
    kept.put_back()
    with pytest.raises(KeyDestroyed):
        open_message(again(message))


def test_of_a_split_message_the_old_inner_key_is_out_of_reach_and_the_code_goes_on_opening_it() -> None:
    message = sealed("v=1; split=strict")
    outbound = Outbound.objects.get(reader=again(message), kind=Outbound.Kind.NOTICE)
    share = share_of(outbound)
    kept = Kept(message)
    granting.change_rights(message.pk, NARROW, address=JONAS)
    destroyed()
    assert open_message(again(message), share).rights == Rights(download=False)
    assert check(Message.objects.get(pk=message.pk)).problems == []
    kept.put_back()
    with pytest.raises(KeyDestroyed):
        open_message(again(message), share)


# --------------------------------------------------------------------------------------------- what happens beside it


def test_whoever_read_the_row_just_before_its_leaf_died_reads_on() -> None:
    message = sealed()
    before = Reader.objects.select_related("message__brand").prefetch_related("wraps__epoch").get(pk=again(message).pk)
    granting.change_rights(message.pk, NARROW)
    destroyed()
    assert open_message(before).rights == Rights(download=False)


def begun() -> None:
    rotating.begin(rotating.used_epochs(), timezone.now())
    rotating.make()


@pytest.mark.parametrize("moved_before", [0, 1, 2, 3])
def test_beside_a_rotation_that_is_half_through(moved_before: int) -> None:
    message = sealed()
    kept = [Kept(message)]
    begun()

    class Enough(Exception):
        pass

    def count(done: int) -> None:
        nonlocal moved_before
        moved_before -= done
        if moved_before <= 0:
            raise Enough

    if moved_before:
        with pytest.raises(Enough):
            rotating.move(count, batch=1)
    kept.append(Kept(message))
    granting.change_rights(message.pk, NARROW, address=JONAS)
    destroyed()
    moved = rotating.move(lambda _: None)
    assert not moved.dead and not moved.damaged and not rotating.unfinished()
    assert (rights(message), rights(message, KARIN)) == (Rights(download=False), Rights())
    begun()
    assert rotating.move(lambda _: None).moved == 3
    late = timezone.now() + timedelta(days=settings.LETTERLOCK.restore_days + 1)
    assert rotating.retire(late, settings.LETTERLOCK.restore_days)
    keys()._opened._kept.clear()
    assert (rights(message), rights(message, KARIN)) == (Rights(download=False), Rights())
    for old in kept:
        old.put_back()
        with pytest.raises(KeyDestroyed):
            open_message(again(message))


def test_between_the_rows_and_the_keyring_a_rotation_and_another_date_use_no_leaf_that_is_about_to_die() -> None:
    message = sealed()
    until = message.open_until
    assert until is not None
    begun()
    granting.change_rights(message.pk, NARROW, address=JONAS)
    # Of the new generation as well: its leaf of Jonas may have been used, and is left again.
    rotating.move(lambda _: None)
    granting.change_rights(message.pk, {"copy": False}, address=JONAS)
    changing.change_date(message.pk, until + timedelta(days=9))
    changing.change_date(message.pk, until)
    begun()
    rotating.move(lambda _: None)
    assert destroyed() > 1
    keys()._opened._kept.clear()
    assert rights(message) == Rights(download=False, copy=False)
    assert not verify(lambda _: None).troubles


def test_a_later_date_and_a_hold_reach_a_narrowed_reader_and_all_of_it_dies_with_the_message() -> None:
    message = sealed()
    granting.change_rights(message.pk, NARROW, address=JONAS)
    destroyed()
    changing.change_date(message.pk, None)
    changing.hold(message.pk)
    changing.lift(message.pk)
    assert again(message).wraps.count() == again(message, KARIN).wraps.count() == 3
    changing.change_date(message.pk, None)
    assert again(message).wraps.count() == 3
    granting.change_rights(message.pk, {"copy": False})
    destroyed()
    places = [(wrap.epoch.epoch, wrap.epoch.number, wrap.reader.number) for wrap in Wrap.objects.all()]
    assert len(places) == 9
    withdrawing.withdraw(message.pk, "x", now=True)
    for epoch, number, reader in places:
        with pytest.raises(KeyDestroyed):
            keys().leaf(epoch, number, reader)
    assert not Leaf.objects.exists()


def test_an_extended_message_is_narrowed_after_its_first_day() -> None:
    message = sealed()
    until = message.open_until
    assert until is not None
    changing.change_date(message.pk, until + timedelta(days=30))
    kept = Kept(message)
    destroying.end_days((until + timedelta(days=2)).date())
    assert len(Wrap.objects.filter(reader=again(message))) == 2
    granting.change_rights(message.pk, NARROW, address=JONAS)
    destroyed()
    keys()._opened._kept.clear()
    assert rights(message) == Rights(download=False)
    kept.put_back()
    with pytest.raises(KeyDestroyed):
        open_message(again(message))


def test_where_no_epoch_takes_anything_new_nothing_is_changed() -> None:
    message = sealed()
    changing.hold(message.pk)  # keeps its node of a day that is over
    (row,) = Epoch.objects.filter(message=message).exclude(epoch__startswith="hold")
    Wrap.objects.exclude(epoch=row).delete()
    keys().keep_only(row.epoch, [row.number])
    with pytest.raises(AlreadyDestroyed):
        granting.change_rights(message.pk, NARROW)
    assert rights(message) == Rights()


def test_a_legal_hold_keeps_the_old_leaves_until_it_is_lifted() -> None:
    message = sealed()
    changing.hold(message.pk)
    kept = Kept(message)
    granting.change_rights(message.pk, NARROW)
    assert destroyed() == 0 and destroying.destroy_left_now(message.pk) == 0
    assert rights(message) == Rights(download=False)
    changing.lift(message.pk)
    assert destroyed() > 0
    kept.put_back()
    with pytest.raises(KeyDestroyed):
        open_message(again(message))


def test_a_withdrawn_reader_stays_withdrawn() -> None:
    message = sealed()
    withdrawing.withdraw_reader(message.pk, JONAS, "Left", now=True)
    granting.change_rights(message.pk, NARROW)
    destroyed()
    assert not again(message).wraps.exists()
    assert rights(message, KARIN) == Rights(download=False)


# ------------------------------------------------------------------------------------------------- backups and crashes


def test_a_backup_from_before_opens_for_its_author_alone_and_not_for_ever() -> None:
    message = sealed()
    kept = Kept(message)
    granting.change_rights(message.pk, NARROW)
    destroyed()
    late = timezone.now() + timedelta(days=settings.LETTERLOCK.restore_days, minutes=1)
    kept_since = Kept(message)
    leaves = list(Leaf.objects.filter(epoch__message=message))
    kept.put_back()
    assert key_for(again(message, MAYA))
    for address in (JONAS, KARIN):
        with pytest.raises(KeyDestroyed):
            open_message(again(message, address))
    assert verify(lambda _: None).troubles == {"destroyed": 2}
    kept_since.put_back()
    Leaf.objects.bulk_create(leaves)
    found: set[str] = set()
    assert narrowing.destroy_left(late, found) == 1 and not found
    assert rights(message, MAYA) == Rights(download=False)
    kept.put_back()
    with pytest.raises(KeyDestroyed):
        key_for(again(message, MAYA))


def test_an_older_keyring_that_is_put_back_is_brought_in_line() -> None:
    message = sealed()
    kept = Kept(message)
    with keyring_of_before():
        granting.change_rights(message.pk, NARROW)
        assert destroyed() == 2
    assert destroying.repeat() == 2
    assert rights(message) == Rights(download=False)
    kept.put_back()
    with pytest.raises(KeyDestroyed):
        open_message(again(message))


class Killed(BaseException):
    """As a process ends by kill -9: nothing catches it."""


def killed(*_: object, **__: object) -> None:
    raise Killed


@pytest.mark.parametrize(
    ("where", "what", "before"),
    [
        (narrowing.Wrap.objects, "bulk_create", True),
        (narrowing.Leaf.objects, "bulk_create", True),
        (granting, "record", True),
        (narrowing, "puncture", False),
        (KeyService, "puncture_all", False),
        (narrowing, "record_all", False),
    ],
    ids=["before the wraps", "before the note", "before the record", "before the keyring", "in it", "after it"],
)
def test_killed_between_any_two_writes_it_is_readable_and_completed_later(
    where: Any, what: str, *, before: bool, monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:  # fmt: skip
    message = sealed()
    kept = Kept(message)
    with monkeypatch.context() as patched:
        patched.setattr(where, what, killed)
        with pytest.raises(Killed), django_capture_on_commit_callbacks(execute=True):
            granting.change_rights(message.pk, NARROW, address=JONAS)
    assert rights(message) == (Rights() if before else Rights(download=False))
    assert rights(message, KARIN) == Rights()
    if before:
        assert not Leaf.objects.exists()
        return
    assert destroyed() == 1 and destroyed() == 0
    assert rights(message) == Rights(download=False)
    kept.put_back()
    with pytest.raises(KeyDestroyed):
        open_message(again(message))


def test_the_leaf_dies_before_whoever_asked_is_answered(
    django_capture_on_commit_callbacks: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    message = sealed()
    with django_capture_on_commit_callbacks(execute=True):
        granting.change_rights(message.pk, NARROW, address=JONAS)
    assert destroyed() == 0
    assert Entry.objects.filter(kind="message.rights_bound", message=message.pk).count() == 1

    def away(*_: object) -> None:
        raise ProviderUnavailable

    # A key service that goes away in between lets it count all the same, and the next round destroys.
    with monkeypatch.context() as patched, django_capture_on_commit_callbacks(execute=True):
        patched.setattr(KeyService, "puncture_all", away)
        granting.change_rights(message.pk, NARROW, address=KARIN)
    assert rights(message, KARIN) == Rights(download=False)
    assert destroyed() == 1


def test_a_keyring_that_lacks_an_epoch_changes_nothing_and_holds_up_no_other() -> None:
    lacking, other = sealed(), sealed()
    Epoch.objects.filter(message=lacking).update(epoch="2031-01-01.0")
    with pytest.raises(KeyringOlder):
        granting.change_rights(lacking.pk, NARROW)
    granting.change_rights(other.pk, NARROW)
    Leaf.objects.create(
        epoch=Epoch.objects.get(message=lacking), reader=again(lacking), due_at=timezone.now() - timedelta(days=1)
    )
    with pytest.raises(KeyringOlder):
        destroyed()
    assert Leaf.objects.filter(epoch__message=lacking, destroyed_at=None).count() == 1
    assert not Leaf.objects.filter(epoch__message=other, destroyed_at=None, due_at__lte=timezone.now()).exists()


# --------------------------------------------------------------------------------------------------------------- many


def test_a_thousand_readers_are_one_number_and_few_writes_of_their_epoch() -> None:
    message = sealed()
    key = key_for(again(message))
    template = again(message)
    many = [
        Reader(
            id=id_, message=message, number=number, address=seal_address(id_, f"r{number}@mail.example"),
            address_lookup=address_lookup(f"r{number}@mail.example"), link=template.link,
            link_lookup=number.to_bytes(32, "big"),
        )
        for number, id_ in ((number, uuid4()) for number in range(3, 1003))
    ]  # fmt: skip
    Reader.objects.bulk_create(many)
    add_wraps(message, many, [key] * len(many), base_of(message.open_until))
    epoch = Epoch.objects.get(message=message).epoch
    version = keys().epoch_version(epoch)
    kept = Wrap.objects.filter(reader=many[500]).values_list("epoch__number", flat=True)[0]
    assert granting.change_rights(message.pk, NARROW) == 1003
    assert destroyed() == 1002
    assert keys().epoch_version(epoch) <= version + 2
    assert Epoch.objects.filter(message=message).count() == 2
    assert not verify(lambda _: None).troubles
    assert open_message(Reader.objects.select_related("message").get(pk=many[500].pk)).rights == Rights(download=False)
    with pytest.raises(KeyDestroyed):
        keys().leaf(epoch, kept, many[500].number)


def test_of_many_who_are_narrowed_one_by_one_each_leaves_their_own_leaves_alone() -> None:
    message = sealed()
    for address in (JONAS, KARIN, MAYA):
        granting.change_rights(message.pk, NARROW, address=address)
    # Not those that were made for somebody else: of hundreds that would be their square.
    assert Leaf.objects.filter(due_at__isnull=False).count() == 3
    granting.change_rights(message.pk, {"copy": False}, address=JONAS)
    assert Leaf.objects.filter(due_at__isnull=False, reader=again(message)).count() == 2
    kept = [leaf.epoch for leaf in Leaf.objects.filter(reader=again(message, KARIN)).select_related("epoch")]
    withdrawing.withdraw_reader(message.pk, KARIN, "Left", now=True)
    for row in kept:
        with pytest.raises(KeyDestroyed):
            keys().leaf(row.epoch, row.number, again(message, KARIN).number)
    assert rights(message) == Rights(download=False, copy=False)


def test_many_messages_are_one_write_of_their_epoch() -> None:
    messages = [sealed() for _ in range(3)]
    for message in messages:
        granting.change_rights(message.pk, NARROW, address=JONAS)
    epoch = Epoch.objects.filter(message=messages[0])[0].epoch
    version = keys().epoch_version(epoch)
    assert destroyed() == 3
    assert keys().epoch_version(epoch) == version + 1
