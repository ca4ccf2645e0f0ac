"""Keys and tokens that let whoever has them in."""

from __future__ import annotations

import base64
import binascii
import json

from portal.rules.sensitive.kinds import HIGH, SensitiveType

_LONGEST_HEAD = 4096


def is_jwt(value: str) -> bool:
    """Its first part is a JOSE header (RFC 7515 section 4)."""
    head = value.partition(".")[0][:_LONGEST_HEAD]
    try:
        told = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return False
    return isinstance(told, dict) and ("alg" in told or "typ" in told)


def is_aws_key(value: str) -> bool:
    """An id, which is told by its beginning; or letters of both cases and digits, which no hash in hexadecimal has."""
    if len(value) == 20:
        return True
    tests = (str.isupper, str.islower, str.isdigit)
    return all(any(test(character) for character in value) for test in tests)


_FAMILY = "Keys and tokens"
TYPES = (
    SensitiveType(
        "private-key",
        "Private key",
        "The beginning of a private key in text form: PKCS#8, PKCS#1, EC, OpenSSH, OpenPGP, PuTTY.",
        r"(?:-----BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----[\sA-Za-z0-9+/=]{0,96}"
        r"|PuTTY-User-Key-File-[0-9]: [^\n]{1,60})",
        alone=HIGH,
        near=HIGH,
        separators="",
        folds=False,
        family=_FAMILY,
    ),
    SensitiveType(
        "aws-key",
        "Access key of AWS",
        "Access key ids, and 40 characters beside a word for a secret key.",
        r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b",
        weak=r"[A-Za-z0-9/+]{40}\b",
        keywords=(
            "aws_secret_access_key", "aws secret", "secret access key", "secret key", "secretaccesskey",
            "aws_secret_key",
            "aws_session_token",
        ),
        alone=HIGH,
        near=HIGH,
        check=is_aws_key,
        checked_by="letters of both cases and digits in a secret",
        separators="",
        folds=False,
        family=_FAMILY,
    ),
    SensitiveType(
        "json-web-token",
        "JSON Web Token",
        "Signed tokens that programs sign in with.",
        r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
        alone=HIGH,
        near=HIGH,
        check=is_jwt,
        checked_by="a JOSE header that can be read (RFC 7515)",
        separators="",
        folds=False,
        family=_FAMILY,
    ),
    SensitiveType(
        "service-token",
        "Token of a service",
        "Tokens whose beginning tells what they are: GitHub, GitLab, Slack, Stripe, Google, SendGrid, Letterlock.",
        r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{82}|glpat-[A-Za-z0-9_-]{20}"
        r"|xox[abeprs]-[A-Za-z0-9-]{10,200}"
        r"|[sr]k_live_[A-Za-z0-9]{16,100}|AIza[A-Za-z0-9_-]{35}|SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"
        r"|llk_[A-Za-z0-9_-]{43})\b",
        alone=HIGH,
        near=HIGH,
        separators="",
        folds=False,
        family=_FAMILY,
    ),
)  # fmt: skip
