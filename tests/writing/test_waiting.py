"""What is sent by someone signed out is found again in the same browser after the proof, and nowhere else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from portal.access import back, budgets, cookies, people, sessions
from portal.ingest.models import Spooled
from portal.lifecycle import withdrawing
from portal.vault import unsent
from portal.vault.blobs import store
from portal.vault.models import Approach, Message, Reader, Unsent, UnsentFile
from portal.vault.opening import open_message
from portal.writing import approaches
from tests.mails import JONAS, KARIN, MAYA, mail
from tests.seals import HOST, path_of, reader_of, seal, turn, words

pytestmark = pytest.mark.django_db
SAVED = "What you wrote is saved and not sent yet. Confirm your address, and you will find it here again."
SCRIPT = {"Accept": "application/json"}


@pytest.fixture
def reader() -> Reader:
    return reader_of(seal(mail("[secure] Results", "Can you come on Thursday?"), JONAS, KARIN))


def browser_of(*readers: Reader) -> Client:
    """A browser in which the addresses of these readers were proved before. Nobody is signed in there now."""
    client = Client(HTTP_HOST=HOST)
    client.cookies[cookies.TRUSTED] = token = cookies.new_token()
    for one in readers:
        budgets.trust(cookies.digest(token), bytes(one.address_lookup), timezone.now())
    return client


def sign_in(client: Client, reader: Reader) -> Client:
    client.cookies[cookies.SESSION] = sessions.begin(people.of_reader(reader), reader.message.brand, keep=False)
    return client


def scan(name: str = "scan.pdf") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, b"canary" * 50_000)


def press(client: Client, reader: Reader, do: str = "send", text: str = "On Thursday", **more: Any) -> Any:
    headers = more.pop("headers", None)
    return client.post(f"{path_of(reader)}/reply", {"do": do, "message": text, **more}, headers=headers)


def form(client: Client, reader: Reader) -> str:
    return str(client.get(f"{path_of(reader)}/reply").content.decode())


def test_it_is_found_as_written_with_its_files_in_the_same_tab_and_then_sent(reader: Reader) -> None:
    client = browser_of(reader)
    answer = press(client, reader, files=[scan(), SimpleUploadedFile("list.txt", b"milk")], subject="Re: My knee")
    assert (answer.status_code, answer["Location"]) == (303, f"{path_of(reader)}/reply")
    way_in = client.get(answer["Location"])
    assert SAVED in words(way_in.content)
    assert "Email me a passcode" in words(way_in.content)
    assert "On Thursday" not in way_in.content.decode()
    assert client.cookies[back.COOKIE].value == f"{path_of(reader)}/reply", "the proof leads back to the form"
    assert Spooled.objects.count() == 1, "nothing was sent"
    page = form(sign_in(client, reader), reader)
    assert "On Thursday</textarea>" in page
    assert 'value="Re: My knee"' in page
    assert "scan.pdf" in page
    assert "list.txt" in page
    assert "data-other hidden" in page
    assert Unsent.objects.get().version != unsent.UNWRITTEN, "another window would write over it without a word"
    kept = [file.pk.hex for file in UnsentFile.objects.all()]
    sent = press(client, reader, kept=kept, version=Unsent.objects.get().version.hex, subject="Re: My knee")
    assert "/sent/" in sent["Location"]
    row = turn(Spooled.objects.exclude(pk=reader.message_id).get().pk)
    opened = open_message(reader_of(Message.objects.get(pk=row.pk), MAYA))
    assert b"".join(opened.chunks(opened.toc.files[0])) == b"canary" * 50_000
    assert [file.name for file in opened.toc.files] == ["scan.pdf", "list.txt"]
    assert not Unsent.objects.exists()


def test_nothing_of_it_lies_in_clear_nor_opens_without_the_cookie(reader: Reader) -> None:
    client = browser_of(reader)
    press(client, reader, text="canary " * 20, subject="canary", files=[scan("canary.pdf")])
    row, file = Unsent.objects.get(), UnsentFile.objects.get()
    with store().open(file.pk) as source:
        stored = source.read_at(0, source.size)
    approach = Approach.objects.get()
    for sealed in (bytes(row.words), bytes(file.about), stored, bytes(approach.token)):
        assert b"canary" not in sealed
        assert client.cookies[cookies.TRUSTED].value.encode() not in sealed
    for guess in (client.cookies[cookies.TRUSTED].value, bytes(approach.token).hex()):
        assert approaches.of_token(guess, reader.message.brand, timezone.now()) is None
    assert row.reader_id is None, "it is tied to the reader by its key alone"


@pytest.mark.parametrize("who", ["another browser of theirs", "another reader here", "signed out here"])
def test_nobody_else_finds_it(reader: Reader, who: str) -> None:
    karin = reader_of(reader.message, KARIN)
    client = browser_of(reader, karin)
    press(client, reader, text="The knee hurts", files=[scan()])
    if who == "another browser of theirs":
        page = form(sign_in(browser_of(reader), reader), reader)
    elif who == "another reader here":
        page = form(sign_in(client, karin), karin) + form(client, reader)
    else:
        page = form(client, reader) + form(client, karin)
    assert "The knee hurts" not in page
    assert "scan.pdf" not in page
    assert Approach.objects.get().unsent is not None, "it waits on"


@pytest.mark.parametrize("who", ["no cookie", "unknown cookie", "another's browser"])
def test_of_a_browser_that_never_proved_the_address_nothing_is_kept(reader: Reader, who: str) -> None:
    client = browser_of(reader_of(reader.message, KARIN)) if who == "another's browser" else browser_of()
    if who == "no cookie":
        client.cookies.clear()
    page = press(client, reader, text="Not lost", files=[scan()])
    assert page.status_code == 403
    assert "Your reply was not sent" in words(page.content)
    assert "Not lost</textarea>" in page.content.decode()
    assert press(client, reader, headers=SCRIPT).json()["said"].startswith("This cannot be saved now.")
    assert not Approach.objects.exists()
    assert not Unsent.objects.exists()


def test_whoever_is_signed_in_as_someone_else_here_loses_nothing_either(reader: Reader) -> None:
    karin = reader_of(reader.message, KARIN)
    client = sign_in(browser_of(reader), karin)
    answer = press(client, reader, files=[scan()])
    page = words(client.get(answer["Location"]).content)
    assert "That is a different address" in page
    assert SAVED in page
    assert client.cookies[back.COOKIE].value == f"{path_of(reader)}/reply"
    page = form(sign_in(client, reader), reader)
    assert "On Thursday</textarea>" in page
    assert "scan.pdf" in page


def test_the_same_form_sent_twice_waits_once_and_the_script_is_told(reader: Reader) -> None:
    client = browser_of(reader)
    for _ in range(2):
        press(client, reader, files=[scan()])
    told = press(client, reader, "save", "On Friday", headers=SCRIPT)
    assert (told.status_code, told.json()["said"]) == (403, "You are signed out. Your draft is saved.")
    page = form(sign_in(client, reader), reader)
    assert page.count("<bdi>scan.pdf</bdi>") == 1
    assert "On Friday</textarea>" in page
    assert UnsentFile.objects.count() == 1


def test_a_draft_that_is_newer_stays_beside_it(reader: Reader) -> None:
    client = browser_of(reader)
    saved = press(sign_in(client, reader), reader, "save", "First", headers=SCRIPT).json()
    del client.cookies[cookies.SESSION]
    press(client, reader, text="First and second", version=saved["version"])
    page = form(sign_in(client, reader), reader)
    assert "First and second</textarea>" in page
    assert "data-other hidden" in page, "the form had seen what it went over"
    del client.cookies[cookies.SESSION]
    press(client, reader, text="Third", version=saved["version"])
    page = form(sign_in(client, reader), reader)
    assert "Third</textarea>" in page
    assert "data-other hidden" not in page


def test_what_is_saved_meanwhile_is_not_written_over_and_its_files_come_along(reader: Reader) -> None:
    client = browser_of(reader)
    press(client, reader, text="Old", files=[scan()])
    sign_in(client, reader)
    assert press(client, reader, "save", "New", headers=SCRIPT).status_code == 200
    page = form(client, reader)
    assert "New</textarea>" in page
    assert "scan.pdf" in page
    assert Approach.objects.get().unsent is None


def test_a_look_that_fetches_nothing_changes_nothing(reader: Reader) -> None:
    client = browser_of(reader)
    press(client, reader)
    before = list(Unsent.objects.values())
    sign_in(client, reader).head(f"{path_of(reader)}/reply")
    assert list(Unsent.objects.values()) == before


def test_what_is_refused_is_not_said_to_be_saved(reader: Reader) -> None:
    page = press(browser_of(reader), reader, text="See file", files=[SimpleUploadedFile("setup.exe", b"MZ")])
    assert "Your reply was not sent" in words(page.content)
    assert "See file</textarea>" in page.content.decode()
    assert not Approach.objects.exists()


@pytest.mark.parametrize("answerable", [True, False])
def test_closed_or_withdrawn_meanwhile_the_words_are_still_shown(reader: Reader, answerable: bool) -> None:
    client = browser_of(reader)
    press(client, reader, text="Too late")
    if answerable:
        Message.objects.update(open_until=timezone.now() - timedelta(hours=1))
    else:
        withdrawing.withdraw(reader.message_id, "gone", now=True)
    assert "Too late" not in form(client, reader), "before the proof nothing is shown"
    page = client.get(f"{path_of(sign_in(client, reader) and reader)}/reply")
    assert "Too late</textarea>" in page.content.decode()
    assert page.status_code == (200 if answerable else 410)


def test_it_lies_for_a_day(reader: Reader) -> None:
    client = browser_of(reader)
    press(client, reader)
    Approach.objects.update(made_at=timezone.now() - timedelta(hours=25))
    assert SAVED not in form(client, reader)
    press(client, reader, text="Once more")
    approaches.sweep(timezone.now())
    assert "Once more</textarea>" in form(sign_in(client, reader), reader)


def test_a_form_that_was_open_for_too_long_is_not_lost_to_who_is_signed_out(reader: Reader) -> None:
    client = Client(HTTP_HOST=HOST, enforce_csrf_checks=True)
    page = client.post(
        f"{path_of(reader)}/reply", {"message": "Not lost"}, headers={"Origin": f"http://{HOST}", "Host": HOST}
    )
    assert page.status_code == 403
    assert "Not lost</textarea>" in page.content.decode()
