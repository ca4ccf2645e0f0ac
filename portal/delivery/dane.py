"""DANE for SMTP (RFC 7672): does the chain that a mail server shows belong to the TLSA records of its name."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_TRUST_ANCHOR, _END_ENTITY = 2, 3
_MOST_CERTIFICATES = 10
_MATCHING: dict[int, Callable[[bytes], bytes]] = {
    0: lambda whole: whole,
    1: lambda whole: hashlib.sha256(whole).digest(),
    2: lambda whole: hashlib.sha512(whole).digest(),
}


@dataclass(frozen=True)
class Tlsa:
    """One TLSA record (RFC 6698 section 2.1)."""

    usage: int
    selector: int
    matching: int
    data: bytes

    @property
    def usable(self) -> bool:
        """Usages 0 and 1 prove nothing between mail servers (RFC 7672 section 3.1.3)."""
        return self.usage in (_TRUST_ANCHOR, _END_ENTITY) and self.selector in (0, 1) and self.matching in _MATCHING


NameMatches = Callable[[Sequence[str]], bool]


def proves(records: Collection[Tlsa], chain: Sequence[bytes], names_match: NameMatches, now: datetime) -> bool:
    """Whether one usable record matches. `chain` is DER, the server's own certificate first; `now` is aware.

    A record for the server itself needs neither name nor dates (RFC 7672 section 3.1.1); one for an authority needs an
    unbroken chain up to it, dates and a name (section 3.1.2). Never raises: what cannot be read proves nothing.
    """
    try:
        certificates = [x509.load_der_x509_certificate(der) for der in chain[:_MOST_CERTIFICATES]]
        if not certificates:
            return False
        return any(_proves(record, certificates, names_match, now) for record in records if record.usable)
    except ValueError:
        return False


def _proves(record: Tlsa, chain: list[x509.Certificate], names_match: NameMatches, now: datetime) -> bool:
    leaf = chain[0]
    if record.usage == _END_ENTITY:
        return _matches(record, leaf)
    if not _is_current(leaf, now) or not names_match(_dns_names(leaf)):
        return False
    for issuer in _path(leaf, [*chain[1:], *_given_whole(record)]):
        if not _is_current(issuer, now) or not _may_issue(issuer):
            return False
        if _matches(record, issuer):
            return True
    return False


def _matches(record: Tlsa, certificate: x509.Certificate) -> bool:
    if record.selector == 0:
        whole = certificate.public_bytes(Encoding.DER)
    else:
        whole = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hmac.compare_digest(_MATCHING[record.matching](whole), record.data)


def _path(leaf: x509.Certificate, others: list[x509.Certificate]) -> list[x509.Certificate]:
    """The issuers above the leaf, each proved to have signed the one below it."""
    found: list[x509.Certificate] = []
    below = leaf
    while len(found) < _MOST_CERTIFICATES:
        issuer = next((one for one in others if one not in found and _signed(one, below)), None)
        if issuer is None:
            return found
        found.append(issuer)
        below = issuer
    return found


def _signed(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _given_whole(record: Tlsa) -> list[x509.Certificate]:
    """An authority that the record holds whole need not be in the server's chain (RFC 7672 section 3.1.2)."""
    if record.selector != 0 or record.matching != 0:
        return []
    try:
        return [x509.load_der_x509_certificate(record.data)]
    except ValueError:
        return []


def _may_issue(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, x509.DuplicateExtension):
        return False


def _is_current(certificate: x509.Certificate, now: datetime) -> bool:
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def _dns_names(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return names.get_values_for_type(x509.DNSName)
    except (x509.ExtensionNotFound, x509.DuplicateExtension):
        return []
