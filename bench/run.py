"""`make bench`: speed, each figure beside its yardstick, as a table and as bench.json in the data folder.

make bench                                       all groups
.venv/bin/python bench/run.py streams mails      some of them, by the names in GROUPS
"""

from __future__ import annotations

import json
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import doors, mails, pages, paints, pipeline, rules, streams, wraps
from bench.table import Row, aligned

ROOT = Path(__file__).resolve().parent.parent
GROUPS = ("streams", "mails", "rules", "doors", "pipeline", "pages", "paints", "lists", "wraps", "million")
RESULT = "bench.json"


def main(chosen: list[str]) -> int:
    if unknown := set(chosen) - set(GROUPS):
        print(f"There is no group {', '.join(sorted(unknown))}; there are {', '.join(GROUPS)}.", file=sys.stderr)
        return 2
    data = Path(os.environ.get("LETTERLOCK_DATA", "").strip() or ROOT / "var").expanduser().resolve()
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    machine = _machine(data)
    left_out: list[str] = []

    def say(sentence: str) -> None:
        left_out.append(sentence)
        print(f"LEFT OUT: {sentence}", file=sys.stderr, flush=True)

    if machine["file_system"] in ("tmpfs", "ramfs"):
        say(f"the disk: {data} is in memory, so no figure here holds for a disk; set LETTERLOCK_DATA to another folder")
    # So that what was started is stopped and what was written is removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    rows: list[Row] = []
    began = time.monotonic()
    for group in chosen or GROUPS:
        print(f"measuring {group} ...", file=sys.stderr, flush=True)
        # On the disk of the data, since copying and fsync are measured; gone afterwards.
        with tempfile.TemporaryDirectory(prefix="bench-", dir=data) as name:
            rows += _measured(group, Path(name), say)
    machine["load_after"] = os.getloadavg()[0]
    _report(data / RESULT, rows, machine, left_out, time.monotonic() - began)
    return 0


def _measured(group: str, folder: Path, say: Callable[[str], None]) -> list[Row]:
    if group == "streams":
        return streams.rows(folder, say)
    if group == "mails":
        return mails.rows()
    if group == "rules":
        return rules.rows()
    if group == "wraps":
        return wraps.rows(folder, say)
    if group == "million":
        return wraps.million(folder)
    if group == "pipeline":
        return pipeline.rows(folder)
    if group == "pages":
        return pages.rows(folder)
    if group == "paints":
        return paints.rows(folder, say)
    if group == "lists":
        return pages.lists(folder, say)
    return doors.rows(folder, say)


def _report(path: Path, rows: list[Row], machine: dict[str, Any], left_out: list[str], seconds: float) -> None:
    print(aligned(rows))
    rounds = min((len(row.ours) for row in rows if len(row.ours) > 1), default=1)
    print(
        f"\nMedians of {rounds} or more alternating runs; ratio and spread are of runs side by side."
        f" {machine['cores']} cores, load {machine['load_before']:.1f} before and"
        f" {machine['load_after']:.1f} after, {machine['file_system']}, Python {machine['python']}, {seconds:.0f} s."
    )
    if machine["load_before"] > machine["cores"] / 2:
        print("BUSY: other programs were running, which slows what uses two cores (seal, open, door) more than cp.")
    for sentence in left_out:
        print(f"LEFT OUT: {sentence}")
    path.write_text(
        json.dumps(
            {"machine": machine, "seconds": seconds, "left_out": left_out, "rows": [row.data() for row in rows]},
            ensure_ascii=False,
            indent=1,
        )
        + "\n"
    )
    print(f"written to {path}")


def _machine(data: Path) -> dict[str, Any]:
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": len(os.sched_getaffinity(0)),
        "system": platform.platform(),
        "python": platform.python_version(),
        "file_system": _file_system(data),
        "load_before": os.getloadavg()[0],
    }


def _file_system(folder: Path) -> str:
    """Type of the file system that holds a folder, from proc_pid_mountinfo(5): field 5 is where it is mounted."""
    found = ("", "unknown")
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        mount, _, source = line.partition(" - ")
        at, kind = mount.split()[4], source.split()[0]
        if folder.is_relative_to(at) and len(at) >= len(found[0]):
            found = (at, kind)
    return found[1]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
