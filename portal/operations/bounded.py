"""Redis as the broker, with queues that cannot grow without end while no worker takes from them."""

from __future__ import annotations

from typing import Any

from kombu.transport import redis

from portal.celery import MOST_WAITING


class Channel(redis.Channel):
    """Each wake-up that comes in pushes out the oldest above the bound; the sweeper rings again for what is lost so."""

    def _put(self, queue: str, message: dict[str, Any], **options: Any) -> None:
        super()._put(queue, message, **options)
        channel: Any = self  # kombu's own types know nothing of how its channel names queues
        key = channel._q_for_pri(queue, channel._get_message_priority(message, reverse=False))
        with channel.conn_or_acquire() as client:
            client.ltrim(key, 0, MOST_WAITING - 1)


class Transport(redis.Transport):
    """kombu's own but for the channel."""

    Channel = Channel
