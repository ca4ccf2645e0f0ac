"""How everything a key is bound to is written down, so that no two inputs read the same."""

from __future__ import annotations


def bound(label: str, *fields: bytes) -> bytes:
    """`label`, then each field after its length (u16, big-endian): every `info` and AAD of the format.

    A label is fixed text of the format and never input. ValueError when a field is longer than 65,535 bytes.
    """
    # Without the lengths ("ab", "c") and ("a", "bc") would bind to the same bytes: a name could borrow from its
    # neighbour, and a stream or wrap could be moved to where those two happen to read alike.
    try:
        return b"".join([label.encode("ascii"), *[len(field).to_bytes(2, "big") + field for field in fields]])
    except OverflowError:
        raise ValueError("a bound field is at most 65,535 bytes") from None
