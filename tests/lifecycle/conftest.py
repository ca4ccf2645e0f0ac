"""What is destroyed for one test is there again for the next: the keyring outlives the rows that a test rolls back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.seals import keyring_of_before


@pytest.fixture(autouse=True)
def _keyring_of_before(_keyring: None) -> Iterator[None]:
    with keyring_of_before():
        yield
