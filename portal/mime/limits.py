"""Refuses mail with too many parts, too deep a nesting or too long a header while its bytes stream by."""

import re

from portal.mime.errors import LimitExceeded
from portal.mime.fields import FIELD_START, HEADER_RUN, header_end, parameters, raw_fields

MAX_PARTS = 1000
MAX_DEPTH = 20
MAX_HEADER_BYTES = 256 * 1024

FEW_BYTES = 24 * 1024
"""A body of so few bytes can exceed no limit unless MAX_DEPTH of its lines begin with "--": each container in another
needs a delimiter line around it, and of the shortest messages inside messages, 29 bytes each, there are too few."""
_PIECE = 256 * 1024  # a delimiter line found costs a copy of what follows it, so what is held stays small
_BOUNDARY_BYTES = 200  # a declared boundary is compared this far (RFC 2046 §5.1.1 allows 70)
_LINE_BYTES = 300  # a delimiter line is read this far to see whether it closes
_REST_OF_DELIMITER = re.compile(rb"(--)?[ \t]*+(?:\r?\n|\r?\Z)")
_NESTED = ("message/rfc822", "message/global")
_OPAQUE = ("base64", "quoted-printable")

_CUT_NAME = re.compile(rb"(?!--)[!-9;-~]++[ \t]*+|-")
"""A field name that the limit cuts before its colon: still header, or one byte more would hide all that follows it."""


class Watcher:
    """Counts the delimiter lines of declared boundaries and follows their nesting, in any chunking.

    Feed it every byte of one message, then close it. It holds the top header block, the header block of the part that
    is going by and a tail of a few hundred bytes, or FEW_BYTES of the body. It errs towards counting: a line that
    starts with a live boundary counts even where a strict reader would see text.
    """

    def __init__(self) -> None:
        self._buffer = b""
        self._in_header = True  # of the message, or of a part
        self._scanned = 0  # so much of that header block is known to be complete lines
        self._top: bytes | None = None
        self._live: list[bytes] = []  # boundaries of the containers that are open, outermost first
        self._delimiters: list[bytes] = []  # theirs as lines begin with them, the longest first
        self._longest = 0
        self._parts = 0
        self._messages = 0
        self._following = False  # whether the body is gone through, or may still turn out to be too short for that
        self._failure: LimitExceeded | None = None

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes. Raises LimitExceeded, and again on every later call."""
        if self._failure is not None:
            raise self._failure
        if not (self._in_header or self._live):
            return  # nothing that could count can follow
        for start in range(0, len(chunk), _PIECE):
            piece = chunk if len(chunk) <= _PIECE else chunk[start : start + _PIECE]
            self._buffer += piece
            if self._in_header and b"\n" not in piece and len(self._buffer) <= MAX_HEADER_BYTES:
                continue  # a header line that comes in crumbs is looked at once, when it is whole
            self._advance(final=False)

    def close(self) -> None:
        """Tell that the message is complete. Raises LimitExceeded."""
        if self._buffer.count(b"\n--") >= MAX_DEPTH:
            self._following = True
        self._advance(final=False)
        self._advance(final=True)
        if self._top is None:
            self._top = b""

    def header_block(self) -> bytes | None:
        """The header block of the message without the empty line after it, or None while it is still coming."""
        return self._top

    def _advance(self, final: bool) -> None:
        if self._failure is not None:
            raise self._failure
        try:
            while (
                self._buffer
                and not self._is_harmless()
                and (self._read_header(final) if self._in_header else self._find_delimiter(final))
            ):
                pass
        except LimitExceeded as failure:
            self._failure, self._buffer = failure, b""
            raise

    def _is_harmless(self) -> bool:
        """Whether what has come of the body by now can exceed no limit, as almost all small mail never does."""
        if self._following or self._top is None:
            return False
        self._following = len(self._buffer) > FEW_BYTES
        return not self._following

    def _read_header(self, final: bool) -> bool:
        """Take a whole header block off the buffer; False when more bytes are needed to see its end."""
        buffer = self._buffer
        match = HEADER_RUN.match(buffer, self._scanned, MAX_HEADER_BYTES + 1)
        self._scanned = end = match.end() if match else self._scanned
        if end > MAX_HEADER_BYTES:
            raise LimitExceeded("header", MAX_HEADER_BYTES)
        line = buffer[end : MAX_HEADER_BYTES + 1]
        if b"\n" not in line:  # Not complete. The answer may depend on these bytes alone, not on how they came.
            if len(buffer) <= MAX_HEADER_BYTES:
                if not final:
                    return False
                end, body = header_end(buffer)
            elif FIELD_START.match(line) or _CUT_NAME.fullmatch(line):
                raise LimitExceeded("header", MAX_HEADER_BYTES)
            else:
                body = end
        else:
            body = end + (1 if line.startswith(b"\n") else 2 if line.startswith(b"\r\n") else 0)
        self._begin_body(buffer[:end], buffer[body:])
        return True

    def _begin_body(self, block: bytes, rest: bytes) -> None:
        if self._top is None:
            self._top = block
        self._scanned = 0
        self._in_header = self._learn(block)
        # The line end before a body belongs to a delimiter that may come first (RFC 2046 §5.1.1).
        self._buffer = rest if self._in_header else b"\n" + rest

    def _learn(self, block: bytes) -> bool:
        """Note what a header block declares; True when its body is a message with a header block of its own."""
        fields: dict[str, str] = {}
        for name, value in raw_fields(block):
            fields.setdefault(name.lower(), value)
        kind, settings = parameters(fields.get("content-type", ""))
        if kind.startswith("multipart/") and (boundary := settings.get("boundary", "").rstrip()):
            if len(self._live) >= MAX_DEPTH:
                raise LimitExceeded("depth", MAX_DEPTH)
            self._watch([*self._live, boundary.encode("utf-8", "replace")[:_BOUNDARY_BYTES]])
        if kind in _NESTED and fields.get("content-transfer-encoding", "").lower() not in _OPAQUE:
            self._messages += 1
            if self._messages > MAX_PARTS:  # a chain of messages inside messages needs no delimiter
                raise LimitExceeded("parts", MAX_PARTS)
            return True
        return False

    def _watch(self, live: list[bytes]) -> None:
        self._live = live
        self._delimiters = [b"\n--" + boundary for boundary in sorted(set(live), key=len, reverse=True)]
        self._longest = len(self._delimiters[0]) - 3 if live else 0

    def _next(self) -> tuple[int, bytes] | None:
        """Where the next delimiter line begins and whose it is; of two at one place the longer, for one boundary may
        start with another. Found one by one: a pattern of them would be compiled anew for almost every mail."""
        found: tuple[int, bytes] | None = None
        for delimiter in self._delimiters:
            before = found[0] + len(delimiter) - 1 if found else len(self._buffer)
            if (at := self._buffer.find(delimiter, 0, before)) >= 0:
                found = at, delimiter[3:]
        return found

    def _find_delimiter(self, final: bool) -> bool:
        """Take all up to and with the next delimiter line off the buffer; False when more bytes are needed."""
        if not self._live:
            self._buffer = b""
            return False
        buffer = self._buffer
        found = self._next()
        if found is None:
            self._buffer = b"" if final else buffer[-(self._longest + 2) :]
            return False
        start, whose = found
        end = start + 3 + len(whose)
        line_end = buffer.find(b"\n", end, end + _LINE_BYTES)
        # Wait until the line is seen, and until a longer boundary would have shown.
        needed = min(line_end + 1, end + _LINE_BYTES) if line_end >= 0 else end + _LINE_BYTES
        needed = max(needed, start + 3 + self._longest)
        if not final and len(buffer) < needed:
            self._buffer = buffer[start:]
            return False
        self._take_delimiter(whose, end, line_end, final)
        return True

    def _take_delimiter(self, whose: bytes, end: int, line_end: int, final: bool) -> None:
        buffer = self._buffer
        rest = _REST_OF_DELIMITER.match(buffer, end) if line_end >= 0 or final else None
        place = self._live.index(whose)
        if rest is not None and rest[1]:
            self._watch(self._live[:place])
            self._buffer = buffer[end + 2 :]
            return
        if rest is not None:
            self._watch(self._live[: place + 1])
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise LimitExceeded("parts", MAX_PARTS)
        self._in_header = line_end >= 0
        self._buffer = buffer[line_end + 1 if line_end >= 0 else end :]
