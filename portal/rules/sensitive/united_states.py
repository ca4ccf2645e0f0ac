"""Numbers of people in the United States."""

from __future__ import annotations

from portal.rules.sensitive.checksums import digits, varied
from portal.rules.sensitive.kinds import HIGH, MEDIUM, NONE, SensitiveType

_PRINTED = frozenset({"078051120", "219099999"})
"""Of a wallet's sample card and of an advertisement: never anybody's."""


def is_ssn(value: str) -> bool:
    area, group, serial = int(value[:3]), value[3:5], value[5:]
    return (
        0 < area < 900
        and area != 666
        and group != "00"
        and serial != "0000"
        and value not in _PRINTED
        and varied(value)
    )


def is_itin(value: str) -> bool:
    group = int(value[3:5])
    return value[0] == "9" and (50 <= group <= 65 or 70 <= group <= 88 or 90 <= group <= 92 or 94 <= group <= 99)


def is_dea(value: str) -> bool:
    held = digits(value[2:])
    return (sum(held[0:6:2]) + 2 * sum(held[1:6:2])) % 10 == held[6] and varied(value[2:])


_FAMILY = "United States"
TYPES = (
    SensitiveType(
        "us-ssn",
        "Social Security number (United States)",
        "Numbers like 219-09-1234; without hyphens or blanks only beside a word that says so.",
        r"\b[0-9]{3}[ -][0-9]{2}[ -][0-9]{4}\b",
        weak=r"\b[0-9]{9}\b",
        keywords=(
            "ssn", "ssns", "ss#", "ss #", "ssn#", "social security", "social security number", "social security no",
            "soc sec", "ssid", "taxpayer",
        ),
        alone=MEDIUM,
        near=HIGH,
        check=is_ssn,
        checked_by="areas, groups and serials that are never issued",
        family=_FAMILY,
    ),
    SensitiveType(
        "us-itin",
        "Individual taxpayer number, ITIN (United States)",
        "Numbers like 912-70-1234; without hyphens or blanks only beside a word that says so.",
        r"\b9[0-9]{2}[ -][0-9]{2}[ -][0-9]{4}\b",
        weak=r"\b9[0-9]{8}\b",
        keywords=(
            "itin", "i.t.i.n", "individual taxpayer", "taxpayer id", "taxpayer identification", "tax id", "tin", "tax",
            "w-7",
        ),
        alone=MEDIUM,
        near=HIGH,
        check=is_itin,
        checked_by="ranges that the IRS issues",
        family=_FAMILY,
    ),
    SensitiveType(
        "us-dea-number",
        "DEA number (United States)",
        "Two letters and seven digits of whoever may prescribe controlled substances.",
        r"(?i)\b[ABCDEFGHJKLMPRSTUX][A-Z9][0-9]{7}\b",
        keywords=(
            "dea", "dea#", "dea number", "dea no", "drug enforcement", "prescriber", "registrant",
            "controlled substance",
        ),
        alone=MEDIUM,
        near=HIGH,
        check=is_dea,
        checked_by="check digit of the DEA's registration numbers",
        separators="",
        family=_FAMILY,
    ),
    SensitiveType(
        "us-passport",
        "Passport number (United States)",
        "Nine digits, or a letter and eight, beside a word for a passport.",
        r"(?i)\b[A-Z0-9][0-9]{8}\b",
        keywords=(
            "passport", "passports", "passport number", "passport no", "passport #", "passport card", "us passport",
            "u.s. passport",
        ),
        alone=NONE,
        near=MEDIUM,
        check=varied,
        separators="",
        family=_FAMILY,
    ),
)  # fmt: skip
