"""Which mails share a transaction: small ones of one state, and never one that was left unfinished before."""

from __future__ import annotations

from portal.ingest import pipeline
from portal.ingest.models import Spooled


def grouped(*mails: tuple[int, int]) -> list[list[tuple[int, int]]]:
    """Mails of (bytes, times left unfinished), in their order."""
    rows = [Spooled(size=size, unfinished=unfinished) for size, unfinished in mails]
    return [[(row.size, row.unfinished) for row in group] for group in pipeline._groups(rows)]


def test_a_mail_that_was_left_unfinished_is_alone_wherever_it_stands() -> None:
    well, suspect = (1, 0), (1, 1)
    assert grouped(well, well) == [[well, well]]
    assert grouped(suspect, well, well) == [[suspect], [well, well]]
    assert grouped(well, suspect, well) == [[well], [suspect], [well]]
    assert grouped(suspect, suspect) == [[suspect], [suspect]]


def test_a_group_has_its_bounds() -> None:
    small, large = (1, 0), (pipeline.GROUP_BYTES + 1, 0)
    assert [len(group) for group in grouped(*[small] * (pipeline.GROUP + 1))] == [pipeline.GROUP, 1]
    assert grouped(small, large, small) == [[small], [large], [small]]
