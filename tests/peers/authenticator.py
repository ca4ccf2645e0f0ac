"""An authenticator in software, with the browser around it: honest unless told otherwise (WebAuthn Level 2)."""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

ES256, EDDSA, RS256 = -7, -8, -257
PRESENT, VERIFIED, MAY_BE_COPIED, COPIED, HAS_KEY = 0x01, 0x04, 0x08, 0x10, 0x40
Private = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


@dataclass
class Credential:
    """A discoverable credential, as the authenticator keeps it."""

    id: bytes
    key: Private
    rp_id: str
    handle: bytes
    count: int


@dataclass
class Authenticator:
    """Keeps one credential for each host and handle. `counts` False is one that syncs and so cannot count."""

    origin: str
    algorithm: int = ES256
    counts: bool = True
    credentials: list[Credential] = field(default_factory=list)

    def make(self, options: Mapping[str, Any], *, flags: int = PRESENT | VERIFIED, **lies: Any) -> str:
        """The answer to navigator.credentials.create(), as JSON; `lies` are those of _said() and `rp_id`, `fmt`."""
        rp_id = options["rp"]["id"]
        credential = Credential(secrets.token_bytes(32), _new_key(self.algorithm), rp_id, b"", 0)
        credential.handle = unpacked(options["user"]["id"])
        self.credentials = [one for one in self.credentials if (one.rp_id, one.handle) != (rp_id, credential.handle)]
        self.credentials.append(credential)
        told = _authenticator_data(lies.get("rp_id", rp_id), flags | HAS_KEY, 0)
        told += bytes(16) + len(credential.id).to_bytes(2, "big") + credential.id + _cose(credential.key)
        attestation = cbor2.dumps({"fmt": lies.get("fmt", "none"), "attStmt": {}, "authData": told})
        response = {
            "clientDataJSON": packed(self._said("webauthn.create", options, lies)),
            "attestationObject": packed(attestation),
            "transports": ["internal", "hybrid"],
        }
        return _answer(credential, response)

    def sign(self, options: Mapping[str, Any], *, flags: int = PRESENT | VERIFIED, **lies: Any) -> str:
        """The answer to navigator.credentials.get(), by the newest credential for the host."""
        credential = [one for one in self.credentials if one.rp_id == options["rpId"]][-1]
        credential.count += self.counts
        told = _authenticator_data(lies.get("rp_id", credential.rp_id), flags, lies.get("count", credential.count))
        said = self._said("webauthn.get", options, lies)
        signature = _sign(credential.key, told + hashlib.sha256(said).digest())
        response = {
            "clientDataJSON": packed(said),
            "authenticatorData": packed(told),
            "signature": packed(lies.get("signature", signature)),
            "userHandle": packed(lies.get("handle", credential.handle)),
        }
        return _answer(credential, response)

    def _said(self, kind: str, options: Mapping[str, Any], lies: Mapping[str, Any]) -> bytes:
        said = {
            "type": lies.get("kind", kind),
            "challenge": lies.get("challenge", options["challenge"]),
            "origin": lies.get("origin", self.origin),
            "crossOrigin": lies.get("crossed", False),
        }
        return json.dumps(said).encode()


def packed(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def unpacked(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _answer(credential: Credential, response: Mapping[str, Any]) -> str:
    name = packed(credential.id)
    return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response})


def _authenticator_data(rp_id: str, flags: int, count: int) -> bytes:
    return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + count.to_bytes(4, "big")


def _new_key(algorithm: int) -> Private:
    if algorithm == EDDSA:
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm == RS256:
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(ec.SECP256R1())


def _cose(key: Private) -> bytes:
    """The public half as COSE_Key (RFC 9053 section 7, RFC 8230 section 4)."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return cbor2.dumps({1: 1, 3: EDDSA, -1: 6, -2: key.public_key().public_bytes_raw()})
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.public_key().public_numbers()
        return cbor2.dumps({1: 3, 3: RS256, -1: numbers.n.to_bytes(256, "big"), -2: numbers.e.to_bytes(3, "big")})
    point = key.public_key().public_numbers()
    return cbor2.dumps({1: 2, 3: ES256, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")})


def _sign(key: Private, data: bytes) -> bytes:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(data)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    return key.sign(data, ec.ECDSA(hashes.SHA256()))
