"""Signed tree heads, as text that people and other programs can keep: a checkpoint in the signed-note form of C2SP.

    secure.example.org/audit          whose record it is
    20852163                          how many entries
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=    the root
    2026-11-17T14:48:02.123456Z       when

    — secure.example.org/audit <key id and signature>

c2sp.org/signed-note and c2sp.org/tlog-checkpoint; the time is an extension line. Ed25519, RFC 8032.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from portal.audit.errors import HeadRefused
from portal.audit.leaves import moment

_ED25519 = b"\1"
_ID_BYTES = 4
_SIGNATURE_BYTES = 64
_DASH = "\u2014 "


class Signer(Protocol):
    """The key that signs heads; the room of keys hands it in."""

    @property
    def public(self) -> bytes:
        """32 bytes, RFC 8032."""

    def sign(self, text: bytes) -> bytes:
        """64 bytes."""


@dataclass(frozen=True)
class SignedHead:
    """What a note says once its signature was found good."""

    origin: str
    size: int
    root: bytes
    at: str


def sign(signer: Signer, origin: str, size: int, root: bytes, at: datetime) -> str:
    """The note of a tree with `size` entries."""
    text = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n{moment(at)}\n"
    line = base64.b64encode(_key_id(origin, signer.public) + signer.sign(text.encode())).decode()
    return f"{text}\n{_DASH}{origin} {line}\n"


def key_line(origin: str, public: bytes) -> str:
    """The verifier key in one line, `name+id+key`, as others' tools for signed notes take it."""
    key = base64.b64encode(_ED25519 + public).decode()
    return f"{origin}+{_key_id(origin, public).hex()}+{key}"


def read_key(line: str) -> tuple[str, bytes]:
    """Origin and public key of such a line. HeadRefused when it is none."""
    try:
        origin, named, encoded = line.strip().split("+", 2)
        raw = base64.b64decode(encoded, validate=True)
    except (ValueError, binascii.Error):
        raise HeadRefused("This is no verifier key: it should read name+id+key.") from None
    if len(raw) != 33 or raw[:1] != _ED25519 or _key_id(origin, raw[1:]).hex() != named:
        raise HeadRefused("This verifier key is damaged: its id does not fit it.")
    return origin, raw[1:]


def read(note: str, public: bytes) -> SignedHead:
    """What the note says. HeadRefused when it was not signed by this key, or is not of this form."""
    text, found, signature = note.partition("\n\n")
    lines = text.split("\n")
    if not found or len(lines) != 4 or not lines[1].isascii() or not lines[1].isdigit():
        raise HeadRefused("This is no signed tree head.")
    origin, size, root, at = lines
    prefix = f"{_DASH}{origin} "
    try:
        signed = next(line.removeprefix(prefix) for line in signature.split("\n") if line.startswith(prefix))
        raw, root_bytes = (base64.b64decode(value, validate=True) for value in (signed, root))
    except (StopIteration, binascii.Error):
        raise HeadRefused("This tree head carries no signature of its own origin.") from None
    if len(raw) != _ID_BYTES + _SIGNATURE_BYTES or raw[:_ID_BYTES] != _key_id(origin, public):
        raise HeadRefused("This tree head was signed by another key.")
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(raw[_ID_BYTES:], f"{text}\n".encode())
    except InvalidSignature:
        raise HeadRefused("The signature of this tree head is wrong: its text was changed.") from None
    return SignedHead(origin, int(size), root_bytes, at)


def _key_id(origin: str, public: bytes) -> bytes:
    return hashlib.sha256(f"{origin}\n".encode() + _ED25519 + public).digest()[:_ID_BYTES]
