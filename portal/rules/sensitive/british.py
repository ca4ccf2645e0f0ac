"""Numbers of people in the United Kingdom and Ireland."""

from __future__ import annotations

from portal.rules.sensitive.checksums import varied, weighted
from portal.rules.sensitive.kinds import HIGH, MEDIUM, NONE, SensitiveType

_NEVER = frozenset({"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"})
_PPS_LETTERS = "WABCDEFGHIJKLMNOPQRSTUV"


def is_nhs(value: str) -> bool:
    """Modulus 11 of the NHS Data Dictionary."""
    check = 11 - weighted(value[:9], range(10, 1, -1)) % 11
    return check != 10 and check % 11 == int(value[9]) and varied(value)


def is_nino(value: str) -> bool:
    return value[:2] not in _NEVER


def is_pps(value: str) -> bool:
    """Modulus 23; a second letter counts nine times its place in the alphabet, W as none."""
    second = value[8:] if value[8:] != "W" else ""
    total = weighted(value[:7], range(8, 1, -1)) + 9 * (ord(second) - 64 if second else 0)
    return _PPS_LETTERS[total % 23] == value[7]


_FAMILY = "United Kingdom and Ireland"
TYPES = (
    SensitiveType(
        "uk-nhs-number",
        "NHS number (United Kingdom)",
        "Ten digits, mostly written 3-3-4, beside a word that says so.",
        r"\b[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4}\b",
        keywords=(
            "nhs", "nhs number", "nhs no", "national health service", "patient", "patient id", "hospital number",
            "gp practice", "date of birth", "dob",
        ),
        alone=NONE,
        near=HIGH,
        check=is_nhs,
        checked_by="modulus 11",
        family=_FAMILY,
    ),
    SensitiveType(
        "uk-national-insurance",
        "National Insurance number (United Kingdom)",
        "Two letters, six digits and a letter from A to D.",
        r"(?i)\b[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]\b",
        keywords=(
            "national insurance", "national insurance number", "ni number", "ni no", "nino", "nin", "hmrc",
            "payroll",
        ),
        alone=MEDIUM,
        near=HIGH,
        check=is_nino,
        checked_by="letters that are never issued",
        family=_FAMILY,
    ),
    SensitiveType(
        "uk-passport",
        "Passport number (United Kingdom)",
        "Nine digits beside a word for a passport.",
        r"\b[0-9]{9}\b",
        keywords=(
            "passport", "passports", "passport number", "passport no", "passport #", "uk passport",
            "british passport",
        ),
        alone=NONE,
        near=MEDIUM,
        check=varied,
        separators="",
        family=_FAMILY,
    ),
    SensitiveType(
        "ie-pps",
        "PPS number (Ireland)",
        "Seven digits and one or two letters.",
        r"(?i)\b[0-9]{7} ?[A-W][ABHW]?\b",
        keywords=(
            "pps", "ppsn", "pps number", "pps no", "personal public service", "personal public service number",
            "uimhir psp",
        ),
        alone=MEDIUM,
        near=HIGH,
        check=is_pps,
        checked_by="modulus 23",
        family=_FAMILY,
    ),
)  # fmt: skip
