"""SoftHSM2 tokens for tests: made by softhsm2-util, their keys made in the token and not extractable."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests import parts

MODULES = (Path("/usr/lib/softhsm/libsofthsm2.so"), Path("/usr/lib64/softhsm/libsofthsm2.so"))
PIN = "5678"
_MAKE = """
import json, sys, pkcs11
from pkcs11 import Attribute, KeyType
module, token, pin, label, template = json.loads(sys.argv[1])
template = {Attribute[name]: value for name, value in template.items()}
with pkcs11.lib(module).get_token(token_label=token).open(rw=True, user_pin=pin) as session:
    session.generate_key(KeyType.AES, 256, label=label, id=label.encode(), store=True, template=template)
"""


class SoftHsm:
    """A place for tokens. `module` is SoftHSM's own, or one in front of it that can be told to misbehave."""

    def __init__(self, folder: Path) -> None:
        parts.need("softhsm2-util", "cc")
        self.folder = folder
        self.tokens = folder / "tokens"
        self.tokens.mkdir(parents=True)
        self.behaviour = folder / "behaviour"
        self.pin_file = folder / "pin"
        self.pin_file.touch(mode=0o600)
        self.pin_file.write_text(PIN + "\n")
        configuration = folder / "softhsm2.conf"
        configuration.write_text(
            f"directories.tokendir = {self.tokens}\nobjectstore.backend = file\nlog.level = ERROR\n"
        )
        self.environment = {"SOFTHSM2_CONF": str(configuration), "PEER_BEHAVIOUR": str(self.behaviour)}
        self.real = next(module for module in MODULES if module.exists())
        self.module = folder / "module.so"
        source = Path(__file__).with_name("slow_module.c")
        subprocess.run(
            ["cc", "-shared", "-fPIC", "-O1", f'-DMODULE="{self.real}"', "-o", self.module, source, "-ldl"], check=True
        )

    def token(self, name: str) -> None:
        """A new token with the PIN."""
        self._run("softhsm2-util", "--init-token", "--free", "--label", name, "--so-pin", "1234", "--pin", PIN)

    def key(self, token: str, label: str, **template: bool) -> None:
        """An AES-256 key made in the token, not extractable unless told otherwise (names of PKCS#11 attributes)."""
        wanted = json.dumps(
            [str(self.real), token, PIN, label, {"SENSITIVE": True, "EXTRACTABLE": False, "TOKEN": True, **template}]
        )
        self._run(sys.executable, "-c", _MAKE, wanted)

    def url(self, token: str, label: str) -> str:
        """What LETTERLOCK_KEY_URL says for it."""
        return f"pkcs11:token={token};object={label}?module-path={self.module}&pin-source=file:{self.pin_file}"

    def _run(self, *command: str) -> None:
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, **self.environment})
