"""Verifies what `manage.py audit export` wrote, offline; made from docs/audit.md alone.

    python verify_audit.py EXPORT.jsonl [--key KEYLINE] [--head KEPT.txt]

--key is the line of `manage.py audit key`, got by another way than the export. --head is an earlier head that you kept:
with an export of everything it is shown that nothing it covers was changed. Needs only the package `cryptography`.
Exit status 0: all is as it was signed. 1: it is not, and the text says what. 2: the file cannot be read.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class Changed(Exception):
    """It is not what was signed; the text says why."""


class Head(NamedTuple):
    """A signed tree head."""

    origin: str
    size: int
    root: bytes
    at: str


def public_key(line: str) -> bytes:
    """Of a line `name+id+key` (c2sp.org/signed-note)."""
    name, named, encoded = line.strip().split("+", 2)
    raw = base64.b64decode(encoded, validate=True)
    if raw[:1] != b"\1" or hashlib.sha256(f"{name}\n".encode() + raw).hexdigest()[:8] != named:
        raise Changed("The key's id does not fit the key.")
    return raw[1:]


def read_head(note: str, public: bytes) -> Head:
    """What the note says, once its signature is found good."""
    text, _, signatures = note.partition("\n\n")
    origin, size, root, at = text.split("\n")
    key_id = hashlib.sha256(f"{origin}\n".encode() + b"\1" + public).digest()[:4]
    for line in signatures.strip().split("\n"):
        mark, name, encoded = line.split(" ")
        raw = base64.b64decode(encoded, validate=True)
        if (mark, name, raw[:4]) == ("\u2014", origin, key_id):
            try:
                Ed25519PublicKey.from_public_bytes(public).verify(raw[4:], f"{text}\n".encode())
            except InvalidSignature:
                raise Changed("The signature of a head is wrong.") from None
            return Head(origin, int(size), base64.b64decode(root), at)
    raise Changed("A head was not signed by this key.")


def canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def leaf_of(entry: dict[str, Any]) -> bytes:
    """The hash of an entry's leaf."""
    sealed = entry.get("sealed")
    if sealed is None:
        personal = canonical({"reader": entry["reader"], "facts": entry["facts"]})
        sealed = hashlib.sha256(bytes.fromhex(entry["salt"]) + personal).hexdigest()
    elif entry["reader"] is not None or entry["facts"]:
        raise Changed(f"Entry {entry['id']} is marked as erased and says something all the same.")
    outline = {name: entry[name] for name in ("id", "at", "kind", "message")}
    return hashlib.sha256(b"\0" + canonical(outline | {"v": 1, "sealed": sealed})).digest()


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def root_by_proof(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """The root that a leaf and its proof lead to, from the bottom up (RFC 9162 section 2.1.3.2)."""
    rest, last = list(proof), size - 1
    while last:
        if index & 1:
            leaf = node(rest.pop(0), leaf)
        elif index < last:
            leaf = node(leaf, rest.pop(0))
        index, last = index >> 1, last >> 1
    if rest:
        raise Changed("A proof is too long.")
    return leaf


def tree(leaves: Sequence[bytes]) -> bytes:
    """The root over leaves, as RFC 9162 section 2.1.1 defines it."""
    level = list(leaves)
    while len(level) > 1:
        paired = [node(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
        level = paired + level[len(level) - len(level) % 2 :]
    return level[0] if level else hashlib.sha256().digest()


def verify(lines: Sequence[str], key: str, kept: str) -> str:
    """A sentence that says what was proved. Changed when something is not as it was signed."""
    first = json.loads(lines[0])
    if first["format"] != "letterlock-audit-1":
        raise ValueError
    if key and key.strip() != first["key"]:
        raise Changed("The export names another key than yours.")
    public = public_key(first["key"])
    head = read_head(first["head"], public)
    leaves: dict[int, bytes] = {}
    for line in lines[1:]:
        entry = json.loads(line)
        leaf, index = leaf_of(entry), entry["index"]
        try:
            found = root_by_proof(leaf, index, head.size, [base64.b64decode(hash_) for hash_ in entry["proof"]])
        except IndexError:
            raise Changed(f"The proof of entry {entry['id']} is too short.") from None
        if not 0 <= index < head.size or index in leaves or found != head.root:
            raise Changed(f"Entry {entry['id']} is not the one that was signed.")
        leaves[index] = leaf
    whole = len(leaves) == head.size
    if kept:
        older = read_head(kept, public)
        if not whole:
            raise Changed("A kept head can be compared only with an export of everything.")
        if older.size > head.size or tree([leaves[index] for index in range(older.size)]) != older.root:
            raise Changed(f"What the kept head of {older.size} entries covers was changed.")
    some = "All" if whole else f"{len(leaves)} of"
    trust = "" if key else " Compare the key with `manage.py audit key`, got by another way."
    return f"{some} {head.size} entries are as {head.origin} signed them at {head.at}.{trust}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("export", type=Path)
    parser.add_argument("--key", default="")
    parser.add_argument("--head", type=Path)
    options = parser.parse_args()
    try:
        lines = options.export.read_text(encoding="utf-8").splitlines()
        kept = options.head.read_text(encoding="utf-8") if options.head else ""
        sys.stdout.write(verify(lines, options.key, kept) + "\n")
    except Changed as error:
        sys.stdout.write(f"{error}\n")
        return 1
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        sys.stdout.write("This is no export of the record that can be read here.\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
