"""Numbers of people in Sweden, Denmark, Norway and Finland."""

from __future__ import annotations

from portal.rules.sensitive.checksums import is_date, luhn, weighted
from portal.rules.sensitive.kinds import HIGH, LOW, MEDIUM, SensitiveType

_HETU = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_K1, _K2 = (3, 7, 6, 1, 8, 9, 4, 5, 2, 1), (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)


def is_swedish(value: str) -> bool:
    """Luhn over ten digits, and a date; a coordination number's day is 60 more."""
    year = int(value[:4]) if len(value) == 12 else 2000
    ten = value[-10:]
    day = int(ten[4:6])
    return is_date(day - 60 if day > 60 else day, int(ten[2:4]), year) and luhn(ten)


def is_danish(value: str) -> bool:
    """A date alone: since 2007 numbers are given out that fail the old modulus 11."""
    return is_date(int(value[:2]), int(value[2:4])) and value[6:] != "0000"


def is_norwegian(value: str) -> bool:
    """Two control digits by modulus 11; D-numbers have 40 on the day, H-numbers on the month."""
    day, month = int(value[:2]), int(value[2:4])
    dated = is_date(day - 40 if day > 40 else day, month - 40 if month > 40 else month)
    return dated and weighted(value[:10], _K1) % 11 == 0 and weighted(value, _K2) % 11 == 0


def is_finnish(value: str) -> bool:
    """A date and a control character by modulus 31."""
    number = int(value[:6] + value[7:10])
    return is_date(int(value[:2]), int(value[2:4])) and value[7:10] > "001" and _HETU[number % 31] == value[10]


_FAMILY = "Nordic countries"
TYPES = (
    SensitiveType(
        "se-personal-number",
        "Personal number (Sweden)",
        "Personnummer and samordningsnummer, with or without century; ten bare digits only beside a word that says so.",
        r"\b(?:[0-9]{6}[+-][0-9]{4}|(?:18|19|20)[0-9]{6}[+ -]?[0-9]{4})\b",
        weak=r"\b[0-9]{6} ?[0-9]{4}\b",
        keywords=(
            "personnummer", "personnr", "pnr", "samordningsnummer", "samordningsnr", "födelsenummer", "id-nummer",
            "personal number", "personal identity number", "swedish id", "skattsedel", "patient", "folkbokförd",
        ),
        alone=MEDIUM,
        near=HIGH,
        check=is_swedish,
        checked_by="Luhn check digit and date",
        separators=" -+",
        family=_FAMILY,
    ),
    SensitiveType(
        "dk-cpr",
        "CPR number (Denmark)",
        "Numbers like 010180-1234; without a hyphen only beside a word that says so.",
        r"\b[0-9]{6}-[0-9]{4}\b",
        weak=r"\b[0-9]{6} ?[0-9]{4}\b",
        keywords=(
            "cpr", "cpr-nummer", "cpr nummer", "cpr nr", "cpr-nr", "personnummer", "sundhedskort", "sygesikring",
            "patient",
        ),
        alone=LOW,
        near=HIGH,
        check=is_danish,
        checked_by="date (new numbers have no check digit)",
        family=_FAMILY,
    ),
    SensitiveType(
        "no-national-identity",
        "National identity number (Norway)",
        "Fødselsnummer, D-number and H-number: eleven digits.",
        r"\b[0-9]{6}[ .-]?[0-9]{5}\b",
        keywords=(
            "fødselsnummer", "fodselsnummer", "fnr", "personnummer", "d-nummer", "dnr", "national identity number",
            "pasient",
        ),
        alone=MEDIUM,
        near=HIGH,
        check=is_norwegian,
        checked_by="two control digits by modulus 11, and date",
        family=_FAMILY,
    ),
    SensitiveType(
        "fi-hetu",
        "Personal identity code (Finland)",
        "Henkilötunnus, like 131052-308T, with every sign of the century.",
        r"(?i)\b[0-9]{6}[+A-FU-Y-][0-9]{3}[0-9A-FHJ-NPR-Y]\b",
        keywords=(
            "henkilötunnus", "hetu", "sosiaaliturvatunnus", "sotu", "personbeteckning", "personal identity code",
            "potilas",
        ),
        alone=HIGH,
        near=HIGH,
        check=is_finnish,
        checked_by="control character by modulus 31, and date",
        separators="",
        family=_FAMILY,
    ),
)  # fmt: skip
