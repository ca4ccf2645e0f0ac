"""Rights as they are stored: what is missing there, or is not known, grants nothing."""

from __future__ import annotations

import cbor2
import pytest

from portal.vault.errors import SealBroken
from portal.vault.rights import Rights

NAMES = ("reply", "forward", "download", "print")


@pytest.mark.parametrize("missing", NAMES)
def test_a_right_that_is_not_stored_is_refused(missing: str) -> None:
    stored = {name: True for name in NAMES if name != missing}
    read = Rights.decode(cbor2.dumps(stored))
    assert not getattr(read, missing)
    assert all(getattr(read, name) for name in stored)


def test_what_is_stored_is_read_and_what_is_unknown_changes_nothing() -> None:
    rights = Rights(reply=False, forward=True)
    assert Rights.decode(rights.encode()) == rights
    assert Rights.decode(cbor2.dumps({"everything": True})) == Rights(False, False, False, False)


def test_other_rights_have_another_digest() -> None:
    digests = {Rights().changed({name: value}).digest() for name in NAMES for value in (True, False)}
    assert len(digests) == len(NAMES) + 1


def test_level_1_is_left_out_so_that_what_was_stored_before_stays_as_it_was() -> None:
    assert Rights().encode().hex() == "a4657072696e74f5657265706c79f567666f7277617264f468646f776e6c6f6164f5"
    assert "level" not in cbor2.loads(Rights(level=1).encode())
    assert cbor2.loads(Rights(level=3).encode())["level"] == 3
    assert len({Rights(level=level).digest() for level in (1, 2, 3)}) == 3


@pytest.mark.parametrize("level", [0, 4, -1, 2.0, True, False, None, "3", b"3", [3]])
def test_a_level_that_is_none_is_refused(level: object) -> None:
    with pytest.raises(SealBroken):
        Rights.decode(cbor2.dumps({"reply": True, "level": level}))


@pytest.mark.parametrize("stored", [b"", b"\xff", cbor2.dumps([1]), cbor2.dumps(3)])
def test_what_is_no_map_is_refused(stored: bytes) -> None:
    with pytest.raises(SealBroken):
        Rights.decode(stored)


def test_a_mark_is_a_duty_that_no_forwarding_takes_off_and_that_old_rights_do_not_have() -> None:
    marked = Rights(watermark=True)
    assert "watermark" not in cbor2.loads(Rights().encode())
    assert Rights.decode(marked.encode()) == marked
    assert marked.within(Rights()) == Rights().within(marked) == marked
    assert not Rights().within(Rights()).watermark
    assert not Rights.decode(cbor2.dumps({"reply": True})).watermark


def test_no_brand_sets_a_level_among_its_rights() -> None:
    assert Rights(level=2).changed({"level": True, "print": False}) == Rights(print=False, level=2)
    assert Rights(level=2).at_least(1, 3) == Rights(level=3)
