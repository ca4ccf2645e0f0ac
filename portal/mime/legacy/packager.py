"""Files that were put into a document by Windows' Packager."""

from __future__ import annotations

import struct

STREAM = "\x01ole10native"


def unwrapped(data: bytes) -> bytes:
    """The file in such a stream ([MS-OLEDS], OLENativeStream, and what the Packager writes there: two names, a path,
    and the bytes); all of it where it is something else."""
    place = 6
    try:
        for _ in range(2):
            place = data.index(b"\0", place) + 1
        (length,) = struct.unpack_from("<I", data, place + 4)
        place += 8 + length
        (length,) = struct.unpack_from("<I", data, place)
    except (ValueError, struct.error):
        return data[4:]
    found = data[place + 4 : place + 4 + length]
    return found if length and len(found) == length else data[4:]
