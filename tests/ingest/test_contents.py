"""What rules see of a mail's files: their words, what they are, and that what cannot be read is said."""

from __future__ import annotations

import io
import time
import zipfile
from email.message import EmailMessage
from typing import Any

import pytest

from portal.ingest import contents
from portal.mime import packages
from portal.mime.reading import read
from portal.rules.contents import Attachment, Contents
from tests import parts
from tests.mime import oldoffice, outlook
from tests.mime.outlook import File, Message
from tests.reading import documents

CARD = "4111 1111 1111 1111"
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def zipped(files: dict[str, str | bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in files.items():
            package.writestr(name, data)
    return held.getvalue()


def docx(body: str, extra: dict[str, str | bytes] | None = None, before: str = "") -> bytes:
    xml = f"<?xml version='1.0'?>{before}<w:document {W}><w:body>{body}</w:body></w:document>"
    return zipped({"[Content_Types].xml": "<Types/>", "word/document.xml": xml, **(extra or {})})


def xlsx() -> bytes:
    shared = "<sst><si><t>Card</t></si><si><r><t>4111 1111 </t></r><r><t>1111 1111</t></r></si></sst>"
    sheet = '<worksheet><sheetData><row><c t="s"><v>0</v></c><c t="s"><v>1</v></c></row>'
    sheet += "<row><c><f>A1+1</f><v>219099998</v></c></row></sheetData></worksheet>"
    return zipped(
        {"[Content_Types].xml": "<Types/>", "xl/sharedStrings.xml": shared, "xl/worksheets/sheet1.xml": sheet}
    )


def mail(*files: tuple[str, bytes], body: str = "See the file.", html: str = "") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "ada@bank.example", "ben@mail.example", "Files"
    message.set_content(body)
    if html:
        message.add_alternative(html, subtype="html")
    for name, data in files:
        message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return message


def held(*files: tuple[str, bytes], body: str = "See the file.", html: str = "") -> Contents:
    return contents.of(read(mail(*files, body=body, html=html).as_bytes()))


def only(name: str, data: bytes) -> Attachment:
    (found,) = held((name, data)).attachments
    return found


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.txt", CARD.encode()),
        ("a.csv", f"name;card\nAda;{CARD}\n".encode("utf-16")),
        ("a.json", b'{"card": "' + CARD.encode() + b'"}'),
        ("a.html", b"<p>4111 <b>1111</b> 1111&nbsp;1111</p>"),
        ("no ending", CARD.encode()),
        ("a.docx", docx("<w:p><w:r><w:t>4111 1111 </w:t></w:r><w:r><w:t>1111 1111</w:t></w:r></w:p>")),
        ("a.xlsx", xlsx()),
        ("a.pptx", zipped({"[Content_Types].xml": "", "ppt/slides/slide1.xml": f"<s><p>{CARD}</p></s>"})),
        ("a.odt", documents.odt(CARD)),
        ("renamed.txt", docx(f"<w:p><w:t>{CARD}</w:t></w:p>")),
        ("a.zip", zipped({"folder/inner.txt": CARD})),
        ("b.zip", zipped({"inner.docx": docx(f"<w:p><w:t>{CARD}</w:t></w:p>")})),
        ("old.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + CARD.encode("utf-16-le") + bytes(600)),
        ("letter.doc", oldoffice.sample("letter.doc")),
        ("list.xls", oldoffice.sample("list.xls")),
        ("talk.ppt", oldoffice.sample("talk.ppt")),
        ("renamed.pdf", oldoffice.sample("list.xls")),
        ("c.zip", zipped({"letter.doc": oldoffice.sample("letter.doc")})),
        ("a.rtf", b"{\\rtf1\\ansi " + CARD.encode() + b"\\par}"),
    ],
)
def test_a_card_number_is_found_in_every_kind_of_file(name: str, data: bytes) -> None:
    found = held((name, data))
    assert found.found(["payment-card"])["payment-card"].count == 1
    assert not found.truncated


def test_words_of_a_pdf_are_read_in_the_sandbox() -> None:
    parts.need("bwrap")
    found = held(("a.pdf", documents.pdf("Page one", f"Card {CARD}")))
    assert found.found(["payment-card"])["payment-card"].count == 1
    assert only("locked.pdf", documents.locked_pdf()).password_protected
    assert only("broken.pdf", b"%PDF-1.7 nothing").unreadable


def test_both_forms_of_the_body_and_the_mails_within_it_are_read() -> None:
    inner = mail(("note.txt", b"inner file"), body=f"inner body {CARD}")
    outer = mail(body="plain words", html="<p>other words</p>")
    outer.add_attachment(inner)
    found = contents.of(read(outer.as_bytes()))
    assert all(words in found.body for words in ("plain words", "other words", f"inner body {CARD}", "Files"))
    assert [part.name for part in found.attachments][-1] == "note.txt"
    assert found.attachments[-1].text.strip() == "inner file"


def message_with(*files: tuple[str, bytes]) -> bytes:
    """In codings, so that nothing of it can be read as it stands."""
    inner = mail(*files, body=f"Größe, inner {CARD}")
    inner.set_content(f"Größe, inner {CARD}", cte="base64") if not files else None
    return inner.as_bytes()


@pytest.mark.parametrize("name", ["a.eml", "a.MHT", "a.msg"])
def test_a_message_in_a_zip_is_read_with_all_that_lies_in_it(name: str) -> None:
    data = message_with()
    if name == "a.msg":
        data = outlook.msg(Message(text=f"inner {CARD}", files=[File("a.txt", b"a file")]))
    found = held(("a.zip", zipped({name: data}))).attachments[1]
    assert f"inner {CARD}" in found.text
    assert not (found.unreadable or found.truncated)
    assert ("a file" in found.text) == (name == "a.msg")


def test_what_cannot_be_read_in_a_message_in_a_zip_makes_it_unreadable() -> None:
    inner = message_with(("a.7z", b"7z\xbc\xaf\x27\x1c" + bytes(100)), ("b.bin", b"MZ" + bytes(100)))
    found = held(("a.zip", zipped({"a.eml": inner}))).attachments[1]
    assert found.unreadable and found.reading.executable
    deep = CARD.encode()
    for _ in range(4):
        deep = message_with(("a.zip", zipped({"a.eml": deep})))
    assert held(("a.zip", zipped({"a.eml": deep}))).attachments[1].unreadable


def test_properties_of_a_document_are_told() -> None:
    core = '<cp:p xmlns:cp="c" xmlns:dc="d"><dc:title>Plan</dc:title><cp:keywords>Secret</cp:keywords></cp:p>'
    custom = '<Properties><property name="MSIP_Label_1_Enabled"><lpwstr>true</lpwstr></property></Properties>'
    found = only("a.docx", docx("<w:p/>", {"docProps/core.xml": core, "docProps/custom.xml": custom}))
    assert dict(found.properties) == {"title": "Plan", "keywords": "Secret", "msip_label_1_enabled": "true"}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.bin", b"MZ\x90\0" + bytes(100)),
        ("invoice.pdf", b"\x7fELF" + bytes(100)),
        ("a", b"\xcf\xfa\xed\xfe" + bytes(100)),
        ("a.txt", b"#!/bin/sh\nrm -rf /\n"),
        ("a.pdf.lnk", b"L\0\0\0\x01\x14\x02\0" + bytes(100)),
        ("setup", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + b"\x84\x10\x0c\0\0\0\0\0\xc0\0\0\0\0\0\0F"),
        ("a.VBS", b"MsgBox 1"),
    ],
)
def test_a_program_is_known_by_its_bytes_or_its_ending(name: str, data: bytes) -> None:
    assert only(name, data).executable
    assert held(("a.zip", zipped({name: data}))).attachments[1].executable


def test_what_is_no_program_is_not_called_one() -> None:
    assert not only("a.txt", b"words").executable
    assert not only("a.docx", docx("<w:p/>")).executable


def locked_zip() -> bytes:
    """The bit that says so, set in both headers (APPNOTE section 4.4.4)."""
    data = bytearray(zipped({"secret.txt": "words"}))
    data[6] |= 1
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.zip", locked_zip()),
        ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le")),
        ("a.odt", documents.odt("words", locked=True)),
        ("a.doc", oldoffice.doc([("words", False)], flags=0x0100)),
        ("a.xls", oldoffice.xls(b"", shared=oldoffice.record(0x002F, bytes(6)))),
    ],
)
def test_what_has_a_password_is_told(name: str, data: bytes) -> None:
    found = held((name, data)).attachments
    assert found[0].password_protected
    assert found[-1].unreadable or found[0].unreadable


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.7z", b"7z\xbc\xaf\x27\x1c" + bytes(100)),
        ("a.bin", bytes(range(32)) * 10),
        ("a.docx", docx("<w:p>&a;</w:p>", before='<!DOCTYPE w [<!ENTITY a "words">]>')),
        ("a.docx", docx("<w:p>")),
        ("a.zip", zipped({"x.txt": "words"})[:-10]),
        ("old.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)),
    ],
)
def test_what_cannot_be_read_is_told(name: str, data: bytes) -> None:
    assert only(name, data).unreadable


def test_rtf_is_read_whatever_it_is_called() -> None:
    data = b"{\\rtf1\\ansi 4111 1111 1111 {\\b 11}\\'31\\'31}"
    for name in ("a.rtf", "a.doc", "a.jpg"):
        assert only(name, data).text.strip() == CARD
        assert not only(name, data).unreadable


@pytest.mark.parametrize("name", ["letter.doc", "list.xls", "talk.ppt"])
def test_an_old_office_file_is_as_readable_as_a_new_one(name: str) -> None:
    found = only(name, oldoffice.sample(name))
    assert not (found.unreadable or found.truncated or found.password_protected)
    assert found.properties["msip_label_1_enabled"] == "true"


def test_a_zip_in_a_zip_is_named_and_told_as_not_read() -> None:
    found = held(("a.zip", zipped({"b.zip": zipped({"c.txt": CARD})}))).attachments
    assert [part.name for part in found] == ["a.zip", "b.zip"]
    assert found[1].unreadable


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of all entries that zipfile makes an object of."""
    names: list[str] = []

    class Counted(zipfile.ZipInfo):
        def __init__(self, filename: str = "NoName", *more: Any, **named: Any) -> None:
            names.append(filename)
            super().__init__(filename, *more, **named)

    monkeypatch.setattr(zipfile, "ZipInfo", Counted)
    return names


@pytest.mark.parametrize("ending", [b"", b"a remark behind it", b"PK\x05\x06 which is no end of a directory"])
def test_the_directory_of_a_zip_with_very_many_files_is_not_even_read(made: list[str], ending: bytes) -> None:
    many = bytearray(zipped({f"{n}/": b"" for n in range(packages.MOST_LISTED + 1)}))
    many[-2:] = len(ending).to_bytes(2, "little")
    made.clear()
    found = held(("a.zip", bytes(many + ending)))
    assert [part.name for part in found.attachments] == ["a.zip"]
    assert found.truncated and not found.are_listed
    assert not made


def test_what_an_end_says_of_its_own_directory_is_not_believed(made: list[str]) -> None:
    many = bytearray(zipped({f"{n}": b"" for n in range(packages.MOST_LISTED + 1)}))
    many[-14:-10] = (1).to_bytes(2, "little") * 2  # how many entries there are
    made.clear()
    assert not held(("a.zip", bytes(many))).are_listed
    assert not made


def test_as_many_files_are_looked_at_as_there_are_and_not_as_many_times_as_there_are(made: list[str]) -> None:
    one = zipped({f"{n}.txt": CARD for n in range(contents.MOST_OF_A_ZIP)})
    made.clear()
    found = held(("a.zip", one))
    assert all(CARD in part.text for part in found.attachments[1:])
    assert not found.truncated and found.are_listed
    assert len(made) <= 3 * contents.MOST_OF_A_ZIP


def test_of_very_many_zips_only_so_many_files_are_listed_and_the_others_said_to_be_cut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(contents, "MOST_OF_ALL_ZIPS", 5)
    found = held(*((f"{n}.zip", zipped({"1.txt": "a", "2.txt": "b"})) for n in range(4)))
    assert len(found.attachments) == 4 + 5
    assert [part.truncated for part in found.attachments if part.name.endswith("zip")] == [False, False, True, True]
    assert found.truncated and not found.are_listed


def test_a_zip_bomb_takes_neither_time_nor_memory_and_is_told_as_cut() -> None:
    bomb = zipped({"a.txt": bytes(packages.MOST_BYTES + 1)})
    started = time.process_time()
    large = docx("", {"word/header1.xml": b"<a>" + b" " * packages.MOST_BYTES + b"</a>"})
    found = held(("a.zip", bomb), ("b.docx", large))
    assert found.truncated
    assert [part.truncated for part in found.attachments] == [False, True, True]
    assert time.process_time() - started < 5


def test_more_text_than_is_read_is_told_as_cut() -> None:
    found = held(("a.txt", b"word " * (2 * 1024 * 1024)))
    assert found.truncated
    assert len(found.attachments[0].text) <= contents.MOST_CHARACTERS


def test_no_file_is_read_for_a_rule_that_asks_for_names_alone() -> None:
    found = held(("a.txt", CARD.encode()))
    assert [(part.extension, part.size, part.executable) for part in found.attachments] == [("txt", len(CARD), False)]
    assert "reading" not in vars(found.attachments[0])
    assert found.attachments[0].text == CARD
    assert "reading" in vars(found.attachments[0])
