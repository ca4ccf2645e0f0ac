"""Hosts of their own on this machine: network namespaces on a bridge, each of which can be cut off (root only)."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

PREFIX = f"ll{os.getpid() % 100_000}"
"""An interface's name has at most 15 characters."""
GATEWAY = "10.231.77.1"


def can_make() -> bool:
    """Whether namespaces can be made here."""
    return os.geteuid() == 0 and shutil.which("ip") is not None


class Namespace:
    """One host; `enter` stands in front of a command that runs there."""

    def __init__(self, number: int) -> None:
        self.name, self._cable = f"{PREFIX}n{number}", f"{PREFIX}v{number}"
        self.address = f"10.231.77.{number + 10}"

    @property
    def enter(self) -> list[str]:
        return ["ip", "netns", "exec", self.name]

    def cut_off(self) -> None:
        """Nothing arrives there or comes from there, and nobody is told so."""
        _ip("link", "set", self._cable, "down")

    def join(self) -> None:
        _ip("link", "set", self._cable, "up")

    def _make(self, stack: ExitStack) -> None:
        _ip("netns", "add", self.name)
        stack.callback(_ip, "netns", "del", self.name)
        _ip("link", "add", self._cable, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        _ip("link", "set", self._cable, "master", f"{PREFIX}b", "up")
        _ip("-n", self.name, "addr", "add", f"{self.address}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            _ip("-n", self.name, "link", "set", device, "up")


@contextmanager
def namespaces(count: int) -> Iterator[list[Namespace]]:
    """So many hosts that reach this one at GATEWAY, and nothing else; gone afterwards."""
    with ExitStack() as stack:
        _ip("link", "add", f"{PREFIX}b", "type", "bridge")
        stack.callback(_ip, "link", "del", f"{PREFIX}b")
        _ip("addr", "add", f"{GATEWAY}/24", "dev", f"{PREFIX}b")
        _ip("link", "set", f"{PREFIX}b", "up")
        made = [Namespace(number) for number in range(count)]
        for one in made:
            one._make(stack)
        yield made


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
