"""Files that arrive in pieces: resumed where they broke off, checked like the form, sealed, and never half a file."""

from __future__ import annotations

import hashlib
import os
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from portal.ingest.models import Spooled
from portal.vault import arriving, garbage, unsent
from portal.vault.arriving import LEAST_PIECE, MOST_PIECE
from portal.vault.blobs import store
from portal.vault.errors import BlobsUnavailable
from portal.vault.models import Arriving, ArrivingPiece, Message, Reader, Unsent, UnsentFile
from portal.vault.opening import open_message
from portal.writing import forms
from tests.mails import JONAS, KARIN, MAYA, mail
from tests.seals import HOST, path_of, reader_of, seal, signed_in, turn, words

pytestmark = pytest.mark.django_db
PIECE = LEAST_PIECE
SCAN = os.urandom(2 * PIECE + 12_345)


@pytest.fixture
def reader() -> Reader:
    return reader_of(seal(mail("[secure] Results", "Can you come on Thursday?"), JONAS, KARIN))


def begin(client: Client, reader: Reader, size: int = len(SCAN), name: str = "scan.pdf", **more: str) -> Any:
    fields = {"name": name, "type": "application/pdf", "size": str(size), "changed": "1", **more}
    return client.post(f"{path_of(reader)}/reply/files", fields)


def patch(client: Client, place: str, start: int, data: bytes, **headers: str) -> Any:
    told = {"Upload-Offset": str(start), **headers}
    return client.patch(place, data, content_type="application/offset+octet-stream", headers=told)


def whole(client: Client, reader: Reader, data: bytes = SCAN) -> str:
    place = str(begin(client, reader, len(data))["Location"])
    for start in range(0, len(data), PIECE):
        assert patch(client, place, start, data[start : start + PIECE]).status_code == 204
    return place


def blobs() -> set[Any]:
    return {item.blob for item in store().stored()}


def test_it_goes_on_where_it_broke_off_and_is_sent_whole(
    reader: Reader, django_capture_on_commit_callbacks: Any
) -> None:
    before, first = blobs(), signed_in(reader)
    place = begin(first, reader)["Location"]
    assert patch(first, place, 0, SCAN[:PIECE]).status_code == 204
    other_host = signed_in(reader)  # knows nothing but what the database and the store know
    asked = other_host.head(place)
    assert (asked["Upload-Offset"], asked["Upload-Length"]) == (str(PIECE), str(len(SCAN)))
    again = begin(other_host, reader)
    assert again.status_code == 200
    assert (again["Location"], again.json()["have"]) == (place, PIECE)
    patch(other_host, place, PIECE, SCAN[PIECE : 2 * PIECE])
    with django_capture_on_commit_callbacks(execute=True):
        last = patch(other_host, place, 2 * PIECE, SCAN[2 * PIECE :])
    assert last["Upload-Offset"] == str(len(SCAN))
    file = UnsentFile.objects.get()
    assert blobs() - before == {file.pk}, "the pieces are gone"
    assert not Arriving.objects.exists()
    assert first.head(place)["Upload-Offset"] == str(len(SCAN)), "asked after the last piece, it says that all is here"
    done = first.post(f"{path_of(reader)}/reply", {"do": "send", "message": "Here", "kept": [file.pk.hex]})
    assert "/sent/" in done["Location"]
    assert not Unsent.objects.exists(), "it was begun for its file, and that is sent"
    row = turn(Spooled.objects.exclude(pk=reader.message_id).get().pk)
    opened = open_message(reader_of(Message.objects.get(pk=row.pk), MAYA))
    (sent,) = opened.toc.files
    assert sent.name == "scan.pdf"
    assert hashlib.sha256(b"".join(opened.chunks(sent))).digest() == hashlib.sha256(SCAN).digest()


def test_nothing_of_it_lies_anywhere_in_clear(reader: Reader) -> None:
    client, data = signed_in(reader), b"canary" * 50_000
    place = begin(client, reader, 2 * len(data), "canary.txt")["Location"]
    patch(client, place, 0, data)
    (piece,) = ArrivingPiece.objects.all()
    with store().open(piece.pk) as source:
        assert b"canary" not in source.read_at(0, source.size)
    assert b"canary" not in bytes(Arriving.objects.get().about)


def test_a_piece_in_the_wrong_place_is_refused_and_told_the_right_one(reader: Reader) -> None:
    client = signed_in(reader)
    place = begin(client, reader)["Location"]
    patch(client, place, 0, SCAN[:PIECE])
    for start, data in (
        (0, SCAN[:PIECE]),
        (2 * PIECE, SCAN[2 * PIECE :]),
        (PIECE, SCAN[PIECE : PIECE + 10]),
        (PIECE, os.urandom(2 * PIECE)),
    ):
        refused = patch(client, place, start, data)
        assert (refused.status_code, refused["Upload-Offset"]) == (409, str(PIECE))
    assert ArrivingPiece.objects.count() == 1
    assert patch(client, place, PIECE, bytes(MOST_PIECE + 1)).status_code == 413
    assert client.patch(place, b"x", content_type="text/plain", headers={"Upload-Offset": "0"}).status_code == 415
    assert patch(client, place, 0, b"", **{"Upload-Offset": "-1"}).status_code == 400


def test_no_limit_is_passed_by_pieces(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    client = signed_in(reader)
    said = begin(client, reader, 61_000_000, "scan.tiff")
    assert (said.status_code, said.json()["said"]) == (422, "scan.tiff is 61 MB. The limit is 50 MB together.")
    assert not Unsent.objects.exists(), "and no draft is begun for it"
    assert (
        begin(client, reader, 10, "setup.exe").json()["said"] == "setup.exe was not added: programs are not accepted."
    )
    assert begin(client, reader, 30_000_000).status_code == 201
    assert begin(client, reader, 30_000_000, "b.pdf").status_code == 422, "what is on its way counts"
    form = client.post(
        f"{path_of(reader)}/reply", {"do": "save", "message": "x", "files": [SimpleUploadedFile("b", bytes(99))]}
    )
    assert form.status_code == 303
    monkeypatch.setattr(forms, "REPLY_FILES", 2)
    assert "The limit is 2." in begin(client, reader, 10, "c.pdf").json()["said"]
    assert client.post(f"{path_of(reader)}/reply/files", {"name": "d", "size": "x"}).status_code == 400


def test_each_piece_is_checked_as_the_form_is(reader: Reader) -> None:
    client = signed_in(reader)
    place = begin(client, reader)["Location"]
    karin = signed_in(reader_of(reader.message, KARIN))
    stranger = Client(HTTP_HOST=HOST)
    strict = Client(HTTP_HOST=HOST, enforce_csrf_checks=True)
    strict.cookies = client.cookies
    for other in (karin, stranger, strict):
        assert patch(other, place, 0, SCAN[:PIECE]).status_code in (403, 404)
        assert begin(other, reader).status_code in (403, 404)
        assert other.delete(place).status_code in (403, 404)
    own = path_of(reader_of(reader.message, KARIN))
    assert patch(karin, place.replace(path_of(reader), own), 0, SCAN[:PIECE]).status_code == 404, "in her own draft"
    assert client.get(place).status_code == 405
    assert patch(client, place[:-32] + uuid4().hex, 0, SCAN[:PIECE]).status_code == 404
    assert client.post(f"{path_of(reader)}/forward/files", {"name": "a", "size": "1"}).status_code == 404
    assert Arriving.objects.get().have == 0
    Message.objects.update(state=Message.State.WITHDRAWN)
    assert patch(client, place, 0, SCAN[:PIECE]).status_code == 410


def test_it_is_taken_out_with_its_pieces(reader: Reader, django_capture_on_commit_callbacks: Any) -> None:
    before, client = blobs(), signed_in(reader)
    place = begin(client, reader)["Location"]
    patch(client, place, 0, SCAN[:PIECE])
    page = client.get(f"{path_of(reader)}/reply")
    assert "scan.pdf did not arrive whole" in words(page.content), "without scripts it can be seen and taken out"
    with django_capture_on_commit_callbacks(execute=True):
        assert client.delete(place).status_code == 204
    assert blobs() == before
    arrived = whole(client, reader)
    assert UnsentFile.objects.count() == 1
    client.delete(arrived)
    assert not UnsentFile.objects.exists()


def test_what_nobody_goes_on_with_is_swept_and_what_is_on_its_way_is_no_garbage(
    reader: Reader, django_capture_on_commit_callbacks: Any
) -> None:
    before, client, later = blobs(), signed_in(reader), timezone.now() + timedelta(days=2)
    unnamed = garbage.look(store(), later).unnamed  # other tests' own
    patch(client, begin(client, reader)["Location"], 0, SCAN[:PIECE])
    assert garbage.look(store(), later).unnamed == unnamed
    assert arriving.tidy(timezone.now()) == 0
    with django_capture_on_commit_callbacks(execute=True):
        assert arriving.tidy(later) == 1
    assert blobs() == before
    patch(client, begin(client, reader)["Location"], 0, SCAN[:PIECE])
    with django_capture_on_commit_callbacks(execute=True):
        unsent.drop(Unsent.objects.get())
    assert blobs() == before
    assert not ArrivingPiece.objects.exists()


def test_a_store_that_fails_keeps_what_is_there_and_the_last_piece_can_be_tried_again(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object, **__: object) -> None:
        raise BlobsUnavailable

    client = signed_in(reader)
    place = begin(client, reader)["Location"]
    patch(client, place, 0, SCAN[:PIECE])
    with monkeypatch.context() as broken:
        broken.setattr(type(store()), "put", down)
        failed = patch(client, place, PIECE, SCAN[PIECE : 2 * PIECE])
    assert (failed.status_code, client.head(place)["Upload-Offset"]) == (503, str(PIECE))
    patch(client, place, PIECE, SCAN[PIECE : 2 * PIECE])
    with monkeypatch.context() as broken:
        broken.setattr(unsent, "add_file", down)
        assert patch(client, place, 2 * PIECE, SCAN[2 * PIECE :]).status_code == 503
    assert not UnsentFile.objects.exists()
    assert patch(client, place, len(SCAN), b"").status_code == 204, "all is here, and only its end is done again"
    (kept,) = unsent.files_of(open_message(reader), Unsent.objects.get())
    assert b"".join(kept.chunks()) == SCAN


def test_changed_rows_and_lost_blobs_make_no_other_file(reader: Reader) -> None:
    client = signed_in(reader)
    for harm in ("swap", "lost"):
        place = begin(client, reader, 3 * PIECE, changed=harm)["Location"]
        patch(client, place, 0, SCAN[:PIECE])
        patch(client, place, PIECE, SCAN[PIECE : 2 * PIECE])
        one, two = ArrivingPiece.objects.order_by("start")
        if harm == "swap":
            ArrivingPiece.objects.filter(pk=one.pk).update(start=9)
            ArrivingPiece.objects.filter(pk=two.pk).update(start=0)
        else:
            store().delete(two.pk)
        assert patch(client, place, 2 * PIECE, os.urandom(PIECE)).status_code == 404
        assert not UnsentFile.objects.exists()
        assert not Arriving.objects.exists(), "it can be begun again"


def test_files_that_came_beside_words_are_no_other_version_of_them(reader: Reader) -> None:
    client = signed_in(reader)
    place = whole(client, reader)
    saved = client.post(
        f"{path_of(reader)}/reply",
        {"do": "save", "message": "Half", "version": "", "original": "on"},
        headers={"Accept": "application/json"},
    ).json()
    assert saved["other_at"] == "", "no window has written anything before"
    whole(client, reader, os.urandom(10))
    told = client.post(
        f"{path_of(reader)}/reply",
        {"do": "save", "message": "Half a", "version": saved["version"]},
        headers={"Accept": "application/json"},
    ).json()
    assert told["other_at"] == ""
    assert client.head(place).status_code == 200
