"""The broker of a set-up that is broken on purpose: Redis or RabbitMQ, with what its tests ask of either."""

from __future__ import annotations

from kombu import Connection
from redis import Redis as Client

from portal.celery import QUEUES
from tests.peers import rabbitmq
from tests.servers import Redis, Server


class Broker(Server):
    """`url` is a LETTERLOCK_BROKER_URL."""

    url: str

    def longest(self) -> int:
        """Wake-ups in the longest queue."""
        raise NotImplementedError

    def flush(self) -> None:
        """Forget every wake-up."""
        raise NotImplementedError

    def write_all(self) -> None:
        """Bring to the disk, readable, what it holds in memory."""


class RedisBroker(Redis, Broker):
    def longest(self) -> int:
        with Client.from_url(self.url) as client:
            return max(int(client.llen(queue)) for queue in QUEUES)  # type: ignore[arg-type]

    def flush(self) -> None:
        with Client.from_url(self.url) as client:
            client.flushall()

    def write_all(self) -> None:
        with Client.from_url(self.url) as client:
            client.config_set("rdbcompression", "no")
            client.save()


class RabbitBroker(rabbitmq.RabbitMQ, Broker):
    """Its queues are durable: what is in them lies in its folder already."""

    def longest(self) -> int:
        with Connection(self.url) as connection, connection.channel() as channel:
            return max(int(channel.queue_declare(queue, passive=True).message_count) for queue in QUEUES)

    def flush(self) -> None:
        with Connection(self.url) as connection, connection.channel() as channel:
            for queue in QUEUES:
                channel.queue_purge(queue)


BROKERS: dict[str, type[RedisBroker | RabbitBroker]] = {"redis": RedisBroker, "rabbitmq": RabbitBroker}
"""By the names that tests choose them by."""
