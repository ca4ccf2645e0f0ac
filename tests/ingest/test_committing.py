"""The committer: where many sessions are, their mails share a transaction; a lone one does not wait for anybody."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from portal.ingest import committing
from portal.ingest.committing import CROWD, Committer
from portal.ingest.errors import SpoolUnavailable
from portal.ingest.models import Spooled
from portal.ingest.spool import SpoolWriter, commit_all
from tests.ingest.test_spool import ENVELOPE


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many mails each transaction had."""
    found: list[int] = []

    def counted(writers: Sequence[SpoolWriter], *others: Any) -> list[Any]:
        found.append(len(writers))
        return commit_all(writers, *others)

    monkeypatch.setattr(committing, "commit_all", counted)
    return found


def submitted(
    sessions: int, monkeypatch: pytest.MonkeyPatch, *, gather: float = 1.5, first_alone: bool = False
) -> None:
    """Four mails: the others while the first may still wait for them or, `first_alone`, once it is committed."""
    monkeypatch.setattr(committing, "GATHER_SECONDS", gather)
    writers = [SpoolWriter.begin(ENVELOPE) for _ in range(4)]
    committer = Committer()

    async def submit() -> None:
        futures = [committer.submit(writers[0], sessions)]
        if first_alone:
            await asyncio.wait_for(asyncio.shield(futures[0]), 30)
        else:
            await asyncio.sleep(0.01)
        futures += [committer.submit(writer, sessions) for writer in writers[1:]]
        assert await asyncio.wait_for(asyncio.gather(*futures), 30) == [writer.id for writer in writers]

    try:
        asyncio.run(submit())
    finally:
        committer.close()


@pytest.mark.django_db(transaction=True)
def test_in_a_crowd_one_transaction_serves_all(
    spool_folder: Path, batches: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    submitted(CROWD, monkeypatch)
    assert batches == [4]
    assert Spooled.objects.count() == 4


@pytest.mark.django_db(transaction=True)
def test_whatever_goes_wrong_each_session_is_told_and_the_next_mail_is_taken(
    spool_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An end of this thread would leave every session of the door waiting for good."""
    committer = Committer()
    gone = [RuntimeError("the database's client is confused")]

    def closing() -> None:
        if gone:
            raise gone.pop()

    monkeypatch.setattr(committing, "close_old_connections", closing)

    async def submit() -> None:
        with pytest.raises(SpoolUnavailable):
            await asyncio.wait_for(committer.submit(SpoolWriter.begin(ENVELOPE)), 10)
        await asyncio.wait_for(committer.submit(SpoolWriter.begin(ENVELOPE)), 10)

    try:
        asyncio.run(submit())
    finally:
        committer.close()
    assert Spooled.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_once_every_session_waits_nobody_else_is_waited_for(
    spool_folder: Path, batches: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(committing, "GATHER_SECONDS", 60.0)
    writers = [SpoolWriter.begin(ENVELOPE) for _ in range(2 * CROWD)]
    committer = Committer()

    async def submit() -> None:
        for some in (writers[:CROWD], writers[CROWD:]):
            futures = [committer.submit(writer, CROWD) for writer in some]
            await asyncio.wait_for(asyncio.gather(*futures), 30)

    try:
        asyncio.run(submit())
    finally:
        committer.close()
    assert batches == [CROWD, CROWD]


@pytest.mark.django_db(transaction=True)
def test_more_than_a_batch_holds_goes_in_several(
    spool_folder: Path, batches: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(committing, "BATCH", 3)
    submitted(CROWD, monkeypatch)
    assert sum(batches) == Spooled.objects.count() == 4
    assert max(batches) == 3


@pytest.mark.django_db(transaction=True)
def test_among_few_sessions_the_first_is_not_kept_waiting(
    spool_folder: Path, batches: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    submitted(CROWD - 1, monkeypatch, gather=600, first_alone=True)
    assert batches[0] == 1
    assert sum(batches) == Spooled.objects.count() == 4


@pytest.mark.django_db(transaction=True)
def test_who_stopped_waiting_keeps_nobody_else_from_the_outcome(spool_folder: Path) -> None:
    writers = [SpoolWriter.begin(ENVELOPE) for _ in range(2)]
    committer = Committer()

    async def submit() -> None:
        gone, there = (committer.submit(writer, CROWD) for writer in writers)
        gone.cancel()
        assert await asyncio.wait_for(there, 30) == writers[1].id

    try:
        asyncio.run(submit())
    finally:
        committer.close()
    assert Spooled.objects.count() == 2, "a mail that was handed over is kept"


@pytest.mark.django_db(transaction=True)
def test_what_was_handed_over_is_committed_when_its_loop_has_ended(spool_folder: Path) -> None:
    writer = SpoolWriter.begin(ENVELOPE)
    committer = Committer()

    async def submit() -> None:
        committer.submit(writer, CROWD)

    asyncio.run(submit())
    committer.close()
    assert Spooled.objects.filter(pk=writer.id).exists()
