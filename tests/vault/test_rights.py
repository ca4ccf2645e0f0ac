"""Rights as they are stored: what is missing there, or is not known, grants nothing."""

from __future__ import annotations

import cbor2
import pytest

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
