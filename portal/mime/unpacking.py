"""Opens what wraps a part of a mail: winmail.dat, and S/MIME signatures that hold the mail they sign."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import TypeVar

from portal.mime import mapi, tnef
from portal.mime.structure import Node, tree

log = logging.getLogger(__name__)
T = TypeVar("T")

_TNEF_TYPES = {"application/ms-tnef", "application/vnd.ms-tnef"}
_TNEF_NAMES = {"winmail.dat", "win.dat"}
_PKCS7_TYPES = {"application/pkcs7-mime", "application/x-pkcs7-mime"}
# The type of a CMS message (RFC 5652 §3): an object identifier that begins 1.2.840.113549.1.
_CMS_TYPE = re.compile(
    rb"\x30.{1,9}\x06(?:\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07(.)|\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17)",
    re.DOTALL,
)
_FEW_PIECES, _SMALLEST_PIECE = 1000, 64
_SIGNED, _ENCRYPTED = b"\x02", (b"\x03", b"\x06")

_SIGNED_BY = {
    "application/pkcs7-signature": "smime-signed",
    "application/x-pkcs7-signature": "smime-signed",
    "application/pgp-signature": "openpgp-signed",
}
_ARMOUR = re.compile(r"^-----BEGIN PGP (SIGNED )?MESSAGE-----\s*$", re.MULTILINE)
_ARMOURED_NAMES = (".asc", ".pgp", ".gpg")


def attempt(work: Callable[[], T], what: str) -> T | None:
    """What `work` gives, or None for whatever went wrong with hostile bytes; only the kind of error is kept."""
    try:
        return work()
    except Exception as error:
        log.info("a part was not read as %s: %s", what, type(error).__name__)
        return None


def wrapped_by_outlook(node: Node) -> Node | None:
    """The tree in winmail.dat; None for another part, or one that cannot be opened."""
    data = node.data or b""
    if node.content_type not in _TNEF_TYPES and node.name.lower() not in _TNEF_NAMES:
        return None
    if not data.startswith(tnef.SIGNATURE):
        return None
    return attempt(lambda: tree(mapi.as_mail(tnef.read(data))), "TNEF")


def kind_of_cms(node: Node) -> str:
    """`signed` or `encrypted` for a part of S/MIME (RFC 8551 §3.5), "" for any other; told by the bytes."""
    if node.content_type not in _PKCS7_TYPES and not node.name.lower().endswith(".p7m"):
        return ""
    found = _CMS_TYPE.match((node.data or b"")[:40])
    if found is None:
        return ""
    if found[1] == _SIGNED:
        return "signed"
    return "encrypted" if found[1] is None or found[1] in _ENCRYPTED else ""


def wrapped_by_signature(node: Node) -> Node | None:
    """The tree that an S/MIME signature holds (RFC 8551 §3.5.2), unchecked; None when it holds none, or is broken."""
    data = node.data or b""
    # Content may come in pieces, each a tag 4; of one letter each they would take minutes.
    if len(data) > mapi.LARGEST or data.count(b"\x04") > _FEW_PIECES + len(data) // _SMALLEST_PIECE:
        return None
    return attempt(lambda: _signed(data), "S/MIME")


def _signed(data: bytes) -> Node | None:
    from asn1crypto import cms  # 9 MiB that the door, which reads headers by the same modules, never needs

    held = cms.ContentInfo.load(data)["content"]["encap_content_info"]["content"].native
    return tree(held) if isinstance(held, bytes) and held else None


def protections(node: Node) -> list[str]:
    """How a multipart is protected by its own word: `smime-signed`, `openpgp-signed`, `openpgp-encrypted`."""
    kinds = [child.content_type for child in node.children]
    if node.content_type == "multipart/signed":
        return [_SIGNED_BY[kind] for kind in kinds if kind in _SIGNED_BY][:1]
    if node.content_type == "multipart/encrypted" and "application/pgp-encrypted" in kinds:
        return ["openpgp-encrypted"]
    return []


def armoured(text: str) -> list[str]:
    """The same of text in which OpenPGP wrote its own marks (RFC 9580 §6.2)."""
    return sorted({"openpgp-signed" if found[1] else "openpgp-inline" for found in _ARMOUR.finditer(text)})


def is_armoured_file(node: Node) -> bool:
    """Whether a file is a message encrypted with OpenPGP, by its name and its first line."""
    named = node.name.lower().endswith(_ARMOURED_NAMES)
    return named and (node.data or b"")[:200].lstrip().startswith(b"-----BEGIN PGP MESSAGE-----")
