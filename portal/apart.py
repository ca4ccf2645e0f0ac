"""A program of ours run apart, on what a stranger sent: no environment, no module of ours, and an end in time.

What a decoder does wrong ends there. The program sets its own bounds on memory, time and files.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def run(program: Path, data: bytes, seconds: float) -> tuple[int, bytes] | None:
    """Exit code and output of a Python file that was given `data`; None when it cannot be started or takes longer."""
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-B", str(program)],
            input=data,
            capture_output=True,
            timeout=seconds,
            env={},
            cwd="/",
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.returncode, done.stdout
