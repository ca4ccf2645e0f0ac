"""The measured process of bench/pipeline.py: pipeline, bulk and a bare loop in turn, in one process on one data folder.

Prints one JSON document: figures in mails a second, in the order of the rounds.
"""

from __future__ import annotations

import gc
import json
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

import django

django.setup()

from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from uuid import uuid4

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from fast_mail_parser import parse_email

from bench.mails import by_email
from bench.rounds import alternate, wall
from bench.samples import mail
from portal.ingest import bulk, lines, pipeline
from portal.ingest.models import Spooled
from portal.ingest.spool import Envelope, SpoolWriter, commit_all

SIZE = 10 * 1024
COUNT = 400
GROWTH = 4000
TENTH = GROWTH // 10
_TRIGGER = b"X-Letterlock-Protect: v=1\r\n"
TO = ("b.larsen@receiver.example",)


def main() -> None:
    gc.freeze()  # as every worker process does when it begins (portal.operations.working)
    raw = _TRIGGER + mail(SIZE)
    found = alternate(
        {
            "pipeline": lambda: _pipeline(raw),
            "bulk": lambda: _bulk(raw),
            "bare": lambda: _bare(lambda: parse_email(raw).subject, raw),
            "library": lambda: _bare(lambda: dict(by_email(raw).headers)["Subject"], raw),
        },
        seconds=60,
    )
    first, last = _growth(raw)
    json.dump({**found, "first": first, "last": last}, sys.stdout)


def _pipeline(raw: bytes) -> float:
    """From spooled to notified: state, message, wraps and notice are rows, and the spool file is gone."""
    _spool(raw, COUNT)
    seconds = wall(lambda: _drain(bulk_run=False))
    _all_done(COUNT)
    return COUNT / seconds


def _bulk(raw: bytes) -> float:
    """From the lines of a body to the same, taking in and sealing one after the other."""

    def run() -> None:
        bulk.feed(bulk.begin("bench", uuid4().hex), lines.lines(_body(raw, COUNT)))
        _drain(bulk_run=True)

    seconds = wall(run)
    _all_done(COUNT)
    return COUNT / seconds


def _bare(subject: Callable[[], object], raw: bytes) -> float:
    """What no pipeline can do without: parse, encrypt, insert, and a commit every hundred mails, with the same
    promises of the database (WAL, FULL). `subject` parses the mail."""
    path = settings.LETTERLOCK.data / "bare.sqlite3"
    with sqlite3.connect(path) as database:
        database.executescript(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
            "DROP TABLE IF EXISTS mail; CREATE TABLE mail (id BLOB PRIMARY KEY, subject TEXT, sealed BLOB)"
        )
        cipher = AESGCM(os.urandom(32))

        def run() -> None:
            for number in range(1, COUNT + 1):
                row = (uuid4().bytes, str(subject()), cipher.encrypt(os.urandom(12), raw, None))
                database.execute("INSERT INTO mail VALUES (?, ?, ?)", row)
                if number % 100 == 0:
                    database.commit()

        seconds = wall(run)
    return COUNT / seconds


def _growth(raw: bytes) -> tuple[list[float], list[float]]:
    """Rates of the first and the last tenth of one run, taken in and sealed; a pair."""
    marks: list[float] = []

    def body() -> Iterator[bytes]:
        for _ in range(10):
            marks.append(time.perf_counter())
            yield from _body(raw, TENTH)
        marks.append(time.perf_counter())

    bulk.feed(bulk.begin("bench", uuid4().hex), lines.lines(body()))
    taking = [after - before for before, after in pairwise(marks)]
    sealing = [wall(lambda: _drain(bulk_run=True, most=TENTH)) for _ in range(10)]
    _all_done(GROWTH)
    return [TENTH / (taking[0] + sealing[0])], [TENTH / (taking[-1] + sealing[-1])]


def _body(raw: bytes, count: int) -> Iterator[bytes]:
    line = json.dumps({"rfc822": b64encode(raw).decode(), "recipients": list(TO)}).encode() + b"\n"
    for _ in range(count):
        yield line


def _spool(raw: bytes, count: int) -> None:
    envelope = Envelope("aylin@sender.example", TO, "smtp", True)
    writers = []
    for _ in range(count):
        writer = SpoolWriter.begin(envelope, len(raw))
        writer.write(raw)
        writers.append(writer)
    with ThreadPoolExecutor(8) as pool:
        commit_all(writers, pool.map)


def _drain(*, bulk_run: bool, most: int = sys.maxsize) -> None:
    done = 0
    while done < most and (taken := pipeline.process(min(pipeline.BATCH, most - done), bulk=bulk_run)):
        done += taken


def _all_done(count: int) -> None:
    rest = Spooled.objects.exclude(state=Spooled.State.DONE).count()
    if rest:
        raise AssertionError(f"{rest} of {count} mails were not sealed")


if __name__ == "__main__":
    main()
