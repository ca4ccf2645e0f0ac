"""Narrowing beside a rotation, another date, a second narrowing and the round of destruction: real connections."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections
from django.utils import timezone

from portal.keys.errors import KeyDestroyed
from portal.keys.service import keys
from portal.lifecycle import changing, granting
from portal.vault import destroying, rotating
from portal.vault.models import Leaf, Message, Reader, Wrap
from portal.vault.opening import open_message
from portal.vault.readers import address_lookup
from portal.vault.rights import Rights
from portal.vault.verifying import verify
from tests.mails import JONAS, KARIN, MAYA, mail
from tests.seals import keyring_of_before, seal

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _own_keyring() -> Iterator[None]:
    with keyring_of_before():
        yield


def rights(message: Message, address: str) -> Rights:
    reader = Reader.objects.select_related("message").get(message=message, address_lookup=address_lookup(address))
    return open_message(reader).rights


def at_once(*acts: Callable[[], object]) -> None:
    barrier = Barrier(len(acts))

    def run(act: Callable[[], object]) -> None:
        try:
            barrier.wait(timeout=120)
            act()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(acts)) as pool:
        for done in [pool.submit(run, act) for act in acts]:
            done.result(timeout=120)


def test_all_of_it_at_once_leaves_each_reader_their_new_rights_and_no_old_leaf() -> None:
    messages = [seal(mail("[secure] Results", "Good news."), JONAS, KARIN) for _ in range(3)]
    old = list(
        Wrap.objects.filter(reader__role=Reader.Role.RECIPIENT).values_list(
            "epoch__epoch", "epoch__number", "reader__number"
        )
    )
    for _ in range(2):
        rotating.begin(rotating.used_epochs(), timezone.now())
        rotating.make()
        at_once(
            *(lambda pk=message.pk: granting.change_rights(pk, {"download": False}) for message in messages[:2]),
            lambda: granting.change_rights(messages[2].pk, {"print": False}, address=JONAS),
            lambda: granting.change_rights(messages[0].pk, {"copy": False}, address=KARIN),
            lambda: rotating.move(lambda _: None, batch=2),
            lambda: changing.change_date(messages[1].pk, None),
            lambda: destroying.destroy_due(timezone.now()),
        )
        rotating.move(lambda _: None)
        destroying.destroy_due(timezone.now())
        keys()._opened._kept.clear()
        assert (
            not rotating.unfinished()
            and not Leaf.objects.filter(destroyed_at=None, due_at__lte=timezone.now()).exists()
        )
        assert not verify(lambda _: None).troubles
        first, second, third = messages
        assert (rights(first, JONAS), rights(first, KARIN)) == (
            Rights(download=False), Rights(download=False, copy=False),
        )  # fmt: skip
        assert (rights(second, MAYA), rights(second, KARIN)) == (Rights(download=False),) * 2
        assert (rights(third, JONAS), rights(third, KARIN)) == (Rights(print=False), Rights())
        for message in messages:
            granting.change_rights(message.pk, {"download": True, "print": True, "copy": True})
    alive = []
    for place in old:
        try:
            keys().leaf(*place)
            alive.append(place)
        except KeyDestroyed:
            continue
    assert len(alive) == 1  # of Karin, of whose third message nothing was narrowed
