"""Figures of processes that have ended, added up: each child of a pool that is replaced leaves two files behind."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.multiprocess import MultiProcessCollector

MOST_LEFT = 20
"""Files of ended processes that may lie there; each is 64 KiB, and reading all of them is what a page costs."""
KINDS = ("counter", "histogram")
SUM = "0"
"""Stands for a process id in the name of the file that holds the sum; no process has it."""


def fold(folder: Path) -> int:
    """Add up what ended processes left when it is much; returns how many files went. The figures stay the same."""
    return sum(_fold(folder, kind) for kind in KINDS)


def _fold(folder: Path, kind: str) -> int:
    ended = [path for path in folder.glob(f"{kind}_*.db") if _has_ended(path)]
    if len(ended) <= MOST_LEFT:
        return 0
    total, unfinished = folder / f"{kind}_{SUM}.db", folder / f".{kind}.tmp"
    unfinished.unlink(missing_ok=True)
    _write_sum([*ended, *([total] if total.exists() else [])], unfinished)
    unfinished.rename(total)
    for path in ended:
        path.unlink(missing_ok=True)
    return len(ended)


def _write_sum(files: Sequence[Path], target: Path) -> None:
    made = MmapedDict(str(target))  # type: ignore[no-untyped-call]
    try:
        # Buckets as they are counted: written back added up, they would be added up once more when read.
        for metric in MultiProcessCollector.merge([str(path) for path in files], accumulate=False):  # type: ignore[no-untyped-call]
            for sample in metric.samples:
                key = mmap_key(
                    metric.name, sample.name, list(sample.labels), list(sample.labels.values()), metric.documentation
                )
                made.write_value(key, sample.value, 0.0)  # type: ignore[no-untyped-call]
    finally:
        made.close()  # type: ignore[no-untyped-call]


def _has_ended(path: Path) -> bool:
    process = path.stem.rpartition("_")[2]
    if process == SUM or not process.isdecimal():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
