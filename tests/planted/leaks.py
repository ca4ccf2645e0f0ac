"""Not part of the suite: tests that pass and write secrets, which tests/test_secrecy.py runs to see the walk fail."""

import logging
import sys
import uuid
from pathlib import Path

from celery import Celery, shared_task

from portal.access import codes
from portal.keys import split
from portal.keys.errors import KeysError
from portal.keys.tree import Tree
from portal.vault import readers
from tests.servers import Portal

log = logging.getLogger("portal.planted")


def test_a_leaf_in_a_debug_line() -> None:
    log.debug("The leaf is %s.", Tree.fresh().leaf(1, 2).hex())


def test_a_share_in_an_error() -> None:
    KeysError(f"The code {split.code_of(split.new_share())} does not fit.")


def test_a_passcode_in_a_line() -> None:
    log.warning("Wrong: %s", codes.derive(b"secret of this test, 32 bytes ..", b"challenge"))


def test_a_link_in_the_arguments_of_a_task() -> None:
    app = Celery("planted", broker="memory://", set_as_current=False)

    @shared_task(name=f"planted-{uuid.uuid4()}")
    def planted(link: str) -> None:
        del link

    app.send_task(planted.name, args=[readers.new_link()])


def test_a_root_key_in_the_log_of_a_portal(tmp_path: Path) -> None:
    portal = Portal(tmp_path / "data")
    portal.manage("prepare")
    (portal.data / "logs").mkdir(exist_ok=True)
    (portal.data / "logs" / "door.log").write_text(f"now INFO door {(portal.data / 'root.key').read_bytes()!r}\n")
    portal.environment["LETTERLOCK_DATA"] = str(Path(sys.executable))  # so that it ends at once
    portal.launch()
    portal.stop()
