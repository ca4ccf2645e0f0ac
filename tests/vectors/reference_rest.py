"""What reference.py leaves out of the format: rows, secrets, parcels, drafts and the record; made from docs/ alone.

Run it (`python -m tests.vectors.reference_rest`) to write rest.json and record.jsonl beside it again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.vectors.reference import bound, cbor, fixed, hkdf, padme, plaintext, seal_stream

FOLDER = Path(__file__).parent
ORIGIN = "secure.example.org/audit"
AT = "2026-11-17T14:48:02.123456Z"


def parcel(message: bytes, streams: dict[str, bytes]) -> bytes:
    head = b"LLA1" + message + len(streams).to_bytes(2, "big")
    for name, sealed in streams.items():
        head += bytes([len(name)]) + name.encode() + len(sealed).to_bytes(8, "big")
    return head + b"".join(streams.values())


def secrets_object(secrets: dict[str, list[bytes]]) -> bytes:
    return b"LLI1" + b"".join(
        bytes([len(name)]) + name.encode() + bytes([len(found)]) + b"".join(found) for name, found in secrets.items()
    )


def grants_object(kinds: list[str], secrets: list[bytes], ended: list[bytes]) -> bytes:
    named = b"".join(bytes([len(kind)]) + kind.encode() for kind in sorted(kinds))
    return b"LLG1" + bytes([len(kinds)]) + named + bytes([len(secrets)]) + b"".join([*secrets, *sorted(ended)])


def used_codes(until: dict[bytes, int]) -> bytes:
    return b"LLU1" + b"".join(sorted(mark + end.to_bytes(5, "big") for mark, end in until.items()))


def grant_seal(secret: bytes, kind: str, salt: bytes, claims: list[bytes]) -> bytes:
    return salt + hmac.digest(secret, bound("letterlock/v1/grant", kind.encode(), salt, *claims), "sha256")


def posted(entries: list[tuple[str, bytes, list[bytes]]]) -> bytes:
    found = [
        seal[:16] + hashlib.sha256(bound("letterlock/v1/posted", kind.encode(), seal, *claims)).digest()
        for kind, seal, claims in entries
    ]
    return b"LLP1" + b"".join(sorted(found))


def session_seal(secret: bytes, fields: list[bytes]) -> bytes:
    return hmac.digest(secret, bound("letterlock/v1/signed-in", *fields), "sha256")


def search_token(lookup: bytes, brand: int, address: bytes, kind: str, piece: str) -> bytes:
    own = hmac.digest(lookup, bound("letterlock/v1/lookup", b"search", f"{brand}\0{address.hex()}".encode()), "sha256")
    word = hmac.digest(own, f"{kind}\0{piece}".encode(), "sha256")
    return hmac.digest(own, b"place", "sha256")[:3] + word[:5]


def approach_key(cookie: str) -> bytes:
    return hkdf(cookie.encode(), bytes(32), b"letterlock/v1/approach", 32)


def words(subject: str, text: str, to: list[str], original: bool, html: str, reader: bytes) -> bytes:
    return cbor([subject, text, to, original]) + cbor(html) + cbor(reader)


# ------------------------------------------------------------------------------------------------------ the record


def canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def audit_leaf(entry: dict[str, object]) -> bytes:
    sealed = entry.get("sealed")
    if sealed is None:
        personal = canonical({"facts": entry["facts"], "reader": entry["reader"]})
        sealed = hashlib.sha256(bytes.fromhex(str(entry["salt"])) + personal).hexdigest()
    return canonical({name: entry[name] for name in ("at", "id", "kind", "message")} | {"sealed": sealed, "v": 1})


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(b"\0" + data).digest()


def _split(count: int) -> int:
    return 1 << (count - 1).bit_length() - 1


def root(hashes: list[bytes]) -> bytes:
    """RFC 9162 section 2.1.1."""
    if len(hashes) == 1:
        return hashes[0]
    at = _split(len(hashes))
    return hashlib.sha256(b"\1" + root(hashes[:at]) + root(hashes[at:])).digest()


def proof(index: int, hashes: list[bytes]) -> list[bytes]:
    """RFC 9162 section 2.1.3.1."""
    if len(hashes) == 1:
        return []
    at = _split(len(hashes))
    if index < at:
        return [*proof(index, hashes[:at]), root(hashes[at:])]
    return [*proof(index - at, hashes[at:]), root(hashes[:at])]


def head_seed(secret: bytes) -> bytes:
    return hmac.digest(secret, b"letterlock/v1/audit-head", "sha256")


def head(seed: bytes, size: int, over: bytes) -> tuple[str, str]:
    """The key's line and the signed note."""
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public = b"\1" + private.public_key().public_bytes_raw()
    key_id = hashlib.sha256(f"{ORIGIN}\n".encode() + public).digest()[:4]
    text = f"{ORIGIN}\n{size}\n{base64.b64encode(over).decode()}\n{AT}\n"
    signed = base64.b64encode(key_id + private.sign(text.encode())).decode()
    return f"{ORIGIN}+{key_id.hex()}+{base64.b64encode(public).decode()}", f"{text}\n— {ORIGIN} {signed}\n"


def entries() -> list[dict[str, object]]:
    message, reader = "00000000-0000-7000-8000-000000000001", "00000000-0000-7000-8000-000000000002"
    made: list[dict[str, object]] = []
    for number, kind in enumerate(
        ("message.sealed", "recipient.confirmed", "message.opened", "record.é", "message.erased")
    ):
        entry: dict[str, object] = {"id": number + 7, "at": AT, "kind": kind, "message": message if number else None}
        if number == 3:  # erased
            made.append(entry | {"reader": None, "facts": {}, "sealed": fixed("sealed", 32).hex()})
        else:
            facts = {"readers": number, "kept": True, "method": "passcode", "why": "ü"}
            salt = fixed(f"salt {number}", 16).hex()
            made.append(entry | {"reader": reader if number % 2 else None, "facts": facts, "salt": salt})
    return made


def record() -> list[str]:
    """An export, line by line."""
    made = entries()
    hashes = [leaf_hash(audit_leaf(entry)) for entry in made]
    key, note = head(head_seed(fixed("seal", 32)), len(made), root(hashes))
    lines: list[object] = [{"format": "letterlock-audit-1", "key": key, "head": note}]
    for index, entry in enumerate(made):
        found = [base64.b64encode(one).decode() for one in proof(index, hashes)]
        lines.append(entry | {"index": index, "proof": found})
    return [json.dumps(line, ensure_ascii=False) for line in lines]


# --------------------------------------------------------------------------------------------------- the vectors


def _parcel() -> dict[str, object]:
    key, message, salt = fixed("key", 32), fixed("message", 16), fixed("salt", 32)
    streams = {name: seal_stream(key, message, name, 16, salt, plaintext(40)) for name in ("toc", "part/1")}
    whole = parcel(message, streams)
    twice = parcel(message, {"toc": streams["toc"], "tod": streams["toc"]}).replace(b"tod", b"toc", 1)
    refused = {
        "version": b"LLA2" + whole[4:],
        "cut": whole[:-1],
        "longer": whole + b"\0",
        "a name twice": twice,
        "a name twice, with bytes for one": twice[: -len(streams["toc"])],
        "another message": whole[:4] + bytes(16) + whole[20:],
    }
    container = cbor(dict(streams.items()))
    return {
        "key": key.hex(),
        "message_id": message.hex(),
        "row": container.hex(),
        "parcel": whole.hex(),
        "refused": {why: bad.hex() for why, bad in refused.items()},
    }


def _rows() -> dict[str, object]:
    secret, salt, claims = fixed("grants", 32), fixed("grant salt", 16), [b"first", b"", fixed("claim", 16)]
    seal = grant_seal(secret, "token", salt, claims)
    lookup, address = fixed("secret", 32), fixed("address", 32)
    pieces = [("sender", "lindqvis"), ("subject", "res")]
    return {
        "secrets": secrets_object({"directory": [fixed("new", 32), fixed("old", 32)], "lookup": [lookup]}).hex(),
        "grants": grants_object(["token", "link"], [secret], [fixed("ended 2", 16), fixed("ended 1", 16)]).hex(),
        "used_codes": used_codes({fixed("code 1", 16): 1_795_704_000, fixed("code 2", 16): 1 << 33}).hex(),
        "grant": {
            "secret": secret.hex(),
            "kind": "token",
            "claims": [claim.hex() for claim in claims],
            "seal": seal.hex(),
            "posted": posted(
                [("token", seal, claims), ("token", grant_seal(secret, "token", bytes(16), claims), claims)]
            ).hex(),
        },
        "search": {
            "lookup": lookup.hex(),
            "brand": 3,
            "address": address.hex(),
            "tokens": [[kind, piece, search_token(lookup, 3, address, kind, piece).hex()] for kind, piece in pieces],
        },
        "approach": {"cookie": "A" * 43, "key": approach_key("A" * 43).hex()},
    }


def _draft() -> dict[str, object]:
    key, draft, reader, salt = fixed("key", 32), fixed("draft", 16), fixed("reader", 16), fixed("salt", 32)
    said = words("Re: Results", "Thank you.", ["maya@aldervalley.example"], True, "<p>Thank you.</p>", reader)
    sealed = seal_stream(key, draft, "words", 16, salt, said + bytes(padme(len(said)) - len(said)))
    named = {"key": key, "draft_id": draft, "reader_id": reader, "words": said, "sealed": sealed}
    return {name: value.hex() for name, value in named.items()}


if __name__ == "__main__":
    rest = {"parcel": _parcel(), "rows": _rows(), "draft": _draft()}
    (FOLDER / "rest.json").write_text(json.dumps(rest, indent=1) + "\n")
    (FOLDER / "record.jsonl").write_text("\n".join(record()) + "\n", encoding="utf-8")
