"""A sender as a process of its own, for tests that run several at once or kill one.

`send N` waits for a line, then looks for work N times. `ask N` asks for N mails. `states` prints how many are in which.
`ahead` prints after which changes a notice is still begun by what was read ahead for it.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable

import django

MAIL = b"Subject: hello\r\n\r\n" + b"x" * 70 + b"\r\n"


def send(rounds: int) -> None:
    from portal.delivery import letters
    from portal.delivery.letters import Prepared
    from portal.delivery.queue import address_of
    from portal.delivery.sending import send_due

    letters.register("relay", lambda row: Prepared.whole("maya@aldervalley.example", address_of(row), MAIL))
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(rounds):
        send_due(["relay"], limit=5)


def ask(mails: int) -> None:
    from portal.delivery.queue import enqueue

    for number in range(mails):
        enqueue("relay", address=f"reader{number}@mail.example")


def states() -> None:
    from portal.delivery.models import Outbound

    print(json.dumps(Counter(Outbound.objects.values_list("state", flat=True))))


def ahead() -> None:
    from uuid import uuid4

    from django.db import transaction
    from django.utils import timezone

    from branding import versions
    from branding.models import Brand
    from portal.delivery import ahead, refusing
    from portal.delivery.outcomes import Lease
    from portal.delivery.queue import enqueue
    from portal.vault import readers
    from portal.vault.models import Message, Reader

    address, now = "jonas@mail.example", timezone.now()
    brand = Brand.objects.create(slug="alder", name="Alder", host="secure.alder.example", postal_address="Alder")

    def still(change: Callable[[Reader], object]) -> bool:
        number = uuid4()
        message = Message.objects.create(
            id=uuid4(), brand=brand, thread=uuid4(), made_at=now, rights=b"", envelope=b"", padded_size=0, container=b""
        )
        reader = Reader.objects.create(
            id=number, message=message, number=0, address=readers.seal_address(number, address),
            address_lookup=readers.address_lookup(address), link=b"", link_lookup=number.bytes,
        )  # fmt: skip
        row = enqueue("notice", address=address, message=message.id, reader=reader)
        ahead.look([row])
        change(reader)
        assert Lease(row).begin()
        return row.ahead is not None

    def of_message(**changes: object) -> Callable[[Reader], object]:
        return lambda reader: Message.objects.filter(pk=reader.message_id).update(**changes)

    changes: dict[str, Callable[[Reader], object]] = {
        "nothing": lambda reader: None,
        "withdrawn": of_message(state="withdrawn"),
        "withdrawn from them": lambda reader: Reader.objects.filter(pk=reader.pk).update(withdrawn_at=now),
        "a last day": of_message(open_until=now),
        "away": of_message(away_at=now),
        "published": lambda reader: transaction.atomic(versions.note)(brand),
        "suppressed": lambda reader: refusing.suppress(readers.address_lookup(address), uuid4(), "bounces"),
    }
    print(json.dumps({name: still(change) for name, change in changes.items()}))


if __name__ == "__main__":
    django.setup()
    verb, *numbers = sys.argv[1:]
    {"send": send, "ask": ask, "states": states, "ahead": ahead}[verb](*map(int, numbers))
