"""Files of Office 97 to 2003. `samples.zip` beside it holds those that LibreOffice 7.4 made of documents written here.

They are made anew, where LibreOffice is, by `python -m tests.mime.oldoffice`; tests only unpack them. The others are
made byte by byte, as [MS-DOC], [MS-XLS] and [MS-PPT] say, in the container that tests.mime.outlook writes.
"""

from __future__ import annotations

import io
import struct
import subprocess
import tempfile
import zipfile
from functools import cache
from pathlib import Path

import olefile

from portal.reading.rendering.office import PROGRAM
from tests.mime.outlook import Folder, compound

SAMPLES = Path(__file__).parent / "samples.zip"
CARD = "4111 1111 1111 1111"
LETTERS = "Größe “日本”"
ROWS = 400
"""Of a sheet whose texts, of 8 and of 16 bits a letter, do not fit into one record."""

_SPACES = " ".join(
    f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for short, name in (
        ("office", "office"), ("text", "text"), ("table", "table"), ("draw", "drawing"), ("style", "style"),
        ("presentation", "presentation"), ("svg", "svg-compatible"), ("meta", "meta"), ("manifest", "manifest"),
    )
) + ' xmlns:of="urn:oasis:names:tc:opendocument:xmlns:of:1.2" xmlns:dc="http://purl.org/dc/elements/1.1/"'  # fmt: skip
_META = (
    "<office:meta><dc:title>Plan</dc:title><meta:keyword>Secret</meta:keyword>"
    '<meta:user-defined meta:name="MSIP_Label_1_Enabled">true</meta:user-defined></office:meta>'
)


@cache
def sample(name: str) -> bytes:
    with zipfile.ZipFile(SAMPLES) as packed:
        return packed.read(name)


def streams(data: bytes) -> Folder:
    """What lies at the top of a compound file."""
    with olefile.OleFileIO(io.BytesIO(data)) as ole:
        return {path[0]: ole.openstream(path).read() for path in ole.listdir() if len(path) == 1}


# ---------- Word ----------


def doc(pieces: list[tuple[str, bool]], flags: int = 0, version: int = 0xC1) -> bytes:
    """A document of these pieces, each of 16 bits a letter or of 8; the last one lies first, and equal ones once."""
    data, places, places_of_text, descriptions = bytes(1024), {}, [0], b""
    for text, is_wide in reversed(dict.fromkeys(pieces)):
        places[text, is_wide] = len(data)
        data += text.encode("utf-16-le" if is_wide else "cp1252")
    for text, is_wide in pieces:
        places_of_text.append(places_of_text[-1] + len(text))
        where = places[text, is_wide] if is_wide else 2 * places[text, is_wide] | 0x40000000
        descriptions += struct.pack("<HIH", 0, where, 0)
    listed = struct.pack(f"<{len(places_of_text)}I", *places_of_text) + descriptions
    table = bytes(7) + b"\x01\x02\0ab" + b"\x02" + struct.pack("<I", len(listed)) + listed
    head = bytearray(data)
    struct.pack_into("<HH", head, 0, 0xA5EC, version)
    struct.pack_into("<H", head, 0x0A, flags | 0x0200)
    struct.pack_into("<I", head, 0x4C, places_of_text[-1])
    struct.pack_into("<II", head, 0x01A2, 7, len(table) - 7)
    return compound({"WordDocument": bytes(head), "1Table": table})


def old_doc(text: bytes, language: int = 0x0409, *, flags: int = 0, is_short: bool = False) -> bytes:
    """A document of Word 6; with the flag of one that was saved fast, of two pieces whose second half comes first."""
    half = len(text) // 2
    listed = struct.pack("<3IHIHHIH", 0, half, len(text), 0, 768 + len(text) - half, 0, 0, 768, 0)
    head = bytearray(768)
    data = text[half:] + text[:half] if flags & 4 else text
    struct.pack_into("<HH", head, 0, 0xA5DC, 0x65)
    struct.pack_into("<HxxH", head, 0x06, language, flags)
    struct.pack_into("<II", head, 0x18, 768, 768 + len(text))
    struct.pack_into("<I", head, 0x34, len(text) + is_short)
    struct.pack_into("<II", head, 0x0160, 768 + len(text), len(listed) + 5)
    return compound({"WordDocument": bytes(head) + data + b"\2" + struct.pack("<I", len(listed)) + listed})


# ---------- Excel ----------


def record(kind: int, data: bytes) -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def begin(version: int = 0x0600, part: int = 5) -> bytes:
    return record(0x0809, struct.pack("<HH", version, part) + bytes(12))


def xls(records: bytes, *, shared: bytes = b"", version: int = 0x0600, sheet: int | None = None) -> bytes:
    """A workbook of one sheet; `sheet` is where it is said to begin."""
    top = begin(version) + shared
    where = len(top) + (4 + 12 if version == 0x0600 else 4 + 11) + 4 if sheet is None else sheet
    name = b"\x04\0Page" if version == 0x0600 else b"\x04Page"
    top += record(0x0085, struct.pack("<IH", where, 0) + name) + record(0x000A, b"")
    stream = top + begin(version, 0x10) + records + record(0x000A, b"")
    return compound({"Workbook" if version == 0x0600 else "Book": stream.ljust(4096, b"\0")})


# ---------- the samples ----------


def _packed(kind: str, body: str, styles: str = "") -> bytes:
    """An OpenDocument file that LibreOffice opens."""
    head = '<office:document-{} {} office:version="1.2">{}</office:document-{}>'
    files = {"content.xml": head.format("content", _SPACES, f"<office:body>{body}</office:body>", "content")}
    files["meta.xml"] = head.format("meta", _SPACES, _META, "meta")
    if styles:
        files["styles.xml"] = head.format("styles", _SPACES, styles, "styles")
    kind = f"application/vnd.oasis.opendocument.{kind}"
    entry = '<manifest:file-entry manifest:full-path="{}" manifest:media-type="{}"/>'
    listed = entry.format("/", kind) + "".join(entry.format(name, "text/xml") for name in files)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as packed:
        packed.writestr("mimetype", kind)
        for name, text in files.items():
            packed.writestr(name, text)
        packed.writestr(
            "META-INF/manifest.xml", f'<manifest:manifest {_SPACES} manifest:version="1.2">{listed}</manifest:manifest>'
        )
    return made.getvalue()


def _letter() -> bytes:
    note = '<text:note text:note-class="footnote"><text:note-body><text:p>A footnote.</text:p></text:note-body>'
    remark = "<office:annotation><dc:creator>Ada</dc:creator><text:p>A remark.</text:p></office:annotation>"
    cells = "".join(f"<table:table-cell><text:p>{word}</text:p></table:table-cell>" for word in ("left", "right"))
    columns = '<table:table-column table:number-columns-repeated="2"/>'
    table = f"<table:table>{columns}<table:table-row>{cells}</table:table-row></table:table>"
    styles = (
        '<office:automatic-styles><style:page-layout style:name="P"/></office:automatic-styles><office:master-styles>'
        '<style:master-page style:name="Standard" style:page-layout-name="P"><style:header><text:p>A header.</text:p>'
        "</style:header></style:master-page></office:master-styles>"
    )
    body = f"<office:text><text:p>Card {CARD}, {LETTERS}.{note}</text:note>{remark}</text:p>{table}</office:text>"
    return _packed("text", body, styles)


def _list() -> bytes:
    def cell(text: str, kind: str = "string", more: str = "") -> str:
        said = f'office:value="{text}"' if kind == "float" else f'office:string-value="{text}"'
        return f'<table:table-cell office:value-type="{kind}" {said} {more}><text:p>{text}</text:p></table:table-cell>'

    first = "".join(
        (
            cell(LETTERS),
            cell("219099998", "float"),
            cell("4111111111111111", "float"),
            cell("12", "float"),
            cell("0.07", "float"),
            cell(CARD),
            cell("2", "float", 'table:formula="of:=1+1"'),
        )
    )
    remark = "<office:annotation><text:p>A remark.</text:p></office:annotation></table:table-cell>"
    first = first.replace("</table:table-cell>", remark, 1)
    rows = "".join(f"<table:table-row>{cell(row(number))}</table:table-row>" for number in range(ROWS))
    sheets = (("Cards of 2003", f"<table:table-row>{first}</table:table-row>"), ("Long one", rows))
    body = "".join(f'<table:table table:name="{name}">{held}</table:table>' for name, held in sheets)
    return _packed("spreadsheet", f"<office:spreadsheet>{body}</office:spreadsheet>")


def row(number: int) -> str:
    return f"{'日' if number % 5 == 0 else 'ü'} row {number} {'x' * (number % 50)}."


def _talk() -> bytes:
    box = '<draw:frame {} svg:x="1cm" svg:y="1cm" svg:width="9cm" svg:height="5cm"><draw:text-box>{}</draw:text-box>'
    slide = box.format("", f"<text:p>Card {CARD}</text:p><text:p>{LETTERS}</text:p>")
    notes = box.format('presentation:class="notes"', "<text:p>A note.</text:p>")
    body = (
        '<office:presentation><draw:page draw:name="one" draw:master-page-name="Standard">'
        f"{slide}</draw:frame><presentation:notes>{notes}</draw:frame></presentation:notes></draw:page>"
        "</office:presentation>"
    )
    return _packed("presentation", body)


def _make() -> None:
    """Starts LibreOffice four times; its first start only makes a profile."""
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(SAMPLES, "w", zipfile.ZIP_DEFLATED, True, 9) as held:
        place = Path(folder)
        for name, data in (("letter.odt", _letter()), ("list.ods", _list()), ("talk.odp", _talk())):
            (place / name).write_bytes(data)
        for ending, name in (("doc", "letter.odt"), ("doc", "letter.odt"), ("xls", "list.ods"), ("ppt", "talk.odp")):
            command = [PROGRAM, f"-env:UserInstallation=file://{place}/profile", "--headless", "--norestore"]
            command += ["--convert-to", ending, "--outdir", folder, str(place / name)]
            subprocess.run(command, check=False)
        for name in ("letter.doc", "list.xls", "talk.ppt"):
            held.write(place / name, name)


if __name__ == "__main__":
    _make()
