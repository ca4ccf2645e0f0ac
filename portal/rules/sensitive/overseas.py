"""Numbers of people in Canada, Australia, Brazil and India."""

from __future__ import annotations

from portal.rules.sensitive.checksums import luhn, varied, verhoeff, weighted
from portal.rules.sensitive.kinds import HIGH, LOW, MEDIUM, NONE, SensitiveType


def is_sin(value: str) -> bool:
    return value[0] not in "08" and varied(value) and luhn(value)


def is_tfn(value: str) -> bool:
    """Modulus 11 with the weights of the Australian Taxation Office."""
    return varied(value) and weighted(value, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0


def is_medicare(value: str) -> bool:
    """The ninth digit checks the eight before it; the tenth is the issue, an eleventh the person on the card."""
    return weighted(value[:8], (1, 3, 7, 9, 1, 3, 7, 9)) % 10 == int(value[8]) and varied(value[:8])


def _brazilian(value: str, first: tuple[int, ...]) -> bool:
    """Two check digits by modulus 11; a letter counts as its ASCII code less 48."""
    held = [ord(character) - 48 for character in value]
    second = (first[0] + 1, *first)
    for weights in (first, second):
        remainder = sum(one * weight for one, weight in zip(held, weights, strict=False)) % 11
        if held[len(weights)] != (0 if remainder < 2 else 11 - remainder):
            return False
    return varied(value)


def is_cpf(value: str) -> bool:
    return _brazilian(value, (10, 9, 8, 7, 6, 5, 4, 3, 2))


def is_cnpj(value: str) -> bool:
    return _brazilian(value, (5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2))


def is_aadhaar(value: str) -> bool:
    return varied(value) and verhoeff(value)


_FAMILY = "Canada, Australia, Brazil, India"
TYPES = (
    SensitiveType(
        "ca-sin",
        "Social insurance number (Canada)",
        "Nine digits, like 130 692 544; without hyphens or blanks only beside a word that says so.",
        r"\b[1-79][0-9]{2}[ -][0-9]{3}[ -][0-9]{3}\b",
        weak=r"\b[1-79][0-9]{8}\b",
        keywords=(
            "sin", "sin#", "social insurance", "social insurance number", "numéro d'assurance sociale", "nas",
            "assurance sociale", "t4",
        ),
        alone=LOW,
        near=HIGH,
        check=is_sin,
        checked_by="Luhn check digit",
        family=_FAMILY,
    ),
    SensitiveType(
        "au-tax-file-number",
        "Tax file number (Australia)",
        "Nine digits beside a word that says so.",
        r"\b[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{3}\b",
        keywords=("tfn", "tax file number", "tax file no", "ato", "australian taxation office", "superannuation"),
        alone=NONE,
        near=HIGH,
        check=is_tfn,
        checked_by="modulus 11",
        family=_FAMILY,
    ),
    SensitiveType(
        "au-medicare",
        "Medicare number (Australia)",
        "Ten or eleven digits, mostly written 4-5-1, beside a word that says so.",
        r"\b[2-6][0-9]{3}[ -]?[0-9]{5}[ -]?[0-9](?:[ /-]?[1-9])?\b",
        keywords=("medicare", "medicare number", "medicare no", "medicare card", "irn", "bulk bill", "bulk billing"),
        alone=NONE,
        near=HIGH,
        check=is_medicare,
        checked_by="modulus 10 (weights 1, 3, 7, 9)",
        family=_FAMILY,
    ),
    SensitiveType(
        "br-cpf",
        "CPF (Brazil)",
        "Numbers of people, like 111.444.777-35.",
        r"\b[0-9]{3}\.?[0-9]{3}\.?[0-9]{3}[-/ ]?[0-9]{2}\b",
        keywords=("cpf", "cadastro de pessoas físicas", "cadastro de pessoa física", "contribuinte", "receita federal"),
        alone=MEDIUM,
        near=HIGH,
        check=is_cpf,
        checked_by="two check digits by modulus 11",
        family=_FAMILY,
    ),
    SensitiveType(
        "br-cnpj",
        "CNPJ (Brazil)",
        "Numbers of companies, like 11.222.333/0001-81, also those with letters that are given out since 2026.",
        r"\b[0-9A-Z]{2}\.?[0-9A-Z]{3}\.?[0-9A-Z]{3}/?[0-9A-Z]{4}-?[0-9]{2}\b",
        keywords=("cnpj", "cadastro nacional", "cadastro nacional da pessoa jurídica", "receita federal", "inscrição"),
        alone=MEDIUM,
        near=HIGH,
        check=is_cnpj,
        checked_by="two check digits by modulus 11",
        family=_FAMILY,
    ),
    SensitiveType(
        "in-aadhaar",
        "Aadhaar number (India)",
        "Twelve digits, mostly written 4-4-4.",
        r"\b[2-9][0-9]{3}[ -]?[0-9]{4}[ -]?[0-9]{4}\b",
        keywords=("aadhaar", "aadhar", "adhaar", "uidai", "uid", "आधार"),
        alone=LOW,
        near=HIGH,
        check=is_aadhaar,
        checked_by="Verhoeff check digit",
        family=_FAMILY,
    ),
    SensitiveType(
        "in-pan",
        "Permanent account number, PAN (India)",
        "Five letters, four digits and a letter; the fourth says what kind of holder it is.",
        r"\b[A-Z]{3}[ABCFGHJLPT][A-Z][0-9]{4}[A-Z]\b",
        keywords=("pan", "pan card", "pan number", "pan no", "permanent account number", "income tax"),
        alone=MEDIUM,
        near=HIGH,
        checked_by="letter of the kind of holder",
        separators="",
        family=_FAMILY,
    ),
)  # fmt: skip
