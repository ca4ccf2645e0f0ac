"""Small real documents, written by hand: no binary file has to lie in the repository."""

from __future__ import annotations

import hashlib
import io
import math
import struct
import zipfile
from collections.abc import Callable, Iterator

_COMMENT_BYTES = 65_000
_STORED = zipfile.ZIP_STORED
_EPOCH = (2026, 1, 1, 12, 0, 0)


def document(name: str, size: int, title: str) -> tuple[str, bytes]:
    """Media type and bytes of a document named like `name`, `size` bytes long or a little more.

    Raises:
        KeyError: no document of this ending can be made.
    """
    content_type, make = _KINDS[name.rpartition(".")[2].lower()]
    return content_type, make(title, size)


def pdf(title: str, size: int) -> bytes:
    """A PDF 1.4 of one page with a heading; an unused stream makes it as long as asked."""
    show = _winansi(title)
    points = max(8, min(20, 820 // max(1, len(title))))  # a letter is 0.55 of it wide, and a line 451 points
    page = b"BT /F1 %d Tf 72 760 Td (%s) Tj 0 -28 Td /F1 12 Tf (This document is part of a demonstration.) Tj ET" % (
        points,
        show,
    )
    bodies = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        _stream(page),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    missing = size - len(_pdf_file(bodies)) - 120
    if missing > 0:
        bodies.append(_stream(_noise(missing)))
    return _pdf_file(bodies)


def jpeg(title: str, size: int) -> bytes:
    """A baseline grey JPEG (ITU-T T.81) of 512 by 512, one grey for each 8 by 8 block; comments make it long enough."""
    head = b"\xff\xd8" + _segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0") + _segment(0xDB, b"\0" + bytes([8]) * 64)
    head += _segment(0xC0, struct.pack(">BHHB", 8, 8 * _SIDE, 8 * _SIDE, 1) + b"\1\x11\0")
    head += _segment(0xC4, b"\x00" + bytes(_DC_LENGTHS) + bytes(range(12)))
    # The only AC symbol is "end of block": every block is its mean.
    head += _segment(0xC4, b"\x10" + bytes([1] + [0] * 15) + b"\0")
    scan = _segment(0xDA, b"\1\1\0\0\x3f\0") + _entropy(_greys()) + b"\xff\xd9"
    return head + b"".join(_comments(title, size - len(head) - len(scan))) + scan


def docx(title: str, size: int) -> bytes:
    """A word processor document (ECMA-376) of two paragraphs."""
    text = title.replace("&", "&amp;").replace("<", "&lt;")
    paragraphs = "".join(
        f"<w:p><w:r><w:t>{line}</w:t></w:r></w:p>" for line in (text, "This document is part of a demonstration.")
    )
    parts = {
        "[Content_Types].xml": f'{_XML}<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="bin" ContentType="application/octet-stream"/>'
        f'<Override PartName="/word/document.xml" ContentType="{_DOCX}.main+xml"/></Types>',
        "_rels/.rels": f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" '
        f'Type="{_OFFICE}/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/>'
        "</Relationships>",
        "word/document.xml": f'{_XML}<w:document xmlns:w="{_OFFICE}/wordprocessingml/2006/main">'
        f"<w:body>{paragraphs}</w:body></w:document>",
    }
    files = {name: text.encode() for name, text in parts.items()}
    return _zip({**files, "word/media/filling.bin": _noise(max(size - 1600, 0))})


def archive(title: str, size: int) -> bytes:
    """A ZIP of ten pictures."""
    each = size // 10 - 130
    return _zip({f"site-{number:02}.jpg": jpeg(f"{title} {number}", each) for number in range(1, 11)})


_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org"
_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_KINDS: dict[str, tuple[str, Callable[[str, int], bytes]]] = {
    "pdf": ("application/pdf", pdf),
    "jpg": ("image/jpeg", jpeg),
    "docx": (_DOCX, docx),
    "zip": ("application/zip", archive),
}
_SIDE = 64
"""Blocks of the picture along one side."""
_DC_LENGTHS = (0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0)
"""How many DC codes there are of each length, 1 to 16 bits (ITU-T T.81 table K.3)."""


def _noise(length: int) -> bytes:
    """The same bytes each time, which nothing can compress: so a file is as large as it says."""
    return hashlib.shake_128(b"filling").digest(length)


def _winansi(text: str) -> bytes:
    encoded = text.encode("cp1252", "replace")
    return b"".join(b"\\%03o" % c if c in b"()\\" or c > 126 else bytes([c]) for c in encoded)


def _stream(data: bytes) -> bytes:
    return b"<< /Length %d >>\nstream\n%s\nendstream" % (len(data), data)


def _pdf_file(bodies: list[bytes]) -> bytes:
    out = io.BytesIO()
    out.write(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, body in enumerate(bodies, 1):
        places.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    start = out.tell()
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    out.write(b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(bodies) + 1, table))
    out.write(b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(bodies) + 1, start))
    return out.getvalue()


def _segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def _comments(title: str, missing: int) -> Iterator[bytes]:
    yield _segment(0xFE, title.encode()[:200])
    missing -= 4 + len(title.encode()[:200])
    while missing > 4:
        length = min(missing - 4, _COMMENT_BYTES)
        yield _segment(0xFE, _noise(length))
        missing -= length + 4


def _greys() -> Iterator[int]:
    """Something that looks like a scan: two bright rounds and a soft line between them. Levels less 128, as DC is."""
    for y in range(_SIDE):
        for x in range(_SIDE):
            above, below = math.hypot(x - 30, (y - 18) * 0.9), math.hypot(x - 34, (y - 46) * 0.9)
            nearest = min(above, below)
            bright = 105 * math.exp(-((nearest / 15) ** 4)) + 40 * math.exp(-(((y - 32) / 2.5) ** 2))
            yield int(bright * math.exp(-(((x - 32) / 26) ** 6))) - 100


def _entropy(greys: Iterator[int]) -> bytes:
    """Huffman-coded DC differences, each followed by the one-bit end of block (ITU-T T.81 section F.1.2)."""
    codes, code, symbol = {}, 0, 0
    for length, count in enumerate(_DC_LENGTHS, 1):
        for _ in range(count):
            codes[symbol] = (code, length)
            code, symbol = code + 1, symbol + 1
        code <<= 1
    bits, before = [], 0
    for grey in greys:
        difference, before = grey - before, grey
        category = abs(difference).bit_length()
        value = difference if difference >= 0 else difference + (1 << category) - 1
        code, length = codes[category]
        bits.append(f"{code:0{length}b}" + (f"{value:0{category}b}" if category else "") + "0")
    text = "".join(bits)
    text += "1" * (-len(text) % 8)
    data = int(text, 2).to_bytes(len(text) // 8, "big")
    return data.replace(b"\xff", b"\xff\0")


def _zip(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", _STORED) as made:
        for name, data in files.items():
            made.writestr(zipfile.ZipInfo(name, _EPOCH), data)
    return out.getvalue()
