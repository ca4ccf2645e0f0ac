"""Check digits by which numbers are told from numbers that only look like them, each with the standard it is from."""

from __future__ import annotations

from collections.abc import Sequence

_VERHOEFF_D = tuple(
    tuple((i + j) % 5 if i < 5 and j < 5 else (i + j) % 5 + 5 if i < 5 else (i - j) % 5 + 5 if j < 5 else (i - j) % 5
          for j in range(10))
    for i in range(10)
)  # fmt: skip
"""The multiplication of the dihedral group D5."""
_VERHOEFF_P = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def digits(value: str) -> list[int]:
    return [ord(character) - 48 for character in value]


def luhn(value: str) -> bool:
    """Mod 10 with every second digit doubled (ISO/IEC 7812-1 annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits(value))):
        doubled = digit * (1 + place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def weighted(value: str, weights: Sequence[int]) -> int:
    """The sum of each digit times its weight."""
    return sum(digit * weight for digit, weight in zip(digits(value), weights, strict=False))


def mod97(value: str) -> int:
    """The remainder by 97 of letters as 10 to 35 and digits (ISO/IEC 7064, MOD 97-10)."""
    return int("".join(str(int(character, 36)) for character in value)) % 97


def mod11_10(value: str) -> bool:
    """Pure system of ISO/IEC 7064, MOD 11,10, with its check digit at the end."""
    product = 10
    for digit in digits(value[:-1]):
        total = (digit + product) % 10 or 10
        product = total * 2 % 11
    return (11 - product) % 10 == int(value[-1])


def verhoeff(value: str) -> bool:
    """Verhoeff's check digit over D5 (Error Detecting Decimal Codes, 1969)."""
    check = 0
    for place, digit in enumerate(reversed(digits(value))):
        for _ in range(place % 8):
            digit = _VERHOEFF_P[digit]
        check = _VERHOEFF_D[check][digit]
    return check == 0


def varied(value: str) -> bool:
    """Whether it is more than one digit over and over, which passes many a checksum and is nobody's number."""
    return len(set(value)) > 1


def is_date(day: int, month: int, year: int = 2000) -> bool:
    """Whether there is such a day; without a year 29 February is one."""
    if not (1 <= month <= 12 and day >= 1):
        return False
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return day <= (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]
