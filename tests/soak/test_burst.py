"""An hour's mail in a few minutes, with parts killed all along (`make soak`; the suite has a short version)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.promises.burst import QUICK, SECRET, burst
from tests.promises.test_p2_no_plaintext_at_rest import places
from tests.servers import Portal

pytestmark = pytest.mark.servers


def test_1500_mails_arrive_while_parts_are_killed(tmp_path: Path) -> None:
    with Portal(tmp_path / "data", **QUICK) as portal:
        burst(portal, 1500, kill_worker_every=100, kill_door_every=150)
        portal.stop()
        assert places(portal.data, SECRET) == []
