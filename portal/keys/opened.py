"""Keyring objects as they were opened, kept for a few minutes at most. Thread-safe."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, cast

from portal.keys.keyring import Keyring

T = TypeVar("T")


@dataclass(slots=True)
class _Kept:
    until: float  # time.monotonic()
    version: int
    value: object


class Opened:
    """Kept for `seconds`, then read and unwrapped again."""

    def __init__(self, keyring: Keyring, seconds: float) -> None:
        self._keyring = keyring
        self._seconds = seconds
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.RLock()

    def of(self, name: str, decode: Callable[[bytes], T]) -> T:
        """An object, opened now or a while ago. Raises what Keyring raises."""
        kept = self._kept.get(name)
        if kept is not None and time.monotonic() < kept.until:
            return cast("T", kept.value)
        with self._lock:
            now = time.monotonic()
            # Whatever is too old goes now, asked for or not, so that a failing provider leaves nothing behind.
            for old in [old for old, entry in self._kept.items() if entry.until <= now]:
                del self._kept[old]
            if name in self._kept:
                return cast("T", self._kept[name].value)
            version, content = self._keyring.read(name)
            value = decode(content)
            self.keep(name, version, value, now)
            return value

    def newest(self, name: str, decode: Callable[[bytes], T]) -> T:
        """The same of the version that the keyring is at, which is asked each time; that needs no root key."""
        kept = self._kept.get(name)
        if kept and time.monotonic() < kept.until and kept.version == self._keyring.header(name).version:
            return cast("T", kept.value)
        version, content = self._keyring.read(name)
        value = decode(content)
        self.keep(name, version, value, time.monotonic())
        return value

    def keep(self, name: str, version: int, value: object, read_at: float) -> None:
        """Note what was read or written at `read_at`, by time.monotonic()."""
        with self._lock:
            kept = self._kept.get(name)
            # A slow reader must not put back what a puncture of another thread has replaced meanwhile.
            if kept is None or kept.until <= read_at or kept.version <= version:
                self._kept[name] = _Kept(read_at + self._seconds, version, value)

    def forget(self, name: str) -> None:
        with self._lock:
            self._kept.pop(name, None)
