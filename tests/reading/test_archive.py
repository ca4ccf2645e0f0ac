"""All files of a message as one ZIP: whole in every program, of a known length, under names that any disk takes."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tracemalloc
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from portal.access import sessions
from portal.access.models import Session
from portal.audit.models import Entry
from portal.audit.record import timeline
from portal.reading import archive, files
from portal.reading.archive import Member
from portal.vault.blobs import store
from portal.vault.models import Message, Reader
from tests.mails import JONAS, KARIN, mail
from tests.seals import HOST, path_of, reader_of, seal, signed_in, words

AT = datetime(2026, 11, 17, 13, 48, 30, tzinfo=UTC)
SCAN = os.urandom(700_000)
SECRET = "no new tear"
FILES = [
    ("Report.pdf", "application/pdf", SCAN),
    ("Bericht März.txt", "text/plain", SECRET.encode()),
    ("empty.bin", "application/octet-stream", b""),
]


def member(name: str, *chunks: bytes) -> Member:
    return Member(name, sum(map(len, chunks)), lambda: iter(chunks))


def zipped(*members: Member) -> bytes:
    return b"".join(archive.stream(members, AT))


def read(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        assert opened.testzip() is None
        return {entry.filename: opened.read(entry) for entry in opened.infolist()}


def until_it_breaks(pieces: Iterable[bytes]) -> bytes:
    got = []
    with pytest.raises(ConnectionAbortedError):
        got.extend(pieces)
    return b"".join(got)


# ------------------------------------------------------------------------------------------------------- the format


def test_it_opens_with_its_files_and_is_as_long_as_was_said() -> None:
    members = [member("a.txt", b"one", b"two"), member("leer.bin"), member("Zürich 日本.pdf", SCAN, SCAN)]
    data = zipped(*members)
    assert read(data) == {"a.txt": b"onetwo", "leer.bin": b"", "Zürich 日本.pdf": SCAN * 2}
    assert archive.length(members, AT) == len(data)
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        for entry in opened.infolist():
            assert entry.compress_type == zipfile.ZIP_STORED
            assert entry.date_time == (2026, 11, 17, 13, 48, 30)
            assert bool(entry.flag_bits & 0x800) == (not entry.filename.isascii()), "the UTF-8 flag"


@pytest.mark.parametrize("command", [("unzip", "-t"), ("bsdtar", "-tvf")], ids=lambda command: command[0])
def test_it_opens_in_other_programs(command: tuple[str, ...], tmp_path: Path) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not here")
    path = tmp_path / "all.zip"
    path.write_bytes(zipped(member("a.txt", b"one"), member("Zürich.pdf", SCAN), member("leer.bin")))
    done = subprocess.run([*command, path], capture_output=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr


def test_what_is_too_large_to_know_has_no_length() -> None:
    def never() -> Iterator[bytes]:
        raise AssertionError("nothing is read to know a length")

    assert archive.length([Member("a", archive.LARGEST_ANNOUNCED, never)], AT) is not None
    assert archive.length([Member("a", archive.LARGEST_ANNOUNCED, never), Member("b", 1, never)], AT) is None


def test_a_size_that_needs_zip64_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # Python's own limits, lowered: every place where a number may be too large for four bytes comes in.
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 1000)
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 1)
    assert read(zipped(member("a", SCAN), member("b", b"x"), member("c", SCAN))) == {"a": SCAN, "b": b"x", "c": SCAN}


@pytest.mark.parametrize("year", [1, 1979, 2108, 9999])
def test_a_date_that_no_zip_can_hold_becomes_the_nearest_year(year: int) -> None:
    data = b"".join(archive.stream([member("a", b"x")], datetime(year, 2, 28, tzinfo=UTC)))
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        assert opened.infolist()[0].date_time[0] == (1980 if year < 1980 else 2107)


def test_a_file_that_breaks_off_leaves_no_zip() -> None:
    def breaking() -> Iterator[bytes]:
        yield SCAN
        raise ConnectionAbortedError

    got = until_it_breaks(archive.stream([member("a", b"x"), Member("b", 2 * len(SCAN), breaking)], AT))
    assert SCAN[:1000] in got
    assert not zipfile.is_zipfile(io.BytesIO(got))


def test_its_memory_does_not_grow_with_the_files() -> None:
    chunk = bytes(64 * 1024)

    def peak(chunks: int) -> int:
        members = [Member(f"{n}.bin", chunks * len(chunk), lambda: (chunk for _ in range(chunks))) for n in range(3)]
        tracemalloc.start()
        for piece in archive.stream(members, AT):
            assert len(piece) < 2 * len(chunk)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(1)
    assert peak(300) < peak(3) + 64 * 1024 < 1_000_000


# -------------------------------------------------------------------------------------------------------- the names


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (["a.txt", "a.txt", "A.TXT", "a.txt"], ["a.txt", "a (2).txt", "A (3).TXT", "a (4).txt"]),
        (["a.txt", "a (2).txt", "a.txt"], ["a.txt", "a (2).txt", "a (3).txt"]),
        (["STRASSE.pdf", "straße.pdf"], ["STRASSE.pdf", "straße (2).pdf"]),
        (["caf\u00e9.pdf", "cafe\u0301.pdf"], ["café.pdf", "café (2).pdf"]),
        (["../../etc/passwd", "..\\..\\a.exe", "C:\\b.txt", "/c.txt"], ["passwd", "a.exe", "b.txt", "c.txt"]),
        (["CON", "nul.txt", "COM1.pdf", "lpt\u00b9.doc"], ["_CON", "_nul.txt", "_COM1.pdf", "_lpt¹.doc"]),
        (["a\x00b\r\n.txt", "x\u202efdp.exe", "a:b*c?.txt", "end. "], ["ab .txt", "xfdp.exe", "a_b_c_.txt", "end"]),
    ],
)
def test_names_are_safe_and_no_two_are_alike_on_any_disk(given: list[str], wanted: list[str]) -> None:
    assert archive.unique((name, "application/octet-stream") for name in given) == wanted


def test_a_thousand_files_of_one_name_have_a_thousand_names() -> None:
    names = archive.unique([("x" * 500 + ".txt", "text/plain")] * 1000)
    assert len({unicodedata.normalize("NFKC", name).casefold() for name in names}) == 1000
    assert all(len(name.encode()) <= 255 and name.endswith(".txt") for name in names)


# --------------------------------------------------------------------------------------------------------- the page


def body(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def with_files(*, rights: str = "") -> Reader:
    headers = [("X-Letterlock-Protect", f"v=1; {rights}")] if rights else []
    return reader_of(seal(mail("[secure] Scan / März", files=FILES, headers=headers)))


@pytest.mark.django_db
def test_download_all_gives_every_listed_file_and_is_recorded() -> None:
    reader = with_files()
    client, url = signed_in(reader), f"{path_of(reader)}/files"
    page = client.get(path_of(reader))
    assert f'href="{url}"' in page.content.decode()
    assert "Your download starts. It is one ZIP file with 3 files." in page.content.decode()
    answer = client.get(url)
    data = body(answer)
    assert answer.status_code == 200
    assert (answer["Content-Type"], answer["Content-Length"]) == ("application/zip", str(len(data)))
    assert answer["Content-Disposition"] == "attachment; filename=\"M_rz.zip\"; filename*=UTF-8''M%C3%A4rz.zip"
    assert (answer["Cache-Control"], answer["X-Content-Type-Options"]) == ("no-store", "nosniff")
    assert "sandbox" in answer["Content-Security-Policy"]
    assert read(data) == {name: content for name, _, content in FILES}
    told = [e.facts["file"] for e in timeline(reader.message_id) if e.kind == "file.downloaded"]
    assert told == [1, 2, 3]


@pytest.mark.django_db
def test_a_head_says_the_length_and_records_nothing() -> None:
    reader = with_files()
    client, url = signed_in(reader), f"{path_of(reader)}/files"
    head = client.head(url)
    assert body(head) == b""
    assert not Entry.objects.filter(kind="file.downloaded").exists()
    assert int(head["Content-Length"]) == len(body(client.get(url)))


@pytest.mark.django_db
def test_one_file_needs_no_zip_and_a_picture_in_the_text_is_no_file() -> None:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "a@aldervalley.example", JONAS, "[secure] x"
    made.set_content("x")
    made.add_alternative('<p>x <img src="cid:pic"></p>', subtype="html")
    made.get_payload()[1].add_related(b"\x89PNG\r\n\x1a\n", "image", "png", cid="<pic>")  # type: ignore[union-attr,index]
    shown = reader_of(seal(made.as_bytes()))
    assert signed_in(shown).get(f"{path_of(shown)}/files").status_code == 404
    one = reader_of(seal(mail(files=FILES[:1])))
    assert "Download all" not in words(signed_in(one).get(path_of(one)).content)


@pytest.mark.django_db
@pytest.mark.parametrize("rights", ["dl=0", "dl=0; reply=0; fwd=0; print=0"])
def test_without_the_right_to_download_there_is_no_zip_by_any_method(rights: str) -> None:
    reader = with_files(rights=rights)
    client, url = signed_in(reader), f"{path_of(reader)}/files"
    assert url not in client.get(path_of(reader)).content.decode()
    for method in ("get", "head", "post", "put", "delete", "options", "patch"):
        answer = getattr(client, method)(url)
        assert answer.status_code in (404, 405), method
        assert SECRET.encode() not in body(answer)
    assert client.get(url).status_code == 404
    assert not Entry.objects.filter(kind="file.downloaded").exists()


@pytest.mark.django_db
@pytest.mark.parametrize("rights", ["reply=0", "fwd=0", "print=0"])
def test_no_other_right_is_asked_for(rights: str) -> None:
    reader = with_files(rights=rights)
    assert signed_in(reader).get(f"{path_of(reader)}/files").status_code == 200


@pytest.mark.django_db
def test_strangers_and_other_readers_are_told_nothing() -> None:
    reader = with_files()
    url = f"{path_of(reader)}/files"
    karin = signed_in(reader_of(seal(mail(), KARIN), KARIN))
    for client, status in ((Client(HTTP_HOST=HOST), 302), (karin, 404)):
        answer = client.get(url)
        assert answer.status_code == status
        assert SECRET.encode() not in body(answer)


@pytest.mark.django_db
def test_a_missing_file_is_a_page_and_not_half_a_zip() -> None:
    reader = with_files()
    big = Message.objects.get(pk=reader.message_id).blobs.get(name="part/1")
    store()._path(big.id).unlink()
    answer = signed_in(reader).get(f"{path_of(reader)}/files")
    assert answer.status_code == 500
    assert "This message cannot be opened" in words(answer.content)


@pytest.mark.django_db
def test_it_stops_at_the_first_bad_chunk_and_is_then_no_zip() -> None:
    reader = with_files()
    path = store()._path(Message.objects.get(pk=reader.message_id).blobs.get(name="part/1").id)
    raw = bytearray(path.read_bytes())
    raw[400_000] ^= 1
    path.write_bytes(raw)
    answer = signed_in(reader).get(f"{path_of(reader)}/files")
    got = until_it_breaks(answer.streaming_content)  # type: ignore[attr-defined]
    assert 0 < len(got) < 400_000 < int(answer["Content-Length"])
    assert list(timeline(reader.message_id))[-1].kind == "message.damaged"


@pytest.mark.django_db
def test_it_breaks_off_once_the_session_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "WATCH_SECONDS", 0.0)
    reader = with_files()
    stream = iter(signed_in(reader).get(f"{path_of(reader)}/files").streaming_content)  # type: ignore[attr-defined]
    assert len(next(stream)) > 0
    sessions.end(Session.objects.get())
    with pytest.raises(ConnectionAbortedError, match="session was ended"):
        next(stream)
