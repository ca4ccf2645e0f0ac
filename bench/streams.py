"""Sealing and opening: a large stream from file to file, a small one in memory, and the key operations beside it."""

from __future__ import annotations

import hashlib
import hmac
import mmap
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import cbor2
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, Suite

from bench.rounds import alternate, cpu, wall
from bench.table import Row, Target
from portal.keys.door import DoorPrivate, DoorPublic, seal_key
from portal.keys.tree import LEVELS, Tree
from portal.keys.wraps import wrap
from portal.vault.sources import Bytes, FileSource
from portal.vault.stream import CHUNK_LARGE, Context, Opener, Sealer, seal

LARGE = 100 * 1024 * 1024
SMALL = 10 * 1024
_MEBIBYTE = 1024 * 1024
_MICRO = 1e6


def rows(folder: Path, say: Callable[[str], None]) -> list[Row]:
    """All rows of this group. `folder` lies on the disk to be measured; `say` is told what must be left out."""
    return [*_large(folder, say), *_small(), *_keys()]


def _large(folder: Path, say: Callable[[str], None]) -> list[Row]:
    plain, sealed, copy, aged = (folder / name for name in ("plain", "sealed", "copy", "aged"))
    _random_file(plain)
    key, context = os.urandom(32), Context(uuid4(), "bench")
    age = _age(plain, aged)
    if age is None:
        say("age is not here, so sealing is not compared with it (apt-get install age)")

    sealing = {
        "ours": lambda: _speed(lambda: _seal_file(key, context, plain, sealed), sealed),
        "cp": lambda: _speed(lambda: _run("cp", plain, copy), copy),
    }
    if age is not None:
        command = age
        sealing["age"] = lambda: _speed(lambda: _run(*command), aged)
    found = alternate(sealing, seconds=12)
    what, unit = "seal 100 MiB, file to file", "MiB/s"
    made = [Row(what, "cp", unit, found["ours"], found["cp"], Target(0.75))]
    if "age" in found:
        made.append(Row(what, "age -r", unit, found["ours"], found["age"], Target(2.5)))

    opened = folder / "opened"
    found = alternate(
        {
            "ours": lambda: _speed(lambda: _open_file(key, context, sealed, opened), opened),
            "cp": lambda: _speed(lambda: _run("cp", plain, copy), copy),
        },
        seconds=6,
    )
    if _digest(opened) != _digest(plain):
        raise AssertionError("what was opened is not what was sealed")
    return [*made, Row("open the same", "cp", unit, found["ours"], found["cp"], Target(0.75))]


def _seal_file(key: bytes, context: Context, source: Path, target: Path) -> None:
    # Mapped, because the portal has its content in memory too and feeds it in one piece.
    with (
        source.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
        memoryview(mapped) as content,
        target.open("wb", buffering=0) as written,
    ):
        pieces: list[Any] = [content]  # declared as bytes, but any buffer will do
        Sealer(key, context, CHUNK_LARGE).seal_all(pieces, written.write)


def _open_file(key: bytes, context: Context, source: Path, target: Path) -> None:
    with FileSource(source) as sealed, target.open("wb", buffering=0) as written:
        Opener(sealed, key, context).copy_all(0, LARGE, written.write)


def _speed(work: Callable[[], object], target: Path) -> float:
    """MiB of content a second, into a file that is not there yet. Like cp and age, without fsync."""
    target.unlink(missing_ok=True)
    return LARGE / _MEBIBYTE / wall(work)


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, timeout=60, capture_output=True)


def _age(plain: Path, target: Path) -> tuple[str | Path, ...] | None:
    if shutil.which("age") is None or shutil.which("age-keygen") is None:
        return None
    identity = subprocess.run(["age-keygen"], check=True, capture_output=True, text=True, timeout=10).stdout
    recipient = next(line.split()[-1] for line in identity.splitlines() if line.startswith("# public key:"))
    return "age", "-r", recipient, "-o", target, plain


def _random_file(path: Path) -> None:
    with path.open("wb") as file:
        for _ in range(LARGE // _MEBIBYTE):
            file.write(os.urandom(_MEBIBYTE))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _small() -> list[Row]:
    """Sealing as a message's row holds it: fresh key, derivation, padding, and the map of streams by name."""
    plain, context = os.urandom(SMALL), Context(uuid4(), "original")
    key = os.urandom(32)
    stored = cbor2.dumps({context.name: seal(key, context, plain)})
    bare, nonce = AESGCM(os.urandom(32)), os.urandom(12)

    def sealed() -> bytes:
        return cbor2.dumps({context.name: seal(os.urandom(32), context, plain)})

    def opened() -> bytes:
        return Opener(Bytes(cbor2.loads(stored)[context.name]), key, context).read(0, SMALL)

    if opened() != plain:
        raise AssertionError("what was opened is not what was sealed")
    found = alternate(
        {
            "seal": lambda: _MICRO * cpu(sealed, 2000),
            "open": lambda: _MICRO * cpu(opened, 2000),
            "bare": lambda: _MICRO * cpu(lambda: bare.encrypt(nonce, plain, None), 2000),
        },
        seconds=3,
    )
    against, target = "one AESGCM.encrypt", Target(40, at_least=False, absolute=True)
    return [
        Row("seal 10 KiB in memory", against, "µs", found["seal"], found["bare"], target),
        Row("open 10 KiB in memory", against, "µs", found["open"], found["bare"], target),
    ]


def _keys() -> list[Row]:
    """Costs to know, each beside the bare cryptography in it; they have no target of their own."""
    mlkem, x25519 = MLKEM768PrivateKey.generate(), X25519PrivateKey.generate()
    door, pair = DoorPrivate(mlkem, x25519), MLKEM768X25519PrivateKey(mlkem, x25519)
    suite, spool = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM), uuid4()
    key = os.urandom(32)
    spooled = seal_key(DoorPublic("bench", door.public()), key, spool)
    bare = suite.encrypt(key, pair.public_key(), b"")
    tree, node, step = Tree.fresh(), os.urandom(32), b"letterlock/v1/node" + bytes(1)
    message, reader, digest = uuid4(), uuid4(), os.urandom(32)
    aead, nonce = AESGCM(key), os.urandom(12)

    def macs() -> bytes:
        derived = node
        for _ in range(LEVELS):
            derived = hmac.digest(derived, step, "sha256")
        return derived

    found = alternate(
        {
            "hpke": lambda: _MICRO * cpu(lambda: door.open_key("bench", spooled, spool), 200),
            "bare hpke": lambda: _MICRO * cpu(lambda: suite.decrypt(bare, pair, b""), 200),
            "leaf": lambda: _MICRO * cpu(lambda: tree.leaf(12345, 3), 1000),
            "macs": lambda: _MICRO * cpu(macs, 1000),
            "wrap": lambda: _MICRO * cpu(lambda: wrap(node, key, "2030-01-01.0", message, reader, digest), 2000),
            "bare wrap": lambda: _MICRO * cpu(lambda: aead.encrypt(nonce, key, digest), 2000),
        },
        seconds=3,
    )
    return [
        Row("open a spooled mail's key", "the same HPKE, bare", "µs", found["hpke"], found["bare hpke"]),
        Row("derive a leaf of a fresh tree", f"{LEVELS} HMACs", "µs", found["leaf"], found["macs"]),
        Row("wrap a key for a reader", "one AESGCM.encrypt", "µs", found["wrap"], found["bare wrap"]),
    ]
