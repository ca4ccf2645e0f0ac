"""kill -9 before any one of the calls by which work reaches the disk."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

CALLS = ("open", "write", "fsync", "link", "rename", "unlink", "close")


def killed_at(step: int, work: Callable[[], object]) -> bool:
    """Run `work` in a process that kills itself before its `step`-th call to the disk; whether it finished."""
    child = os.fork()
    if child == 0:
        left = step

        def counted(call: Callable[..., object]) -> Callable[..., object]:
            def stop_or_call(*arguments: object, **named: object) -> object:
                nonlocal left
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return call(*arguments, **named)

            return stop_or_call

        for name in CALLS:
            setattr(os, name, counted(getattr(os, name)))
        try:
            work()
        except BaseException:
            os._exit(1)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    assert status in (0, signal.SIGKILL), status
    return status == 0
