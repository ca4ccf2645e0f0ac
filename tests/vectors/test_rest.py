"""Rows, secrets, parcels, drafts, what is sealed to a pair, and the record, against vectors made from docs/ alone."""

from __future__ import annotations

import importlib.util
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import cbor2
import pytest

from branding.models import Brand
from portal.access import binding
from portal.access.models import Person, Session
from portal.audit import heads, leaves, merkle
from portal.ingest.spoolfile import OpenedSpool
from portal.keys import posting, spending
from portal.keys.backup import open_backup
from portal.keys.door import DoorPrivate
from portal.keys.errors import BackupRefused, KeyDestroyed, WrapRefused
from portal.keys.granting import Grants, Standing
from portal.keys.installation import Secrets
from portal.keys.keyring import FolderKeyring
from portal.keys.provider import LocalFile
from portal.keys.recovery import RecoveryPrivate
from portal.keys.service import KeyService, keys
from portal.keys.signing import HeadSigner
from portal.vault import searching
from portal.vault.errors import NotAParcel, SealBroken
from portal.vault.parcels import Parcel
from portal.vault.rights import Rights
from portal.vault.sources import Bytes
from portal.vault.stream import Context, Opener
from portal.vault.unsent import Words
from portal.writing import approaches
from tests.vectors import reference, reference_rest

FOLDER = Path(__file__).parent


def read(name: str) -> Any:
    return json.loads((FOLDER / name).read_text())


REST, SEALED, STREAM, RIGHTS = read("rest.json"), read("sealed.json"), read("stream.json"), read("rights.json")
PARCEL, ROWS, DRAFT = REST["parcel"], REST["rows"], REST["draft"]
RECORD = (FOLDER / "record.jsonl").read_text(encoding="utf-8").removesuffix("\n").split("\n")


def raw(vector: dict[str, Any], *names: str) -> list[bytes]:
    return [bytes.fromhex(vector[name]) for name in names]


def whole(sealed: bytes, place: Context) -> bytes:
    opener = Opener(Bytes(sealed), bytes.fromhex(STREAM["key"]), place)
    return opener.read(0, opener.size)


# ------------------------------------------------------------------------------------------------- streams and parcels


@pytest.mark.parametrize("case", STREAM["moved"], ids=lambda case: str(case["why"]))
def test_a_stream_whose_chunks_were_moved_is_refused(case: dict[str, Any]) -> None:
    data = reference.moved(case["chunks"], case.get("foreign"))
    place = Context(UUID(STREAM["message_id"]), STREAM["name"])
    with pytest.raises(SealBroken):
        whole(data, place)
    assert whole(reference.moved([0, 1, 2, 3], None), place) == reference.plaintext(200_000)


def test_a_right_that_is_not_named_is_not_granted() -> None:
    missing = RIGHTS["missing"]
    rights = vars(Rights.decode(bytes.fromhex(missing["stored"])))
    assert [name for name in ("reply", "forward", "download", "print") if not rights[name]] == missing["refuses"]


def test_a_parcel_and_a_row_hold_the_same_streams() -> None:
    key, message, row, travelled = raw(PARCEL, "key", "message_id", "row", "parcel")
    found = Parcel(Bytes(travelled), UUID(bytes=message))
    streams = cbor2.loads(row)
    assert sorted(streams) == ["part/1", "toc"]
    for name, sealed in streams.items():
        part = found.find(name)
        assert part is not None
        assert part.read_at(0, part.size) == sealed
        opener = Opener(part, key, Context(UUID(bytes=message), name))
        assert opener.read(0, opener.size) == reference.plaintext(40)


@pytest.mark.parametrize("why", PARCEL["refused"])
def test_a_parcel_that_is_none_is_refused(why: str) -> None:
    with pytest.raises(NotAParcel):
        Parcel(Bytes(bytes.fromhex(PARCEL["refused"][why])), UUID(PARCEL["message_id"]))


# ---------------------------------------------------------------------------------------------------------------- rows


def test_secrets_are_stored_as_in_the_vectors() -> None:
    stored = bytes.fromhex(ROWS["secrets"])
    found = Secrets.decode(stored)
    assert found.encode() == stored
    assert len(found.versions("directory")) == 2
    assert found.current("directory") == reference.fixed("new", 32)


def test_seals_of_rows_and_their_list_are_as_in_the_vectors() -> None:
    stored, grant = bytes.fromhex(ROWS["grants"]), ROWS["grant"]
    held = Grants.decode(stored)
    assert held.encode() == stored
    assert held.kinds == {"link", "token"}
    claims, seal, listed = [bytes.fromhex(claim) for claim in grant["claims"]], *raw(grant, "seal", "posted")
    assert held.standing(grant["kind"], claims, seal) is Standing.WHOLE
    assert held.standing("link", claims, seal) is Standing.CHANGED
    assert held.standing(grant["kind"], claims[::-1], seal) is Standing.CHANGED
    assert posting.entry(grant["kind"], claims, seal) in posting.decode(listed)
    assert posting.encode(posting.decode(listed)) == listed


def test_used_codes_are_stored_as_in_the_vectors() -> None:
    stored = bytes.fromhex(ROWS["used_codes"])
    assert spending.decode(stored) == {
        reference.fixed("code 1", 16): 1_795_704_000,
        reference.fixed("code 2", 16): 1 << 33,
    }
    assert spending.encode(spending.decode(stored)) == stored


def test_the_seal_of_a_session_is_as_the_page_says() -> None:
    at = datetime(2026, 11, 17, 14, 48, 2, tzinfo=UTC)
    person = Person(id=UUID(int=5), lookup="ab" * 32)
    told: dict[str, Any] = {"method": "provider", "provider": "corp", "level": 2, "office": False, "sender": True}
    session = Session(
        token=bytes(32), person=person, brand=Brand(pk=3), anew=True, made_at=at, idle_seconds=1800, ends_at=at, **told
    )
    moment = b"2026-11-17T14:48:02+00:00"
    ids = [bytes(32), person.id.bytes, b"ab" * 32, b"3", b""]
    fields = [*ids, b"provider", b"corp", b"2", b"", b"\0\1\1", moment, b"1800", moment]
    assert binding.seal(session) == reference_rest.session_seal(keys().secret("session"), fields)


def test_search_tokens_are_as_in_the_vectors() -> None:
    search = ROWS["search"]
    lookup, address = raw(search, "lookup", "address")
    named = f"{search['brand']}\0{address.hex()}"
    secret = Secrets({"lookup": (lookup,)}).lookup("search", named)
    for kind, piece, token in search["tokens"]:
        assert searching._token(secret, searching._place(secret), kind, piece).hex() == token
        assert piece in searching.pieces_of("Results of Dr Lindqvist")


def test_drafts_are_as_in_the_vectors() -> None:
    key, draft, reader, said, sealed = raw(DRAFT, "key", "draft_id", "reader_id", "words", "sealed")
    opener = Opener(Bytes(sealed), key, Context(UUID(bytes=draft), "words"))
    plain = opener.read(0, opener.size)
    assert plain.rstrip(b"\0") == said.rstrip(b"\0")
    words = Words.decode(plain, UUID(bytes=reader))
    assert (words.subject, words.to, words.original) == ("Re: Results", ("maya@aldervalley.example",), True)
    assert words.encode(UUID(bytes=reader)) == said
    with pytest.raises(SealBroken):
        Words.decode(plain, UUID(bytes=draft))
    own = approaches._own(ROWS["approach"]["cookie"])
    assert own._key.hex() == ROWS["approach"]["key"]


# ---------------------------------------------------------------------------------------------------- sealed to a pair


@pytest.fixture
def recovery(tmp_path: Path) -> RecoveryPrivate:
    (tmp_path / "recovery.key").write_text(read("export.json")["private"])
    return RecoveryPrivate.load(tmp_path / "recovery.key")


def test_shares_that_wait_or_are_in_escrow_open_in_their_own_place(recovery: RecoveryPrivate) -> None:
    door = DoorPrivate.decode(bytes.fromhex(read("door.json")["private"]))
    waiting, escrow = SEALED["waiting_share"], SEALED["escrow"]
    sealed, outbound = bytes.fromhex(waiting["sealed"]), UUID(waiting["outbound_id"])
    assert door.open_share(waiting["key_id"], sealed, outbound).hex() == waiting["share"]
    for key_id, other in ((waiting["key_id"], UUID(int=0)), ("2026-11-25", outbound)):
        with pytest.raises(WrapRefused):
            door.open_share(key_id, sealed, other)
    kept, message, reader = raw(escrow, "sealed", "message_id", "reader_id")
    assert recovery.open("escrow", kept, message, reader).hex() == escrow["share"]
    for purpose, *place in (("escrow", reader, message), ("export", message, reader), ("escrow", message + reader)):
        with pytest.raises(WrapRefused):
            recovery.open(str(purpose), kept, *[bytes(part) for part in place])


def test_a_backup_of_the_keyring_is_as_in_the_vectors(recovery: RecoveryPrivate) -> None:
    vector = SEALED["backup"]
    stored = bytes.fromhex(vector["file"])
    found = open_backup(stored, recovery)
    assert found.made_at.isoformat() == vector["made_at"]
    assert (list(found.rest.objects), list(found.rest.gone)) == (vector["names"], vector["gone"])
    with pytest.raises((WrapRefused, BackupRefused)):
        open_backup(stored.replace(b"2026-11-24", b"2026-11-25"), recovery)


def test_a_spool_file_is_as_in_the_vectors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vector, door = SEALED["spool"], read("door.json")
    provider = LocalFile.create(tmp_path / "root.key")
    service = KeyService.initialise(provider, FolderKeyring(tmp_path / "keyring", provider))
    FolderKeyring(tmp_path / "keyring", provider).create("door-" + door["key_id"], bytes.fromhex(door["private"]))
    monkeypatch.setattr("portal.ingest.spoolfile.keys", lambda: service)
    opened = OpenedSpool(UUID(vector["spool_id"]), Bytes(bytes.fromhex(vector["file"])))
    assert opened.read().decode() == vector["mail"]
    assert (opened.envelope.sender, list(opened.envelope.recipients)) == (vector["sender"], vector["recipients"])
    with pytest.raises(WrapRefused):
        OpenedSpool(UUID(int=1), Bytes(bytes.fromhex(vector["file"])))


def test_a_tombstone_counts_though_the_object_is_there_still(tmp_path: Path) -> None:
    keyring = FolderKeyring(tmp_path / "keyring", LocalFile.create(tmp_path / "root.key"))
    keyring.initialise(b"anchor")
    keyring.create("epoch-2026-12-17.0", b"content")
    (tmp_path / "keyring" / "epoch-2026-12-17.0.gone").touch()
    with pytest.raises(KeyDestroyed):
        keyring.read("epoch-2026-12-17.0")
    with pytest.raises(KeyDestroyed):
        keyring.create("epoch-2026-12-17.0", b"again")
    assert (keyring.names(), keyring.gone()) == (["secrets"], ["epoch-2026-12-17.0"])


# ---------------------------------------------------------------------------------------------------------- the record


def test_the_record_is_as_in_the_vectors() -> None:
    first, entries = json.loads(RECORD[0]), [json.loads(line) for line in RECORD[1:]]
    assert reference_rest.record() == RECORD
    signer = HeadSigner(reference.fixed("seal", 32))
    origin, public = heads.read_key(first["key"])
    assert (public, heads.key_line(origin, public)) == (signer.public, first["key"])
    head = heads.read(first["head"], public)
    hashes = []
    for entry in entries:
        at = datetime.fromisoformat(entry["at"])
        message, reader = (entry[name] and UUID(entry[name]) for name in ("message", "reader"))
        sealed = entry.get("sealed")
        committed = bytes.fromhex(sealed) if sealed else None
        committed = committed or leaves.commitment(bytes.fromhex(entry["salt"]), reader, entry["facts"])
        hashes.append(merkle.leaf_hash(leaves.leaf(entry["id"], at, entry["kind"], message, committed)))
    assert (head.size, head.root) == (len(hashes), merkle.root(hashes))
    assert heads.sign(signer, origin, head.size, head.root, datetime.fromisoformat(head.at)) == first["head"]


def test_the_offline_verifier_reads_the_vectors_and_nothing_that_was_changed() -> None:
    verifier = offline_verifier()
    key, head = json.loads(RECORD[0])["key"], json.loads(RECORD[0])["head"]
    assert verifier.verify(RECORD, key, head).startswith("All 5 entries are as secure.example.org/audit signed them")
    changed = [line.replace("passcode", "passkey") if number == 2 else line for number, line in enumerate(RECORD)]
    for bad in (changed, [RECORD[0], RECORD[2], RECORD[1]], [*RECORD, RECORD[5]]):
        with pytest.raises(verifier.Changed):
            verifier.verify(bad, key, "")
    with pytest.raises(verifier.Changed):
        verifier.verify(RECORD[:-1], key, head)


def offline_verifier() -> Any:
    path = FOLDER.parent.parent / "tools" / "verify_audit.py"
    specification = importlib.util.spec_from_file_location("verify_audit", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module
