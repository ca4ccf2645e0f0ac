"""Ten minutes of everything that can befall a distributed set-up, at random and under load (`make soak`).

LETTERLOCK_SOAK_SECONDS says how long (600), LETTERLOCK_SOAK_SEED which troubles come when; the seed is printed.
LETTERLOCK_SOAK_BROKER is redis or rabbitmq; without it, half of all seeds take the one and half the other.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.promises import trouble
from tests.promises.estate import Estate
from tests.promises.ledger import Load
from tests.promises.test_faults import BOUND

pytestmark = pytest.mark.servers


def test_nothing_is_lost_told_twice_or_left_in_clear(tmp_path: Path) -> None:
    seconds = float(os.environ.get("LETTERLOCK_SOAK_SECONDS", "600"))
    seed = int(os.environ.get("LETTERLOCK_SOAK_SEED") or random.randrange(10**6))
    broker = os.environ.get("LETTERLOCK_SOAK_BROKER") or ("redis", "rabbitmq")[seed % 2]
    print(f"\nseed {seed}, {broker}")
    with Estate(tmp_path, broker) as estate:
        estate.mailhost.refuse("nobody@mail.example")
        estate.ledger.hand_in("nobody@mail.example")
        estate.ledger.hand_in("nobody@mail.example", protected=False)
        with Load(estate.ledger, clients=4, pause=0.5):
            made = trouble.at_random(estate, seconds, seed)
        print(", ".join(f"{number} × {name}" for name, number in sorted(made.items())))
        estate.until_well()
        # What a relay did not take five times waits for quarter of an hour by then; ten minutes do not get further.
        estate.until_quiet(1200)
        # Ended at each of its first steps, a mail waits for somebody to look at it. Nothing is wrong with any of these.
        estate.portal.manage("release", "--all")
        estate.until_quiet(1200)
        # Of some hundred troubles two may meet the same mail between its sending and its record.
        result = estate.settle(most_more=2)
        print(result)
        assert result.held == 0
        assert estate.broker.longest() <= BOUND
        assert estate.plaintext() == []
