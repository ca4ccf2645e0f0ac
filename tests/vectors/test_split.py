"""Split messages against their vectors and a second implementation made from the specification alone."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from portal.keys import split
from portal.keys.errors import WrapRefused

VECTORS: dict[str, Any] = json.loads((Path(__file__).parent / "split.json").read_text())
DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"


def raw(case: dict[str, Any], *names: str) -> list[bytes]:
    return [bytes.fromhex(case[name]) for name in names]


def sealed_by_hand(inner: bytes, share: bytes, nonce: bytes, key: bytes, message: bytes, reader: bytes) -> bytes:
    info = b"letterlock/v1/split" + b"\x00\x10" + message + b"\x00\x10" + reader
    extracted = hmac.digest(bytes(32), inner + share, hashlib.sha256)
    return nonce + AESGCM(hmac.digest(extracted, info + b"\x01", hashlib.sha256)).encrypt(nonce, key, None)


@pytest.mark.parametrize("case", VECTORS["keys"])
def test_keys_are_as_in_the_vectors(case: dict[str, Any]) -> None:
    inner, share, nonce, key, sealed = raw(case, "inner_key", "share", "nonce", "message_key", "sealed")
    message, reader = UUID(case["message_id"]), UUID(case["reader_id"])
    assert sealed_by_hand(inner, share, nonce, key, message.bytes, reader.bytes) == sealed
    assert split.open_key(inner, share, sealed, message, reader) == key
    ours = split.seal_key(inner, share, key, message, reader)
    assert sealed_by_hand(inner, share, ours[:12], key, message.bytes, reader.bytes) == ours


@pytest.mark.parametrize("case", VECTORS["keys"])
def test_nothing_opens_when_a_single_byte_of_anything_differs(case: dict[str, Any]) -> None:
    inner, share, sealed = raw(case, "inner_key", "share", "sealed")
    given = [inner, share, sealed, UUID(case["message_id"]).bytes, UUID(case["reader_id"]).bytes]
    for which, value in enumerate(given):
        for place in range(len(value)):
            changed = list(given)
            changed[which] = value[:place] + bytes([value[place] ^ 1]) + value[place + 1 :]
            with pytest.raises(WrapRefused):
                split.open_key(*changed[:3], UUID(bytes=changed[3]), UUID(bytes=changed[4]))
    for wrong in (b"", sealed[:-1], sealed + b"\0"):
        with pytest.raises(WrapRefused):
            split.open_key(inner, share, wrong, UUID(case["message_id"]), UUID(case["reader_id"]))


@pytest.mark.parametrize("case", VECTORS["codes"])
def test_codes_are_as_in_the_vectors(case: dict[str, str]) -> None:
    share = bytes.fromhex(case["share"])
    number = int.from_bytes(share, "big")
    assert "".join(DIGITS[number // 32**place % 32] for place in range(25, -1, -1)) == case["code"]
    assert split.code_of(share) == case["code"]
    for typed in (case["code"], case["code"].upper(), split.grouped(case["code"]), f" {case['code']}\n"):
        assert split.share_of(typed) == share


@pytest.mark.parametrize("case", VECTORS["typed"])
def test_typed_codes_are_read_as_in_the_vectors(case: dict[str, str]) -> None:
    assert split.share_of(case["typed"]).hex() == case["share"]


def test_shares_of_sixteen_bytes_come_back_whole() -> None:
    for _ in range(200):
        share = split.new_share()
        assert len(share) == 16
        assert split.share_of(split.grouped(split.code_of(share))) == share
