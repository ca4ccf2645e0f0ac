"""A real Exim with a configuration of its own, set up with the blocks of the recipe.

Debian's Exim looks its user Debian-exim up by name; libnss-wrapper answers, so that nothing is added to the system. It
runs as root (and gives that up for each delivery, as it does in life) or wholly without.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests import parts
from tests.servers import Server, listens, wait_for

_CONFIGURATION = """\
exim_path = {folder}/exim4
keep_environment = LD_PRELOAD : NSS_WRAPPER_PASSWD : NSS_WRAPPER_GROUP
primary_hostname = mail.aldervalley.example
spool_directory = {folder}/spool
log_file_path = {folder}/log/%s.log
pid_file_path = {folder}/log/pid
daemon_smtp_ports = {port}
tls_advertise_hosts =
acl_smtp_rcpt = acl_check_rcpt
smtputf8_advertise_hosts = *
message_size_limit = 100M
{main}
begin acl
acl_check_rcpt:
{acl}
  accept hosts = 127.0.0.0/8
begin routers
{routers}
world:
  driver = manualroute
  transport = world
  route_list = * 127.0.0.1
  self = send
begin transports
{transports}
world:
  driver = smtp
  port = {relay_port}
  allow_localhost
begin retry
* * F,1h,1s
"""


class Exim(Server):
    """Takes mail on `port` and what Letterlock sends on `back_port`; `files` are the recipe's blocks by name."""

    def __init__(
        self, log: Path, files: Mapping[str, str], *, port: int, back_port: int, relay_port: int, as_root: bool
    ) -> None:
        parts.need("exim")
        if as_root and os.geteuid() != 0:
            pytest.skip("only root can start Exim as root")
        self.port, self._back_port, self._relay = port, back_port, relay_port
        self._files, self._as_root, self._kept = files, as_root, log
        self.folder = Path("/tmp") / f"letterlock-exim-{os.getpid()}-{port}"

    def start(self) -> None:
        owner = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.getuid())
        for folder in (self.folder, self.folder / "log", self.folder / "spool"):
            folder.mkdir(mode=0o755)
        for folder in (self.folder / "log", self.folder / "spool"):
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        # The children run it again as another user, who may not reach the repository.
        shutil.copy(parts.EXIM, self.folder / "exim4")
        (self.folder / "passwd").write_text(
            f"root:x:0:0::/:/bin/false\nDebian-exim:x:{owner.pw_uid}:{owner.pw_gid}::/:/bin/false\n"
        )
        (self.folder / "group").write_text(f"Debian-exim:x:{owner.pw_gid}:\n")
        (self.folder / "exim.conf").write_text(
            _CONFIGURATION.format(folder=self.folder, port=self.port, relay_port=self._relay, **self._files)
        )
        drop = {} if self._as_root or os.geteuid() != 0 else {"user": owner.pw_uid, "group": owner.pw_gid}
        with (self.folder / "said").open("wb") as said:
            self.process = subprocess.Popen(
                [self.folder / "exim4", "-C", self.folder / "exim.conf", "-bdf", "-q2s"],
                cwd=self.folder,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                extra_groups=[] if drop else None,
                **drop,
            )
        wait_for(lambda: listens(self.port) and listens(self._back_port), 20, f"Exim did not start: {self.said()}")

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": parts.PATH,
            "LD_PRELOAD": str(parts.nss_wrapper()),
            "NSS_WRAPPER_PASSWD": str(self.folder / "passwd"),
            "NSS_WRAPPER_GROUP": str(self.folder / "group"),
        }

    def _end_children(self) -> list[int]:
        """Kill all that run this Exim's own copy of the program; their process ids."""
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdecimal() and (entry / "exe").readlink() == self.folder / "exim4":
                    found.append(int(entry.name))
                    os.kill(found[-1], signal.SIGKILL)
        return found

    def said(self) -> str:
        """What it printed and logged."""
        return "".join(path.read_text() for path in [self.folder / "said", *self.folder.glob("log/*.log")])

    def __exit__(self, *_: object) -> None:
        self.stop()
        # A delivery that still runs would make the folders anew behind us.
        wait_for(lambda: not self._end_children(), 10, "Exim's children did not end")
        self._kept.write_text(self.said())
        shutil.rmtree(self.folder, ignore_errors=True)

    def route(self, address: str) -> str:
        """Which router and transport an address takes (exim -bt)."""
        done = subprocess.run(
            [self.folder / "exim4", "-C", self.folder / "exim.conf", "-bt", address],
            env=self._environment(),
            capture_output=True,
            text=True,
        )
        return done.stdout + done.stderr
