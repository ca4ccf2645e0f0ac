"""A keyring object's bytes, the same in every kind of keyring.

    "LLK1" | version u64 | u16 length, wrapped object key | check 16 | sealed content

The check is the first 16 bytes of SHA-256 of what stands before it: it tells damage from a foreign root key. The
content is AES-256-GCM(object key, nonce 0, content, AAD = "letterlock/v1/object", name, version).
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from portal.keys.binding import bound
from portal.keys.errors import KeyringDamaged, KeyringForeign, NoSuchKey
from portal.keys.provider import Provider

ANCHOR = "secrets"  # written last at a first start: a place without it is not a keyring
_MAGIC = b"LLK1"
_KEY_SIZE = 32
_CHECK_SIZE = 16
# Every write has an object key of its own, so its one nonce can be fixed.
_NONCE = bytes(12)
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")


class Header(NamedTuple):
    """What an object says in clear; only comparing may rest on it."""

    version: int
    wrapped: bytes
    """The object key as the provider wrapped it."""
    body: int
    """Where the sealed content begins."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a keyring holds besides its anchor, opened; its repr shows no key."""

    objects: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    public: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    gone: Collection[str] = ()
    """Names of what was destroyed."""


NOTHING = Contents()


def check_name(name: str) -> str:
    """The name. NoSuchKey when no object can have it: a name is never a path or a statement."""
    if not _NAME.fullmatch(name):
        raise NoSuchKey
    return name


def seal_object(provider: Provider, name: str, version: int, content: bytes) -> bytes:
    """The stored bytes of one version of an object, under a fresh object key."""
    object_key = os.urandom(_KEY_SIZE)
    wrapped = provider.wrap(object_key, _bound_key(name, version))
    header = _MAGIC + version.to_bytes(8, "big") + len(wrapped).to_bytes(2, "big") + wrapped
    sealed = AESGCM(object_key).encrypt(_NONCE, content, _bound_object(name, version))
    return b"".join((header, _check(header), sealed))


def open_object(provider: Provider, name: str, stored: bytes) -> tuple[int, bytes]:
    """Version and content. KeyringDamaged when a byte of it changed, KeyringForeign under another root key."""
    header = parse(stored)
    object_key = provider.unwrap(header.wrapped, _bound_key(name, header.version))
    try:
        content = AESGCM(object_key).decrypt(
            _NONCE, memoryview(stored)[header.body :], _bound_object(name, header.version)
        )
    except (InvalidTag, ValueError):  # an object key of a wrong length is damage too
        raise KeyringDamaged from None
    return header.version, content


def sealed_under(provider: Provider, name: str, header: Header) -> bool:
    """Whether an object's key is wrapped under this provider's root. Raises what unwrapping does besides."""
    try:
        provider.unwrap(header.wrapped, _bound_key(name, header.version))
    except KeyringForeign:
        return False
    return True


def parse(stored: bytes) -> Header:
    """The header; needs no root key."""
    fixed = len(_MAGIC) + 8 + 2
    header_end = fixed + int.from_bytes(stored[fixed - 2 : fixed], "big")
    body = header_end + _CHECK_SIZE
    if stored[: len(_MAGIC)] != _MAGIC or stored[header_end:body] != _check(stored[:header_end]):
        raise KeyringDamaged
    return Header(int.from_bytes(stored[len(_MAGIC) : len(_MAGIC) + 8], "big"), stored[fixed:header_end], body)


def _check(header: bytes) -> bytes:
    return hashlib.sha256(header).digest()[:_CHECK_SIZE]


def _bound_key(name: str, version: int) -> bytes:
    return bound("letterlock/v1/object-key", name.encode(), version.to_bytes(8, "big"))


def _bound_object(name: str, version: int) -> bytes:
    # Name and version are bound, so no object can stand in for another, nor an old one pass as a new version.
    return bound("letterlock/v1/object", name.encode(), version.to_bytes(8, "big"))
