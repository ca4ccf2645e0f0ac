"""Numbers of people in the Netherlands, Belgium and Poland, and passports of the European Union."""

from __future__ import annotations

from portal.rules.sensitive.checksums import is_date, varied, weighted
from portal.rules.sensitive.kinds import HIGH, LOW, MEDIUM, NONE, SensitiveType


def is_bsn(value: str) -> bool:
    """The eleven-test, in which the last digit counts minus one."""
    return varied(value) and weighted(value, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def is_belgian(value: str) -> bool:
    """97 less the remainder by 97, with a 2 in front since 2000; BIS numbers have 20 or 40 on the month."""
    month = int(value[2:4]) % 20
    if not (month == 0 or is_date(max(1, int(value[4:6])), month)):
        return False
    check = int(value[9:])
    return varied(value) and check in (97 - int(value[:9]) % 97, 97 - int("2" + value[:9]) % 97)


def is_pesel(value: str) -> bool:
    """Modulus 10 with the weights 1, 3, 7, 9; the century is on the month."""
    month = int(value[2:4]) % 20
    dated = is_date(int(value[4:6]), month)
    return dated and weighted(value, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0


def is_passport(value: str) -> bool:
    return sum(character.isdigit() for character in value) >= 4 and varied(value)


_FAMILY = "Other European countries"
TYPES = (
    SensitiveType(
        "nl-bsn",
        "Citizen service number, BSN (Netherlands)",
        "Burgerservicenummer: nine digits, beside a word that says so.",
        r"\b[0-9]{4}[ .-]?[0-9]{2}[ .-]?[0-9]{3}\b",
        keywords=(
            "bsn", "bsn-nummer", "burgerservicenummer", "sofinummer", "sofi-nummer", "persoonsnummer",
            "citizen service number",
        ),
        alone=NONE,
        near=HIGH,
        check=is_bsn,
        checked_by="eleven-test",
        family=_FAMILY,
    ),
    SensitiveType(
        "be-national-number",
        "National number (Belgium)",
        "Rijksregisternummer, numéro de registre national and BIS number: eleven digits, like 85.07.30-033.28.",
        r"\b[0-9]{2}[. -]?[0-9]{2}[. -]?[0-9]{2}[. -]?[0-9]{3}[. -]?[0-9]{2}\b",
        keywords=(
            "rijksregisternummer", "rijksregister", "insz", "registre national", "numéro national",
            "numéro de registre national",
            "niss", "bis-nummer", "national number", "identiteitskaart",
        ),
        alone=MEDIUM,
        near=HIGH,
        check=is_belgian,
        checked_by="modulus 97 and date",
        family=_FAMILY,
    ),
    SensitiveType(
        "pl-pesel",
        "PESEL (Poland)",
        "Eleven digits.",
        r"\b[0-9]{11}\b",
        keywords=("pesel", "nr pesel", "numer pesel", "dowód osobisty", "pacjent"),
        alone=LOW,
        near=HIGH,
        check=is_pesel,
        checked_by="modulus 10 (weights 1, 3, 7, 9) and date",
        separators="",
        family=_FAMILY,
    ),
    SensitiveType(
        "eu-passport",
        "Passport number (European Union)",
        "Seven to nine letters and digits in the forms of the member states, beside a word for a passport.",
        r"\b(?:[A-Z]{1,3}[0-9]{6,8}|[0-9]{2}[A-Z]{2}[0-9]{5}|"
        r"[CFGHJKLMNPRTVWXYZ][CFGHJKLMNPRTVWXYZ0-9]{8}|[0-9]{8,9})\b",
        keywords=(
            "passport", "passport number", "passport no", "reisepass", "reisepassnummer", "passnummer", "passeport",
            "numéro de passeport", "pasaporte", "passaporto", "passaporte", "paspoort", "paspoortnummer", "paszport",
            "passnr", "pasnummer", "passi", "passin numero", "pass nr", "útlevél", "pașaport", "cestovní pas",
            "putovnica",
            "διαβατήριο",
        ),
        alone=NONE,
        near=MEDIUM,
        check=is_passport,
        separators="",
        family=_FAMILY,
    ),
)  # fmt: skip
