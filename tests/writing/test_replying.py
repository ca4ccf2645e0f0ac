"""Answers: taken by the same door as all mail, refused without the right, and never in clear on the disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from portal.delivery.models import Outbound
from portal.ingest.models import Spooled
from portal.keys.service import keys
from portal.vault.models import Message, Reader
from portal.vault.opening import open_message
from portal.writing import uploads
from tests.mails import JONAS, MAYA, mail
from tests.seals import path_of, reader_of, seal, signed_in, turn, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader() -> Reader:
    return reader_of(seal(mail("[secure] Results", "Can you come on Thursday?")))


def upload_folder() -> list[Path]:
    return list((settings.LETTERLOCK.data / "uploads").glob("*"))


def answer(client: Client, reader: Reader, text: str = "Yes.", *files: SimpleUploadedFile, follow: bool = False):  # type: ignore[no-untyped-def]
    return client.post(f"{path_of(reader)}/reply", {"message": text, "files": list(files)}, follow=follow)


def test_an_answer_is_a_sealed_message_of_the_same_conversation(reader: Reader) -> None:
    data = bytes(range(256)) * 3000
    done = answer(signed_in(reader), reader, "Yes,\nThursday.", SimpleUploadedFile("scan ö.pdf", data), follow=True)
    assert "Your reply has been sent" in words(done.content)
    row = turn(Spooled.objects.exclude(pk=reader.message_id).get().pk)
    assert row.state == Spooled.State.DONE
    made = Message.objects.get(pk=row.pk)
    assert made.thread == reader.message.thread
    assert made.direction == Message.Direction.IN
    opened = open_message(reader_of(made, MAYA))
    assert opened.toc.subject == "Re: Results"
    assert opened.body(opened.toc.text).split() == ["Yes,", "Thursday."]
    assert opened.toc.sender.address == JONAS
    assert opened.toc.in_reply_to == open_message(reader).toc.message_id
    assert opened.toc.files[0].name == "scan ö.pdf"
    assert b"".join(opened.chunks(opened.toc.files[0])) == data
    assert open_message(reader_of(made, JONAS)).toc.subject == "Re: Results"


def test_inside_people_get_it_as_mail_and_others_as_a_notice(reader: Reader) -> None:
    answer(signed_in(reader), reader)
    row = turn(Spooled.objects.exclude(pk=reader.message_id).get().pk)
    (outbound,) = Outbound.objects.filter(message=row.pk)
    assert outbound.kind == ("reply" if "aldervalley.example" in settings.LETTERLOCK.inside_domains else "notice")


def test_an_empty_answer_is_not_sent_and_says_so(reader: Reader) -> None:
    page = answer(signed_in(reader), reader, "   ")
    assert page.status_code == 422
    assert "Write a message or add a file." in words(page.content)
    assert Spooled.objects.count() == 1


@pytest.mark.parametrize("name", ["setup.exe", "run.JS", "invoice.pdf.scr"])
def test_programs_are_refused_by_name(reader: Reader, name: str) -> None:
    page = answer(signed_in(reader), reader, "See file", SimpleUploadedFile(name, b"MZ"))
    assert page.status_code == 422
    assert f"{name} was not added: programs are not accepted." in words(page.content)
    assert "See file" in page.content.decode()
    assert Spooled.objects.count() == 1


def test_files_over_the_limit_are_refused_with_the_limit_and_the_text_is_kept(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "REPLY_FILES_BYTES", 100_000)
    page = answer(signed_in(reader), reader, "My words", SimpleUploadedFile("scan.tiff", bytes(100_001)))
    assert page.status_code == 422
    assert "scan.tiff is 100 KB" in words(page.content)
    assert "My words" in page.content.decode()
    assert Spooled.objects.count() == 1
    assert upload_folder() == []


def test_nothing_of_an_upload_is_left_behind(reader: Reader) -> None:
    answer(signed_in(reader), reader, "Yes.", SimpleUploadedFile("a.bin", bytes(500_000)))
    assert upload_folder() == []


def test_an_upload_is_never_in_clear_on_the_disk(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []
    complete = uploads.SealedUploadHandler.file_complete

    def looked_at(handler: uploads.SealedUploadHandler, size: int) -> uploads.SealedUpload:
        made = complete(handler, size)
        assert upload_folder() == []  # it has no name in any folder
        seen.append(handler._sealed.read_at(0, handler._sealed.size))
        return made

    monkeypatch.setattr(uploads.SealedUploadHandler, "file_complete", looked_at)
    answer(signed_in(reader), reader, "Yes.", SimpleUploadedFile("a.bin", b"canary" * 50_000))
    assert len(seen) == 1
    assert len(seen[0]) > 300_000
    assert b"canary" not in seen[0]


@pytest.mark.parametrize("path", ["/m/", "/sign-out/", "reply"])
def test_a_strangers_upload_is_read_and_thrown_away(reader: Reader, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[uploads.Nameless] = []
    begin = uploads.Nameless.__init__

    def noted(file: uploads.Nameless) -> None:
        begin(file)
        kept.append(file)

    monkeypatch.setattr(uploads.Nameless, "__init__", noted)
    where = f"{path_of(reader)}/reply" if path == "reply" else path
    Client(HTTP_HOST="localhost").post(where, {"files": [SimpleUploadedFile("a.bin", bytes(500_000))]})
    assert kept == []
    assert Spooled.objects.count() == 1
    answer(signed_in(reader), reader, "Yes.", SimpleUploadedFile("a.bin", bytes(500_000)))
    assert len(kept) == 1


def test_no_answer_where_the_sender_wants_none_or_to_ones_own_message() -> None:
    message = seal(mail())
    author = reader_of(message, MAYA)
    client = signed_in(author)
    assert f"{path_of(author)}/reply" not in client.get(path_of(author)).content.decode()
    assert client.get(f"{path_of(author)}/reply").status_code == 404
    assert answer(client, author).status_code == 404
    assert Spooled.objects.count() == 1


def test_a_stranger_cannot_answer(reader: Reader) -> None:
    answer(Client(HTTP_HOST="localhost"), reader)
    assert Spooled.objects.count() == 1


def test_an_answer_without_the_csrf_token_is_refused(reader: Reader) -> None:
    client = Client(HTTP_HOST="localhost", enforce_csrf_checks=True)
    client.cookies = signed_in(reader).cookies
    page = answer(client, reader)
    assert page.status_code == 403
    assert Spooled.objects.count() == 1


def test_the_confirmation_belongs_to_who_sent_it(reader: Reader) -> None:
    client = signed_in(reader)
    where = answer(client, reader)["Location"]
    assert client.get(where).status_code == 200
    assert client.get(where[:-4] + "0000").status_code == 404


def test_when_the_door_cannot_take_it_the_words_stay_on_the_page(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    from portal.ingest.errors import SpoolUnavailable
    from portal.ingest.spool import SpoolWriter

    def full(*_: object, **__: object) -> SpoolWriter:
        raise SpoolUnavailable("the disk is full")

    monkeypatch.setattr(SpoolWriter, "begin", full)
    page = answer(signed_in(reader), reader, "Do not lose this")
    assert page.status_code == 503
    assert "Do not lose this" in page.content.decode()
    assert keys().secret("directory")
