"""Running the door: listen, stop listening, let open transactions end."""

from __future__ import annotations

import asyncio
import gc
import logging
import resource
import sys
from collections.abc import Awaitable, Callable

import uvloop

from portal.configuration import Address
from portal.ingest.committing import Committer
from portal.ingest.smtp import MAX_SESSIONS, MAX_STRANGERS, Door, House

log = logging.getLogger(__name__)

FINISH_SECONDS = 5.0
"""How long open transactions may go on when the door is told to stop."""
_SWITCH_SECONDS = 0.0005


def serve(address: Address, stopped: Callable[[], Awaitable[None]], ready: Callable[[], None] = lambda: None) -> None:
    """Take mail in at `address` until the awaitable that `stopped` makes is done, then close in order.

    `ready` is called once mail can come. Raises OSError when the address cannot be listened on.
    """
    _allow_open_files()
    # Sessions leave reference cycles, and each full collection would walk through all that Django has loaded.
    gc.collect()
    gc.freeze()
    # The committer's thread makes many short system calls. At Python's 5 ms a switch, it would get the interpreter
    # back after each only when the loop's thread had used up its turn.
    sys.setswitchinterval(_SWITCH_SECONDS)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(address, stopped, ready))


async def _serve(address: Address, stopped: Callable[[], Awaitable[None]], ready: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    committer = Committer()
    house = House(committer)
    try:
        server = await loop.create_server(lambda: Door(house, loop), address.host, address.port, backlog=1024)
        ready()
        await stopped()
        server.close()
        await _finish(house)
    finally:
        # What was handed over is committed before the process ends, whether or not its session still waits.
        await loop.run_in_executor(None, committer.close)
        house.pool.shutdown()


async def _finish(house: House) -> None:
    house.closing = True
    sessions = list(house.sessions)
    for session in sessions:
        await session.leave()
    if sessions:
        _, late = await asyncio.wait([session.gone for session in sessions], timeout=FINISH_SECONDS)
        if late:
            log.warning("%d sessions were cut in the middle of a transaction; their clients try again", len(late))
    for session in list(house.sessions):
        if session.transport is not None:
            session.transport.close()
    await asyncio.sleep(0)


def _allow_open_files() -> None:
    """A session holds a socket and a spool file; the usual soft limit of 1,024 is for fewer."""
    wanted = 2 * (MAX_SESSIONS + MAX_STRANGERS) + 200
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        enough = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, enough), hard))
