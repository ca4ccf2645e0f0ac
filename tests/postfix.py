"""A real Postfix with a configuration of its own, set up with the very lines that the README gives."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests import parts
from tests.servers import ROOT, Server, free_port, listens, wait_for

_BLOCK = re.compile(r"^```\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SERVICES = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
"""


def delivery_lines() -> str:
    """What docs/delivery.md says to put into main.cf so that bounces come back."""
    chapter = (ROOT / "docs" / "delivery.md").read_text().split("## Bounces")[1].split("\n## ")[0]
    (lines,) = _BLOCK.findall(chapter)
    return str(lines)


def readme_lines() -> tuple[str, str, str]:
    """What the README says to put into main.cf, letterlock_checks and master.cf."""
    chapter = (ROOT / "README.md").read_text().split("## Behind your Postfix")[1].split("\n## ")[0]
    main, checks, master = _BLOCK.findall(chapter)
    return main, checks, master


class Postfix(Server):
    """Takes mail on `port`, hands what the README says to Letterlock, and everything else to `relay_port`.

    It logs to syslog alone. With a log file of its own, all that it says goes through one process behind a socket that
    holds ten lines: master, told to reload, can wait for that process while that process waits for master to start it.
    """

    def __init__(self, folder: Path, *, letterlock_port: int, relay_port: int) -> None:
        parts.need("postfix")
        if os.geteuid() != 0:
            pytest.skip("Postfix's master runs as root only")
        self.port, self.back_port = free_port(), free_port()
        self.folder = Path("/tmp") / f"letterlock-postfix-{os.getpid()}-{self.port}"
        self._letterlock, self._relay = letterlock_port, relay_port

    def start(self) -> None:
        configuration, queue, data = (self.folder / name for name in ("etc", "queue", "data"))
        for folder in (configuration, queue, data):
            folder.mkdir(parents=True)
        shutil.chown(data, pwd.getpwnam("postfix").pw_uid)
        main, checks, master = self.lines()
        (configuration / "letterlock_checks").write_text(self._here(checks))
        (configuration / "main.cf").write_text(
            f"compatibility_level = 3.6\nqueue_directory = {queue}\ndata_directory = {data}\n"
            "command_directory = /usr/sbin\ndaemon_directory = /usr/lib/postfix/sbin\n"
            "myhostname = mail.aldervalley.example\nmydestination =\nlocal_recipient_maps =\n"
            "inet_interfaces = 127.0.0.1\n"
            "inet_protocols = ipv4\nmynetworks = 127.0.0.0/8\nalias_maps =\nsmtputf8_enable = yes\n"
            f"relayhost = [127.0.0.1]:{self._relay}\nmessage_size_limit = 104857600\n"
            + self._here(main)
            + self._here(delivery_lines())
        )
        (configuration / "master.cf").write_text(_SERVICES.format(port=self.port) + self._here(master))
        done = self._postfix("start")
        assert done.returncode == 0, done.stderr
        wait_for(lambda: listens(self.port) and listens(self.back_port), 20, "Postfix did not start")

    def lines(self) -> tuple[str, str, str]:
        """For main.cf, letterlock_checks and master.cf."""
        return readme_lines()

    def stop(self) -> int:
        pid = int((self.folder / "queue/pid/master.pid").read_text())
        try:
            returncode = self._postfix("stop").returncode
        except subprocess.TimeoutExpired:
            # It waits for mail in mid-flight, and a server of the test may have left a session hanging.
            os.killpg(pid, signal.SIGKILL)
            returncode = 0
        shutil.rmtree(self.folder, ignore_errors=True)
        return returncode

    def _postfix(self, verb: str) -> subprocess.CompletedProcess[str]:
        program = parts.program("postfix")
        assert program
        return subprocess.run([program, "-c", self.folder / "etc", verb], capture_output=True, text=True, timeout=60)

    def _here(self, lines: str) -> str:
        """The README's lines with this test's ports and folder."""
        return (
            lines.replace(":2525", f":{self._letterlock}")
            .replace("127.0.0.1:10026", f"127.0.0.1:{self.back_port}")
            .replace("/etc/postfix/", f"{self.folder}/etc/")
        )
