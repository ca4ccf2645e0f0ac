"""Kills a process at a named place, for tests that pull the plug; the product has no such hook.

Python imports a module of this name by itself when its folder is on PYTHONPATH:

    environment = {**os.environ, **faults.at("portal.ingest.spool:publish", "after")}  # see __init__.py

LETTERLOCK_TEST_FAULT is `module:function:before|after[:count]`, several separated by commas. The function is wrapped
as soon as its module has been imported, before anyone else can take its name from there; a method is written
`module:Class.method`. `count` (default 1) says at which call, counted in each process, the process gets SIGKILL:
`before` the call's first statement, `after` it has returned. A coroutine function's `after` is when it was awaited.
LETTERLOCK_TEST_POISON is `module:function`: where its first argument holds the bytes `POISON crash`, `POISON loop` or
`POISON memory`, the function does that in place of its work, as a parser with a fault would.
LETTERLOCK_TEST_FAULT_ONCE names a file that is made just before the kill: where it exists nothing is killed, so that
a process that a supervisor starts again lives on.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.abc
import importlib.machinery
import inspect
import os
import signal
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any


class Fault:
    """One place to die at."""

    def __init__(self, text: str) -> None:
        module, place, when, *count = text.split(":")
        if when not in ("before", "after"):
            raise ValueError(f"{text}: the third word is before or after")
        self.module, self.place, self.when = module, place, when
        self.left = int(count[0]) if count else 1

    def patch(self, module: ModuleType) -> None:
        owner: Any = module
        *classes, name = self.place.split(".")
        for part in classes:
            owner = getattr(owner, part)
        raw = inspect.getattr_static(owner, name)
        function = raw.__func__ if isinstance(raw, classmethod | staticmethod) else raw
        wrapped = self.wrap(function)
        setattr(owner, name, type(raw)(wrapped) if isinstance(raw, classmethod | staticmethod) else wrapped)

    def wrap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def awaited(*args: Any, **options: Any) -> Any:
                self.reached("before")
                result = await function(*args, **options)
                self.reached("after")
                return result

            return awaited

        @functools.wraps(function)
        def called(*args: Any, **options: Any) -> Any:
            self.reached("before")
            result = function(*args, **options)
            self.reached("after")
            return result

        return called

    def reached(self, when: str) -> None:
        if when != self.when:
            return
        self.left -= 1
        if self.left == 0:
            die()


def die() -> None:
    """SIGKILL: no handler, no finally, no flush."""
    if once := os.environ.get("LETTERLOCK_TEST_FAULT_ONCE"):
        try:
            os.close(os.open(once, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError:
            return
    os.kill(os.getpid(), signal.SIGKILL)


class Poison(Fault):
    """A function that certain bytes are the end of."""

    def __init__(self, text: str) -> None:
        self.module, self.place = text.split(":")

    def wrap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def called(raw: bytes, *args: Any, **options: Any) -> Any:
            if b"POISON crash" in raw:
                ctypes.string_at(0)
            if b"POISON loop" in raw:
                while True:
                    pass
            if b"POISON memory" in raw:
                kept = []
                while True:
                    kept.append(bytearray(16 << 20))
            return function(raw, *args, **options)

        return called


class Finder(importlib.abc.MetaPathFinder):
    """Lets the usual finders find, and wraps what they load."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = faults

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        wanted = [fault for fault in self.faults if fault.module == name]
        if not wanted:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = Loader(spec.loader, wanted)
        return spec


class Loader(importlib.abc.Loader):
    """Loads like the one it wraps, then patches."""

    def __init__(self, inner: Any, faults: Sequence[Fault]) -> None:
        self.inner, self.faults = inner, faults

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self.inner.create_module(spec)  # type: ignore[no-any-return]

    def exec_module(self, module: ModuleType) -> None:
        self.inner.exec_module(module)
        for fault in self.faults:
            fault.patch(module)


def install(text: str) -> None:
    faults = [Fault(part) for part in text.split(",") if part]
    sys.meta_path.insert(0, Finder(faults))


if wanted := os.environ.get("LETTERLOCK_TEST_FAULT"):
    install(wanted)
if wanted := os.environ.get("LETTERLOCK_TEST_POISON"):
    sys.meta_path.insert(0, Finder([Poison(wanted)]))
