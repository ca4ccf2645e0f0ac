"""Verifies what `manage.py audit export` wrote, offline; made from docs/audit.md alone.

    python verify_audit.py EXPORT.jsonl [--key KEYLINE] [--head KEPT.txt]

--key is the line of `manage.py audit key`, got by another way than the export. --head is an earlier head that you kept:
with an export of everything it is shown that nothing it covers was changed. Needs only the package `cryptography`.
Exit status 0: all is as it was signed. 1: it is not, and the text says what. 2: the file cannot be read. 3: all fits
the key that the export names itself, which proves nothing before that key is compared: give --key or --head.
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


EXPORT = frozenset({"format", "key", "head"})
ENTRY = frozenset({"id", "at", "kind", "message", "reader", "facts", "index", "proof"})
"""All that a line may say, beside one of `salt` and `sealed`: what else stood there was not signed."""
HASH_BYTES = 32
COMPARE = "That is by the export's own word: compare its key with `manage.py audit key`, got by another way."


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


def read_line(line: str, wanted: frozenset[str]) -> dict[str, Any]:
    """A line with exactly these fields, and for an entry one of `salt` and `sealed`. ValueError otherwise."""
    found = json.loads(line, object_pairs_hook=_once)
    beside = set(found) - wanted
    if not wanted <= set(found) or beside not in ((set(),) if wanted is EXPORT else ({"salt"}, {"sealed"})):
        raise ValueError
    return dict(found)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError  # one program reads the first of the two, and another the second
    return found


def leaf_of(entry: dict[str, Any]) -> bytes:
    """The hash of an entry's leaf."""
    sealed = entry.get("sealed")
    if "salt" in entry:
        personal = canonical({"reader": entry["reader"], "facts": entry["facts"]})
        sealed = hashlib.sha256(bytes.fromhex(entry["salt"]) + personal).hexdigest()
    elif entry["reader"] is not None or entry["facts"] != {}:
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
    first = read_line(lines[0], EXPORT)
    if first["format"] != "letterlock-audit-1":
        raise ValueError
    if key and key.strip() != first["key"]:
        raise Changed("The export names another key than yours.")
    public = public_key(first["key"])
    head = read_head(first["head"], public)
    leaves: dict[int, bytes] = {}
    erased, last = 0, -1
    for line in lines[1:]:
        entry = read_line(line, ENTRY)
        leaf, index = leaf_of(entry), entry["index"]
        proof = [base64.b64decode(hash_, validate=True) for hash_ in entry["proof"]]
        try:
            found = root_by_proof(leaf, index, head.size, proof)
        except IndexError:
            raise Changed(f"The proof of entry {entry['id']} is too short.") from None
        whole_hashes = all(len(hash_) == HASH_BYTES for hash_ in proof)
        # In the record's order and each once: other orders tell another story.
        if type(index) is not int or not last < index < head.size or not whole_hashes or found != head.root:
            raise Changed(f"Entry {entry['id']} is not the one that was signed, or stands in another place.")
        leaves[index], last = leaf, index
        erased += "sealed" in entry
    whole = len(leaves) == head.size
    if kept:
        older = read_head(kept, public)
        if not whole:
            raise Changed("A kept head can be compared only with an export of everything.")
        if older.size > head.size or tree([leaves[index] for index in range(older.size)]) != older.root:
            raise Changed(f"What the kept head of {older.size} entries covers was changed.")
    some = "All" if whole else f"{len(leaves)} of"
    # Whoever made the file can leave out who and how of any entry, and it proves its place all the same.
    hidden = f" Of {erased} of them it does not say who and how: erased, or left out." if erased else ""
    said = f"{some} {head.size} entries are as {head.origin} signed them at {head.at}.{hidden}"
    return said if key or kept else f"{said} {COMPARE}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("export", type=Path)
    parser.add_argument("--key", default="")
    parser.add_argument("--head", type=Path)
    options = parser.parse_args()
    try:
        # Not by splitlines(), for which some letters within a text end a line as well.
        lines = options.export.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        kept = options.head.read_text(encoding="utf-8") if options.head else ""
        said = verify(lines, options.key, kept)
    except Changed as error:
        sys.stdout.write(f"{error}\n")
        return 1
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        sys.stdout.write("This is no export of the record that can be read here.\n")
        return 2
    sys.stdout.write(f"{said}\n")
    return 3 if said.endswith(COMPARE) else 0


if __name__ == "__main__":
    sys.exit(main())
