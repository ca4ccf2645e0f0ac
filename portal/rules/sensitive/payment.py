"""Payment cards."""

from __future__ import annotations

from portal.rules.sensitive.checksums import luhn, varied
from portal.rules.sensitive.kinds import HIGH, LOW, SensitiveType

# Issuer ranges of ISO/IEC 7812: prefix of so many digits, from, to, and the lengths in use.
_RANGES = (
    (1, 4, 4, (13, 16, 19)),
    (2, 51, 55, (16,)),
    (4, 2221, 2720, (16,)),
    (2, 34, 34, (15,)),
    (2, 37, 37, (15,)),
    (3, 300, 305, (14, 16)),
    (2, 36, 36, (14, 16)),
    (2, 38, 39, (14, 16)),
    (4, 6011, 6011, (16, 19)),
    (3, 644, 649, (16, 19)),
    (2, 65, 65, (16, 19)),
    (2, 62, 62, (16, 17, 18, 19)),
    (4, 3528, 3589, (16, 17, 18, 19)),
    (2, 50, 50, (16, 19)),
    (2, 56, 58, (16, 19)),
    (2, 60, 60, (16, 19)),
    (2, 63, 63, (16, 19)),
    (2, 67, 67, (16, 19)),
    (4, 2200, 2204, (16, 19)),
)


def is_card(value: str) -> bool:
    length = len(value)
    issued = any(low <= int(value[:size]) <= high and length in lengths for size, low, high, lengths in _RANGES)
    return issued and varied(value) and luhn(value)


TYPES = (
    SensitiveType(
        "payment-card",
        "Payment card number",
        "Numbers of cards: Visa, Mastercard, American Express, Diners, Discover, JCB, UnionPay, Maestro, Mir.",
        r"\b(?:6[0-9]{3}(?:[ -][0-9]{4}){3}[ -][0-9]{3}|[2-6][0-9]{3}(?:[ -][0-9]{4}){3}|"
        r"3[0-9]{3}[ -][0-9]{6}[ -][0-9]{4,5}|[2-6][0-9]{12,18})\b",
        keywords=(
            "card", "credit card", "debit card", "card number", "card no", "cc number", "ccn", "cvv", "cvc", "cvv2",
            "visa", "mastercard", "amex", "american express", "discover", "diners", "diners club", "jcb", "unionpay",
            "maestro", "expiry", "expires", "expiration", "exp date", "valid thru", "valid until", "cardholder", "pan",
            "kreditkarte", "kreditkartennummer", "kartennummer", "gültig bis", "kreditkort", "kontokort", "kortnummer",
            "carte bancaire", "carte de crédit", "numéro de carte", "tarjeta", "tarjeta de crédito", "carta di credito",
            "numero carta", "creditcard", "kaartnummer", "karta kredytowa", "numer karty", "luottokortti", "cartão",
            "cartão de crédito",
        ),
        alone=LOW,
        near=HIGH,
        check=is_card,
        checked_by="Luhn check digit (ISO/IEC 7812-1), issuer's range and length",
        family="Payment and banking",
    ),
)  # fmt: skip
