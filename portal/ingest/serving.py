"""Running the door: listen, stop listening, let open transactions end."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import logging
import resource
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import uvloop

from portal.configuration import Configuration
from portal.ingest.committing import Committer
from portal.ingest.smtp import limits
from portal.ingest.smtp.certificates import Certificates
from portal.ingest.smtp.commands import attend
from portal.ingest.smtp.common import Common
from portal.ingest.smtp.house import House
from portal.ingest.smtp.wire import Wire
from portal.values import Address

log = logging.getLogger(__name__)

FINISH_SECONDS = 5.0
"""How long open transactions may go on when the door is told to stop."""
_GOODBYE_SECONDS = 2.0
_SWITCH_SECONDS = 0.0005
_M_ARENA_MAX = -8


@dataclass(frozen=True)
class Listener:
    """One address and what is spoken there."""

    address: Address
    setting: str = "LETTERLOCK_SMTP"
    tls: bool = False
    lmtp: bool = False


class NotListening(OSError):
    """An address cannot be listened on; the text names it, its setting and what to do."""

    def __init__(self, listener: Listener, error: OSError) -> None:
        super().__init__(
            f"The door cannot listen on {listener.address} ({error.strerror or type(error).__name__}). "
            f"Stop what uses that port, or set {listener.setting} to another address."
        )


def listeners(configuration: Configuration) -> tuple[Listener, ...]:
    """Where the settings say that the door listens."""
    found = [Listener(configuration.smtp)]
    if configuration.smtps is not None:
        found.append(Listener(configuration.smtps, "LETTERLOCK_SMTPS", tls=True))
    if configuration.lmtp is not None:
        found.append(Listener(configuration.lmtp, "LETTERLOCK_LMTP", lmtp=True))
    return tuple(found)


def serve(
    places: Sequence[Listener],
    certificates: Certificates | None,
    stopped: Callable[[], Awaitable[None]],
    ready: Callable[[], None] = lambda: None,
    *,
    common: Common | None = None,
    number: int = 0,
) -> None:
    """Take mail in at all places until the awaitable that `stopped` makes is done, then close in order.

    `ready` is called once mail can come. With `common`, other processes listen there as well (SO_REUSEPORT), and this
    is the one of that `number`. Raises NotListening.
    """
    _allow_open_files()
    _one_heap()
    # Sessions leave reference cycles, and each full collection would walk through all that Django has loaded.
    gc.collect()
    gc.freeze()
    # The committer's thread makes many short system calls. At Python's 5 ms a switch, it would get the interpreter
    # back after each only when the loop's thread had used up its turn.
    sys.setswitchinterval(_SWITCH_SECONDS)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(places, certificates, stopped, ready, common, number))


async def _serve(
    places: Sequence[Listener],
    certificates: Certificates | None,
    stopped: Callable[[], Awaitable[None]],
    ready: Callable[[], None],
    common: Common | None,
    number: int,
) -> None:
    loop = asyncio.get_running_loop()
    committer = Committer()
    house = House(committer, certificates, common, number)
    try:
        await house.roster.current()
        servers = [await _listen(house, place, common is not None) for place in places]
        ready()
        await stopped()
        for server in servers:
            server.close()
        await _finish(house)
    finally:
        # What was handed over is committed before the process ends, whether or not its session still waits.
        await loop.run_in_executor(None, committer.close)
        await loop.run_in_executor(None, house.close)


async def _listen(house: House, place: Listener, shared: bool) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    try:
        return await loop.create_server(
            lambda: Wire(loop, lambda wire: attend(house, wire, lmtp=place.lmtp, tls=place.tls)),
            place.address.host,
            place.address.port,
            backlog=1024,
            reuse_port=shared or None,
        )
    except OSError as error:
        raise NotListening(place, error) from None


async def _finish(house: House) -> None:
    house.closing = True
    sessions = list(house.sessions)
    for session in sessions:
        session.leave()
    if sessions:
        _, late = await asyncio.wait([session.gone for session in sessions], timeout=FINISH_SECONDS)
        if late:
            log.warning("%d sessions were cut in the middle of a transaction; their clients try again", len(late))
    left = list(house.sessions)
    for session in left:
        session.wire.close()
    if left:
        await asyncio.wait([session.gone for session in left], timeout=_GOODBYE_SECONDS)


def _one_heap() -> None:
    """Each thread that seals a large mail would keep a heap of its own (mallopt(3)); not every C library has this."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)


def _allow_open_files() -> None:
    """A session holds a socket and a spool file; the usual soft limit of 1,024 is for fewer."""
    wanted = 2 * (limits.MAX_SESSIONS + limits.MAX_STRANGERS) + 200
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        enough = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, enough), hard))
