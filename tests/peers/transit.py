"""A small transit server over HTTP, in a process of its own: what Letterlock uses of Vault's API, and its refusals.

Faithful in: paths, status codes and error texts, tokens and policies a capability, namespaces, key versions with
min_decryption_version and trim, derivation of a key from each context, AES-256-GCM, sealing. Not the real thing:
keys live in memory, and derivation is HKDF-SHA256 over the context as Vault's newer keys have it.

    python -m tests.peers.transit PORT TOKEN

`POST /peer` with {"seconds": 10} makes it slow, {"garbage": true} makes it answer with a page, {"sealed": true}
seals it, {"deny": ["encrypt"]} takes capabilities from the token, {"tokens": ["…"]} replaces the accepted ones.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class Refused(Exception):
    """An answer with a status and Vault's error texts."""

    def __init__(self, status: int, *errors: str) -> None:
        super().__init__(*errors)
        self.status = status


class Key:
    """A key with versions."""

    def __init__(self, derived: bool, exportable: bool) -> None:
        self.derived, self.exportable = derived, exportable
        self.versions = {1: os.urandom(32)}
        self.least = 1
        self.least_encrypting = 0
        self.available = 1

    @property
    def latest(self) -> int:
        return max(self.versions)

    def cipher(self, version: int, context: str | None) -> AESGCM:
        if not self.derived:
            return AESGCM(self.versions[version])
        if not context:
            raise Refused(400, "missing 'context' for key derivation; the key was created using a derived key")
        return AESGCM(HKDF(SHA256(), 32, None, base64.b64decode(context)).derive(self.versions[version]))

    def shown(self, name: str) -> dict[str, Any]:
        return {
            "name": name,
            "type": "aes256-gcm96",
            "derived": self.derived,
            "exportable": self.exportable,
            "allow_plaintext_backup": False,
            "supports_encryption": True,
            "supports_decryption": True,
            "latest_version": self.latest,
            "min_decryption_version": self.least,
            "min_encryption_version": self.least_encrypting,
            "min_available_version": self.available,
            "keys": {str(version): 1_700_000_000 + version for version in self.versions},
        }


class Engine:
    """The state of the server."""

    def __init__(self, token: str) -> None:
        self.keys: dict[str, Key] = {}
        self.behaviour: dict[str, Any] = {"tokens": [token]}

    def answer(self, method: str, path: str, token: str, body: dict[str, Any]) -> dict[str, Any] | None:
        if self.behaviour.get("sealed"):
            raise Refused(503, "Vault is sealed")
        if token not in self.behaviour["tokens"]:
            raise Refused(403, "permission denied")
        words = path.strip("/").split("/")
        if words[:2] != ["v1", "transit"] or len(words) < 4:
            raise Refused(404, "no handler for route")
        what, name, rest = words[2], words[3], words[4:]
        if (rest[0] if rest else what) in self.behaviour.get("deny", ()):
            raise Refused(403, "1 error occurred:\n\t* permission denied\n\n")
        if what == "keys" and not rest and method == "POST":
            self.keys.setdefault(name, Key(bool(body.get("derived")), bool(body.get("exportable"))))
            return None
        key = self.keys.get(name)
        if key is None:
            raise Refused(404) if method == "GET" else Refused(400, "encryption key not found")
        return self.use(key, what, rest, body, name)

    def use(self, key: Key, what: str, rest: list[str], body: dict[str, Any], name: str) -> dict[str, Any] | None:
        if what == "encrypt":
            version, nonce = key.latest, os.urandom(12)
            sealed = key.cipher(version, body.get("context")).encrypt(nonce, base64.b64decode(body["plaintext"]), None)
            return {
                "ciphertext": f"vault:v{version}:{base64.b64encode(nonce + sealed).decode()}",
                "key_version": version,
            }
        if what == "decrypt":
            return {"plaintext": base64.b64encode(self.decrypt(key, body)).decode()}
        if rest == ["rotate"]:
            key.versions[key.latest + 1] = os.urandom(32)
        elif rest == ["config"]:
            least = int(body.get("min_decryption_version", key.least))
            if not 1 <= least <= key.latest:
                raise Refused(400, "cannot set min decryption version of greater than latest")
            key.least = least
            key.least_encrypting = int(body.get("min_encryption_version", key.least_encrypting))
            return None  # as versions before 1.11 answer
        elif rest == ["trim"]:
            least = int(body.get("min_available_version", body.get("min_version", 0)))
            if least > key.least or least > key.least_encrypting:
                raise Refused(400, "minimum available version cannot be higher than the minimum of either use")
            key.available = least
            key.versions = {version: held for version, held in key.versions.items() if version >= least}
        elif what != "keys" or rest:
            raise Refused(404, "no handler for route")
        return key.shown(name)

    def decrypt(self, key: Key, body: dict[str, Any]) -> bytes:
        prefix, _, text = body["ciphertext"].partition(":v")
        number, _, content = text.partition(":")
        if prefix != "vault" or not number.isdecimal():
            raise Refused(400, "invalid ciphertext: no prefix")
        version = int(number)
        if version > key.latest:
            raise Refused(400, "invalid ciphertext: version is too new")
        if version < key.least or version not in key.versions:
            raise Refused(400, "ciphertext or signature version is disallowed by policy (too old)")
        blob = base64.b64decode(content)
        try:
            return key.cipher(version, body.get("context")).decrypt(blob[:12], blob[12:], None)
        except (InvalidTag, ValueError):
            raise Refused(400, "cipher: message authentication failed") from None


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    wbufsize = 65536
    disable_nagle_algorithm = True
    engine: Engine

    def do_GET(self) -> None:
        self.reply("GET", {})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        if self.path == "/peer":
            self.engine.behaviour.update(body)
            self.send(204, b"")
        else:
            self.reply("POST", body)

    do_PUT = do_POST

    def reply(self, method: str, body: dict[str, Any]) -> None:
        time.sleep(self.engine.behaviour.get("seconds", 0))
        if self.engine.behaviour.get("garbage"):
            self.send(200, b"<!doctype html><title>Welcome to nginx</title>", "text/html")
            return
        wrong = self.engine.behaviour.get("wrong")
        try:
            data = self.engine.answer(method, self.path, self.headers.get("X-Vault-Token", ""), body)
        except Refused as error:
            self.send(error.status, json.dumps({"errors": list(error.args)}).encode())
            return
        if wrong and data:
            data = {**data, **{name: value for name, value in wrong.items() if name in data}}
        self.send(204 if data is None else 200, b"" if data is None else json.dumps({"data": data}).encode())

    def send(self, status: int, content: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


if __name__ == "__main__":
    Handler.engine = Engine(sys.argv[2])
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
