"""P3 with a key service: stopped, silent, answering garbage or refusing, mail waits with a reason and then goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.loaded import Loaded
from tests.mails import JONAS, Mailbox, mail, send, until
from tests.peers.places import TransitPlace
from tests.peers.relay import Relay
from tests.peers.services import TOKEN, TransitServer
from tests.servers import Portal

pytestmark = pytest.mark.servers
SECRET = "nobody may see this on the way"
QUICK = {"LETTERLOCK_DEMO": "off", "LETTERLOCK_KEY_CACHE_SECONDS": "1", "LETTERLOCK_SWEEP_SECONDS": "1"}


def shown(portal: Portal, *secrets: str) -> list[str]:
    """Files of the data folder, and what was printed, that hold a secret."""
    found = [path.name for path in portal.data.rglob("*") if path.is_file() and any_of(path.read_bytes(), secrets)]
    return found + (["terminal"] if any_of(portal.seen().encode(), secrets) else [])


def says(portal: Portal, word: str) -> bool:
    """Whether the health page answers 503, with this word about the keys."""
    status, states = portal.health()
    return status == 503 and word in states["keys"]


def any_of(content: bytes, secrets: tuple[str, ...]) -> bool:
    return any(secret.encode() in content for secret in secrets)


def test_mail_waits_through_every_fault_of_the_key_service_and_all_of_it_arrives(tmp_path: Path) -> None:
    with TransitServer(tmp_path) as server, Relay(server.port) as relay:
        server.key("letters")
        server.key("others")
        place = TransitPlace(server, relay)
        with Loaded(tmp_path / "data", LETTERLOCK_KEY_URL=place.url, **QUICK) as portal:
            jonas = Mailbox(portal.outbox, JONAS)
            send(portal.smtp, mail("[secure] First", SECRET))
            jonas.wait("notice", seconds=30)
            arrived = 1
            for fault in (place.cut, place.slow, place.garbage, place.deny):
                fault()
                # On a busy machine it may say at first that there is no answer yet.
                until(lambda: says(portal, "ail waits"), 30, f"503 and why from the health page after {fault.__name__}")
                id_ = send(portal.smtp, mail("[secure] During", SECRET))
                until(
                    lambda waiting=id_: "wait" in (portal.trace(waiting)["last_error"] or ""),
                    60,
                    f"reason why it waits after {fault.__name__}",
                )
                assert len(jonas.mails("notice")) == arrived
                place.well()
                arrived += 1
                jonas.wait("notice", arrived, seconds=90)
                until(lambda: portal.health()[0] == 200, 60, "200 from the health page")
            # What needs no new key goes on while the service may only be read, and health says so all the same.
            place.read_only()
            until(lambda: says(portal, "grant"), 30, "503 that says why while nothing can be sealed")
            place.well()
            until(lambda: portal.health()[0] == 200, 60, "200 from the health page")
        assert shown(portal, SECRET, TOKEN) == []
        # Another root key than the keyring's: nothing is made anew, and a start says what to mend.
        portal.environment["LETTERLOCK_KEY_URL"] = place.other_url
        refused = portal.manage("prepare", check=False)
        portal.unload()
        assert refused.returncode == 1
        assert "another root key" in refused.stdout + refused.stderr
