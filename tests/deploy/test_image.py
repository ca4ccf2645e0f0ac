"""The image: built by its own lines, run as its own user with nothing to write on but its volumes, and lean."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from portal.operations import probe
from portal.operations.doctor.parts import OFFICE_PACKAGES
from tests import parts
from tests.deploy.images import Image, stages
from tests.mails import JONAS, Mailbox, mail, send
from tests.servers import ROOT, free_port, listens, wait_for


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    if os.geteuid() != 0:
        pytest.skip("only root may give files to the image's user")
    # pytest's own folders are root's alone; the image's user has to pass through them.
    folder = tmp_path_factory.mktemp("image")
    for path in (folder, *folder.parents):
        if path == Path("/tmp") or path == Path("/"):
            break
        path.chmod(path.stat().st_mode | 0o011)
    return Image(folder)


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    return {
        "LETTERLOCK_HTTP": f"127.0.0.1:{free_port()}",
        "LETTERLOCK_SMTP": f"127.0.0.1:{free_port()}",
        "LETTERLOCK_KEY_URL": "file:/keys/root.key",
        "LETTERLOCK_SPOOL_URL": "file:///spool/mail",
        "LETTERLOCK_DEMO": "off",
        "LETTERLOCK_SWEEP_SECONDS": "1",
    }


@pytest.fixture(scope="module")
def running(image: Image, settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    log = tmp_path_factory.mktemp("container") / "log"
    with log.open("wb") as output:
        container = subprocess.Popen(image.command(["up"], settings), stdout=output, stderr=output)
    try:
        port = int(settings["LETTERLOCK_HTTP"].partition(":")[2])
        wait_for(lambda: listens(port) and b"Stop" in log.read_bytes(), 60, f"the container did not start: {log}")
        yield log
    finally:
        container.terminate()
        with suppress(subprocess.TimeoutExpired):
            container.wait(120)
        container.kill()
        container.wait()


@pytest.mark.servers
class TestRunning:
    def test_a_mail_goes_through_it(self, image: Image, running: Path, settings: dict[str, str]) -> None:
        host, _, port = settings["LETTERLOCK_SMTP"].partition(":")
        send((host, int(port)), mail(files=[("scan.bin", "application/pdf", os.urandom(400_000))]))
        Mailbox(image.tree.parent / "data" / "outbox", JONAS).wait("notice")
        assert (image.tree.parent / "keys" / "root.key").stat().st_size == 32

    def test_its_health_check_says_yes_and_names_what_is_missing(
        self, image: Image, running: Path, settings: dict[str, str]
    ) -> None:
        done = image.run(image.health_check, settings)
        assert (done.returncode, done.stderr) == (0, "")
        elsewhere = f"127.0.0.1:{free_port()}"
        done = image.run([*image.health_check, "door"], {**settings, "LETTERLOCK_SMTP": elsewhere})
        assert (done.returncode, done.stderr) == (
            1,
            f"The door on {elsewhere} does not answer (ConnectionRefusedError).\n",
        )
        done = image.run([*image.health_check, "web"], {**settings, "LETTERLOCK_HTTP": elsewhere})
        assert done.returncode == 1 and "does not answer" in done.stderr

    def test_it_runs_as_nobody_of_note_and_writes_nowhere_else(
        self, image: Image, running: Path, settings: dict[str, str]
    ) -> None:
        told = image.run(
            ["sh", "-c", "id -u; touch /opt/letterlock/x /opt/x /usr/x /etc/x /x; touch /data/x /tmp/x"], {}
        )
        assert told.stdout.split() == ["10001"]
        assert told.stderr.count("Read-only file system") == 5
        assert "/data/x" not in told.stderr

    def test_what_it_holds_is_what_the_dockerfile_copies(self, image: Image) -> None:
        names = {path.name for path in image.tree.iterdir()}
        assert names == {
            "LICENSE", "branding", "locale", "manage.py", "portal", "requirements", "static", "staticfiles",
            "templates", "words",
        }  # fmt: skip
        assert any((image.tree / "staticfiles").rglob("*.css.gz"))
        assert (image.tree / "words/de/LC_MESSAGES/django.mo").exists()


def test_an_unknown_part_has_no_probe(capsys: pytest.CaptureFixture[str]) -> None:
    assert probe.main(["keys"]) == 2
    assert "Choose from web, door" in capsys.readouterr().err


def test_the_image_runs_as_a_fixed_user_and_installs_from_the_lock_by_hash() -> None:
    build, image = stages()
    assert image.one("USER") == "10001:10001"
    (install,) = [line for line in build.all("RUN") if " install " in line]
    assert "--require-hashes" in install and "requirements/run.txt" in install
    assert not re.search(r"curl|wget|gcc", (ROOT / "Dockerfile").read_text())
    assert "uninstall" in image.all("RUN")[0]


def test_the_image_has_what_previews_need_from_debian_and_no_more() -> None:
    (line,) = [line for line in stages()[-1].all("RUN") if "apt-get" in line]
    packages = line.partition("--no-install-recommends ")[2].partition(" && ")[0].split()
    assert set(packages) == {"bubblewrap", "fonts-dejavu-core", "fonts-liberation", *OFFICE_PACKAGES}


def test_nothing_but_what_is_copied_goes_to_the_builder() -> None:
    ignore = (ROOT / ".dockerignore").read_text().splitlines()
    assert ignore[1] == "*"
    copied = {word for line in stages()[0].all("COPY") for word in line.split()[:-1]}
    assert {line.removeprefix("!") for line in ignore if line.startswith("!")} == copied


def test_hadolint_finds_nothing() -> None:
    done = subprocess.run([parts.tool("hadolint"), ROOT / "Dockerfile"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
