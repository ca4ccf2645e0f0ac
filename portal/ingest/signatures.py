"""DKIM (RFC 6376): whose signature a mail carries that is aligned with its author and verifies.

Stricter than the RFC where a mail could say more than was signed: no `l=`, no SHA-1 (RFC 8301), no key in testing, and
From, Subject and Date must be signed where they are there, and be there once (section 8.15).
"""

from __future__ import annotations

import logging
import re
import time
from collections import OrderedDict
from collections.abc import Collection

import dkim
from dkim.util import parse_tag_value

from portal.delivery import resolving
from portal.delivery.errors import Deferred
from portal.mime.fields import header_end, raw_fields

MOST_BYTES = 16 * 1024 * 1024
"""A larger mail is not looked at, for the library takes several copies of it: it proves nothing then."""
SECONDS = 3.0
"""For one key. The pipeline has other mails to take on."""
REST_SECONDS = 60.0
"""After a domain's name servers gave no answer they are not asked again for so long."""
MOST_SIGNATURES = 4
_MOST_HEADER, _MOST_FIELD = 64 * 1024, 8 * 1024
_LONGEST_BLANK = 256
"""Canonicalising takes quadratic time in blanks that stand together."""
_ONCE = ("from", "subject", "date")
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})+")
_SILENT = logging.Logger("dkim", logging.CRITICAL + 1)
"""What the library would say quotes the mail."""

_resting: OrderedDict[str, float] = OrderedDict()
_MOST_RESTING = 1000


class _Undecided(Exception):
    """DNS gives no answer now."""


def signer(raw: bytes, author: str, ours: Collection[str]) -> str | None:
    """The domain (`d=`, in ASCII) of a valid signature for mail whose author writes from `author`; "" when there is
    none; None when that cannot be told now, for DNS gives no answer.

    Aligned is the author's domain itself, and one of `ours` above it: what stands above a stranger's domain may belong
    to somebody else.
    """
    head = raw[: header_end(raw)[0]]
    if b"dkim-signature" not in head.lower():
        return ""
    if len(raw) > MOST_BYTES or len(head) > _MOST_HEADER or b" " * _LONGEST_BLANK in raw.replace(b"\t", b" "):
        return ""
    names = [name.lower() for name, _ in raw_fields(head)]
    if any(names.count(name) > 1 for name in _ONCE):
        return ""
    undecided = False
    for number in range(min(names.count("dkim-signature"), MOST_SIGNATURES)):
        try:
            if found := _verified(raw, names, number, author, ours):
                return found
        except _Undecided:
            undecided = True
        except Exception:  # noqa: S112 of a signature that cannot be read; the library raises what it likes, and quotes
            continue
    return None if undecided else ""


def _verified(raw: bytes, names: list[str], number: int, author: str, ours: Collection[str]) -> str:
    """The domain of one signature; "" when it proves nothing."""
    mail = dkim.DKIM(raw, logger=_SILENT, timeout=SECONDS)
    if [name.decode("ascii").lower() for name, _ in mail.headers] != names:
        return ""  # it reads another header than the one that is shown
    field = [value for name, value in mail.headers if name.lower() == b"dkim-signature"][number]
    if len(field) > _MOST_FIELD:
        return ""
    tags = parse_tag_value(field)
    domain = tags[b"d"].decode("ascii").lower()
    signed = [name.strip() for name in tags[b"h"].decode("ascii").lower().split(":")]
    if b"l" in tags or tags[b"a"] != b"rsa-sha256" or not _is_aligned(domain, author, ours):
        return ""
    if any(name in names and name not in signed for name in _ONCE):
        return ""
    return domain if mail.verify(number, dnsfunc=_key) else ""


def _is_aligned(domain: str, author: str, ours: Collection[str]) -> bool:
    return domain == author or (domain in ours and author.endswith(f".{domain}"))


def _key(name: bytes, timeout: float = SECONDS) -> bytes | None:
    """The key record of a name like selector._domainkey.example.org., None when there is none. Raises _Undecided."""
    wanted = name.decode("ascii").rstrip(".").lower()
    if not _NAME.fullmatch(wanted):
        return None
    domain = wanted.partition("._domainkey.")[2]
    if _resting.get(domain, 0.0) > time.monotonic():
        raise _Undecided
    try:
        found = resolving.txt(wanted, seconds=timeout)
    except Deferred:
        _resting[domain] = time.monotonic() + REST_SECONDS
        while len(_resting) > _MOST_RESTING:
            _resting.popitem(last=False)
        raise _Undecided from None
    keys = [text for text in found if "p=" in text]
    return keys[0].encode("ascii", "replace") if len(keys) == 1 and not _is_testing(keys[0]) else None


def _is_testing(record: str) -> bool:
    """Whether its owner says that it is only tried out, so that it proves nothing (section 3.6.1)."""
    flags = dict(part.strip().partition("=")[::2] for part in record.split(";"))
    return "y" in [flag.strip() for flag in flags.get("t", "").split(":")]
