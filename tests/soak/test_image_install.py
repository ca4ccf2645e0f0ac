"""The image's packages, installed as the Dockerfile installs them: from the lock, by hash, without a compiler."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.deploy.images import stages
from tests.servers import ROOT


def test_the_lock_installs_without_a_compiler_and_the_program_starts(tmp_path: Path) -> None:
    (install,) = [line for line in stages()[0].all("RUN") if " install " in line]
    lines = install.replace("/opt/venv", f"{tmp_path}/venv").replace(" && rm -r requirements", "")
    environment = {
        "PATH": f"{Path(sys.executable).resolve().parent}:/usr/bin:/bin",
        "CC": "/bin/false",
        "HOME": str(tmp_path),
    }
    for name, value in stages()[0].environment.items():
        environment[name] = value
    subprocess.run(["sh", "-ec", lines], cwd=ROOT, env=environment, check=True, timeout=600)
    assert not (tmp_path / "venv" / "bin" / "pip").exists()
    (tmp_path / "data").mkdir()
    done = subprocess.run(
        [tmp_path / "venv" / "bin" / "python", "manage.py", "upgrade", "--check"],
        env={"LETTERLOCK_DATA": str(tmp_path / "data"), "PATH": "/usr/bin:/bin"},
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "Nothing is to be done: no table here is of an older version.\n")
