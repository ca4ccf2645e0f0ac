"""Keys of many messages: rotation beside the bare loop, withdrawal beside deleting rows, and what both do to a tree."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.rounds import alternate
from bench.table import Row, Target
from portal.keys.wraps import WRAP_SIZE
from tests import parts
from tests.servers import ROOT, PostgreSQL

WRAPS = 100_000
MILLION = 1_000_000
WITHDRAWN = 1000
PUNCTURED = 10_000
_READERS = 2
_MILLI, _MICRO = 1e3, 1e6


class Vault:
    """A data folder of its own; each list of steps runs in a new process (bench/wrapped.py)."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("LETTERLOCK_")},
            "LETTERLOCK_DATA": str(folder),
            "LETTERLOCK_DEMO": "off",
            **settings,
        }

    def do(self, *steps: list[Any]) -> list[float]:
        done = subprocess.run(
            [sys.executable, "-m", "bench.wrapped", json.dumps(steps)],
            cwd=ROOT, env=self._environment, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            raise AssertionError(done.stderr)
        answers: list[float] = json.loads(done.stdout)
        return answers


def rows(folder: Path, say: Callable[[str], None]) -> list[Row]:
    """All rows of this group but the million."""
    found = [*_rotation(Vault(folder / "sqlite"), "SQLite"), *_destruction(folder)]
    if parts.present("postgresql"):
        with PostgreSQL(folder, durable=True) as server:
            vault = Vault(folder / "postgresql", LETTERLOCK_DATABASE_URL=server.url)
            found = [*_rotation(vault, "PostgreSQL"), *found]
    else:
        say("PostgreSQL is not here, so rotation is measured on SQLite alone (apt-get install postgresql)")
    return found


def _rotation(vault: Vault, database: str) -> list[Row]:
    vault.do(["fill", WRAPS // _READERS])
    found = alternate(
        {
            "ours": lambda: WRAPS / vault.do(["rotate"])[0],
            "bare": lambda: WRAPS / vault.do(["bare"])[0],
        },
        seconds=0,
        warm=False,
    )
    what, bare = f"rotate {WRAPS:,} wraps, {database}", "unwrap, wrap, UPDATE"
    if database == "PostgreSQL":
        return [Row(what, bare, "/s", found["ours"], found["bare"], Target(0.4))]
    # What may be asked of SQLite, and why not the same: docs/decisions/0012-rotation-targets.md.
    what += " (wanted: 0.4 ×)"
    row = Row(what, bare, "/s", found["ours"], found["bare"], Target(10_000, absolute=True))
    return [row, *_bytes(vault, bare)]


def _bytes(vault: Vault, bare: str) -> list[Row]:
    """What a rotation changes and writes, on a database that says so (SQLite, inside the process)."""
    before, _, after = vault.do(["written"], ["rotate"], ["written"])
    bare_before, _, bare_after = vault.do(["written"], ["bare"], ["written"])
    _, rows_changed, content_changed, content = vault.do(["content"], ["changed"], ["content"], ["contained"])
    return [
        Row(
            "bytes of content that it changes", "all there is", "B",
            (content_changed,), (content,), Target(0, at_least=False, absolute=True),
        ),
        Row(
            "bytes of rows changed a wrap", "the wrap itself", "B",
            (rows_changed / WRAPS,), (WRAP_SIZE,), Target(200, at_least=False, absolute=True),
        ),
        Row(
            "bytes written a wrap, log and pages (wanted: 200 B)", bare, "B",
            ((after - before) / WRAPS,), ((bare_after - bare_before) / WRAPS,), Target(1.5, at_least=False),
        ),
    ]  # fmt: skip


def _destruction(folder: Path) -> list[Row]:
    """Withdrawals in a vault whose epoch is fresh, and again after 10,000 of them."""
    vault, rounds = Vault(folder / "destruction"), 5
    vault.do(["fill", rounds * WITHDRAWN])
    fresh = Vault(folder / "fresh")
    found = alternate(
        {
            "withdraw": lambda: _MILLI * vault.do(["withdraw", WITHDRAWN])[0] / WITHDRAWN,
            "delete": lambda: _MILLI * vault.do(["delete", WITHDRAWN])[0] / WITHDRAWN,
        },
        seconds=0,
        warm=False,
    )
    first = fresh.do(["leaf"], ["alone"], ["puncture", PUNCTURED])
    after = [fresh.do(["leaf"], ["alone"]) for _ in range(rounds)]
    fresh_leaf = _MICRO * first[0]
    late = "after 10,000 withdrawals"
    return [
        Row(
            f"withdraw {WITHDRAWN:,} messages at once, each", "a DELETE, in one transaction", "ms",
            found["withdraw"], found["delete"], Target(0.6, at_least=False, absolute=True),
        ),
        Row(
            "destroy one message's keys in a fresh epoch", f"{late}", "ms",
            (_MILLI * first[1],), (_MILLI * after[0][1],), Target(5, at_least=False, absolute=True),
        ),
        Row(
            f"the same {late}", "in a fresh epoch", "ms",
            tuple(_MILLI * alone for _, alone in after), (_MILLI * first[1],) * rounds,
            Target(500, at_least=False, absolute=True),
        ),
        Row(
            f"derive a leaf {late}", "in a fresh tree", "µs",
            tuple(_MICRO * leaf for leaf, _ in after), (fresh_leaf,) * rounds, Target(1.5, at_least=False),
        ),
    ]  # fmt: skip


def million(folder: Path) -> list[Row]:
    """Most memory ever resident in a process that rotates a million wraps, beside one that rotates a tenth of them."""
    vault = Vault(folder / "million")
    vault.do(["fill", WRAPS // _READERS])
    tenth = vault.do(["rotate"], ["peak"])[1]
    vault.do(["fill", (MILLION - WRAPS) // _READERS])
    all_ = vault.do(["rotate"], ["peak"])[1]
    target = Target(1.1, at_least=False)
    return [Row(f"memory to rotate {MILLION:,} wraps", f"{WRAPS:,}", "MB", (all_ / 1e6,), (tenth / 1e6,), target)]
