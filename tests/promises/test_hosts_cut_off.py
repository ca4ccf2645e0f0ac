"""Three hosts of workers, one of which loses its network in the middle of its work and gets it back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.peers.mailhost import mailhost
from tests.peers.namespaces import GATEWAY, Namespace, can_make, namespaces
from tests.peers.relay import Relay
from tests.promises.estate import QUICK, Estate
from tests.promises.ledger import Ledger, Load
from tests.servers import S3, Part, Portal, PostgreSQL, Redis, listens, wait_for

pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(not can_make(), reason="making network namespaces needs root and ip"),
]


class Hosts(Estate):
    """Door, web and scheduler here, workers on three hosts that reach the services over a bridge."""

    workers: list[Part]
    namespaces: list[Namespace]

    def __init__(self, folder: Path, postgresql: PostgreSQL, redis: Redis, s3: S3) -> None:
        super().__init__(folder)
        self.postgresql, self.redis, self.s3 = postgresql, redis, s3

    def _start(self, stack: ExitStack) -> None:
        self.namespaces = stack.enter_context(namespaces(3))
        self.mailhost = stack.enter_context(mailhost())
        reached = {
            port: stack.enter_context(Relay(port, GATEWAY)).port
            for port in (self.postgresql.port, self.redis.port, self.s3.port, self.mailhost.network.port)
        }

        def over_the_bridge(url: str, port: int) -> str:
            return url.replace(f"127.0.0.1:{port}", f"{GATEWAY}:{reached[port]}")

        blobs = over_the_bridge(self.s3.url, self.s3.port)
        self.portal = Portal(
            self.folder / "data",
            LETTERLOCK_DATABASE_URL=over_the_bridge(self.postgresql.url, self.postgresql.port),
            LETTERLOCK_BROKER_URL=over_the_bridge(self.redis.url, self.redis.port).removesuffix("0") + "6",
            LETTERLOCK_BLOB_URL=blobs.replace("/blobs?", "/hosts/blobs?"),
            LETTERLOCK_SPOOL_URL=blobs.replace("/blobs?", "/hosts/spool?"),
            LETTERLOCK_RELAY_URL=over_the_bridge(self.mailhost.url, self.mailhost.network.port),
            LETTERLOCK_INSIDE_DOMAINS="aldervalley.example",
            **S3.environment,
            **QUICK,
        )
        self.ledger = Ledger(self.portal, self.mailhost)
        self.portal.manage("prepare")
        for command in ("web", "door", "beat"):
            stack.enter_context(Part(self.portal, command))
        self.workers = [
            stack.enter_context(Part(self.portal, "worker", "--pool", "solo", where=host.enter))
            for host in self.namespaces
        ]
        for port in (self.portal.smtp_port, self.portal.http_port):
            wait_for(lambda port=port: listens(port), 60, "Door or web did not start")


@pytest.fixture
def hosts(tmp_path: Path, postgresql: PostgreSQL, redis: Redis, s3: S3) -> Iterator[Hosts]:
    with Hosts(tmp_path, postgresql, redis, s3) as running:
        yield running


def test_what_a_host_was_at_when_it_was_cut_off_is_done_by_others_and_by_it_no_more(hosts: Hosts) -> None:
    hosts.until_well()
    lost = hosts.namespaces[0]
    with Load(hosts.ledger, pause=0.2) as load:
        load.goes_on(6)
        lost.cut_off()
        load.goes_on(20)
        hosts.ledger.hand_in("meanwhile@mail.example")
        hosts.mailhost.mailbox("meanwhile@mail.example").wait("notice")
        lost.join()
        load.goes_on(6)
    print(hosts.settle())
    # It is of use again: the others leave, and there is nobody else.
    for worker in hosts.workers[1:]:
        worker.stop()
    hosts.ledger.hand_in("later@mail.example")
    inbox = hosts.mailhost.mailbox("later@mail.example")

    def told() -> bool:
        hosts.workers[0].tend()
        return bool(inbox.mails("notice"))

    wait_for(told, 90, "The host that was cut off works no more")
