"""The npm package oidc-provider as a process of its own: an OpenID Connect provider that nobody here wrote."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests import parts
from tests.servers import Server, free_port, listens, wait_for

CLIENT, SECRET = "letterlock", "s3cret: 50% + more"


class OidcProvider(Server):
    """Its sign-in page takes any address for a name, and any password."""

    def __init__(self, redirect: str) -> None:
        parts.need("oidc-provider")
        self.port, self._redirect = free_port(), redirect

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def start(self) -> None:
        program = Path(__file__).with_suffix(".mjs")
        self.process = subprocess.Popen(
            ["node", program, str(self.port), CLIENT, SECRET, self._redirect],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(lambda: listens(self.port), 20, "The OpenID Connect provider did not start")
