"""The default brand has people."""

from __future__ import annotations

import pytest

from branding.models import Brand
from tests.grants import change
from tests.seals import default_brand
from tests.sent.browsing import INSIDE


@pytest.fixture(autouse=True)
def _people(db: None) -> None:
    default_brand()
    change(Brand.objects.all(), domains=[INSIDE])
