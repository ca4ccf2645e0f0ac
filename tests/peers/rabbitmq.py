"""A RabbitMQ of a test's own: everything it keeps is in one folder, and its name server is its own too."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from tests import parts
from tests.servers import Server, free_port, listens, wait_for

_PROGRAMS = Path("/usr/lib/rabbitmq/lib")
"""Debian's. What it puts on the path becomes the user rabbitmq, who may not write into a test's folder."""


class RabbitMQ(Server):
    """`url` is a LETTERLOCK_BROKER_URL."""

    def __init__(self, folder: Path) -> None:
        parts.need("rabbitmq-server", "epmd")
        self.folder = folder / "rabbitmq"
        self.folder.mkdir()
        self.port, self._names_port = free_port(), free_port()
        self._names: subprocess.Popen[bytes] | None = None
        (self.folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\ndisk_free_limit.absolute = 1MB\n"
        )
        (self.folder / "enabled_plugins").write_text("[].\n")

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def start(self) -> None:
        environment = {
            **os.environ,
            "HOME": str(self.folder),
            "ERL_EPMD_PORT": str(self._names_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"letterlock{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder / "logs"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none",
        }
        if self._names is None:
            self._names = subprocess.Popen(["epmd", "-address", "127.0.0.1", "-port", str(self._names_port)])
        with (self.folder / "output").open("ab") as output:
            self.process = subprocess.Popen(
                [next(_PROGRAMS.glob("rabbitmq_server-*/sbin/rabbitmq-server"))],
                env=environment, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip
        wait_for(lambda: listens(self.port), 60, f"RabbitMQ did not start, see {self.folder / 'output'}")

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self._names is not None:
            self._names.terminate()
            self._names.wait(120)

    def _end(self, number: signal.Signals) -> int:
        # A shell waits for the machine it started; both are of one group.
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, number)
        try:
            return super()._end(number)
        finally:
            wait_for(lambda: not listens(self.port), 20, "RabbitMQ still listens")
