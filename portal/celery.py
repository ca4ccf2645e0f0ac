"""Wake-ups between processes: which task runs in which queue, and how one is rung."""

from __future__ import annotations

import logging
import os
import ssl
import time
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from celery import Celery
from kombu import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
log = logging.getLogger("letterlock.broker")

SEND_PASSCODES = "portal.delivery.tasks.send_passcodes"
SEND_MAIL = "portal.delivery.tasks.send_mail"
SEND_BULK = "portal.delivery.tasks.send_bulk"
RENEW_POLICIES = "portal.delivery.tasks.renew_policies"
PROCESS = "portal.ingest.tasks.process"
PROCESS_BULK = "portal.ingest.tasks.process_bulk"
PULSE = "portal.operations.tasks.pulse"
DESTROY = "portal.lifecycle.tasks.destroy"
LIFECYCLE_RUNS = "portal.lifecycle.tasks.carry_out"
SEQUENCE = "portal.operations.tasks.sequence"
CHECK_RECORD = "portal.operations.tasks.check_record"
COUNT = "portal.operations.tasks.count"
KEY_WORK = "portal.operations.tasks.key_work"
TELL_OPENINGS = "portal.operations.tasks.tell_openings"
TELL_WEBHOOKS = "portal.api.tasks.tell_webhooks"
CLOCK_SET_BACK = "portal.operations.tasks.clock_set_back"

QUEUES = ("passcode", "seal", "notice", "bulk")
"""Someone waits for a passcode with the page open, so it never stands behind anything else. What came in a bulk run is
sealed and told of through `bulk`, so that ordinary mail never stands behind a hundred thousand invoices."""
ROUTES = {
    SEND_PASSCODES: "passcode", PROCESS: "seal", PROCESS_BULK: "bulk", SEND_BULK: "bulk", DESTROY: "bulk",
    RENEW_POLICIES: "bulk", SEQUENCE: "passcode", CHECK_RECORD: "bulk", KEY_WORK: "bulk", LIFECYCLE_RUNS: "bulk",
    TELL_WEBHOOKS: "bulk",
    "portal.operations.tasks.look": "bulk",
}  # fmt: skip
"""Every other task goes to "notice"."""
TASK_SECONDS = 300
PULSE_SECONDS = 10
DESTROY_SECONDS = 60
COUNT_SECONDS = 15
SEQUENCE_SECONDS = 2
"""An entry is part of the signed record within five; its batches are so short that passcodes may stand behind them."""
SECONDS_A_MIB = 4
"""What a mail may take of a slow disk or bucket: its lease is as much longer, and so is the life of its task."""
WAITING = 2
"""Wake-ups of one task that the embedded broker keeps."""
MOST_WAITING = 200
"""Wake-ups of a queue that Redis or RabbitMQ keeps: while no worker takes any, a queue must not grow without end."""
QUIET_SECONDS = 5
"""After a failed wake-up none is tried for this long: the sweeper rings later, and callers must not wait."""

ONCE_MORE: dict[str, Any] = {"retry": True, "retry_policy": {"max_retries": 1, "interval_start": 0, "interval_step": 0}}
"""For a connection that the broker has ended meanwhile, as RabbitMQ does when it is restarted: the first try finds that
out, and without a second one the dead connection would be used for ever."""

_quiet_until = 0.0


def queue_of(task_name: str) -> str:
    """The queue that a task waits in."""
    return ROUTES.get(task_name, "notice")


def ring(task_name: str) -> None:
    """Wake a worker for `task_name` once the current transaction is committed.

    Never raises and waits at most about a second: what is to be done is a row already, and the sweeper rings again.
    """
    from django.db import connection, transaction

    bell = _bell(task_name)
    # Once a transaction, however many rows it writes.
    if not any(entry[1] is bell for entry in connection.run_on_commit):
        transaction.on_commit(bell, robust=True)


@cache
def _bell(task_name: str) -> Callable[[], None]:
    return partial(_send, task_name)


def _send(task_name: str) -> None:
    global _quiet_until
    if time.monotonic() < _quiet_until:
        return
    queue = queue_of(task_name)
    if _embedded_has_enough(queue, task_name):
        return
    try:
        app.send_task(task_name, queue=queue, ignore_result=True, **ONCE_MORE)
    except Exception as error:  # whatever a broker's client may raise: the caller's work is committed and must stand
        _quiet_until = time.monotonic() + QUIET_SECONDS
        # The text of a foreign error may hold the broker's address with its password.
        log.warning("The broker took no wake-up (%s). The sweeper rings later.", type(error).__name__)


def _embedded_has_enough(queue: str, task_name: str) -> bool:
    """Whether the embedded broker would drop one more. Celery takes 0.3 ms to find out itself."""
    folder = app.conf.broker_transport_options.get("folder")
    return folder is not None and all(slot.exists() for slot in slots(Path(folder) / queue, task_name))


def slots(folder: Path, task_name: str) -> list[Path]:
    """The files in which the embedded broker keeps a task's waiting wake-ups. One sees all that is committed before it
    runs, so more than a second, for a second worker, would find nothing to do."""
    return [folder / f"{task_name}.{number}" for number in range(WAITING)]


def _defaults() -> dict[str, Any]:
    """Celery's settings, made when they are first asked for: importing this module reads no environment."""
    from django.conf import settings

    seconds = settings.LETTERLOCK.sweep_seconds
    return {
        **_broker(settings.LETTERLOCK.broker_url),
        "task_default_queue": "notice",
        # RabbitMQ drops the oldest above the bound, as our own transports do.
        "task_queues": [Queue(queue, routing_key=queue, max_length=MOST_WAITING) for queue in QUEUES],
        "task_routes": {name: {"queue": queue} for name, queue in ROUTES.items()},
        "task_create_missing_queues": True,
        "task_ignore_result": True,
        "task_store_errors_even_if_ignored": False,
        "task_acks_late": True,
        # A batch ends by itself after a minute. What takes this long is stuck in one mail: its process is ended, and
        # the mail, whose start was counted, is held after a few such ends. A large mail and a slow bucket are no poison
        # (150 MiB are 300 MB to write), so the pipeline has as long as the largest mail's lease on top.
        "task_time_limit": TASK_SECONDS,
        "task_annotations": {name: {"time_limit": _pipeline_seconds()} for name in (PROCESS, PROCESS_BULK)},
        "task_reject_on_worker_lost": False,  # the sweeper rings again; a poisonous wake-up must not come back for ever
        "task_send_sent_event": False,
        "task_serializer": "json",
        "accept_content": ["json"],
        "worker_prefetch_multiplier": 1,
        # A process that died in a task leaves its place to the next one after this many seconds, not ten.
        "worker_lost_wait": 1.0,
        # In KiB: a process that has met a very large mail is replaced, so that its memory is the system's again.
        "worker_max_memory_per_child": 400_000,
        "worker_send_task_events": False,
        "worker_enable_remote_control": False,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "broker_connection_timeout": 1,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "timezone": "UTC",
        "beat_scheduler": "portal.operations.scheduling:OneAtATime",  # in memory: nothing here needs to be remembered
        "beat_max_loop_interval": 5,
        "beat_schedule": _schedule(seconds),
    }


def _pipeline_seconds() -> int:
    from django.conf import settings  # which are not read yet when this module is

    found = settings.LETTERLOCK
    return TASK_SECONDS + found.lease_seconds + SECONDS_A_MIB * (found.max_message_bytes >> 20)


def _broker(url: str) -> dict[str, Any]:
    """`filesystem:///folder` is our own embedded broker, redis:// has bounded queues; amqp:// is Celery's own.

    The transports leave TLS out behind rediss:// unless they are told, and the name of the server behind amqps://.
    Known authorities are the system's, or those of SSL_CERT_FILE.
    """
    if url.startswith("filesystem://"):
        return {
            "broker_url": "filesystem://",
            "broker_transport": "portal.operations.broker:Transport",
            "broker_transport_options": {"folder": url.removeprefix("filesystem://"), "max_retries": 0},
        }
    if url.startswith(("redis://", "rediss://")):
        return {
            "broker_url": url,
            "broker_transport": "portal.operations.bounded:Transport",
            "broker_transport_options": {"max_retries": 0, "socket_connect_timeout": 1, "socket_timeout": 1},
            "broker_use_ssl": {"ssl_cert_reqs": "required"} if url.startswith("rediss:") else False,
        }
    named = {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": urlsplit(url).hostname}
    return {"broker_url": url, "broker_transport_options": {}, "broker_use_ssl": url.startswith("amqps:") and named}


def _schedule(seconds: int) -> dict[str, Any]:
    """The sweeper: intervals in seconds. A wake-up that nobody took in time is worth nothing, so it expires."""

    def every(task: str, interval: float, queue: str) -> dict[str, Any]:
        return {
            "task": task,
            "schedule": interval,
            "options": {"queue": queue, "expires": 2 * interval, **ONCE_MORE},
        }

    return {
        "passcodes": every(SEND_PASSCODES, seconds, "passcode"),
        "mail": every(SEND_MAIL, seconds, "notice"),
        "pipeline": every(PROCESS, seconds, "seal"),
        "bulk-pipeline": every(PROCESS_BULK, seconds, "bulk"),
        "bulk-mail": every(SEND_BULK, seconds, "bulk"),
        **{f"pulse-{queue}": every(PULSE, PULSE_SECONDS, queue) for queue in QUEUES},
        "sequence": every(SEQUENCE, SEQUENCE_SECONDS, "passcode"),
        "count": every(COUNT, COUNT_SECONDS, "notice"),
        "key-work": every(KEY_WORK, 60, "bulk"),
        "check-record": every(CHECK_RECORD, 3600, "bulk"),
        "destroy": every(DESTROY, DESTROY_SECONDS, "bulk"),
        "lifecycle-runs": every(LIFECYCLE_RUNS, seconds, "bulk"),
        "openings": every(TELL_OPENINGS, 60, "notice"),
        "webhooks": every(TELL_WEBHOOKS, seconds, "bulk"),
        "policies": every(RENEW_POLICIES, 3600, "bulk"),
        "keys": every("portal.operations.tasks.prepare_keys", 3600, "notice"),
        "look": every("portal.operations.tasks.look", 900, "bulk"),
        "tidy": every("portal.operations.tasks.tidy", 3600, "notice"),
        "parked": every("portal.operations.tasks.sweep_parked", 300, "notice"),
    }


app = Celery("letterlock")
app.add_defaults(_defaults)
app.autodiscover_tasks(["portal.api", "portal.delivery", "portal.ingest", "portal.lifecycle", "portal.operations"])
