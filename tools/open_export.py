"""Opens what `manage.py vault export` wrote, with the private recovery key; made from docs/sealed-format.md alone.

    python open_export.py EXPORT RECOVERY.key FOLDER

Writes original.eml, contents.json and each file of the message into a new folder. It shares no code with the portal
and needs only the packages `cryptography` and `cbor2`. Nothing stays of a stream that fails.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import cbor2
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

TAG = 16


class Refused(Exception):
    """It cannot be opened; the text says why."""


class Stream(NamedTuple):
    """Where a sealed stream lies in the export, in bytes."""

    start: int
    size: int


def bound(label: str, *fields: bytes) -> bytes:
    return label.encode() + b"".join(len(field).to_bytes(2, "big") + field for field in fields)


def expand(secret: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand, RFC 5869 section 2.3."""
    made, block = b"", b""
    for counter in range(1, -(-length // 32) + 1):
        block = hmac.digest(secret, block + info + bytes([counter]), "sha256")
        made += block
    return made[:length]


def private_key(text: str) -> bytes:
    words = text.split()
    if len(words) != 2 or words[0] != "letterlock-recovery-private-1":
        raise Refused("This file holds no private recovery key.")
    return base64.b64decode(words[1], validate=True)


def open_hpke(private: bytes, sealed: bytes, info: bytes) -> bytes:
    """HPKE base mode (RFC 9180 section 5.1) over X-Wing: SHA3-256 of both secrets, ciphertext and public key."""
    encapsulated, ciphertext = sealed[:1120], sealed[1120:]
    x25519 = X25519PrivateKey.from_private_bytes(private[64:])
    first = MLKEM768PrivateKey.from_seed_bytes(private[:64]).decapsulate(encapsulated[:1088])
    second = x25519.exchange(X25519PublicKey.from_public_bytes(encapsulated[1088:]))
    own = x25519.public_key().public_bytes_raw()
    shared = hashlib.sha3_256(first + second + encapsulated[1088:] + own + b"\\.//^\\").digest()
    version = b"HPKE-v1HPKE" + bytes.fromhex("647a00010002")

    def extract(salt: bytes, label: bytes, material: bytes) -> bytes:
        return hmac.digest(salt, version + label + material, "sha256")

    schedule = b"\0" + extract(b"", b"psk_id_hash", b"") + extract(b"", b"info_hash", info)
    secret = extract(shared, b"secret", b"")
    key = expand(secret, b"\0\x20" + version + b"key" + schedule, 32)
    nonce = expand(secret, b"\0\x0c" + version + b"base_nonce" + schedule, 12)
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, b"")
    except InvalidTag:
        raise Refused("The export was sealed to another recovery key, or its head was changed.") from None


class Export:
    """An export that is open: its streams by name, and the message key."""

    def __init__(self, file: BinaryIO, private: bytes) -> None:
        self._file = file
        end = file.seek(0, io.SEEK_END)
        file.seek(0)
        if file.read(5) != b"LLE1\1":
            raise Refused("This is no export of a version that is known here.")
        self.message_id = file.read(16)
        self._key = open_hpke(private, file.read(1168), bound("letterlock/v1/export", self.message_id))
        self.streams: dict[str, Stream] = {}
        while (at := file.tell()) < end:
            name = file.read(file.read(1)[0])
            size = file.read(8)
            start = at + 1 + len(name) + 8
            stream = Stream(start, int.from_bytes(size, "big"))
            if len(size) != 8 or stream.start + stream.size > end or name.decode() in self.streams:
                raise Refused("The export is cut short or was changed.")
            self.streams[name.decode()] = stream
            file.seek(stream.start + stream.size)

    def read(self, name: str) -> Iterator[bytes]:
        """A stream's plaintext with its padding, chunk by chunk; the last chunk is proved before the first is given."""
        if name not in self.streams:
            raise Refused(f"The stream {name} is missing.")
        stream = self.streams[name]
        self._file.seek(stream.start)
        header = self._file.read(min(70, stream.size))
        if len(header) != 70 or header[:5] != b"LLS1\1" or not 16 <= header[5] <= 20:
            raise Refused(f"The stream {name} has an unknown format.")
        info = bound("letterlock/v1/stream", self.message_id, name.encode(), header[4:5], header[5:6])
        derived = expand(hmac.digest(header[6:38], self._key, "sha256"), info, 64)
        if not hmac.compare_digest(derived[32:], header[38:]):
            raise Refused(f"The stream {name} belongs elsewhere.")
        step, body = (1 << header[5]) + TAG, stream.size - 70
        last = max(0, -(-body // step) - 1)
        if body - last * step < TAG + (last > 0):
            raise Refused(f"The stream {name} is cut short.")

        def chunk(index: int) -> bytes:
            self._file.seek(stream.start + 70 + index * step)
            sealed = self._file.read(min(step, body - index * step))
            nonce = index.to_bytes(11, "big") + bytes([index == last])
            try:
                return AESGCM(derived[:32]).decrypt(nonce, sealed, None)
            except InvalidTag:
                raise Refused(f"The stream {name} is damaged.") from None

        chunk(last)
        return (chunk(index) for index in range(last + 1))

    def contents(self) -> dict[str, Any]:
        """The table of contents."""
        plain = b"".join(self.read("toc"))
        found: dict[str, Any] = cbor2.loads(plain[4 : 4 + int.from_bytes(plain[:4], "big")])
        return found

    def save(self, name: str, size: int, path: Path, digest: bytes | None = None) -> None:
        """The first `size` bytes of a stream into a new file, and whether the rest is padding."""
        hashed, left = hashlib.sha256(), size
        try:
            with path.open("xb") as file:
                for piece in self.read(name):
                    if any(piece[left:]):
                        raise Refused(f"The stream {name} is longer than announced.")
                    file.write(piece[:left])
                    hashed.update(piece[:left])
                    left -= len(piece[:left])
            if left or (digest is not None and hashed.digest() != digest):
                raise Refused(f"The stream {name} is not what was announced.")
        except Refused:
            path.unlink()
            raise


def safe(name: str) -> str:
    """A file name that stays in its folder."""
    return re.sub(r"[^\w.() -]", "_", name)[-100:].strip(". ") or "file"


def open_export(export: Path, private: Path, folder: Path) -> list[str]:
    """Open an export into a new folder; the names of what was written."""
    folder.mkdir(mode=0o700)
    with export.open("rb") as file:
        opened = Export(file, private_key(private.read_text()))
        contents = opened.contents()
        opened.save("original", contents["original_size"], folder / "original.eml")
        for part in contents["files"]:
            path = folder / f"{part['number']}-{safe(part['name'])}"
            opened.save(part["stream"], part["size"], path, part["sha256"])
        for kind, name in (("text", "text.txt"), ("html", "text.html")):
            if contents[kind]["stream"]:
                opened.save(contents[kind]["stream"], contents[kind]["size"], folder / name)
    (folder / "contents.json").write_text(json.dumps(contents, indent=1, ensure_ascii=False, default=str))
    return sorted(path.name for path in folder.iterdir())


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("python open_export.py EXPORT RECOVERY.key FOLDER")
    try:
        sys.stdout.write("\n".join([*open_export(*map(Path, sys.argv[1:])), ""]))
    except (Refused, OSError, ValueError, KeyError, IndexError) as error:
        sys.exit(f"Not opened: {error}")
