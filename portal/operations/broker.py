"""The embedded broker: wake-ups as small files, a folder a queue, for one machine and no other service.

What is to be done is always a row in the database (docs: architecture, "State lives in the database"), so a wake-up may
be dropped when enough of its kind wait, and one that a killed worker took is rung again by the sweeper.
"""

from __future__ import annotations

import json
import logging
import os
import re
import uuid
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import virtual

from portal.celery import slots

POLL_SECONDS = 0.05
TURN_SECONDS = 0.2
"""A worker looks between two turns of waiting whether it is to stop: Celery's own of 2 s made every stop longer."""
BAD = "bad"
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")
log = logging.getLogger("letterlock.broker")


class Channel(virtual.Channel):
    """Puts and takes wake-ups. Every name without a leading dot in a queue's folder is one whole wake-up."""

    def _lookup(self, exchange: str, routing_key: str, default: str | None = None) -> list[str]:
        return [routing_key]  # a queue is named as its routing key; nothing is remembered between processes

    def _put(self, queue: str, message: dict[str, Any], **_: Any) -> None:
        """Write aside, then link into a free slot: no reader ever meets half a file, and the slots are the bound."""
        folder = self._folder(queue)
        task = _safe(str((message.get("headers") or {}).get("task") or "other"))
        free = [slot for slot in slots(folder, task) if not slot.exists()]
        if not free:
            return
        aside = folder / f".{uuid.uuid4().hex}"
        try:
            aside.write_text(json.dumps(message))
        except FileNotFoundError:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            aside.write_text(json.dumps(message))
        try:
            for slot in free:
                try:
                    os.link(aside, slot)
                    return
                except FileExistsError:
                    continue
        finally:
            aside.unlink(missing_ok=True)

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:
        """Take the oldest wake-up; the rename decides who has it when several workers reach for the same."""
        folder = self._folder(queue)
        for name in _waiting(folder):
            taken = folder / f".{uuid.uuid4().hex}"
            try:
                (folder / name).rename(taken)
            except FileNotFoundError:
                continue
            text = taken.read_bytes()
            try:
                message = json.loads(text)
                if not isinstance(message, dict) or not {"body", "headers", "properties"} <= message.keys():
                    raise ValueError
            except ValueError:
                self._set_aside(queue, taken)
                continue
            taken.unlink()
            return message
        raise Empty

    def _size(self, queue: str) -> int:
        return len(_waiting(self._folder(queue)))

    def _purge(self, queue: str) -> int:
        folder = self._folder(queue)
        names = _waiting(folder)
        for name in names:
            (folder / name).unlink(missing_ok=True)
        return len(names)

    def _set_aside(self, queue: str, file: Path) -> None:
        """A file that is no wake-up must neither stop the worker nor be met again."""
        bad = self._root() / BAD
        bad.mkdir(mode=0o700, exist_ok=True)
        file.rename(bad / f"{_safe(queue)}-{file.name.removeprefix('.')}")
        log.warning("A file in the broker's folder for queue %s is no wake-up. It was set aside in %s/.", queue, BAD)

    def _folder(self, queue: str) -> Path:
        return self._root() / _safe(queue)

    def _root(self) -> Path:
        client: Any = self.connection.client  # kombu's own types say less than its virtual channels do
        return Path(client.transport_options["folder"])


class Transport(virtual.Transport):
    """Kombu's side of it; polled, because inotify would not see a folder shared over a network."""

    Channel = Channel
    polling_interval = POLL_SECONDS
    default_port = 0
    driver_type = "filesystem"
    driver_name = "letterlock"
    can_parse_url = True

    def drain_events(self, connection: Any, timeout: float | None = None, **_: Any) -> None:
        """Deliver one wake-up, or raise TimeoutError after one turn."""
        super().drain_events(connection, timeout=None if timeout is None else min(timeout, TURN_SECONDS))

    def driver_version(self) -> str:
        return "1"


def remove_leftovers(root: Path, older_than: float) -> int:
    """Delete what killed processes left half-written or half-taken before `older_than` (Unix time, seconds)."""
    count = 0
    for file in root.glob("*/.*"):
        try:
            if file.stat().st_mtime < older_than:
                file.unlink()
                count += 1
        except FileNotFoundError:
            continue
    return count


def _waiting(folder: Path) -> list[str]:
    """Names of the wake-ups in a queue's folder, oldest first."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if not entry.name.startswith(".")]
    except FileNotFoundError:
        return []
    return names if len(names) < 2 else sorted(names, key=lambda name: _age(folder / name))


def _age(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _safe(name: str) -> str:
    if not _NAME.fullmatch(name) or name.startswith(".") or name == BAD:
        raise ValueError("A queue or task name holds other than letters, digits, dots, dashes and underscores.")
    return name
