"""DKIM (RFC 6376): mail that the portal writes itself is signed for its From domain as it leaves.

RSA with 2048 bits and SHA-256, relaxed/relaxed: every receiver verifies it. Ed25519 (RFC 8463) is passed over by the
largest ones, so that a second signature would have to go beside it and prove nothing more.
"""

from __future__ import annotations

import base64
import hashlib
import re
import time
from dataclasses import replace

import dkim
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)
from django.db import transaction
from django.utils import timezone
from dkim.canonicalization import Relaxed

from portal.audit.record import record
from portal.delivery import resolving
from portal.delivery.errors import BadDkim
from portal.delivery.letters import Prepared
from portal.delivery.models import DkimKey
from portal.keys.errors import WrapRefused
from portal.keys.service import keys
from portal.mime.addresses import domain_of, parse_list
from portal.mime.errors import BadAddress
from portal.mime.fields import header_end, raw_fields

BITS = 2048
MOST_BYTES = 16 * 1024 * 1024
"""A signature needs the whole mail before its first byte leaves; a larger answer is streamed and leaves unsigned."""
_SELECTOR = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_SIGNED = (
    "from", "to", "cc", "subject", "date", "message-id", "reply-to", "in-reply-to", "references",
    "mime-version", "content-type", "content-transfer-encoding", "auto-submitted", "x-letterlock",
)  # fmt: skip
# Named once more than they stand in the mail, so that nobody on the way can add another one (RFC 6376 section 8.15).
_HEADERS = [name.encode() for name in (*_SIGNED, *_SIGNED)]
_NAMED = ":\r\n ".join([":".join(_SIGNED[:7]), ":".join(_SIGNED[7:])] * 2)


class Signers:
    """The keys that sign now, each opened at its first mail: for the mails of one batch, and no longer."""

    def __init__(self) -> None:
        self._rows = {key.domain: key for key in DkimKey.objects.filter(active=True)}
        self._opened: dict[str, RSAPrivateKey] = {}

    def __bool__(self) -> bool:
        return bool(self._rows)

    def signature(self, whole: bytes) -> bytes:
        """The header field for a mail; b"" without a key for its From domain. Raises the key service's errors."""
        key = self._rows.get(_from_domain(whole))
        if key is None:
            return b""
        private = self._opened.get(key.domain) or self._opened.setdefault(key.domain, _private(key))
        return _signature(whole, key, private)


def signed(mail: Prepared, signers: Signers | None = None) -> Prepared:
    """The mail with a signature on top, when its From domain has an active key. Raises the key service's errors."""
    if not mail.size or mail.size > MOST_BYTES:
        return mail
    signers = Signers() if signers is None else signers
    if not signers:
        return mail
    whole = b"".join(mail.data)
    header = signers.signature(whole)
    return replace(mail, data=(header, whole) if header else (whole,), size=len(header) + len(whole))


def make(domain: str, selector: str = "") -> DkimKey:
    """A new key for a domain, not yet used. Raises BadDkim."""
    chosen = selector or f"letterlock-{timezone.now():%Y%m%d}"
    if not _SELECTOR.fullmatch(chosen):
        raise BadDkim("A selector is letters, digits and hyphens, like letterlock-2026. Choose another.")
    try:
        domain = domain_of(f"x@{domain}")
    except BadAddress:
        raise BadDkim("That is no domain. Write it like secure.example.org.") from None
    if DkimKey.objects.filter(domain=domain, selector=chosen).exists():
        raise BadDkim(f"There is a key {chosen} for {domain} already. Give another name with --selector.")
    private = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    key = DkimKey(domain=domain, selector=chosen, public=base64.b64encode(public).decode())
    der = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    key.private = keys().seal_field("dkim", key.id, der)
    with transaction.atomic():
        key.save(force_insert=True)
        record("dkim.key_made", key=str(key.id))
    return key


def newest(domain: str) -> DkimKey:
    """The key of a domain that was made last. Raises BadDkim."""
    key = DkimKey.objects.filter(domain=domain.lower()).order_by("-made_at").first()
    if key is None:
        raise BadDkim(f"There is no key for {domain}. Make one: manage.py dkim make --domain {domain}")
    return key


def record_of(key: DkimKey) -> tuple[str, str]:
    """Name and text of the TXT record to publish (RFC 6376 section 3.6.1)."""
    return f"{key.selector}._domainkey.{key.domain}", f"v=DKIM1; k=rsa; p={key.public}"


def is_published(key: DkimKey) -> bool:
    """Whether DNS has this key. Raises Deferred when it gives no answer."""
    wanted = key.public
    for text in resolving.txt(record_of(key)[0]):
        tags = dict(part.strip().partition("=")[::2] for part in text.split(";") if "=" in part)
        if "".join(tags.get("p", "").split()) == wanted:
            return True
    return False


def switch(key: DkimKey, *, on: bool) -> None:
    """Sign with this key from now on, and with no other of its domain; or no more."""
    with transaction.atomic():
        DkimKey.objects.filter(domain=key.domain, active=True).update(active=False)
        if on:
            DkimKey.objects.filter(pk=key.pk).update(active=True)
        record("dkim.switched", key=str(key.id), on=on)
    key.active = on


def _from_domain(whole: bytes) -> str:
    for name, value in raw_fields(whole[: header_end(whole)[0]]):
        if name.lower() == "from":
            try:
                return domain_of(parse_list(value)[0].address)
            except (IndexError, BadAddress):
                return ""
    return ""


def _private(key: DkimKey) -> RSAPrivateKey:
    private = load_der_private_key(keys().open_field("dkim", key.id, bytes(key.private)), None)
    if not isinstance(private, RSAPrivateKey):
        raise WrapRefused
    return private


def _signature(whole: bytes, key: DkimKey, private: RSAPrivateKey) -> bytes:
    """A DKIM-Signature field (RFC 6376 section 3.5), computed as its section 3.7 says.

    The signature itself is OpenSSL's: dkimpy computes it in Python, 27 times as long and in a time that depends on the
    key.
    """
    fields, body = dkim.rfc822_parse(whole)
    if body and not body.endswith(b"\r\n"):
        body += b"\r\n"  # as SMTP sends it; blanks at the end of the last line count only without (section 3.4.4)
    hashed = base64.b64encode(hashlib.sha256(Relaxed.canonicalize_body(body)).digest()).decode()
    value = (
        f"v=1; a=rsa-sha256; c=relaxed/relaxed; d={key.domain}; s={key.selector};\r\n"
        f" t={int(time.time())}; h={_NAMED};\r\n bh={hashed};\r\n b="
    )
    told = dkim.select_headers(Relaxed.canonicalize_headers(fields), _HEADERS)
    told += Relaxed.canonicalize_headers([(b"dkim-signature", value.encode())])
    text = b"".join([name + b":" + content for name, content in told]).removesuffix(b"\r\n")
    signature = base64.b64encode(private.sign(text, PKCS1v15(), SHA256())).decode()
    lines = "\r\n ".join([signature[start : start + 72] for start in range(0, len(signature), 72)])
    return f"DKIM-Signature: {value}{lines}\r\n".encode()
