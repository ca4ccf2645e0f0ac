"""The recipes of Postfix and Exim as `manage.py recipe` prints them, in real servers, from the mail to its answer."""

from __future__ import annotations

import os
import smtplib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import parts
from tests.exim import Exim
from tests.mails import MAYA, link_in, mail, passcode_in, send
from tests.peers.world import World
from tests.person import Person
from tests.postfix import Postfix
from tests.servers import Portal, free_port, wait_for

pytestmark = pytest.mark.servers
SECRET = "the scan shows no new tear"
STRANGER, OWN = "127.0.0.3", "127.0.0.1"


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with World() as running:
        yield running


@pytest.fixture(scope="module")
def back_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory, back_port: int) -> Iterator[Portal]:
    folder = tmp_path_factory.mktemp("recipes")
    settings = {
        "LETTERLOCK_RELAY_URL": f"smtp://127.0.0.1:{back_port}",
        "LETTERLOCK_INSIDE_DOMAINS": "aldervalley.example",
    }
    with Portal(folder / "data", **settings) as running:
        yield running


def recipe(portal: Portal, server: str, folder: Path, **given: str) -> dict[str, str]:
    """What the command writes for this installation, file by file."""
    values = {"portal": "secure.aldervalley.example", "portal_networks": f"{OWN}/32", **given}
    portal.manage("recipe", server, "--out", str(folder), *(f"--set={name}={text}" for name, text in values.items()))
    return {path.name: path.read_text() for path in folder.iterdir()}


def hand_in(port: int, raw: bytes, to: str, *, source: str = OWN) -> None:
    """Hand a mail to a server from one of this computer's own addresses."""
    with smtplib.SMTP("127.0.0.1", port, timeout=120, source_address=(source, 0)) as smtp:
        smtp.sendmail(MAYA, [to], raw)


def subjects(world: World, to: str) -> list[str]:
    return [str(message["Subject"]) for message in world.find(to, "")]


def goes_round(world: World, portal: Portal, port: int, back_port: int, to: str) -> None:
    """A mail server in front of the portal and behind it: what must be protected is, and nothing else is touched. `to`
    is new to the portal, so that a passcode may be asked for at once."""
    world.taken.clear()
    plain = mail("Lunch", "Shall we have lunch?\r\n\r\n.dots\r\n  and spaces  ", files=[("a.bin", "a/b", bytes(300))])
    hand_in(port, plain, to)
    world.wait(to, "")
    raw = world.taken[-1][2]
    assert raw.rstrip().endswith(plain.split(b"\r\n\r\n", 1)[1].rstrip())
    assert b"letterlock" not in raw.split(b"\r\n\r\n", 1)[0].lower()

    send(("127.0.0.1", port), mail("[secure] Your results", SECRET), to)
    link = link_in(world.wait(to, "notice"))
    person = Person(portal.url)
    person.post(f"{link}/ask/", page=link)
    page = person.post(f"{link}/passcode/", {"code": passcode_in(world.wait(to, "passcode"))})
    assert SECRET in page.text
    person.post(f"{link}/reply", {"subject": "Re: Your results", "message": "Thank you for the news."})
    assert "Thank you for the news." in world.wait(MAYA, "reply").as_string()

    send(("127.0.0.1", port), mail("By header", SECRET, headers=[("X-Letterlock-Protect", "v=1")]), to)
    send(("127.0.0.1", port), mail("By sensitivity", SECRET, headers=[("Sensitivity", "Company-Confidential")]), to)
    wait_for(lambda: len(world.find(to, "notice")) == 3, 30, "three mails are not protected")
    assert not [one for one, _, raw in world.taken if SECRET.encode() in raw]

    # On Letterlock's own port nothing is handed over, whatever it says, and nobody else gets in.
    hand_in(back_port, mail("[secure] Back from the portal", "as it is"), to)
    world.wait(to, "", 2)
    assert subjects(world, to)[-1] == "[secure] Back from the portal"
    with pytest.raises(smtplib.SMTPException):
        hand_in(back_port, mail("Not Letterlock"), to, source=STRANGER)
    assert len(world.find(to, "notice")) == 3
    assert all(notice["X-Letterlock-Seal"] for notice in world.find(to, "notice"))


@pytest.mark.parametrize("as_root", [True, False], ids=["as root", "not as root"])
def test_behind_exim(world: World, portal: Portal, back_port: int, tmp_path: Path, as_root: bool) -> None:
    port, to = free_port(), f"exim.{as_root}@mail.example".lower()
    files = recipe(portal, "exim", tmp_path / "recipe", interfaces=OWN, inside_networks=f"{OWN}/32 ::1/128")
    exim = Exim(tmp_path / "exim.log", files, port=port, back_port=back_port, relay_port=world.port, as_root=as_root)
    with exim:
        goes_round(world, portal, port, back_port, to)

        # Mail of strangers that says [secure] came in and is nobody's wish to protect.
        hand_in(port, mail("[secure] From outside"), to, source=STRANGER)
        world.wait(to, "", 3)
        assert subjects(world, to)[-1] == "[secure] From outside"
        assert "router = letterlock_bounces" in exim.route("bounce+x@secure.aldervalley.example")


class RecipePostfix(Postfix):
    """A Postfix that is also an MX: on `port` its own people send, on `strangers_port` the world does."""

    files: dict[str, str]

    def use(self, files: dict[str, str], *, port: int, back_port: int) -> None:
        """What the command printed, and the ports that it was told."""
        self.port, self.back_port, self.strangers_port = port, back_port, free_port()
        self.files = files

    def lines(self) -> tuple[str, str, str]:
        strangers = f"127.0.0.1:{self.strangers_port} inet n - n - - smtpd\n"
        return self.files["bounces.cf"], self.files["letterlock_checks"], self.files["master.cf"] + strangers

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        """One of the recipe's scripts, on this Postfix's own configuration."""
        text = self.files[script].replace("/etc/postfix/", f"{self.folder}/etc/")
        environment = {**os.environ, "PATH": parts.PATH, "MAIL_CONFIG": str(self.folder / "etc")}
        return subprocess.run(["sh", "-c", text], env=environment, capture_output=True, text=True, timeout=300)

    def services(self) -> str:
        """What master.cf holds now."""
        program = parts.program("postconf")
        assert program
        return subprocess.run(
            [program, "-c", self.folder / "etc", "-M"], capture_output=True, text=True, check=True
        ).stdout


def test_behind_postfix(world: World, portal: Portal, back_port: int, tmp_path: Path) -> None:
    """A Postfix that is also an MX; what the line of main.cf does on any other is shown in test_behind_postfix.py."""
    to, port = "postfix@mail.example", free_port()
    files = recipe(portal, "postfix", tmp_path / "recipe", submission=f"127.0.0.1:{port}")
    postfix = RecipePostfix(tmp_path, letterlock_port=portal.smtp_port, relay_port=world.port)
    postfix.use(files, port=port, back_port=back_port)
    with postfix:
        done = postfix.run("own-mail-only.sh")
        assert done.returncode == 0, done.stderr
        goes_round(world, portal, port, back_port, to)

        hand_in(postfix.strangers_port, mail("[secure] From outside"), to)
        world.wait(to, "", 3)
        assert subjects(world, to)[-1] == "[secure] From outside"

        done = postfix.run("undo.sh")
        assert done.returncode == 0, done.stderr
        assert "letterlock" not in postfix.services()
        assert str(back_port) not in postfix.services()
        hand_in(port, mail("[secure] After undo"), to)
        world.wait(to, "", 4)
        assert subjects(world, to)[-1] == "[secure] After undo"
    assert len(world.find(to, "notice")) == 3
    assert all(notice["X-Letterlock-Seal"] for notice in world.find(to, "notice"))
