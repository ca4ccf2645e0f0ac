"""The sealed format against its vectors and against a second implementation made from its specification alone."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID, uuid4

import pytest

from portal.keys import split
from portal.keys.door import DoorPrivate, DoorPublic, seal_key
from portal.keys.errors import KeyDestroyed, WrapRefused
from portal.keys.installation import Secrets
from portal.keys.keyring import FolderKeyring
from portal.keys.provider import LocalFile
from portal.keys.recovery import RecoveryPrivate
from portal.keys.tree import Tree
from portal.keys.wraps import unwrap, wrap
from portal.vault.errors import SealBroken, UnknownFormat
from portal.vault.padding import padded_length
from portal.vault.rights import Rights
from portal.vault.sources import Bytes
from portal.vault.stream import Context, Opener, Sealer, seal
from portal.vault.toc import Toc

FOLDER = Path(__file__).parent


def _module(path: Path) -> ModuleType:
    specification = importlib.util.spec_from_file_location(path.stem, path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


reference = _module(FOLDER / "reference.py")
STREAM: dict[str, Any] = json.loads((FOLDER / "stream.json").read_text())
KEYS: dict[str, Any] = json.loads((FOLDER / "keys.json").read_text())
RIGHTS: dict[str, Any] = json.loads((FOLDER / "rights.json").read_text())
TOC: dict[str, Any] = json.loads((FOLDER / "toc.json").read_text())
EXPORT: dict[str, Any] = json.loads((FOLDER / "export.json").read_text())
DOOR: dict[str, Any] = json.loads((FOLDER / "door.json").read_text())
KEY, SALT, NAME = bytes.fromhex(STREAM["key"]), bytes.fromhex(STREAM["salt"]), STREAM["name"]
MESSAGE = UUID(STREAM["message_id"])


def raw(vector: dict[str, Any], *names: str) -> list[bytes]:
    return [bytes.fromhex(vector[name]) for name in names]


def opened(sealed: bytes) -> bytes:
    opener = Opener(Bytes(sealed), KEY, Context(MESSAGE, NAME))
    return opener.read(0, opener.size)


@pytest.mark.parametrize("case", STREAM["cases"], ids=lambda case: f"{case['length']}-{case['log2']}")
def test_streams_are_as_in_the_vectors(case: dict[str, Any]) -> None:
    content = reference.plaintext(case["length"])
    sealed = reference.seal_stream(KEY, MESSAGE.bytes, NAME, case["log2"], SALT, content)
    assert hashlib.sha256(sealed).hexdigest() == case["sealed_sha256"]
    assert sealed.hex() == case.get("sealed", sealed.hex())
    assert opened(sealed) == content


@pytest.mark.parametrize("length", [0, 1, 65536, 65537, 200_000])
@pytest.mark.parametrize("log2", [16, 18])
def test_a_second_reader_opens_what_is_sealed_here(length: int, log2: int) -> None:
    content = os.urandom(length)
    sealer = Sealer(KEY, Context(MESSAGE, NAME), log2)
    sealed = sealer.header + sealer.update(content) + sealer.finish()
    assert reference.open_stream(KEY, MESSAGE.bytes, NAME, sealed) == content
    whole = reference.open_stream(KEY, MESSAGE.bytes, NAME, seal(KEY, Context(MESSAGE, NAME), content))
    assert whole == content + bytes(reference.padme(length) - length)


@pytest.mark.parametrize("why", STREAM["refused"])
def test_what_the_vectors_refuse_is_refused(why: str) -> None:
    with pytest.raises((SealBroken, UnknownFormat)):
        opened(bytes.fromhex(STREAM["refused"][why]))


def test_a_stream_cut_at_a_border_is_refused() -> None:
    cut = STREAM["cut_at_a_border"]
    sealed = reference.seal_stream(KEY, MESSAGE.bytes, NAME, 16, SALT, reference.plaintext(cut["length"]))
    with pytest.raises(SealBroken):
        opened(sealed[: cut["kept"]])


def test_padding_is_as_in_the_vectors() -> None:
    for length, padded in KEYS["padding"]:
        assert padded_length(length) == padded
    for length in [*range(5000), *(2**power + more for power in range(13, 38) for more in (-1, 0, 1, 12345))]:
        assert padded_length(length) == reference.padme(length)


def test_leaves_are_as_in_the_vectors() -> None:
    vector = KEYS["tree"]
    tree = Tree(bytes(6) + bytes.fromhex(vector["root"]))
    for leaf in vector["leaves"]:
        assert tree.leaf(leaf["number"], leaf["reader"]).hex() == leaf["leaf"]


def test_a_punctured_tree_is_stored_as_in_the_vectors() -> None:
    vector = KEYS["tree"]
    targets = [(number, reader) for number, reader in vector["punctured"]]
    root = bytes.fromhex(vector["root"])
    tree = Tree(bytes(6) + root).punctured_all(targets)
    assert len(tree) == vector["nodes"]
    assert hashlib.sha256(tree.encode()).hexdigest() == vector["object_sha256"]
    assert tree.encode() == reference.tree_object(root, targets)
    for number, reader in targets:
        with pytest.raises(KeyDestroyed):
            tree.leaf(number, reader or 0)


def test_rights_and_levels_are_as_in_the_vectors() -> None:
    for case in RIGHTS["cases"]:
        stored, digest = raw(case, "stored", "digest")
        named = {name: value for name, value in case.items() if name not in ("stored", "digest")}
        assert Rights(**named).encode() == reference.rights_document(**named) == stored
        assert Rights(**named).digest() == digest
        assert Rights.decode(stored) == Rights(**named)
    for odd in RIGHTS["refused"]:
        with pytest.raises(SealBroken):
            Rights.decode(bytes.fromhex(odd))


def test_wraps_are_as_in_the_vectors() -> None:
    vector = KEYS["wrap"]
    leaf, key, rights, nonce, wrapped = raw(vector, "leaf", "message_key", "rights_digest", "nonce", "wrapped")
    message, reader, epoch = UUID(vector["message_id"]), UUID(vector["reader_id"]), vector["epoch"]
    assert unwrap(leaf, wrapped, epoch, message, reader, rights) == key
    ours = wrap(leaf, key, epoch, message, reader, rights)
    assert reference.wrap(leaf, key, epoch, message.bytes, reader.bytes, rights, ours[:12]) == ours
    assert reference.wrap(leaf, key, epoch, message.bytes, reader.bytes, rights, nonce) == wrapped


def test_split_keys_are_as_in_the_vectors() -> None:
    vector = KEYS["split"]
    inner, share, key, nonce, sealed = raw(vector, "inner_key", "share", "message_key", "nonce", "sealed")
    message, reader = UUID(vector["message_id"]), UUID(vector["reader_id"])
    assert split.open_key(inner, share, sealed, message, reader) == key
    ours = split.seal_key(inner, share, key, message, reader)
    assert reference.seal_split(inner, share, key, message.bytes, reader.bytes, ours[:12]) == ours
    assert reference.seal_split(inner, share, key, message.bytes, reader.bytes, nonce) == sealed
    assert split.code_of(share) == vector["code"] == reference.code(share)
    assert split.share_of(vector["code"].upper()) == share
    for bad in ((key, share, sealed, message), (inner, share[::-1], sealed, message), (inner, share, sealed, reader)):
        with pytest.raises(WrapRefused):
            split.open_key(*bad, reader)


def test_door_keys_are_as_in_the_vectors() -> None:
    private, public, key, sealed = raw(DOOR, "private", "public", "stream_key", "sealed")
    spool = UUID(DOOR["spool_id"])
    door = DoorPrivate.decode(private)
    assert door.public() == public
    assert door.open_key(DOOR["key_id"], sealed, spool) == key
    assert reference.open_door_key(private, DOOR["key_id"], spool.bytes, sealed) == key
    again = seal_key(DoorPublic(DOOR["key_id"], public), key, spool)
    assert reference.open_door_key(private, DOOR["key_id"], spool.bytes, again) == key


def test_fields_and_lookups_are_as_in_the_vectors() -> None:
    vector = KEYS["field"]
    directory, nonce, sealed = raw(vector, "directory", "nonce", "sealed")
    row, text = UUID(vector["row"]), vector["text"].encode()
    secrets = Secrets({"directory": (directory,), "lookup": (bytes.fromhex(KEYS["lookup"]["secret"]),)})
    assert secrets.open_field(vector["label"], row, sealed) == text
    ours = secrets.seal_field(vector["label"], row, text)
    assert reference.seal_field(directory, vector["label"], row.bytes, text, ours[:12]) == ours
    assert reference.seal_field(directory, vector["label"], row.bytes, text, nonce) == sealed
    assert secrets.lookup(KEYS["lookup"]["label"], KEYS["lookup"]["value"]).hex() == KEYS["lookup"]["hash"]


def test_keyring_objects_are_as_in_the_vectors(tmp_path: Path) -> None:
    vector = KEYS["keyring_object"]
    root, content, stored, nonce = raw(vector, "root", "content", "stored", "nonce")
    object_key = bytes.fromhex(vector["object_key"])
    made = reference.keyring_object(root, vector["name"], vector["version"], content, object_key, nonce)
    assert made == stored
    key_file = tmp_path / "root.key"
    key_file.write_bytes(root)
    key_file.chmod(0o600)
    keyring = FolderKeyring(tmp_path / "keyring", LocalFile(key_file))
    keyring.initialise(b"")
    (tmp_path / "keyring" / f"{vector['name']}.key").write_bytes(stored)
    assert keyring.read(vector["name"]) == (vector["version"], content)


def test_the_second_reader_refuses_a_stream_of_another_place() -> None:
    sealed = seal(KEY, Context(MESSAGE, NAME), b"content")
    with pytest.raises(ValueError, match="place"):
        reference.open_stream(KEY, uuid4().bytes, NAME, sealed)


def test_a_table_of_contents_is_as_in_the_vectors() -> None:
    plaintext, sealed = raw(TOC, "plaintext", "sealed")
    document = reference.toc_document()
    assert reference.toc_stream(document) == plaintext
    toc = Toc.decode(plaintext + bytes(99))
    assert toc.encode() == plaintext
    assert toc.subject == document["subject"]
    assert toc.sent_at == document["sent_at"]
    assert toc.sender.address == "maya.lindqvist@aldervalley.example"
    assert [mailbox.name for mailbox in toc.to] == ["Jonas Berg", ""]
    assert toc.files[0].sha256 == document["files"][0]["sha256"]
    assert toc.html.stream == "body/html"
    assert padded_length(len(plaintext)) == TOC["padded"]
    opener = Opener(Bytes(sealed), KEY, Context(MESSAGE, "toc"))
    assert opener.read(0, opener.size) == plaintext + bytes(TOC["padded"] - len(plaintext))


def test_entries_that_a_reader_does_not_know_are_ignored_and_missing_ones_refused() -> None:
    document = reference.toc_document()
    assert Toc.decode(reference.toc_stream({**document, "later": [1, {"x": b""}]})) == Toc.decode(
        reference.toc_stream(document)
    )
    for name in ("subject", "sender", "files", "original_size"):
        with pytest.raises(SealBroken):
            Toc.decode(reference.toc_stream({key: value for key, value in document.items() if key != name}))


@pytest.mark.parametrize("cut", [0, 3, 4, 5, 40, 300])
def test_a_cut_table_of_contents_is_refused(cut: int) -> None:
    with pytest.raises(SealBroken):
        Toc.decode(bytes.fromhex(TOC["plaintext"])[:cut])


def test_an_export_is_as_in_the_vectors(tmp_path: Path) -> None:
    whole, original = raw(EXPORT, "export", "original")
    (tmp_path / "export").write_bytes(whole)
    (tmp_path / "key").write_text(EXPORT["private"])
    names = _module(FOLDER.parent.parent / "tools" / "open_export.py").open_export(
        tmp_path / "export", tmp_path / "key", tmp_path / "out"
    )
    assert names == ["contents.json", "original.eml"]
    assert (tmp_path / "out" / "original.eml").read_bytes() == original
    message = UUID(EXPORT["message_id"])
    key = RecoveryPrivate.load(tmp_path / "key").open("export", whole[21:1189], message.bytes)
    assert key.hex() == EXPORT["message_key"]
    start = whole.index(b"\x08original") + 9
    size = int.from_bytes(whole[start : start + 8], "big")
    opener = Opener(Bytes(whole[start + 8 : start + 8 + size]), key, Context(message, "original"))
    assert opener.read(0, len(original)) == original
