"""A second reader and writer of the sealed format, made from docs/sealed-format.md alone: it imports nothing of ours.

Run it (`python tests/vectors/reference.py`) to write the vectors beside it again, from inputs that are fixed here.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import math
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FOLDER = Path(__file__).parent


def bound(label: str, *fields: bytes) -> bytes:
    return label.encode() + b"".join(len(field).to_bytes(2, "big") + field for field in fields)


def hkdf(key: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869."""
    return hkdf_expand(hmac.digest(salt, key, "sha256"), info, length)


def hkdf_expand(extracted: bytes, info: bytes, length: int) -> bytes:
    made, block = b"", b""
    for counter in range(1, -(-length // 32) + 1):
        block = hmac.digest(extracted, block + info + bytes([counter]), "sha256")
        made += block
    return made[:length]


def plaintext(length: int) -> bytes:
    """What the vectors seal: SHAKE-256 of "letterlock"."""
    return hashlib.shake_256(b"letterlock").digest(length)


def seal_stream(key: bytes, message_id: bytes, name: str, log2: int, salt: bytes, content: bytes) -> bytes:
    derived = hkdf(key, salt, bound("letterlock/v1/stream", message_id, name.encode(), b"\1", bytes([log2])), 64)
    sealed = b"LLS1" + b"\1" + bytes([log2]) + salt + derived[32:]
    count = max(1, math.ceil(len(content) / 2**log2))
    for index in range(count):
        nonce = index.to_bytes(11, "big") + bytes([index == count - 1])
        sealed += AESGCM(derived[:32]).encrypt(nonce, content[index << log2 : (index + 1) << log2], None)
    return sealed


def open_stream(key: bytes, message_id: bytes, name: str, sealed: bytes) -> bytes:
    if sealed[:5] != b"LLS1\1" or not 16 <= sealed[5] <= 20:
        raise ValueError("unknown format")
    log2, salt, commitment, body = sealed[5], sealed[6:38], sealed[38:70], sealed[70:]
    derived = hkdf(key, salt, bound("letterlock/v1/stream", message_id, name.encode(), b"\1", bytes([log2])), 64)
    if not hmac.compare_digest(derived[32:], commitment):
        raise ValueError("another key or place")
    step = (1 << log2) + 16
    chunks = [body[at : at + step] for at in range(0, len(body), step)] or [b""]
    opened = [
        AESGCM(derived[:32]).decrypt(index.to_bytes(11, "big") + bytes([index == len(chunks) - 1]), chunk, None)
        for index, chunk in enumerate(chunks)
    ]
    if len(opened) > 1 and not opened[-1]:
        raise ValueError("an empty last chunk")
    return b"".join(opened)


def padme(length: int) -> int:
    if length < 2:
        return length
    exponent = math.floor(math.log2(length))
    step = 2 ** (exponent - (math.floor(math.log2(exponent)) + 1 if exponent else 0))
    return math.ceil(length / step) * step


def leaf(root: bytes, number: int, reader: int) -> bytes:
    node = root
    for nibble in f"{number:08x}{reader:03x}":
        node = hmac.digest(node, b"letterlock/v1/node" + bytes([int(nibble, 16)]), "sha256")
    return node


def tree_object(root: bytes, dead: list[tuple[int, int | None]]) -> bytes:
    """By the definition: every node that has no dead leaf below it, and whose parent has one."""
    dead_paths = [f"{number:08x}" if reader is None else f"{number:08x}{reader:03x}" for number, reader in dead]
    records: list[bytes] = []

    def visit(path: str, node: bytes) -> None:
        if any(path.startswith(gone) for gone in dead_paths):
            return
        if not any(gone.startswith(path) for gone in dead_paths):
            records.append((int(path.ljust(11, "0"), 16) << 4 | len(path)).to_bytes(6, "big") + node)
            return
        for child in range(16):
            visit(f"{path}{child:x}", hmac.digest(node, b"letterlock/v1/node" + bytes([child]), "sha256"))

    visit("", root)
    return b"LLT1" + b"".join(records)


def wrap(
    leaf_key: bytes, message_key: bytes, epoch: str, message_id: bytes, reader_id: bytes, rights: bytes, nonce: bytes
) -> bytes:
    context = bound("letterlock/v1/wrap", epoch.encode(), message_id, reader_id, rights)
    return nonce + AESGCM(leaf_key).encrypt(nonce, message_key, context)


def rights_document(level: int, *, watermark: bool = False, **granted: bool) -> bytes:
    """Canonical CBOR by hand: a map of short texts, the shorter first, then by their bytes (RFC 8949 section 4.2.3)."""
    # `copy` and `reply_all` came later, and stand there only where they take something away.
    odd = {"copy": granted.pop("copy", True)}
    odd["reply_all"] = granted.pop("reply_all", True) or not granted["reply"]
    values = {name: b"\xf5" if granted[name] else b"\xf4" for name in granted}
    values |= {name: b"\xf4" for name, kept in odd.items() if not kept}
    if level > 1:
        values["level"] = bytes([level])
    if watermark:
        values["watermark"] = b"\xf5"
    names = sorted(values, key=lambda name: (len(name), name))
    return bytes([0xA0 + len(names)]) + b"".join(
        bytes([0x60 + len(name)]) + name.encode() + values[name] for name in names
    )


def split_key(inner: bytes, share: bytes, message_id: bytes, reader_id: bytes) -> bytes:
    info = bound("letterlock/v1/split", message_id, reader_id)
    return hkdf(inner + share, bytes(32), info, 32)


def code(share: bytes) -> str:
    """Crockford's base32: 128 bits with two zeros before them."""
    bits = f"00{int.from_bytes(share, 'big'):0128b}"
    return "".join("0123456789abcdefghjkmnpqrstvwxyz"[int(bits[at : at + 5], 2)] for at in range(0, 130, 5))


def seal_split(
    inner: bytes, share: bytes, message_key: bytes, message_id: bytes, reader_id: bytes, nonce: bytes
) -> bytes:
    return nonce + AESGCM(split_key(inner, share, message_id, reader_id)).encrypt(nonce, message_key, None)


def open_door_key(private: bytes, key_id: str, spool_id: bytes, sealed: bytes) -> bytes:
    """RFC 9180 base mode, by hand, over X-Wing."""
    encapsulated, ciphertext = sealed[:1120], sealed[1120:]
    x25519 = X25519PrivateKey.from_private_bytes(private[64:])
    secret_mlkem = MLKEM768PrivateKey.from_seed_bytes(private[:64]).decapsulate(encapsulated[:1088])
    secret_x25519 = x25519.exchange(X25519PublicKey.from_public_bytes(encapsulated[1088:]))
    own = x25519.public_key().public_bytes_raw()
    shared = hashlib.sha3_256(secret_mlkem + secret_x25519 + encapsulated[1088:] + own + b"\\.//^\\").digest()
    suite = b"HPKE" + bytes.fromhex("647a 0001 0002")

    def extract(salt: bytes, label: bytes, material: bytes) -> bytes:
        return hmac.digest(salt, b"HPKE-v1" + suite + label + material, "sha256")

    def expand(extracted: bytes, label: bytes, info: bytes, length: int) -> bytes:
        return hkdf_expand(extracted, length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info, length)

    info = bound("letterlock/v1/door", key_id.encode(), spool_id)
    schedule = b"\0" + extract(b"", b"psk_id_hash", b"") + extract(b"", b"info_hash", info)
    secret = extract(shared, b"secret", b"")
    key, nonce = expand(secret, b"key", schedule, 32), expand(secret, b"base_nonce", schedule, 12)
    return AESGCM(key).decrypt(nonce, ciphertext, b"")


def seal_field(directory: bytes, label: str, row: bytes, text: bytes, nonce: bytes) -> bytes:
    context = bound("letterlock/v1/field", label.encode(), row)
    padded = text + b"\x80"
    padded += bytes(-len(padded) % 32)
    return nonce + AESGCM(hmac.digest(directory, context, "sha256")).encrypt(nonce, padded, context)


def lookup(secret: bytes, label: str, value: str) -> bytes:
    return hmac.digest(secret, bound("letterlock/v1/lookup", label.encode(), value.encode()), "sha256")


def keyring_object(root: bytes, name: str, version: int, content: bytes, object_key: bytes, nonce: bytes) -> bytes:
    place = name.encode(), version.to_bytes(8, "big")
    derived = hkdf(root, bytes(32), bound("letterlock/v1/local-file"), 40)
    context = bound("letterlock/v1/object-key", *place)
    wrapped = derived[32:] + nonce + AESGCM(derived[:32]).encrypt(nonce, object_key, context)
    header = b"LLK1" + place[1] + len(wrapped).to_bytes(2, "big") + wrapped
    sealed = AESGCM(object_key).encrypt(bytes(12), content, bound("letterlock/v1/object", *place))
    return header + hashlib.sha256(header).digest()[:16] + sealed


def cbor(value: object) -> bytes:
    """RFC 8949, deterministic with keys ordered by length first (section 4.2.3), as far as the format needs it."""

    def head(major: int, number: int) -> bytes:
        for extra, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
            if number < 24:
                return bytes([major << 5 | number])
            if number < 1 << 8 * size:
                return bytes([major << 5 | extra]) + number.to_bytes(size, "big")
        raise ValueError("too large")

    if value is True or value is False:
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return head(0, value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(cbor, value))
    if isinstance(value, dict):
        pairs = sorted((cbor(key), cbor(item)) for key, item in value.items())
        pairs.sort(key=lambda pair: len(pair[0]))
        return head(5, len(pairs)) + b"".join(key + item for key, item in pairs)
    if isinstance(value, datetime):
        return head(6, 0) + cbor(value.isoformat().replace("+00:00", "Z"))
    raise TypeError("not in the format")


def toc_stream(document: dict[str, object]) -> bytes:
    """The plaintext of `toc`, before its padding."""
    encoded = cbor(document)
    return len(encoded).to_bytes(4, "big") + encoded


def fixed(what: str, length: int) -> bytes:
    """Inputs of the vectors that are random in use."""
    return hashlib.shake_256(b"letterlock vector " + what.encode()).digest(length)


MOVED: list[dict[str, object]] = [
    {"why": "two chunks exchanged", "chunks": [1, 0, 2, 3]},
    {"why": "a chunk twice", "chunks": [0, 1, 1, 2, 3]},
    {"why": "a chunk left out", "chunks": [0, 2, 3]},
    {"why": "the last chunk left out", "chunks": [0, 1, 2]},
    {"why": "the last chunk alone", "chunks": [3]},
    {"why": "a full chunk behind the last", "chunks": [0, 1, 2, 3, 0]},
    {"why": "a chunk of another stream", "chunks": [0, 1, 2, 3], "foreign": 1},
]
"""Of the stream of 200,000 bytes in chunks of 2^16: which of its chunks stand behind its header, by number, in this
order; the one that is `foreign` is of the stream part/2 with the same content, key and salt."""


def moved(chunks: list[int], foreign: int | None) -> bytes:
    """That stream as one of MOVED has it."""
    step, content = 65552, plaintext(200_000)
    streams = [
        seal_stream(fixed("key", 32), fixed("message", 16), name, 16, fixed("salt", 32), content)
        for name in ("part/1", "part/2")
    ]
    parts = [[stream[at : at + step] for at in range(70, len(stream), step)] for stream in streams]
    return streams[0][:70] + b"".join(parts[number == foreign][number] for number in chunks)


def _streams() -> dict[str, object]:
    key, salt, message = fixed("key", 32), fixed("salt", 32), fixed("message", 16)
    cases = []
    sizes = [
        (0, 16),
        (1, 16),
        (65536, 16),
        (65537, 16),
        (200_000, 16),
        (200_000, 17),
        (1 << 20, 20),
        ((1 << 20) + 1, 20),
    ]
    for length, log2 in sizes:
        sealed = seal_stream(key, message, "part/1", log2, salt, plaintext(length))
        case = {"log2": log2, "length": length, "sealed_sha256": hashlib.sha256(sealed).hexdigest()}
        cases.append(case | ({"sealed": sealed.hex()} if length < 100 else {}))
    sealed = seal_stream(key, message, "part/1", 16, salt, plaintext(40))
    empty_last = seal_stream(key, message, "part/1", 16, salt, plaintext(65537))[: 70 + 65552]
    refused = {
        "magic": b"LLS2" + sealed[4:],
        "suite": sealed[:4] + b"\2" + sealed[5:],
        "chunk size": sealed[:5] + b"\x11" + sealed[6:],
        "chunk size out of range": sealed[:5] + b"\x15" + sealed[6:],
        "salt": sealed[:6] + bytes([sealed[6] ^ 1]) + sealed[7:],
        "commitment": sealed[:69] + bytes([sealed[69] ^ 1]) + sealed[70:],
        "ciphertext": sealed[:70] + bytes([sealed[70] ^ 1]) + sealed[71:],
        "tag": sealed[:-1] + bytes([sealed[-1] ^ 1]),
        "cut": sealed[:-1],
        "cut in the header": sealed[:60],
        "no chunk": sealed[:70],
        "extended": sealed + b"\0",
    }
    opened = {
        "key": key.hex(),
        "message_id": message.hex(),
        "name": "part/1",
        "salt": salt.hex(),
        "plaintext": "the first bytes of SHAKE-256 of the ASCII text letterlock, as many as length says",
        "cases": cases,
        "moved": MOVED,
    }
    cut_at_border = {"length": 65537, "kept": len(empty_last)}
    return opened | {"refused": {why: bad.hex() for why, bad in refused.items()}, "cut_at_a_border": cut_at_border}


def _keys() -> dict[str, object]:
    root, message, reader = fixed("tree", 32), fixed("message", 16), fixed("reader", 16)
    wrap_key, message_key = leaf(root, 0x12345678, 0xABC), fixed("key", 32)
    rights, nonce, epoch = fixed("rights", 32), fixed("nonce", 12), "2026-12-17.0"
    dead: list[tuple[int, int | None]] = [(0x12345678, 0xABC), (0x12345679, None), (0xFFFFFFFF, 0)]
    stored = tree_object(root, dead)
    secret, row, text = fixed("secret", 32), fixed("row", 16), "jonas.berg@mail.example"
    content = fixed("content", 40)
    stored_object = keyring_object(fixed("root", 32), "epoch-2026-12-17.0", 3, content, fixed("object", 32), nonce)
    return {
        "tree": {
            "root": root.hex(),
            "leaves": [
                {"number": number, "reader": at, "leaf": leaf(root, number, at).hex()}
                for number, at in [(0, 0), (0x12345678, 0xABC), (0xFFFFFFFF, 0xFFF)]
            ],
            "punctured": [list(target) for target in dead],
            "nodes": (len(stored) - 4) // 38,
            "object_sha256": hashlib.sha256(stored).hexdigest(),
        },
        "wrap": {
            "leaf": wrap_key.hex(),
            "message_key": message_key.hex(),
            "epoch": epoch,
            "message_id": message.hex(),
            "reader_id": reader.hex(),
            "rights_digest": rights.hex(),
            "nonce": nonce.hex(),
            "wrapped": wrap(wrap_key, message_key, epoch, message, reader, rights, nonce).hex(),
        },
        "split": {
            "inner_key": fixed("inner", 32).hex(),
            "share": fixed("share", 16).hex(),
            "code": code(fixed("share", 16)),
            "message_key": message_key.hex(),
            "message_id": message.hex(),
            "reader_id": reader.hex(),
            "nonce": nonce.hex(),
            "sealed": seal_split(fixed("inner", 32), fixed("share", 16), message_key, message, reader, nonce).hex(),
        },
        "field": {
            "directory": secret.hex(),
            "label": "reader",
            "row": row.hex(),
            "text": text,
            "nonce": nonce.hex(),
            "sealed": seal_field(secret, "reader", row, text.encode(), nonce).hex(),
        },
        "lookup": {
            "secret": secret.hex(),
            "label": "address",
            "value": text,
            "hash": lookup(secret, "address", text).hex(),
        },
        "keyring_object": {
            "root": fixed("root", 32).hex(),
            "name": "epoch-2026-12-17.0",
            "version": 3,
            "content": content.hex(),
            "object_key": fixed("object", 32).hex(),
            "nonce": nonce.hex(),
            "stored": stored_object.hex(),
        },
        "padding": [[length, padme(length)] for length in (0, 1, 2, 3, 9, 100, 1000, 65537, 1 << 20, 123_456_789)],
    }


def toc_document() -> dict[str, object]:
    """One with every kind of value."""
    part = {"number": 1, "name": "Befund ü.pdf", "content_type": "application/pdf", "size": 70_000, "stream": "part/1"}
    return {
        "subject": "Your results – 結果",
        "sender": ["Dr Maya Lindqvist", "maya.lindqvist@aldervalley.example"],
        "to": [["Jonas Berg", "jonas.berg@mail.example"], ["", "karin.berg@post.example"]],
        "cc": [],
        "sent_at": datetime(2026, 11, 24, 9, 30, 5, tzinfo=UTC),
        "message_id": "<1@aldervalley.example>",
        "in_reply_to": "",
        "references": ["<0@mail.example>"],
        "text": {"here": "Good news.\n", "stream": "", "size": 11},
        "html": {"here": "", "stream": "body/html", "size": 300_000},
        "files": [part | {"sha256": fixed("digest", 32), "inline": False, "content_id": ""}],
        "original_size": 500_000,
        "cleaner_version": 3,
        "remote_pictures": 2,
        "removed": True,
        "readable": True,
    }


def _toc() -> dict[str, object]:
    stream = toc_stream(toc_document())
    sealed = seal_stream(
        fixed("key", 32),
        fixed("message", 16),
        "toc",
        16,
        fixed("salt", 32),
        stream + bytes(padme(len(stream)) - len(stream)),
    )
    return {"plaintext": stream.hex(), "padded": padme(len(stream)), "sealed": sealed.hex()}


def _rights() -> dict[str, object]:
    cases: list[dict[str, object]] = []
    for level in (1, 2, 3):
        for download in (True, False):
            granted = {"reply": True, "forward": False, "download": download, "print": True}
            stored = rights_document(level, **granted)
            digest = hashlib.sha256(stored).hexdigest()
            cases.append({**granted, "level": level, "stored": stored.hex(), "digest": digest})
    marked = {"reply": True, "forward": False, "download": False, "print": True, "watermark": True}
    stored = rights_document(2, **marked)
    cases.append({**marked, "level": 2, "stored": stored.hex(), "digest": hashlib.sha256(stored).hexdigest()})
    for reply, reply_all, copy in (
        (True, False, True),
        (True, True, False),
        (True, False, False),
        (False, False, False),
    ):
        later = {"reply": reply, "forward": False, "download": False, "print": False}
        later |= {"reply_all": reply_all, "copy": copy}
        stored = rights_document(1, **later)
        cases.append({**later, "level": 1, "stored": stored.hex(), "digest": hashlib.sha256(stored).hexdigest()})
    whole = rights_document(2, reply=True, forward=False, download=True, print=True).hex()
    odd = ("00", "04", "f5", "6133")  # 0, 4, true and "3"
    refused = [whole.replace("656c6576656c02", f"656c6576656c{value}") for value in odd]
    missing = {"stored": rights_document(2, reply=True, print=True).hex(), "refuses": ["forward", "download"]}
    return {"cases": cases, "refused": refused, "missing": missing}


if __name__ == "__main__":
    for name, made in (("stream", _streams()), ("keys", _keys()), ("toc", _toc()), ("rights", _rights())):
        (FOLDER / f"{name}.json").write_text(json.dumps(made, indent=1) + "\n")
