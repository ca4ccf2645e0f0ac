"""`manage.py` of one installation, loaded once: each command runs in a fork of it, for to load it takes most time.

The fork begins as a new process does: no key opened, no connection made, arguments, output and exit status of its own.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.servers import MANAGE, ROOT, Portal


class Loaded(Portal):
    """A portal that is asked much, by commands or for traces; it may be started like others."""

    _loaded: subprocess.Popen[str] | None = None
    _environment: dict[str, str] | None = None
    """What it was loaded with."""

    def manage(self, *arguments: str, check: bool = True, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
        assert not stdin, "the command's input is empty"
        self._lay_out()
        if self._environment != self.environment:
            self.unload()
        self._environment = dict(self.environment)
        loaded = self._loaded = self._loaded or subprocess.Popen(
            [sys.executable, "-m", "tests.loaded"],
            cwd=ROOT, env=self.environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert loaded.stdin is not None and loaded.stdout is not None
        files = [str(self.data.parent / f"{self.data.name}.{name}.txt") for name in ("out", "errors")]
        print(json.dumps([files, arguments]), file=loaded.stdin, flush=True)
        status = loaded.stdout.readline()
        assert status, "manage.py could not be loaded"
        output, errors = (Path(file).read_text() for file in files)
        assert not check or int(status) == 0, f"manage.py {' '.join(arguments)}: {output}{errors}"
        return subprocess.CompletedProcess(arguments, int(status), output, errors)

    def _end(self, number: signal.Signals) -> int:
        self.unload()
        return super()._end(number)

    def unload(self) -> None:
        if self._loaded is not None:
            self._loaded.communicate(timeout=30)
            self._loaded = None


def serve() -> None:
    """Run the commands that are read, one line each, and answer with their exit status."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings"
    import django

    django.setup()
    for line in sys.stdin:
        files, arguments = json.loads(line)
        if (child := os.fork()) == 0:
            os._exit(_run(files, arguments))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _run(files: list[str], arguments: list[str]) -> int:
    for number, file in enumerate([os.devnull, *files]):
        os.dup2(os.open(file, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), number)
    sys.argv = [str(MANAGE), *arguments]
    status: Any = 0
    try:
        runpy.run_path(str(MANAGE), run_name="__main__")
    except SystemExit as end:
        status = end.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
        status = 1
    if isinstance(status, str):
        print(status, file=sys.stderr)
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return int(status or 0)


if __name__ == "__main__":
    serve()
