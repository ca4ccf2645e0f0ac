"""Drafts: saved when asked and by themselves, sealed like their message, gone with it, never kept for a stranger."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from branding.models import Brand
from portal.access.models import Session
from portal.ingest.errors import SpoolUnavailable
from portal.ingest.models import Spooled
from portal.ingest.spool import SpoolWriter
from portal.keys.errors import KeyDestroyed
from portal.lifecycle import withdrawing
from portal.vault import garbage, readers, unsent
from portal.vault.blobs import store
from portal.vault.errors import BlobsUnavailable, SealBroken
from portal.vault.models import Message, Reader, Unsent, UnsentFile
from portal.vault.opening import key_for, open_message
from portal.vault.unsent import Words
from tests.access.resealing import reseal
from tests.mails import JONAS, KARIN, MAYA, mail
from tests.seals import HOST, path_of, reader_of, seal, signed_in, turn, words

pytestmark = pytest.mark.django_db
SCRIPT = {"Accept": "application/json"}


@pytest.fixture
def reader() -> Reader:
    return reader_of(seal(mail("[secure] Results", "Can you come on Thursday?"), JONAS, KARIN))


def scan(size: int = 300_000) -> SimpleUploadedFile:
    return SimpleUploadedFile("scan.pdf", b"canary" * (size // 6))


def press(client: Client, reader: Reader, do: str, text: str = "Half a tho", **more: Any) -> Any:
    headers = more.pop("headers", None)
    return client.post(f"{path_of(reader)}/reply", {"do": do, "message": text, **more}, headers=headers)


def form(client: Client, reader: Reader) -> str:
    return str(client.get(f"{path_of(reader)}/reply").content.decode())


def draft(reader: Reader) -> Words:
    return unsent.words_of(open_message(reader), Unsent.objects.get(reader=reader))


def karin() -> bytes:
    return readers.address_lookup(KARIN)


def idle(minutes: int = 31) -> None:
    Session.objects.update(seen_at=timezone.now() - timedelta(minutes=minutes))


def blobs() -> set[Any]:
    return {item.blob for item in store().stored()}


# ------------------------------------------------------------------------------------------------ without any script


def test_it_is_saved_shown_again_and_sent_with_its_file(
    reader: Reader, django_capture_on_commit_callbacks: Any
) -> None:
    client = signed_in(reader)
    before = blobs()
    assert press(client, reader, "save", files=[scan()])["Location"] == f"{path_of(reader)}/reply"
    page = form(client, reader)
    assert "Half a tho</textarea>" in page
    assert "Draft saved" in words(page.encode())
    assert "scan.pdf" in page
    assert "Continue your draft" in words(client.get(path_of(reader)).content)
    (file,) = UnsentFile.objects.all()
    assert blobs() - before == {file.pk}
    with django_capture_on_commit_callbacks(execute=True):
        done = press(client, reader, "send", "Yes.", kept=[file.pk.hex], version=Unsent.objects.get().version.hex)
    assert "/sent/" in done["Location"]
    row = turn(Spooled.objects.exclude(pk=reader.message_id).get().pk)
    opened = open_message(reader_of(Message.objects.get(pk=row.pk), MAYA))
    assert b"".join(opened.chunks(opened.toc.files[0])) == b"canary" * 50_000
    assert not Unsent.objects.exists()
    assert file.pk not in blobs()
    assert "Continue your draft" not in words(client.get(path_of(reader)).content)


def test_nothing_written_is_no_draft(reader: Reader) -> None:
    client = signed_in(reader)
    assert press(client, reader, "save", "  ").status_code == 303
    assert not Unsent.objects.exists()


def test_a_file_is_taken_out_and_the_draft_deleted(reader: Reader, django_capture_on_commit_callbacks: Any) -> None:
    client = signed_in(reader)
    press(client, reader, "save", files=[scan(), SimpleUploadedFile("b.txt", b"b")])
    one, two = UnsentFile.objects.order_by("pk")
    press(client, reader, f"remove-{one.pk.hex}", "More")
    assert set(UnsentFile.objects.values_list("pk", flat=True)) == {two.pk}
    assert one.pk not in blobs()
    assert draft(reader).text == "More"
    with django_capture_on_commit_callbacks(execute=True):
        assert press(client, reader, "delete")["Location"] == path_of(reader)
    assert not Unsent.objects.exists()
    assert two.pk not in blobs()


def test_a_refused_send_keeps_text_and_the_good_files(reader: Reader) -> None:
    client = signed_in(reader)
    page = press(client, reader, "send", "See file", files=[scan(), SimpleUploadedFile("setup.exe", b"MZ")])
    assert page.status_code == 422
    assert "setup.exe was not added" in words(page.content)
    assert UnsentFile.objects.count() == 1
    assert 'name="kept"' in page.content.decode()
    assert draft(reader).text == "See file"


def test_files_of_the_draft_count_against_the_limit(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    from portal.writing import forms

    client = signed_in(reader)
    press(client, reader, "save", files=[scan()])
    monkeypatch.setattr(forms, "REPLY_FILES_BYTES", 400_000)
    page = press(client, reader, "save", files=[scan()])
    assert page.status_code == 422
    assert "The limit is 400 KB together." in words(page.content)
    monkeypatch.setattr(forms, "REPLY_FILES", 1)
    assert "There are too many files." in words(press(client, reader, "save", files=[scan(6)]).content)
    assert UnsentFile.objects.count() == 1


def test_what_cannot_be_sent_is_saved_and_says_so(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> SpoolWriter:
        raise SpoolUnavailable("the disk is full")

    client = signed_in(reader)
    with monkeypatch.context() as broken:
        broken.setattr(SpoolWriter, "begin", full)
        page = press(client, reader, "send", "Do not lose this", files=[scan()])
    assert page.status_code == 503
    assert "Your reply was not sent. It is saved as a draft. Try again." in words(page.content)
    assert draft(reader).text == "Do not lose this"
    assert UnsentFile.objects.count() == 1


def test_where_not_even_that_works_the_page_keeps_it(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: object, **__: object) -> None:
        raise BlobsUnavailable

    client = signed_in(reader)
    monkeypatch.setattr(unsent, "add_file", down)
    page = press(client, reader, "save", "Do not lose this", files=[scan()])
    assert "Your draft was not saved. What you wrote is still here." in words(page.content)
    assert "Do not lose this" in page.content.decode()


# --------------------------------------------------------------------------------------------------- how it is kept


def test_it_is_sealed_and_opens_in_its_own_row_only(reader: Reader) -> None:
    client, karin = signed_in(reader), reader_of(reader.message, KARIN)
    press(client, reader, "save", "canary " * 20, subject="canary", files=[scan()])
    press(signed_in(karin), karin, "save", "Mine")
    row, other = Unsent.objects.get(reader=reader), Unsent.objects.get(reader=karin)
    file = row.files.get()
    with store().open(file.pk) as source:
        stored = source.read_at(0, source.size)
    for sealed in (bytes(row.words), bytes(file.about), stored):
        assert b"canary" not in sealed
        assert b"scan.pdf" not in sealed
    other.words = row.words
    with pytest.raises(SealBroken):
        unsent.words_of(open_message(karin), other)


def test_a_damaged_one_does_not_stand_in_the_way(reader: Reader) -> None:
    client = signed_in(reader)
    press(client, reader, "save", files=[scan(6)])
    Unsent.objects.update(words=b"LLS1 damaged")
    assert client.get(f"{path_of(reader)}/reply").status_code == 200
    assert not Unsent.objects.exists()
    press(client, reader, "save", "Anew")
    assert draft(reader).text == "Anew"


def test_it_belongs_to_one_reader(reader: Reader) -> None:
    karin = reader_of(reader.message, KARIN)
    press(signed_in(reader), reader, "save", "Jonas alone", files=[scan()])
    file = UnsentFile.objects.get()
    client = signed_in(karin)
    assert "Jonas alone" not in form(client, karin)
    press(client, karin, f"remove-{file.pk.hex}", "x")
    press(client, karin, "delete")
    assert UnsentFile.objects.filter(pk=file.pk).exists()
    press(client, karin, "send", "Mine", kept=[file.pk.hex])
    row = turn(Spooled.objects.exclude(pk=reader.message_id).get().pk)
    assert open_message(reader_of(Message.objects.get(pk=row.pk), MAYA)).toc.files == ()


def test_it_goes_with_its_message_and_its_key(reader: Reader, django_capture_on_commit_callbacks: Any) -> None:
    press(signed_in(reader), reader, "save", files=[scan()])
    file = UnsentFile.objects.get()
    with django_capture_on_commit_callbacks(execute=True):
        withdrawing.withdraw(reader.message_id, "gone", now=True)
    assert not Unsent.objects.exists()
    assert file.pk not in blobs()
    reader.refresh_from_db()
    with pytest.raises(KeyDestroyed):
        key_for(reader)


def test_it_goes_with_its_reader_alone(reader: Reader) -> None:
    karin = reader_of(reader.message, KARIN)
    press(signed_in(reader), reader, "save")
    press(signed_in(karin), karin, "save")
    withdrawing.withdraw_reader(reader.message_id, JONAS, "gone", now=True)
    assert [row.reader_id for row in Unsent.objects.all()] == [karin.pk]


def test_a_living_drafts_file_is_no_garbage_and_an_old_draft_is_tidied(
    reader: Reader, django_capture_on_commit_callbacks: Any
) -> None:
    press(signed_in(reader), reader, "save", files=[scan()])
    file, later = UnsentFile.objects.get(), timezone.now() + timedelta(days=2)
    garbage.collect(store(), later, even_most=True)
    assert file.pk in blobs()
    assert unsent.tidy(later) == 0
    with django_capture_on_commit_callbacks(execute=True):
        assert unsent.tidy(timezone.now() + unsent.LIFE + timedelta(hours=1)) == 1
    assert file.pk not in blobs()


def test_without_the_right_nothing_is_kept_and_what_was_begun_is_shut(reader: Reader) -> None:
    author = reader_of(reader.message, MAYA)
    for do in ("save", "send", "delete", "swap", "remove-0"):
        assert press(signed_in(author), author, do).status_code == 404
    assert not Unsent.objects.exists()
    Brand.objects.update(rights={"reply": False})
    shut = reader_of(seal(mail()))
    for do in ("save", "send", "delete", "swap", "remove-0"):
        assert press(signed_in(shut), shut, do).status_code == 404
    client = signed_in(shut)
    idle()
    assert press(client, shut, "save").status_code == 403
    assert not Unsent.objects.exists()
    assert Spooled.objects.count() == 2


# ------------------------------------------------------------------------------------------- by itself, two windows


def test_the_script_is_told_when_and_as_which_version(reader: Reader) -> None:
    client = signed_in(reader)
    told = press(client, reader, "save", "One", headers=SCRIPT).json()
    row = Unsent.objects.get()
    assert told == {"version": row.version.hex, "saved_at": row.saved_at.isoformat(), "other_at": ""}
    again = press(client, reader, "save", "One", version=told["version"], headers=SCRIPT).json()
    assert again == told, "nothing changed, so nothing is written"
    assert press(client, reader, "save", "x" * 500_001, headers=SCRIPT).status_code == 422
    assert draft(reader).text == "One"


def test_two_windows_the_last_write_wins_and_the_other_is_still_there(reader: Reader) -> None:
    client = signed_in(reader)
    first = press(client, reader, "save", "First window", headers=SCRIPT).json()
    second = press(client, reader, "save", "Second window", version=first["version"], headers=SCRIPT).json()
    assert second["other_at"] == ""
    clash = press(client, reader, "save", "First again", version=first["version"], headers=SCRIPT).json()
    assert clash["other_at"] == second["saved_at"]
    page = form(client, reader)
    assert "This draft was changed in another window at" in words(page.encode())
    assert "First again</textarea>" in page
    press(client, reader, "swap", "First again", version=clash["version"])
    assert "Second window</textarea>" in form(client, reader)
    press(client, reader, "swap", "Second window", version=Unsent.objects.get().version.hex)
    assert "First again</textarea>" in form(client, reader)


def test_sending_in_one_window_loses_nothing_of_another(reader: Reader) -> None:
    client = signed_in(reader)
    first = press(client, reader, "save", "First window", headers=SCRIPT).json()
    press(client, reader, "save", "Second window", version=first["version"], headers=SCRIPT)
    press(client, reader, "send", "First window", version=first["version"])
    assert draft(reader).text == "Second window"


# -------------------------------------------------------------------------------------- when the session was over


def test_after_the_session_it_is_kept_and_there_after_the_proof(reader: Reader) -> None:
    client = signed_in(reader)
    idle()
    page = press(client, reader, "send", "Three paragraphs", files=[scan()])
    shown = words(page.content)
    assert "You were signed out because nothing happened for 30 minutes. Your draft is saved." in shown
    assert "Three paragraphs" not in shown
    assert Spooled.objects.count() == 1, "nothing was sent"
    again = form(signed_in(reader), reader)
    assert "Three paragraphs</textarea>" in again
    assert "scan.pdf" in again
    late = press(client, reader, "save", "Later", headers=SCRIPT)
    assert (late.status_code, late.json()["said"]) == (403, "You are signed out. Your draft is saved.")


def test_who_writes_then_reads_nothing_and_takes_nothing_away(reader: Reader) -> None:
    client = signed_in(reader)
    press(client, reader, "save", "Mine", files=[scan()])
    idle()
    for do in ("delete", f"remove-{UnsentFile.objects.get().pk.hex}", "swap", "send"):
        assert "Mine" not in words(press(client, reader, do, "Somebody else's").content)
    row = Unsent.objects.get()
    assert row.files.count() == 1
    assert unsent.words_of(open_message(reader), row).text == "Somebody else's"
    row.words = row.other
    assert unsent.words_of(open_message(reader), row).text == "Mine"


def strangers(reader: Reader) -> list[Client]:
    """Browsers that prove nothing: without a cookie, signed out, of another reader, long over, of too low a level."""
    none, out, other, long_over = Client(HTTP_HOST=HOST), signed_in(reader), None, signed_in(reader)
    out.post("/sign-out/")
    other = signed_in(reader_of(reader.message, KARIN))
    idle()
    Session.objects.filter(pk=Session.objects.earliest("pk").pk).update(ends_at=timezone.now() - timedelta(hours=2))
    reseal()
    return [none, out, other, long_over]


@pytest.mark.parametrize("who", range(4))
def test_of_strangers_nothing_is_kept_and_their_text_is_shown_again(reader: Reader, who: int) -> None:
    page = press(strangers(reader)[who], reader, "send", "Not <b>lost</b>", files=[scan()])
    assert page.status_code == 403
    assert "Your reply was not sent" in words(page.content)
    assert "Not &lt;b&gt;lost&lt;/b&gt;" in page.content.decode()
    assert "Results" not in page.content.decode()
    assert not Unsent.objects.exists()
    assert Spooled.objects.count() == 1


def test_what_is_shown_again_is_the_same_for_every_message_and_nothing_for_no_link(reader: Reader) -> None:
    client = Client(HTTP_HOST=HOST)
    Message.objects.update(open_until=timezone.now() - timedelta(days=1))
    closed = press(client, reader, "send", "Text").status_code
    Message.objects.update(open_until=None)
    assert press(client, reader, "send", "Text").status_code == closed == 403
    dead = client.post("/m/0000000000000000000000/reply", {"message": "Text"})
    assert dead.status_code == 404


def test_a_message_that_closed_meanwhile_gives_the_text_back(reader: Reader) -> None:
    client = signed_in(reader)
    Brand.objects.update(reply_after_days=0)
    Message.objects.update(open_until=timezone.now() - timedelta(seconds=1))
    page = press(client, reader, "send", "Too late")
    assert page.status_code == 410
    assert "Too late</textarea>" in page.content.decode()
    assert not Unsent.objects.exists()
    assert press(client, reader, "save", headers=SCRIPT).status_code == 403
    idle()
    assert press(client, reader, "send", "Too late").status_code == 403
    assert not Unsent.objects.exists()


def test_whoever_writes_the_database_reads_no_draft_of_another_reader_of_the_same_message(reader: Reader) -> None:
    """All who read a message have its key; so each draft says whose it is."""
    press(signed_in(reader), reader, "save", text="The knee hurts", files=[scan()])
    other = Reader.objects.get(message=reader.message, role=Reader.Role.RECIPIENT, address_lookup=karin())
    opened, row = open_message(other), Unsent.objects.get()
    Unsent.objects.update(reader=other)
    row.refresh_from_db()
    with pytest.raises(SealBroken):
        unsent.words_of(opened, row)
    with pytest.raises(SealBroken):
        unsent.files_of(opened, row)
    assert "The knee hurts" not in form(signed_in(other), other)


def test_a_file_of_one_draft_is_none_of_anothers(reader: Reader) -> None:
    other = Reader.objects.get(message=reader.message, role=Reader.Role.RECIPIENT, address_lookup=karin())
    press(signed_in(reader), reader, "save", files=[scan()])
    press(signed_in(other), other, "save")
    UnsentFile.objects.update(unsent=Unsent.objects.get(reader=other))
    with pytest.raises(SealBroken):
        unsent.files_of(open_message(other), Unsent.objects.get(reader=other))


def test_a_draft_of_the_version_before_is_read_and_said_to_be_its_readers_with_the_next_change(reader: Reader) -> None:
    press(signed_in(reader), reader, "save", text="Half")
    opened, row = open_message(reader), Unsent.objects.get()
    before = Words(text="Half").encode(None)[:-1]  # without the item that says whose it is
    row.words = unsent.sealed(opened, row.id, "words", before)
    row.save()
    assert draft(reader).text == "Half"
    assert "Half</textarea>" in form(signed_in(reader), reader)
    unsent.save(opened, reader, unsent.REPLY, Words(text="Half a tho"), row.version)
    with pytest.raises(SealBroken):
        Words.decode(Words(text="x").encode(reader.pk), Unsent.objects.get().pk)
    assert draft(reader).text == "Half a tho"
