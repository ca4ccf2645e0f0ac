"""The list in clear, as a process knows it that cannot read it now."""

from __future__ import annotations

import pytest

from portal.keys import posting
from portal.keys.errors import ProviderUnavailable
from portal.keys.posting import Posted

ONE, OTHER = posting.entry("brand", [b"one"], bytes(48)), posting.entry("brand", [b"other"], bytes(48))


def away() -> frozenset[bytes]:
    raise ProviderUnavailable


def test_while_the_list_was_never_read_nothing_is_believed() -> None:
    for _ in range(2):
        with pytest.raises(ProviderUnavailable):
            Posted(away).has(ONE)


def test_while_it_cannot_be_read_what_was_read_last_counts_and_nothing_else() -> None:
    answers = iter([frozenset({ONE})])
    posted = Posted(lambda: next(answers, None) or away())
    assert posted.has(ONE)
    posted.forget()
    assert posted.has(ONE)
    assert not posted.has(OTHER)
