"""The units: systemd takes them, and each part is shut in as far as systemd can say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from portal import configuration
from portal.celery import QUEUES
from tests import parts
from tests.servers import ROOT

UNITS = sorted((ROOT / "deploy" / "systemd").glob("letterlock*"))
SERVICES = [path for path in UNITS if path.suffix == ".service"]
MOST_EXPOSED = 1.5
"""On systemd's scale from 0 to 10; a service without any of this has 9.6."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The units with a program that is on this machine."""
    parts.need("systemd-analyze")
    made = tmp_path_factory.mktemp("units")
    for path in UNITS:
        (made / path.name).write_text(path.read_text().replace("/opt/letterlock/.venv/bin/python", sys.executable))
    return made


def analyze(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True)


def test_systemd_takes_every_unit(folder: Path) -> None:
    done = analyze("verify", "--man=no", *sorted(folder.iterdir()))
    told = [line for line in done.stderr.splitlines() if "letterlock" in line]
    assert (done.returncode, told) == (0, [])


def test_a_unit_that_is_wrong_is_found(folder: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "letterlock-wrong.service"
    wrong.write_text(
        (folder / "letterlock-web.service").read_text().replace("ProtectSystem=strict", "ProtectSystem=a lot")
    )
    assert "Failed to parse protect system value" in analyze("verify", "--man=no", wrong).stderr


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.stem)
def test_each_part_is_shut_in(folder: Path, path: Path) -> None:
    limit = str(int(MOST_EXPOSED * 10))
    done = analyze("security", "--offline=yes", f"--threshold={limit}", "--no-pager", folder / path.name)
    assert done.returncode == 0, done.stdout.splitlines()[-1]
    lines = path.read_text().splitlines()
    for line in ("LimitCORE=0", "MemorySwapMax=0", "NoNewPrivileges=yes", "User=letterlock"):
        assert line in lines
    has_no_key = "InaccessiblePaths=-/var/lib/letterlock-keys" in lines
    assert has_no_key == (path.stem in ("letterlock-door", "letterlock-beat"))


def test_what_lets_the_web_part_start_its_sandbox_loosens_that_and_no_more(folder: Path, tmp_path: Path) -> None:
    for path in folder.iterdir():
        (tmp_path / path.name).write_text(path.read_text())
    unit = tmp_path / "letterlock-web.service"
    loosened = (ROOT / "deploy" / "systemd" / "previews.conf").read_text().partition("[Service]\n")[2]
    unit.write_text(unit.read_text().replace("\n[Install]", f"{loosened}\n[Install]"))
    done = analyze("verify", "--man=no", *sorted(tmp_path.iterdir()))
    assert [line for line in done.stderr.splitlines() if "letterlock" in line] == []
    done = analyze("security", "--offline=yes", "--threshold=25", "--no-pager", unit)
    assert done.returncode == 0, done.stdout.splitlines()[-1]
    settings = {line.partition("=")[0] for line in loosened.splitlines()}
    assert settings == {"RestrictNamespaces", "RestrictAddressFamilies", "SystemCallFilter"}


def test_the_command_line_has_the_settings_of_the_services(tmp_path: Path) -> None:
    settings, script = tmp_path / "environment", tmp_path / "manage.py"
    settings.write_text(
        "# of the services\nLETTERLOCK_PUBLIC_URL=https://secure.clinic.example\nLETTERLOCK_NETWORKS=127.0.0.0/8 ::1\n"
        'LETTERLOCK_INSIDE_DOMAINS="clinic.example praxis.example"\nLETTERLOCK_RELAY_URL=smtp://127.0.0.1:10026'
    )
    lines = (ROOT / "deploy" / "systemd" / "manage.sh").read_text()
    for there, here in (
        ("/etc/letterlock/environment", settings),
        ("home=/opt/letterlock", f"home={ROOT}"),
        ('"$home/.venv/bin/python"', sys.executable),
        ("/var/lib/letterlock", tmp_path / "data"),
        ("runuser -u letterlock --", "env"),
    ):
        lines = lines.replace(there, str(here))
    script.write_text(lines)
    done = subprocess.run(["sh", script, "recipe", "postfix"], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "secure\\.clinic\\.example" in done.stdout
    settings.unlink()
    done = subprocess.run(["sh", script, "recipe", "postfix"], capture_output=True, text=True)
    assert (done.returncode, "run this as root" in done.stderr) == (1, True)


def test_the_parts_are_those_of_manage_py_up() -> None:
    started = {
        line.partition("manage.py ")[2] for path in SERVICES for line in path.read_text().splitlines()
        if line.startswith("ExecStart=")
    }  # fmt: skip
    assert started == {
        "prepare", "web", "door", "beat", "worker --queues passcode --pool solo", "worker --queues seal,notice",
        "worker --queues bulk --processes 1",
    }  # fmt: skip


def test_the_example_of_settings_is_taken() -> None:
    lines = (ROOT / "deploy" / "systemd" / "environment.example").read_text().splitlines()
    given = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    found = configuration.read({**given, "LETTERLOCK_DATA": "/var/lib/letterlock"})
    assert found.https and found.key_url == "file:/var/lib/letterlock-keys/root.key"


def test_shellcheck_finds_nothing() -> None:
    parts.need("shellcheck")
    scripts = [*ROOT.glob("scripts/*.sh"), *ROOT.glob("deploy/**/*.sh")]
    assert len(scripts) >= 4
    done = subprocess.run(["shellcheck", *scripts], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_every_queue_has_a_worker() -> None:
    served = [
        line.partition("--queues ")[2].split()[0]
        for path in SERVICES
        for line in path.read_text().splitlines()
        if line.startswith("ExecStart=") and " worker " in line
    ]
    assert sorted(queue for queues in served for queue in queues.split(",")) == sorted(QUEUES)
