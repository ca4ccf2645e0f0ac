"""Numbers of people in France, Spain, Italy and Portugal."""

from __future__ import annotations

from portal.rules.sensitive.checksums import varied, weighted
from portal.rules.sensitive.kinds import HIGH, MEDIUM, NONE, SensitiveType

_DNI = "TRWAGMYFPDXBNJZSQVHLCKE"
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_CF_ODD = dict(
    zip(
        _ALPHABET,
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
        strict=True,
    )
)
"""Worth of a letter at an odd place; digits are worth what A to J are."""


def is_nir(value: str) -> bool:
    """97 less the remainder by 97; Corsica's departments count as 19 and 18. Some months stand for unknown ones."""
    month = int(value[3:5])
    if not (1 <= month <= 12 or 20 <= month <= 42 or month >= 50):
        return False
    number = int(value[:13].replace("2A", "19").replace("2B", "18"))
    return 97 - number % 97 == int(value[13:])


def is_dni(value: str) -> bool:
    """A letter by modulus 23; X, Y and Z of foreigners count as 0, 1 and 2."""
    number = str("XYZ".index(value[0])) + value[1:8] if value[0] in "XYZ" else value[:8]
    return _DNI[int(number) % 23] == value[8] and varied(value[1:8])


def is_codice_fiscale(value: str) -> bool:
    """A letter by modulus 26 (Decreto ministeriale 23 December 1976)."""
    total = 0
    for place, character in enumerate(value[:15], 1):
        letter = _ALPHABET[int(character)] if character.isdigit() else character
        total += _CF_ODD[letter] if place % 2 else _ALPHABET.index(letter)
    return _ALPHABET[total % 26] == value[15]


def is_nif(value: str) -> bool:
    """Modulus 11; a remainder below two gives 0."""
    remainder = weighted(value[:8], range(9, 1, -1)) % 11
    return (0 if remainder < 2 else 11 - remainder) == int(value[8]) and varied(value)


_FAMILY = "France, Spain, Italy, Portugal"
TYPES = (
    SensitiveType(
        "fr-social-security",
        "Social security number, NIR (France)",
        "Numéro de sécurité sociale: fifteen characters.",
        r"(?i)\b[1-478][ .-]?[0-9]{2}[ .-]?[0-9]{2}[ .-]?(?:[0-9]{2}|2[AB])"
        r"[ .-]?[0-9]{3}[ .-]?[0-9]{3}[ .-]?[0-9]{2}\b",
        keywords=(
            "sécurité sociale", "securite sociale", "numéro de sécurité sociale", "nir", "insee", "n° ss",
            "carte vitale",
            "numéro d'assuré", "ameli",
        ),
        alone=HIGH,
        near=HIGH,
        check=is_nir,
        checked_by="modulus 97 and month",
        family=_FAMILY,
    ),
    SensitiveType(
        "es-dni-nie",
        "DNI and NIE (Spain)",
        "Eight digits and a letter, or X, Y or Z, seven digits and a letter.",
        r"(?i)\b(?:[0-9]{2}\.?[0-9]{3}\.?[0-9]{3}|[XYZ][ -]?[0-9]{7})[ -]?[A-HJ-NP-TV-Z]\b",
        keywords=(
            "dni", "nie", "nif", "documento nacional", "documento nacional de identidad", "número de identidad",
            "identificación fiscal", "número de identificación",
        ),
        alone=MEDIUM,
        near=HIGH,
        check=is_dni,
        checked_by="letter by modulus 23",
        family=_FAMILY,
    ),
    SensitiveType(
        "it-codice-fiscale",
        "Codice fiscale (Italy)",
        "Sixteen letters and digits.",
        r"(?i)\b[A-Z]{6} ?[0-9LMNPQRSTUV]{2}[ABCDEHLMPRST][0-9LMNPQRSTUV]{2} ?[A-Z][0-9LMNPQRSTUV]{3} ?[A-Z]\b",
        keywords=("codice fiscale", "cod. fiscale", "cod fiscale", "c.f.", "tessera sanitaria", "fiscal code"),
        alone=HIGH,
        near=HIGH,
        check=is_codice_fiscale,
        checked_by="letter by modulus 26",
        family=_FAMILY,
    ),
    SensitiveType(
        "pt-nif",
        "Taxpayer number, NIF (Portugal)",
        "Nine digits beside a word that says so.",
        r"\b[1-35-9][0-9]{2}[ .]?[0-9]{3}[ .]?[0-9]{3}\b",
        keywords=("nif", "contribuinte", "número de contribuinte", "número de identificação fiscal", "nº contribuinte"),
        alone=NONE,
        near=HIGH,
        check=is_nif,
        checked_by="modulus 11",
        family=_FAMILY,
    ),
)  # fmt: skip
