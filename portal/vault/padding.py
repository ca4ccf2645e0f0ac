"""Hiding exact lengths: Padmé padding by zeros (Nikitin et al., "Reducing Metadata Leakage", PoPETs 2019)."""

from __future__ import annotations

from collections.abc import Iterator

_ZEROS = bytes(1 << 16)


def padded_length(length: int) -> int:
    """The Padmé length of `length` bytes: at most 12 % more, and only O(log log n) bits of it show."""
    if length < 2:
        return length
    exponent = length.bit_length() - 1
    free_bits = exponent - exponent.bit_length()
    mask = (1 << free_bits) - 1
    return (length + mask) & ~mask


def padding(length: int) -> Iterator[bytes]:
    """The zeros that follow `length` bytes of content, in pieces of at most 64 KiB."""
    missing = padded_length(length) - length
    while missing > 0:
        piece = _ZEROS[:missing]
        missing -= len(piece)
        yield piece
