"""Files for previews, made byte by byte: ordinary ones, and those that a hostile sender would send."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

from PIL import Image

WORDS = "Haemoglobin 142"
HIDDEN = b"CANARY-OF-THE-ORIGINAL-BYTES"
"""In the bytes of a file and on none of its pages."""


def pdf(*pages: str, box: str = "0 0 595 842", extra: bytes = b"", trailer: bytes = b"") -> bytes:
    """A PDF (ISO 32000-1 section 7.5) with one line of text on each page."""
    bodies = [f"BT /F1 24 Tf 72 700 Td ({words}) Tj ET".encode() for words in pages]
    return raw_pdf([b"<</Length %d>>stream\n%b\nendstream" % (len(body), body) for body in bodies], box, extra, trailer)


def raw_pdf(streams: list[bytes], box: str = "0 0 595 842", extra: bytes = b"", trailer: bytes = b"") -> bytes:
    """The same, of the pages' content streams."""
    count = len(streams)
    kids = b" ".join(b"%d 0 R" % (4 + 2 * at) for at in range(count))
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count %d/Kids[%b]>>" % (count, kids),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    for at, stream in enumerate(streams):
        objects.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[%b]/Resources<</Font<</F1 3 0 R>>>>/Contents %d 0 R>>"
            % (box.encode(), 5 + 2 * at)
        )
        objects.append(stream)
    objects += [extra] if extra else []
    made, places = b"%PDF-1.4\n%" + HIDDEN + b"\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(made))
        made += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n%btrailer<</Size %d/Root 1 0 R%b>>\nstartxref\n%d\n%%%%EOF"
    return made + head % (len(objects) + 1, table, len(objects) + 1, trailer, len(made))


def locked_pdf() -> bytes:
    """One that nobody knows the password of."""
    lock = b"<</Filter/Standard/V 1/R 2/P -4/O<%b>/U<%b>>>" % (b"ab" * 32, b"cd" * 32)
    return pdf(WORDS, extra=lock, trailer=b"/Encrypt 6 0 R/ID[<00><00>]")


def pdf_bomb() -> bytes:
    """64 MiB of content in 64 KB."""
    squeezed = zlib.compress(b"0 " * (1 << 25))
    return raw_pdf([b"<</Filter/FlateDecode/Length %d>>stream\n%b\nendstream" % (len(squeezed), squeezed)])


def photo(*, turned: bool = False) -> bytes:
    """A JPEG, 60 by 40, left half red; `turned` says that it is to be shown on its side, and where it was taken."""
    picture = Image.new("RGB", (60, 40), "blue")
    picture.paste((255, 0, 0), (0, 0, 30, 40))
    about = Image.Exif()
    about[0x010E] = HIDDEN.decode()
    if turned:
        about[0x0112] = 6  # Exif 2.3, table 4: the row at the top is the picture's right side
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=95, exif=about)
    return written.getvalue()


def picture_bomb() -> bytes:
    """A PNG of 50,000 by 50,000 points in some hundred bytes (PNG section 11.2.2)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(bytes(9))), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


NAMES = " ".join(
    f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for short, name in (
        ("office", "office"), ("text", "text"), ("draw", "drawing"), ("svg", "svg-compatible"), ("script", "script"),
        ("manifest", "manifest"),
    )
) + ' xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:ooo="http://openoffice.org/2004/office"'  # fmt: skip
LIBRARY = 'xmlns:library="http://openoffice.org/2000/library" library:name="Standard"'
LISTENER = (
    '<office:scripts><office:event-listeners><script:event-listener script:language="ooo:script" '
    'script:event-name="dom:load" xlink:href="vnd.sun.star.script:Standard.M.Main?language=Basic&amp;'
    'location=document"/></office:event-listeners></office:scripts>'
)


def odt(words: str, *, asks: str = "", locked: bool = False) -> bytes:
    """A text document (OpenDocument 1.2). `asks` is an address that a picture of it lies at, and that a macro opens."""
    picture = (
        '<draw:frame svg:width="5cm" svg:height="5cm" text:anchor-type="as-char">'
        f'<draw:image xlink:href="{asks}/picture.png" xlink:type="simple" xlink:show="embed" xlink:actuate="onLoad"/>'
        "</draw:frame>"
    )
    body = f"<text:p>{words}</text:p><text:p>{picture if asks else ''}</text:p>"
    kind = "application/vnd.oasis.opendocument.text"
    lock = '<manifest:encryption-data manifest:checksum=""/>' if locked else ""
    entry = '<manifest:file-entry manifest:full-path="{}" manifest:media-type="{}">{}</manifest:file-entry>'
    files = {
        "mimetype": kind,
        "content.xml": (
            f'<office:document-content {NAMES} office:version="1.2">{LISTENER if asks else ""}<office:body>'
            f"<office:text>{body}</office:text></office:body></office:document-content>"
        ),
    }
    if asks:
        macro = f'Sub Main\nShell("curl", 1, "{asks}/macro")\nx = FileLen("{asks}/macro")\nEnd Sub'
        names = 'xmlns:script="http://openoffice.org/2000/script" script:name="M" script:language="StarBasic"'
        space, name = LIBRARY.split()
        files |= {
            "Basic/script-lc.xml": (
                f'<library:libraries {space}><library:library {name} library:link="false"/></library:libraries>'
            ),
            "Basic/Standard/script-lb.xml": (
                f'<library:library {LIBRARY}><library:element library:name="M"/></library:library>'
            ),
            "Basic/Standard/M.xml": f"<script:module {names}>{macro}</script:module>",
        }
    listed = "".join(entry.format(name, "text/xml", lock) for name in files if name != "mimetype")
    files["META-INF/manifest.xml"] = (
        f'<manifest:manifest {NAMES} manifest:version="1.2">{entry.format("/", kind, "")}{listed}</manifest:manifest>'
    )
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as packed:
        for name, text in files.items():
            packed.writestr(name, text)
    return made.getvalue()
