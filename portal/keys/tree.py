"""The puncturable tree: one key from which every leaf can be derived, except those that were punched out for good.

GGM tree as in Aviram, Gellert, Jager, "Session resumption protocols and efficient forward security for TLS 1.3 0-RTT"
(Journal of Cryptology 2021). Child i of a node is HMAC-SHA256(node, "letterlock/v1/node" | u8 i). A leaf is eleven
steps of 4 bits below the root: message number (32 bits), then reader number (12 bits).

What is stored is the nodes from which everything living derives: fixed-size records, sorted by path and never one above
another, so a leaf's node is found by bisection however many there are, and nothing is parsed.
"""

from __future__ import annotations

import hmac
import os
from bisect import bisect_left
from collections.abc import Iterable
from typing import NamedTuple, Self

from portal.keys.errors import KeyDestroyed, KeyringDamaged

NODE_SIZE = 32
FAN_OUT = 16
LEVELS = 11
MESSAGE_LEVEL = 8  # a node here holds all readers of one message
NUMBER_BITS = 32
READER_BITS = 12
_MAGIC = b"LLT1"
_PATH_SIZE = 6  # 44 bits of path, left-aligned and zero-filled below the node's level, then 4 bits of level
_RECORD = _PATH_SIZE + NODE_SIZE
_STEPS = tuple(b"letterlock/v1/node" + bytes((child,)) for child in range(FAN_OUT))


class _Span(NamedTuple):
    """The leaves [low, high) under one node, by their 44-bit paths."""

    low: int
    high: int


class Tree:
    """An immutable set of nodes; a puncture gives a new tree. Its repr shows no key."""

    __slots__ = ("_count", "_records")

    def __init__(self, records: bytes) -> None:
        self._records = records
        self._count = len(records) // _RECORD

    @classmethod
    def fresh(cls) -> Self:
        """A new tree with every leaf alive."""
        return cls(_record(0, 0, os.urandom(NODE_SIZE)))

    def leaf(self, number: int, reader: int) -> bytes:
        """The 32-byte key of one message and reader. KeyDestroyed when it was punctured."""
        (leaf,) = self.leaves([(number, reader)])
        if leaf is None:
            raise KeyDestroyed
        return leaf

    def leaves(self, places: Iterable[tuple[int, int]]) -> list[bytes | None]:
        """The keys of many messages' readers, in the order asked for; None for one that was punctured.

        Cheapest in the order of message, then reader: neighbours share most of their way down (8 µs, not 20, a leaf).
        """
        found: list[bytes | None] = []
        way = [b""] * (LEVELS + 1)  # the nodes met on the way down to `last`, from level `top` on
        last, top = -1, LEVELS
        for number, reader in places:
            path = _path(number, reader)
            if last >= 0 and (path ^ last) >> 4 * (LEVELS - top) == 0:
                level = max(top, LEVELS - -(-(path ^ last).bit_length() // 4))
            elif (at := self._holding(path)) is None:
                found.append(None)
                continue
            else:
                level = top = self._place(at)[1]
                way[top] = self._node(at)
            for down in range(level, LEVELS):
                way[down + 1] = hmac.digest(way[down], _STEPS[path >> 4 * (LEVELS - 1 - down) & 0xF], "sha256")
            last = path
            found.append(way[LEVELS])
        return found

    def punctured(self, number: int, reader: int | None) -> Tree:
        """This tree without one leaf, or without a whole message when `reader` is None; what is gone stays gone."""
        return self.punctured_all([(number, reader)])

    def punctured_all(self, targets: Iterable[tuple[int, int | None]]) -> Tree:
        """This tree without all `targets`, in one pass over it."""
        spans = _outermost(_target(number, reader) for number, reader in targets)
        pieces: list[bytes] = []
        done = 0  # records before this one are in `pieces`, or dead
        position = 0
        while position < len(spans):
            first, end = self._overlapping(spans[position])
            following = position + 1
            pieces.append(self._records[done * _RECORD : first * _RECORD])
            if end - first == 1:
                # One node above or at the target, and perhaps above targets after it: what lives below takes its place.
                path, level = self._place(first)
                following = bisect_left(spans, _span(path, level).high, lo=following, key=_low)
                _living(path, level, self._node(first), spans[position:following], pieces)
            # Otherwise parts of the target were punctured before: the records in between are the rest of it, and drop.
            done = end
            position = following
        pieces.append(self._records[done * _RECORD :])
        return Tree(b"".join(pieces))

    def only(self, numbers: Iterable[int]) -> Tree:
        """This tree with nothing alive but what lives of these messages."""
        pieces: list[bytes] = []
        for number in sorted(set(numbers)):
            span = _target(number, None)
            first, end = self._overlapping(span)
            if end - first == 1 and self._place(first)[1] < MESSAGE_LEVEL:
                pieces.append(_record(span.low, MESSAGE_LEVEL, self._below(first, span.low, MESSAGE_LEVEL)))
            else:
                pieces.append(self._records[first * _RECORD : end * _RECORD])
        return Tree(b"".join(pieces))

    def encode(self) -> bytes:
        """ "LLT1", then the records: path and level (6 bytes), node (32 bytes)."""
        return _MAGIC + self._records

    @classmethod
    def decode(cls, content: bytes) -> Self:
        """The tree of an authenticated keyring object; only its outline is checked, so reading costs no parsing."""
        if content[: len(_MAGIC)] != _MAGIC or (len(content) - len(_MAGIC)) % _RECORD:
            raise KeyringDamaged
        return cls(content[len(_MAGIC) :])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tree) and self._records == other._records

    __hash__ = None  # type: ignore[assignment]  # nothing with keys in it belongs into a set

    def __len__(self) -> int:
        return self._count

    def __repr__(self) -> str:
        return f"<Tree of {self._count} nodes>"

    def _place(self, at: int) -> tuple[int, int]:
        """Path (44 bits, zero-filled) and level of a record."""
        key = int.from_bytes(self._records[at * _RECORD : at * _RECORD + _PATH_SIZE], "big")
        return key >> 4, key & 0xF

    def _node(self, at: int) -> bytes:
        return self._records[at * _RECORD + _PATH_SIZE : (at + 1) * _RECORD]

    def _below(self, at: int, path: int, level: int) -> bytes:
        """The node at `path` and `level`, which hangs below the record at `at`."""
        node = self._node(at)
        shift, end = 4 * (LEVELS - self._place(at)[1]), 4 * (LEVELS - level)
        while shift > end:
            shift -= 4
            node = hmac.digest(node, _STEPS[path >> shift & 0xF], "sha256")
        return node

    def _holding(self, path: int) -> int | None:
        """The record that a leaf hangs below; None when there is none any more."""
        at = self._up_to(path) - 1
        if at < 0:
            return None
        # Bisection finds the nearest node on the left; whether the leaf hangs below it must be asked.
        above, level = self._place(at)
        return at if (above ^ path) >> 4 * (LEVELS - level) == 0 else None

    def _up_to(self, path: int) -> int:
        """How many records have a path of at most `path`."""
        records = self._records
        wanted = (path << 4 | 0xF).to_bytes(_PATH_SIZE, "big")
        low, high = 0, self._count
        while low < high:
            middle = (low + high) // 2
            start = middle * _RECORD
            if records[start : start + _PATH_SIZE] <= wanted:
                low = middle + 1
            else:
                high = middle
        return low

    def _overlapping(self, span: _Span) -> tuple[int, int]:
        """The records [first, end) that hold leaves of `span`."""
        first = max(0, self._up_to(span.low) - 1)
        if first < self._count and _span(*self._place(first)).high <= span.low:
            first += 1
        return first, self._up_to(span.high - 1)


def _living(path: int, level: int, node: bytes, dead: list[_Span], records: list[bytes]) -> None:
    """Add the records of what lives below a node to `records`; the spans in `dead` are sorted, and overlap the node."""
    if dead[0].low <= path and _span(path, level).high <= dead[0].high:
        return
    width = 1 << 4 * (LEVELS - level - 1)
    done = 0
    for child in range(FAN_OUT):
        low = path + child * width
        child_node = hmac.digest(node, _STEPS[child], "sha256")
        if done == len(dead) or dead[done].low >= low + width:
            records.append((low << 4 | level + 1).to_bytes(_PATH_SIZE, "big") + child_node)
        else:
            start, done = done, bisect_left(dead, low + width, lo=done, key=_low)
            _living(low, level + 1, child_node, dead[start:done], records)


def _path(number: int, reader: int) -> int:
    if not 0 <= number < 1 << NUMBER_BITS or not 0 <= reader < 1 << READER_BITS:
        raise ValueError("a message number has 32 bits and a reader number 12")
    return number << READER_BITS | reader


def _target(number: int, reader: int | None) -> _Span:
    return _span(_path(number, reader or 0), MESSAGE_LEVEL if reader is None else LEVELS)


def _outermost(spans: Iterable[_Span]) -> list[_Span]:
    """Sorted, without those inside another: a reader's leaf in a message that goes whole."""
    kept: list[_Span] = []
    for span in sorted(spans, key=lambda span: (span.low, -span.high)):
        if not kept or span.low >= kept[-1].high:
            kept.append(span)
    return kept


def _span(path: int, level: int) -> _Span:
    return _Span(path, path + (1 << 4 * (LEVELS - level)))


def _low(span: _Span) -> int:
    return span.low


def _record(path: int, level: int, node: bytes) -> bytes:
    return (path << 4 | level).to_bytes(_PATH_SIZE, "big") + node
