"""A Celery worker as Letterlock runs one: hardened processes, signs of life, nothing printed but log lines."""

from __future__ import annotations

import gc
import logging
import os
import socket
import warnings
from typing import Any

import celery.apps.beat
import celery.apps.worker
from billiard.process import current_process
from celery import platforms, signals
from celery.exceptions import SecurityWarning
from django.conf import settings

from portal import spans
from portal.celery import PULSE, QUEUES, app
from portal.ingest import isolation
from portal.operations import hardening, hearing, heartbeats

log = logging.getLogger("letterlock.worker")

BULK_NICE = 10
"""A worker of the bulk queue alone leaves the processor to whoever waits for an answer (nice(2))."""


def work(queues: list[str], *, pool: str, processes: int) -> int:
    """Take wake-ups from `queues` until SIGTERM, which lets running tasks end. Returns the exit status."""
    _connect_signals()
    if queues == ["bulk"]:
        os.nice(BULK_NICE)
    # It would announce its end on stderr in words of its own, past the log's shape.
    celery.apps.worker.safe_say = lambda *_: None  # type: ignore[attr-defined]
    # Celery fears root for pickle's sake, which nothing here reads (accept_content).
    warnings.filterwarnings("ignore", category=SecurityWarning)
    worker = app.Worker(
        hostname=f"{'-'.join(queues)}@{socket.gethostname()}",
        queues=queues,
        pool_cls=pool,
        concurrency=processes,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
        loglevel="INFO",
    )
    worker.start()
    return int(worker.exitcode or 0)


def keep_time() -> None:
    """Run the scheduler that rings the sweeper's bells, until SIGTERM."""
    _connect_signals()
    Timekeeper(app=app, quiet=True, loglevel="INFO").run()


class Timekeeper(celery.apps.beat.Beat):
    """Celery's scheduler process. SIGTERM ends what it is at, and only then is anything closed.

    Celery closes within the signal handler: one that comes while a wake-up is written to RabbitMQ waits there for ever
    for the lock that this very write holds.
    """

    def install_sync_handler(self, service: Any) -> None:
        platforms.signals.update(SIGTERM=_leave, SIGINT=_leave)


def _leave(*_: object) -> None:
    raise SystemExit


def _connect_signals() -> None:
    # Celery would write logs of its own shape otherwise; Django's are set up already.
    signals.setup_logging.connect(_keep_logging, weak=False)
    signals.worker_process_init.connect(_begin_process, weak=False)
    signals.worker_ready.connect(_ask_for_a_sign_of_life, weak=False)
    signals.worker_process_shutdown.connect(_end_process, weak=False)
    signals.task_prerun.connect(_task_began, weak=False)
    signals.task_postrun.connect(_task_ended, weak=False)
    logging.getLogger("celery").setLevel(logging.WARNING)
    # Django's own checks ran before, in `prepare` or with the command; here they cost each process 5 MB of its own.
    os.environ["CELERY_SKIP_CHECKS"] = "true"


def _keep_logging(**_: Any) -> None:
    pass


def _begin_process(**_: Any) -> None:
    hardening.harden()
    # What is loaded by now lives as long as the process: to walk through it for garbage took 5 % of a mail's time, and
    # wrote to memory that the processes share.
    gc.freeze()
    if current_process().name != "MainProcess":
        hardening.watch_parent(os.getppid())
        isolation.enable(
            cpu_seconds=settings.LETTERLOCK.mail_cpu_seconds, memory_bytes=settings.LETTERLOCK.worker_memory_bytes
        )


def _end_process(**_: Any) -> None:
    spans.flush(1.0)


def _ask_for_a_sign_of_life(sender: Any, **_: Any) -> None:
    """Through the broker and the pool, so that the first sign of life proves the whole way, not only this process."""
    for queue in sender.app.amqp.queues.consume_from:
        if queue in QUEUES:
            app.send_task(PULSE, queue=queue, ignore_result=True)
    hearing.watch(list(sender.app.amqp.queues.consume_from))
    log.info("Ready.")


def _task_began(task: Any, **_: Any) -> None:
    heartbeats.task_began((task.request.delivery_info or {}).get("routing_key") or "notice")


def _task_ended(**_: Any) -> None:
    heartbeats.task_ended()
