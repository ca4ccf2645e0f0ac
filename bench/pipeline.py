"""The pipeline and bulk runs, 10 KiB mails to "notified", beside bare loops of what they cannot do without: one parses
as we do, the other by the standard library."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from bench.table import Row, Target
from tests.servers import MANAGE, ROOT


def rows(folder: Path) -> list[Row]:
    """All rows of this group, measured in a process of their own with a data folder on the disk in question."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("LETTERLOCK_", "DJANGO_"))},
        "LETTERLOCK_DATA": str(folder / "pipeline"),
        "LETTERLOCK_DEMO": "off",
    }
    subprocess.run([sys.executable, MANAGE, "prepare"], cwd=ROOT, env=environment, check=True, capture_output=True)
    measured = subprocess.run(
        [sys.executable, ROOT / "bench" / "pipelining.py"], cwd=ROOT, env=environment, check=True, capture_output=True
    )
    found = {name: tuple(figures) for name, figures in json.loads(measured.stdout).items()}
    against, usual = "parse, AES-GCM, INSERT", "email, AES-GCM, INSERT"
    return [
        Row("pipeline: 10 KiB mails", against, "/s", found["pipeline"], found["bare"], Target(0.5)),
        Row("bulk run: 10 KiB mails", against, "/s", found["bulk"], found["bare"], Target(0.5)),
        Row("pipeline: 10 KiB mails", usual, "/s", found["pipeline"], found["library"], Target(0.5)),
        Row("bulk run: 10 KiB mails", usual, "/s", found["bulk"], found["library"], Target(0.5)),
        Row("bulk run: last tenth of 4,000", "its first tenth", "/s", found["last"], found["first"], Target(0.9)),
    ]
