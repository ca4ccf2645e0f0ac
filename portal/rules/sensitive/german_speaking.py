"""Numbers of people in Germany, Austria and Switzerland."""

from __future__ import annotations

from collections import Counter

from portal.rules.sensitive.checksums import digits, is_date, mod11_10, varied, weighted
from portal.rules.sensitive.kinds import HIGH, LOW, MEDIUM, NONE, SensitiveType

_CARD = "[CFGHJKLMNPRTVWXYZ0-9]"


def is_tax_id(value: str) -> bool:
    """MOD 11,10; among the first ten digits one stands twice or three times, and none of the others."""
    repeated = [count for count in Counter(value[:10]).values() if count > 1]
    return value[0] != "0" and len(repeated) == 1 and repeated[0] <= 3 and mod11_10(value)


def is_identity_card(value: str) -> bool:
    """Weights 7, 3, 1 over letters as 10 to 35 (ICAO Doc 9303 part 3, section 4.9); nine alone have no check digit."""
    if not any(character.isdigit() for character in value[1:9]):
        return False
    total = sum(int(character, 36) * (7, 3, 1)[place % 3] for place, character in enumerate(value[:9]))
    return len(value) == 9 or total % 10 == int(value[9])


def is_austrian(value: str) -> bool:
    """Modulus 11 with the fourth digit as check digit; a month of 13 to 15 stands for an unknown one."""
    month = int(value[6:8])
    dated = is_date(int(value[4:6]), month if month < 13 else 1) and month <= 15
    return dated and value[0] != "0" and weighted(value, (3, 7, 9, 0, 5, 8, 4, 2, 1, 6)) % 11 == int(value[3])


def is_swiss(value: str) -> bool:
    """The check digit of EAN-13 (GS1)."""
    held = digits(value)
    return (sum(held[0::2]) + 3 * sum(held[1::2])) % 10 == 0 and varied(value[3:])


_FAMILY = "Germany, Austria, Switzerland"
TYPES = (
    SensitiveType(
        "de-tax-id",
        "Tax identification number (Germany)",
        "Steuer-Identifikationsnummer: eleven digits.",
        r"\b[1-9][0-9](?:[ /]?[0-9]{3}){3}\b",
        keywords=(
            "steuer-id", "steuer id", "steueridentifikationsnummer", "steuer-identifikationsnummer",
            "identifikationsnummer",
            "idnr", "steuernummer", "steuer-idnr", "tax id", "finanzamt", "lohnsteuer",
        ),
        alone=MEDIUM,
        near=HIGH,
        check=is_tax_id,
        checked_by="MOD 11,10 (ISO/IEC 7064) and the rule of the repeated digit",
        family=_FAMILY,
    ),
    SensitiveType(
        "de-identity-card",
        "Identity card number (Germany)",
        "Nine letters and digits of an identity card or passport, beside a word that says so.",
        rf"\b[CFGHJKLMNPRTVWXYZ]{_CARD}{{8}}[0-9]?\b",
        keywords=(
            "personalausweis", "ausweis", "ausweisnummer", "personalausweisnummer", "ausweisnr", "reisepass",
            "passnummer",
            "reisepassnummer", "identity card", "id card",
        ),
        alone=NONE,
        near=HIGH,
        check=is_identity_card,
        checked_by="weights 7, 3, 1 (ICAO Doc 9303), where the check digit is there",
        separators="",
        family=_FAMILY,
    ),
    SensitiveType(
        "at-social-insurance",
        "Social insurance number (Austria)",
        "Sozialversicherungsnummer: four digits and a date of birth.",
        r"\b[1-9][0-9]{3}[ -]?[0-9]{6}\b",
        keywords=(
            "sozialversicherungsnummer", "sv-nummer", "svnr", "sv-nr", "sv nummer", "versicherungsnummer", "e-card",
            "sozialversicherung", "patient",
        ),
        alone=LOW,
        near=HIGH,
        check=is_austrian,
        checked_by="modulus 11 and date",
        family=_FAMILY,
    ),
    SensitiveType(
        "ch-ahv",
        "AHV number (Switzerland)",
        "AHV, AVS or AI number: 756 and ten digits.",
        r"\b756[. -]?[0-9]{4}[. -]?[0-9]{4}[. -]?[0-9]{2}\b",
        keywords=(
            "ahv", "ahv-nummer", "ahvn13", "avs", "avs-nr", "numéro avs", "numero avs", "oasi", "versichertennummer",
            "sozialversicherungsnummer",
        ),
        alone=HIGH,
        near=HIGH,
        check=is_swiss,
        checked_by="check digit of EAN-13",
        family=_FAMILY,
    ),
)  # fmt: skip
