"""DKIM (RFC 6376): mail that the portal writes itself is signed for its From domain as it leaves.

RSA with 2048 bits and SHA-256, relaxed/relaxed: every receiver verifies it. Ed25519 (RFC 8463) is passed over by the
largest ones, so that a second signature would have to go beside it and prove nothing more.
"""

from __future__ import annotations

import base64
import re
from dataclasses import replace

import dkim
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)
from django.db import transaction
from django.utils import timezone

from portal.audit.record import record
from portal.delivery import resolving
from portal.delivery.errors import BadDkim
from portal.delivery.letters import Prepared
from portal.delivery.models import DkimKey
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


def signed(mail: Prepared) -> Prepared:
    """The mail with a signature on top, when its From domain has an active key. Raises the key service's errors."""
    if not mail.size or mail.size > MOST_BYTES or not DkimKey.objects.filter(active=True).exists():
        return mail
    whole = b"".join(mail.data)
    mail = replace(mail, data=(whole,), size=len(whole))
    key = DkimKey.objects.filter(domain=_from_domain(whole), active=True).first()
    if key is None:
        return mail
    header = dkim.sign(
        whole,
        key.selector.encode(),
        key.domain.encode(),
        _private_pem(key),
        canonicalize=(b"relaxed", b"relaxed"),
        include_headers=_HEADERS,
    )
    return replace(mail, data=(header, whole), size=len(header) + len(whole))


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


def _private_pem(key: DkimKey) -> bytes:
    der = keys().open_field("dkim", key.id, bytes(key.private))
    private = load_der_private_key(der, None)
    return private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
