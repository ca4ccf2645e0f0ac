"""Three kinds of places for a root key, each with the same faults to be put in the way of whoever uses it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol
from uuid import uuid4

import pytest

from portal.keys.provider import Provider
from portal.keys.providers.addresses import provider_of
from tests.peers.hardware import PIN, SoftHsm
from tests.peers.relay import Relay
from tests.peers.services import REGION, TOKEN, KmsServer, TransitServer

ACCESS_SECRET = "wJalr-peer-secret-that-must-never-be-shown"


class Place(Protocol):
    """A root key in a real service."""

    url: str
    other_url: str
    """Another root key of the same kind."""
    credentials: tuple[str, ...]
    """What nobody may ever see."""

    def provider(self) -> Provider: ...

    def cut(self) -> None: ...

    def slow(self) -> None: ...

    def garbage(self) -> None: ...

    def read_only(self) -> None: ...

    def deny(self) -> None: ...

    def well(self) -> None: ...


class HardwarePlace:
    """Two tokens of SoftHSM2."""

    credentials = (PIN,)

    def __init__(self, hsm: SoftHsm) -> None:
        self._hsm = hsm
        self.url, self.other_url = hsm.url("letters", "root"), hsm.url("others", "root")

    def provider(self) -> Provider:
        return provider_of(self.url)

    def cut(self) -> None:
        self._hsm.behaviour.write_text("r")

    def slow(self) -> None:
        self._hsm.behaviour.write_text("s")

    def garbage(self) -> None:
        self._hsm.behaviour.write_text("g")

    def read_only(self) -> None:
        self._hsm.behaviour.write_text("o")

    def deny(self) -> None:
        self._hsm.pin_file.write_text("9999\n")  # counts for a process that is not logged in yet

    def well(self) -> None:
        self._hsm.behaviour.write_text("")
        self._hsm.pin_file.write_text(PIN + "\n")


class NetworkPlace:
    """What services in a network have in common: the network."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay

    def cut(self) -> None:
        self.relay.cut()

    def slow(self) -> None:
        self.relay.silent()

    def garbage(self) -> None:
        self.relay.garbage()


class KmsPlace(NetworkPlace):
    """Two keys of moto's KMS."""

    credentials = (ACCESS_SECRET,)

    def __init__(self, server: KmsServer, relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(relay)
        self._server, self._environment = server, monkeypatch
        self.url, self.other_url = (
            f"awskms:{key}?region={REGION}&endpoint=http://127.0.0.1:{relay.port}"
            for key in ("alias/letters", "alias/others")
        )
        self.sign_in("AKIAPEERPEERPEERPEER", ACCESS_SECRET)

    def sign_in(self, name: str, secret: str) -> None:
        self._environment.setenv("AWS_ACCESS_KEY_ID", name)
        self._environment.setenv("AWS_SECRET_ACCESS_KEY", secret)

    def provider(self) -> Provider:
        return provider_of(self.url)

    def read_only(self) -> None:
        self.sign_in(*self._server.user(f"reader-{uuid4()}", "kms:Decrypt", "kms:DescribeKey"))
        self._server.enforce(True)

    def deny(self) -> None:
        self._server.enforce(True)

    def well(self) -> None:
        self._server.enforce(False)
        self.relay.well()


class TransitPlace(NetworkPlace):
    """Two keys of the transit server."""

    credentials = (TOKEN,)

    def __init__(self, server: TransitServer, relay: Relay) -> None:
        super().__init__(relay)
        self._server = server
        self.url, self.other_url = (
            f"vault:http://127.0.0.1:{relay.port}/transit/{key}?token-file={server.token_file}"
            for key in ("letters", "others")
        )

    def provider(self) -> Provider:
        return provider_of(self.url)

    def read_only(self) -> None:
        self._server.behave(deny=["encrypt"])

    def deny(self) -> None:
        self._server.behave(tokens=["another"])

    def well(self) -> None:
        self._server.behave(deny=[], tokens=[TOKEN], sealed=False, wrong={}, seconds=0, garbage=False)
        self.relay.well()


def hardware(folder: Path) -> SoftHsm:
    """Tokens "letters" and "others", each with a key "root"."""
    hsm = SoftHsm(folder)
    for token in ("letters", "others"):
        hsm.token(token)
        hsm.key(token, "root")
    return hsm
