"""A sender as a process of its own, for tests that run several at once or kill one.

`send N` waits for a line, then looks for work N times. `ask N` asks for N mails. `states` prints how many are in which.
"""

from __future__ import annotations

import json
import sys
from collections import Counter

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


if __name__ == "__main__":
    django.setup()
    verb, *numbers = sys.argv[1:]
    {"send": send, "ask": ask, "states": states}[verb](*map(int, numbers))
