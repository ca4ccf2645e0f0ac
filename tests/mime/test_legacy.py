"""Words of .doc, .xls and .ppt files: all that they show is read, and what cannot be read for certain is refused."""

from __future__ import annotations

import contextlib
import random
import struct
import time
from collections.abc import Callable

import pytest

from portal.mime import compound, embedding, msg
from portal.mime.errors import NotReadable
from portal.mime.gathering import Read
from tests.mime import oldoffice, outlook
from tests.mime.oldoffice import CARD, LETTERS, record, sample

MOST = 1 << 20


def read(data: bytes, most: int = MOST, seconds: float = 60.0) -> Read:
    return embedding.of_compound(data, most, time.monotonic() + seconds)


# ---------- as LibreOffice writes them ----------


def test_a_letter_is_read_with_its_notes_headers_remarks_and_cells() -> None:
    found = read(sample("letter.doc"))
    for words in (f"Card {CARD}, {LETTERS}.", "left\tright", "A footnote.", "A header.", "A remark."):
        assert words in found.text
    assert not (found.truncated or found.locked or found.partly)


def test_cells_of_all_sheets_are_read_with_remarks_and_the_names_of_the_sheets() -> None:
    found = read(sample("list.xls"))
    assert "\t".join([LETTERS, "219099998", "4111111111111111", "12", "0.07", CARD, "2"]) in found.text
    assert all(f"\n{oldoffice.row(number)}\n" in found.text + "\n" for number in range(oldoffice.ROWS))
    assert all(words in found.text for words in ("A remark.", "Cards of 2003", "Long one"))


def test_slides_are_read_with_their_notes() -> None:
    found = read(sample("talk.ppt"))
    assert all(words in found.text for words in (f"Card {CARD}\n{LETTERS}", "A note."))


@pytest.mark.parametrize("name", ["letter.doc", "list.xls", "talk.ppt"])
def test_properties_of_the_document_are_read_and_its_own_ones_too(name: str) -> None:
    assert read(sample(name)).properties == {"title": "Plan", "keywords": "Secret", "msip_label_1_enabled": "true"}


# ---------- what LibreOffice does not write ----------


def test_pieces_of_a_letter_come_in_their_order_and_in_both_widths() -> None:
    data = oldoffice.doc([("Größe €, ", False), ("日本 4111 11", True), ("11 1111\x1e1111\r\x07", False)])
    assert read(data).text.strip() == "Größe €, 日本 4111 1111 1111-1111"


def test_a_letter_of_word_95_is_read_in_the_code_page_of_its_language() -> None:
    assert read(oldoffice.old_doc(b"Card 4111\rend")).text.strip() == "Card 4111\nend"
    assert read(oldoffice.old_doc("Привет".encode("cp1251"), 0x0419)).text.strip() == "Привет"
    assert read(oldoffice.old_doc(b"fast saved", flags=4)).text.strip() == "fast saved"


def cell(kind: int, value: bytes, row: int = 0) -> bytes:
    return record(kind, struct.pack("<HHH", row, 0, 0) + value)


def test_numbers_and_texts_of_every_kind_of_cell_are_read() -> None:
    text = b"\0\0\0\0\0\0\xff\xff"
    upper_half = struct.unpack("<Q", struct.pack("<d", 2.5))[0] >> 32
    data = b"".join(
        (
            cell(0x0204, struct.pack("<HB", 5, 0) + b"label"),
            cell(0x00D6, struct.pack("<HB", 4, 1) + "rich".encode("utf-16-le")),
            cell(0x0203, struct.pack("<d", 4111111111111111)),
            cell(0x027E, struct.pack("<I", 219099998 << 2 | 2)),
            cell(0x027E, struct.pack("<i", -7 << 2 | 3)),
            record(0x00BD, struct.pack("<HHHIHIH", 0, 0, 0, 12 << 2 | 2, 0, upper_half, 1)),
            cell(0x0006, struct.pack("<d", 8.25) + bytes(8)),
            cell(0x0006, text + bytes(8)) + record(0x0207, struct.pack("<HB", 6, 0) + b"result"),
            cell(0x0203, struct.pack("<d", 1), row=1),
        )
    )  # fmt: skip
    cells = ["label", "rich", "4111111111111111", "219099998", "-0.07", "12", "2.5", "8.25", "result"]
    assert "\t".join(cells) + "\n1\n" in read(oldoffice.xls(data)).text


def test_a_shared_text_goes_on_in_the_next_record_in_another_width() -> None:
    first = struct.pack("<II", 2, 2) + struct.pack("<HBHI", 6, 0x0C, 1, 3) + b"card"
    rest = b"\x01" + " \u65e5".encode("utf-16-le") + bytes(4 + 3) + struct.pack("<HB", 2, 0)
    shared = record(0x00FC, first) + record(0x003C, rest) + record(0x003C, b"\0ok")
    cells = cell(0x00FD, struct.pack("<I", 1)) + cell(0x00FD, struct.pack("<I", 0))
    assert "ok\tcard \u65e5" in read(oldoffice.xls(cells, shared=shared)).text


def test_a_workbook_of_excel_95_is_read_in_its_own_code_page() -> None:
    cells = cell(0x0204, struct.pack("<H", 6) + "Привет".encode("cp1251"))
    data = oldoffice.xls(record(0x0042, struct.pack("<H", 1251)) + cells, version=0x0500)
    assert "Привет" in read(data).text
    with pytest.raises(NotReadable):  # boxes with text
        read(oldoffice.xls(record(0x005D, bytes(20)), version=0x0500))


def test_documents_within_a_document_are_read() -> None:
    outer, inner = oldoffice.streams(sample("letter.doc")), oldoffice.streams(sample("list.xls"))
    found = read(outlook.compound({**outer, "ObjectPool": {"_1": {"Workbook": inner["Workbook"]}}}))
    assert "A footnote." in found.text
    assert "219099998" in found.text
    assert not found.partly


def test_cells_of_other_workbooks_are_read_as_they_were_last_seen() -> None:
    held = b"\x02" + struct.pack("<HB", 4, 0) + b"Jane" + b"\x01" + struct.pack("<d", 219099998) + bytes(9)
    assert "Jane\n\n219099998" in read(oldoffice.xls(record(0x005A, bytes(4) + held))).text


def test_what_was_in_a_workbook_before_is_passed_over() -> None:
    held = oldoffice.streams(sample("list.xls"))
    before = held["Workbook"]
    assert isinstance(before, bytes)
    found = read(outlook.compound({**held, "Workbook": before.rstrip(b"\0") + b"\0\0\0\0\x0a\0\0\xff\xff"}))
    assert oldoffice.row(0) in found.text


def test_gaps_between_the_parts_of_a_presentation_are_passed_over_and_comments_read() -> None:
    slide = struct.pack("<HHI", 0, 0x0FBA, 12) + "Remark".encode("utf-16-le")
    tags = struct.pack("<HHI", 0xF, 0x2EE0, len(slide)) + slide
    first = struct.pack("<HHI", 0, 0x138B, len(tags)) + tags
    first += struct.pack("<HHI", 0xF, 0x0428, 6) + b"PK\x03\x04\xff\xff"
    shown = struct.pack("<HHI", 0, 0x0FA8, 5) + b"Slide"
    data = struct.pack("<HHI", 0xF, 0x03E8, len(first)) + first + bytes(27)
    place = len(data)
    data += shown + b"\0\0\xff\xff"
    listed = len(data)
    data += struct.pack("<HHIIII", 0, 0x1772, 12, 2 << 20 | 1, 0, place)
    edit = len(data)
    data += struct.pack("<HHIIIIIIIHH", 0, 0x0FF5, 28, 0, 0, 0, listed, 1, 2, 0, 0)
    user = struct.pack("<HHIIII", 0, 0x0FF6, 20, 20, 0xE391C05F, edit) + bytes(8)
    found = read(outlook.compound({"PowerPoint Document": data, "Current User": user}))
    assert found.text.split() == ["Remark", "Slide"]


def test_what_a_pivot_table_remembers_is_read() -> None:
    texts = record(0x00CD, struct.pack("<HB", 4, 0) + b"Jane") + record(0x00C9, struct.pack("<d", 219099998))
    held = {**oldoffice.streams(sample("list.xls")), "_SX_DB_CUR": {"0001": record(0x00C6, bytes(20)) + texts}}
    assert "Jane\n\n219099998" in read(outlook.compound(held)).text


# ---------- what is not read is said ----------


def changed(name: str, stream: str, place: int, value: bytes) -> bytes:
    """A sample in which some bytes of a stream are others."""
    held = oldoffice.streams(sample(name))
    before = held[stream]
    assert isinstance(before, bytes)
    held[stream] = before[:place] + value + before[place + len(value) :]
    return outlook.compound(held)


LOCKED: dict[str, Callable[[], bytes]] = {
    "Word": lambda: oldoffice.doc([("secret", False)], flags=0x0100),
    "Word 95": lambda: oldoffice.old_doc(b"secret", flags=0x0100),
    "Excel": lambda: oldoffice.xls(b"", shared=record(0x002F, bytes(6))),
    "PowerPoint": lambda: changed("talk.ppt", "Current User", 12, struct.pack("<I", 0xF3D1C4DF)),
    "PowerPoint with its summary": lambda: outlook.compound(
        {**oldoffice.streams(sample("talk.ppt")), "EncryptedSummary": b"x"}
    ),
    "Office of today": lambda: outlook.compound({"EncryptionInfo": b"x", "EncryptedPackage": b"x"}),
    "rights of a server": lambda: outlook.compound({**oldoffice.streams(sample("letter.doc")), "\tDRMContent": b"x"}),
}


@pytest.mark.parametrize("made", LOCKED.values(), ids=list(LOCKED))
def test_what_needs_a_password_is_told(made: Callable[[], bytes]) -> None:
    found = read(made())
    assert found.locked
    assert not found.text.strip("\nPage")


def ppt_with_a_hidden_slide() -> bytes:
    """One of its parts is said to begin in the middle of another."""
    held = oldoffice.streams(sample("talk.ppt"))["PowerPoint Document"]
    assert isinstance(held, bytes)
    place = held.rindex(b"\x72\x17", 0, len(held)) + 6 + 4
    return changed("talk.ppt", "PowerPoint Document", place, struct.pack("<I", 9))


UNCERTAIN: dict[str, Callable[[], bytes]] = {
    "another compound file": lambda: outlook.compound({"Notes": b"words"}),
    "Word before 97 that is none": lambda: oldoffice.doc([("words", False)], version=0x68),
    "Word 95 in another script than it says": lambda: oldoffice.old_doc("Привет".encode("cp1251")),
    "Word 95 cut short": lambda: oldoffice.old_doc(b"words", is_short=True),
    "Word 95 cut short and saved fast": lambda: oldoffice.old_doc(b"words", flags=4, is_short=True),
    "a letter cut short": lambda: changed("letter.doc", "WordDocument", 0x4C, struct.pack("<I", 1 << 20)),
    "a sheet within a record": lambda: oldoffice.xls(b"", sheet=30),
    "a sheet cut short": lambda: changed("list.xls", "Workbook", 22, b"\xff\xff"),
    "a text that is not there": lambda: oldoffice.xls(cell(0x00FD, struct.pack("<I", 9))),
    "a slide within a record": ppt_with_a_hidden_slide,
    "no word of the last edit": lambda: changed("talk.ppt", "Current User", 16, b"\x01"),
    "two streams of one name": lambda: outlook.compound({"WordDocument": b"a", "WORDDOCUMENT": b"b"}),
}


@pytest.mark.parametrize("made", UNCERTAIN.values(), ids=list(UNCERTAIN))
def test_what_cannot_be_read_for_certain_is_refused(made: Callable[[], bytes]) -> None:
    with pytest.raises(NotReadable):
        read(made())


def test_what_is_more_than_is_wanted_or_takes_too_long_is_told_as_cut() -> None:
    assert read(sample("letter.doc"), most=9).text == "Card 4111"
    for name in ("letter.doc", "list.xls", "talk.ppt"):
        assert read(sample(name), most=9).truncated
        assert read(sample(name), seconds=-1).truncated


# ---------- hostile files ----------


@pytest.mark.parametrize("name", ["letter.doc", "list.xls", "talk.ppt"])
def test_damaged_files_are_read_or_refused_in_little_time(name: str) -> None:
    dice, whole = random.Random(name), outlook.compound(oldoffice.streams(sample(name)))
    refused = 0
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(dice.randint(1, 30)):
            place = dice.randrange(len(data))
            data[place : place + 4] = dice.choice((dice.randbytes(4), b"\xff\xff\xff\xff", bytes(4), b"\x3c\0\xff\x1f"))
        del data[dice.choice((len(data), dice.randrange(len(data)))) :]
        started = time.process_time()
        try:
            assert len(read(bytes(data)).text) <= MOST
        except NotReadable:
            refused += 1
        assert time.process_time() - started < 1
    assert 0 < refused < 60


def header(**places: int) -> bytes:
    """A container of one sector that follows itself for ever, with these numbers in its header (MS-CFB §2.2)."""
    data = bytearray(outlook.compound({"a": b"b"}))
    names = {"tables": 44, "directory": 48, "small_first": 60, "small_count": 64, "more_first": 68, "more_count": 72}
    for name, value in places.items():
        struct.pack_into("<I", data, names[name], value)
    table = 512 + 512 * struct.unpack_from("<I", data, 76)[0]
    for sector in range(len(data) // 512 - 1):
        struct.pack_into("<I", data, table + 4 * sector, sector)
    return bytes(data)


BOMBS: dict[str, Callable[[], bytes]] = {
    "tables without end": lambda: header(tables=127 * 10_000_000 + 109, more_count=10_000_000, more_first=0),
    "a table of small sectors without end": lambda: header(small_count=1 << 23),
    "sectors of no size": lambda: outlook.compound({"a": b"b"})[:30] + b"\xff\xff" + bytes(2000),
}


@pytest.mark.parametrize("made", BOMBS.values(), ids=list(BOMBS))
def test_containers_that_would_never_end_are_refused_at_once(made: Callable[[], bytes]) -> None:
    data = made()
    started = time.process_time()
    for open_ in (read, msg.read):
        with pytest.raises(NotReadable):
            open_(data)
    assert time.process_time() - started < 1


def test_very_many_streams_are_not_compared_with_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compound, "MOST_ENTRIES", 100)
    with pytest.raises(NotReadable):
        compound.Compound(outlook.compound({f"{number}": b"" for number in range(100)}))


def test_pieces_that_all_lie_in_one_place_give_no_more_than_is_wanted() -> None:
    many = oldoffice.doc([("x" * 4000, False)] * 5000)
    started = time.process_time()
    assert len(read(many, most=10_000).text) == 10_000
    assert time.process_time() - started < 1


LONG: dict[str, Callable[[], bytes]] = {
    "records that continue": lambda: oldoffice.xls(record(0x003C, b"") * 1_000_000),
    "a text over very many records": lambda: oldoffice.xls(
        b"", shared=record(0x00FC, struct.pack("<IIHBI", 1, 1, 0, 4, 1 << 20)) + record(0x003C, b"x") * 700_000
    ),
    "records": lambda: oldoffice.xls(record(1, b"") * 1_000_000),
}


@pytest.mark.parametrize("made", LONG.values(), ids=list(LONG))
def test_what_is_repeated_a_million_times_ends_with_its_time(made: Callable[[], bytes]) -> None:
    data = made()
    started = time.process_time()
    with contextlib.suppress(NotReadable):
        assert read(data, seconds=0.2).truncated
    assert time.process_time() - started < 1.5
