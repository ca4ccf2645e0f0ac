"""One mail on its way from the wire into the spool, checked piece by piece; DATA and BDAT both feed it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from uuid import UUID

from portal.ingest.errors import IngestError
from portal.ingest.intake import Intake
from portal.ingest.received import Trace
from portal.ingest.smtp import limits
from portal.ingest.smtp.house import House
from portal.ingest.smtp.wire import Pace, Wire
from portal.ingest.spool import Envelope, SpoolWriter


class Incoming:
    """Constant memory: a piece is sealed before the next one is read."""

    def __init__(
        self,
        house: House,
        wire: Wire,
        addressed: Callable[[bytes], Envelope],
        trace: Trace,
        expected_size: int,
        hide: Collection[str],
    ) -> None:
        self._house = house
        self._wire = wire
        self._intake = Intake(addressed, expected_size, hide=hide, trace=trace)
        self._loop = asyncio.get_running_loop()
        self._pace = Pace(wire)
        self.refused: IngestError | None = None

    @property
    def received(self) -> int:
        """Bytes that came over the wire."""
        return self._pace.received

    @property
    def seconds_left(self) -> float:
        return self._pace.left

    async def piece(self, most: int = 0) -> bytes:
        """The next bytes from the wire. Raises Gone."""
        return await self._pace.piece(most)

    async def take(self, mail: bytes) -> None:
        """Seal the next bytes of the mail. A refusal is kept for the end, when the client listens again."""
        if self.refused is not None:
            return
        try:
            if self._intake.size + len(mail) <= limits.THREAD_FROM_BYTES:
                self._intake.feed(mail)
            else:
                await self._loop.run_in_executor(self._house.sealing, self._intake.feed, mail)
        except IngestError as error:
            self.refuse(error)

    def refuse(self, error: IngestError) -> None:
        """Nothing of the mail is kept."""
        if self.refused is None:
            self.refused = error
            self.discard()

    @property
    def hopeless(self) -> bool:
        """Whether a refused mail has gone on for so long that the connection is closed instead of read to the end."""
        return self.refused is not None and self.received > 2 * self._house.max_bytes + limits.READ_BYTES

    async def commit(self) -> UUID:
        """Make it durable. Raises NotTaken or SpoolUnavailable; then nothing is kept."""
        self._wire.allow(limits.COMMIT_SECONDS)
        if self.refused is not None:
            raise self.refused
        try:
            # From here the mail is the committer's, and it is kept even if this connection breaks before the 250:
            # its sender will send it again, which RFC 5321 §4.5.3.2.6 prefers to losing it.
            return await self._house.committer.submit(await self._finished(), len(self._house.sessions))
        except IngestError:
            self.discard()
            raise

    async def _finished(self) -> SpoolWriter:
        if self._intake.no_end_for is None:
            return self._intake.finish()
        return await self._loop.run_in_executor(self._house.sealing, self._intake.finish)

    def discard(self) -> None:
        """Leave nothing behind; does nothing once the mail was handed over."""
        self._intake.discard()
