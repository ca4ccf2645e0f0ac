"""Bank accounts and banks."""

from __future__ import annotations

from collections import defaultdict

from portal.rules.sensitive.checksums import mod97, varied, weighted
from portal.rules.sensitive.countries import CODES
from portal.rules.sensitive.kinds import HIGH, MEDIUM, NONE, SensitiveType

_LENGTHS = (
    "NO15 BE16 DK18 FI18 FK18 FO18 GL18 NL18 SD18 MK19 SI19 AT20 BA20 EE20 KZ20 LT20 LU20 MN20 XK20 CH21 HR21 "
    "LI21 LV21 BG22 BH22 CR22 DE22 GB22 GE22 IE22 ME22 RS22 VA22 AE23 GI23 IL23 IQ23 OM23 SO23 TL23 AD24 CZ24 "
    "ES24 MD24 PK24 RO24 SA24 SE24 SK24 TN24 VG24 LY25 PT25 ST25 IS26 TR26 BI27 DJ27 FR27 GR27 IT27 MC27 MR27 "
    "SM27 AL28 AZ28 BY28 CY28 DO28 GT28 HU28 LB28 NI28 PL28 SV28 BR29 EG29 PS29 QA29 UA29 JO30 KW30 MU30 YE30 "
    "MT31 SC31 LC32 RU33"
)
"""Country and length of its IBAN (ISO 13616, the registry that SWIFT keeps)."""


def _iban_pattern() -> str:
    countries: dict[int, list[str]] = defaultdict(list)
    for entry in _LENGTHS.split():
        countries[int(entry[2:])].append(entry[:2])
    forms = (
        rf"(?:{'|'.join(codes)})[0-9]{{2}}(?:[ .-]?[A-Z0-9]){{{length - 4}}}" for length, codes in countries.items()
    )
    return rf"(?i)\b(?:{'|'.join(forms)})\b"


def is_iban(value: str) -> bool:
    return value.isascii() and mod97(value[4:] + value[:4]) == 1 and varied(value[4:])


def is_bic(value: str) -> bool:
    return value[4:6] in CODES


def is_routing(value: str) -> bool:
    bank = int(value[:2])
    used = bank <= 12 or 21 <= bank <= 32 or 61 <= bank <= 72 or bank == 80
    return used and varied(value) and weighted(value, (3, 7, 1) * 3) % 10 == 0


_FAMILY = "Payment and banking"
_ACCOUNT = (
    "account", "account number", "account no", "acct", "bank account", "checking account", "savings account",
    "debit account", "direct deposit", "routing", "wire transfer",
)  # fmt: skip

TYPES = (
    SensitiveType(
        "iban",
        "International bank account number (IBAN)",
        "Account numbers of more than 80 countries.",
        _iban_pattern(),
        keywords=(
            "iban", "bank", "account", "konto", "kontonummer", "bankverbindung", "compte", "cuenta", "conto",
            "rekening",
            "tilinumero", "rachunek", "conta", "bic", "swift",
        ),
        alone=MEDIUM,
        near=HIGH,
        check=is_iban,
        checked_by="MOD 97-10 (ISO/IEC 7064), length of the country (ISO 13616)",
        family=_FAMILY,
    ),
    SensitiveType(
        "swift-bic",
        "SWIFT/BIC code",
        "Codes of banks, of 8 or 11 characters, beside a word that says so.",
        r"\b[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?\b",
        keywords=(
            "swift", "swift code", "bic", "bic code", "bic-code", "bank identifier code", "iso 9362", "swift-code",
        ),
        alone=NONE,
        near=MEDIUM,
        check=is_bic,
        checked_by="country (ISO 3166-1, ISO 9362)",
        separators="",
        family=_FAMILY,
    ),
    SensitiveType(
        "us-routing-number",
        "ABA routing number (United States)",
        "Nine digits that name a bank in the United States, beside a word that says so.",
        r"\b[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]\b",
        keywords=(
            "aba", "aba number", "aba routing", "routing", "routing number", "routing no", "routing #", "rtn",
            "bank routing", "transit number", "american bank association", "fedwire", "ach",
        ),
        alone=NONE,
        near=HIGH,
        check=is_routing,
        checked_by="ABA check digit (weights 3, 7, 1) and Federal Reserve prefix",
        family=_FAMILY,
    ),
    SensitiveType(
        "us-bank-account",
        "Bank account number (United States)",
        "Eight to seventeen digits beside a word for an account. They have no check digit.",
        r"\b[0-9]{8,17}\b",
        keywords=_ACCOUNT,
        alone=NONE,
        near=MEDIUM,
        check=varied,
        family=_FAMILY,
    ),
)  # fmt: skip
