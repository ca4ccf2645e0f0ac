"""Viruses are found by a real ClamAV, in mail before it is sealed and in files before they are taken; without an answer
nothing goes on.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from branding.models import Brand, Department
from portal import values, viruses
from portal.delivery import letters
from portal.delivery.models import Outbound
from portal.ingest import holding
from portal.ingest.models import Spooled
from portal.operations import health
from portal.operations.doctor import parts
from portal.operations.doctor.finding import State
from portal.vault.models import Message
from portal.vault.opening import open_message
from portal.viruses import ScannerAway, TooLargeToScan, Version
from portal.writing import write_to_form
from tests.clamd import EICAR, STREAM_MAX_BYTES, Clamd
from tests.grants import change
from tests.mails import JONAS, MAYA, mail
from tests.seals import default_brand, path_of, put, reader_of, seal, signed_in, turn, words
from tests.servers import free_port

pytestmark = [pytest.mark.django_db, pytest.mark.servers]
PDF = ("report.pdf", "application/pdf", b"%PDF-1.7 all well")
BAD = ("form.doc", "application/msword", EICAR)


@pytest.fixture(scope="module")
def clamd() -> Iterator[Clamd]:
    with Clamd() as running:
        yield running


@pytest.fixture(autouse=True)
def _not_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viruses, "_quiet_until", 0.0)


@pytest.fixture
def scanner(clamd: Clamd, settings: Any) -> Any:
    settings.LETTERLOCK = replace(settings.LETTERLOCK, virus_scanner=clamd.url)
    return settings


@pytest.fixture
def away(settings: Any) -> Any:
    settings.LETTERLOCK = replace(settings.LETTERLOCK, virus_scanner=f"clamd://127.0.0.1:{free_port()}")
    return settings


# ------------------------------------------------------------------------------------------------------ the scanner


def test_it_finds_the_test_virus_across_pieces_and_nothing_else(scanner: Any) -> None:
    assert viruses.find([b"all ", b"well"], 8) == ""
    assert viruses.find([], 0) == ""
    assert viruses.find([EICAR[:20], b"", EICAR[20:]], len(EICAR)) == "Eicar-Test.UNOFFICIAL"


def test_what_is_larger_than_it_takes_is_not_passed_off_as_checked(scanner: Any) -> None:
    with pytest.raises(TooLargeToScan):
        viruses.find([bytes(STREAM_MAX_BYTES)] * 8, 8 * STREAM_MAX_BYTES)


def test_no_answer_is_no_word_and_the_next_are_told_at_once(away: Any) -> None:
    with pytest.raises(ScannerAway):
        viruses.find([b"x"], 1)
    began = time.monotonic()
    for _ in range(50):
        with pytest.raises(ScannerAway):
            viruses.find([b"x"], 1)
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    "answer", [b"", b"stream: Can't allocate memory ERROR\0", b"OK\0", b"stream: OK FOUND", b"x" * 5000]
)
def test_an_answer_that_says_something_else_is_never_taken_for_clean(settings: Any, answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answering() -> None:
            line, _ = server.accept()
            with line:
                line.recv(1024)
                line.sendall(answer)

        thread = threading.Thread(target=answering)
        thread.start()
        url = f"clamd://127.0.0.1:{server.getsockname()[1]}"
        settings.LETTERLOCK = replace(settings.LETTERLOCK, virus_scanner=url)
        with suppress(ScannerAway):
            assert viruses.find([b"x"], 1) != ""
        thread.join()


def test_one_that_says_nothing_is_given_up(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viruses, "ANSWER_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"clamd://127.0.0.1:{server.getsockname()[1]}"
        settings.LETTERLOCK = replace(settings.LETTERLOCK, virus_scanner=url)
        with pytest.raises(ScannerAway):
            viruses.find([b"x"], 1)


@pytest.mark.parametrize(
    "text", ["clamd://", "clamd:run/ctl", "http://host:3310", "clamd://host:x", "clamd://u@h:1", "on"]
)
def test_a_setting_that_names_no_clamd_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"clamd:///run/clamav/clamd\.ctl"):
        values.virus_scanner(text)


# ------------------------------------------------------------------------------------------------- mail on its way


def test_clean_mail_is_sealed_with_the_word_that_it_was_checked(scanner: Any) -> None:
    reader = reader_of(seal(mail(files=[PDF])))
    assert open_message(reader).toc.scanned_at is not None
    assert "No virus found." in words(signed_in(reader).get(path_of(reader)).content)


def test_the_page_of_a_message_inside_says_the_same_of_its_files(scanner: Any, settings: Any) -> None:
    raw = EmailMessage()
    raw["From"], raw["To"], raw["Subject"] = MAYA, JONAS, "[secure] Fwd"
    raw.set_content("See below")
    raw.add_attachment(message_from_bytes(mail(files=[PDF])))
    reader = reader_of(seal(raw.as_bytes()))
    assert "No virus found." in words(signed_in(reader).get(f"{path_of(reader)}/inner/1").content)
    settings.LETTERLOCK = replace(settings.LETTERLOCK, virus_scanner="")
    unchecked = reader_of(seal(raw.as_bytes().replace(b"See below", b"See here")))
    settings.LETTERLOCK = replace(settings.LETTERLOCK, virus_scanner="clamd://127.0.0.1:9")
    page = words(signed_in(unchecked).get(f"{path_of(unchecked)}/inner/1").content)
    assert "has not been checked for viruses" in page


def test_nothing_is_said_of_viruses_where_there_is_no_scanner(settings: Any, clamd: Clamd) -> None:
    reader = reader_of(seal(mail(files=[PDF])))
    assert open_message(reader).toc.scanned_at is None
    assert "virus" not in words(signed_in(reader).get(path_of(reader)).content)
    settings.LETTERLOCK = replace(settings.LETTERLOCK, virus_scanner=clamd.url)
    assert "has not been checked for viruses" in words(signed_in(reader).get(path_of(reader)).content)


@pytest.mark.parametrize("raw", [mail(files=[PDF, BAD]), mail(text=EICAR.decode())], ids=["file", "text"])
def test_mail_with_a_virus_is_held_and_its_sender_told(scanner: Any, raw: bytes) -> None:
    row = put(raw)
    assert (row.state, row.last_error) == (Spooled.State.HELD, "A virus was found in it: Eicar-Test.UNOFFICIAL.")
    assert list(holding.held("virus")) == [row]
    assert not Message.objects.exists()
    (told,) = Outbound.objects.all()
    prepared = letters.prepare(told)
    assert prepared is not None
    found = message_from_bytes(b"".join(prepared.data), policy=policy.default)
    assert found["To"] == MAYA
    text = " ".join(found.get_body(("plain",)).get_content().split())  # type: ignore[union-attr]
    assert "It is held back for this reason:" in text
    assert "(Eicar-Test.UNOFFICIAL)" in text
    assert ("In the file “form.doc” a virus was found" in text) == (b"form.doc" in raw)


def test_a_sender_who_may_be_forged_is_not_told(scanner: Any) -> None:
    row = put(mail("[secure] x", files=[BAD], sender="x@web.example"), sender="x@web.example", trusted=False)
    assert row.state == Spooled.State.HELD
    assert not Outbound.objects.exists()


def test_mail_waits_while_the_scanner_is_away_and_goes_on_by_itself(away: Any, clamd: Clamd) -> None:
    row = put(mail(files=[PDF]))
    assert row.state == Spooled.State.RECEIVED
    assert "The virus scanner (LETTERLOCK_VIRUS_SCANNER) does not answer." in row.last_error
    assert not Outbound.objects.exists()
    away.LETTERLOCK = replace(away.LETTERLOCK, virus_scanner=clamd.url)
    viruses._quiet_until = 0.0
    Spooled.objects.update(due_at=timezone.now())
    assert turn(row.pk).state == Spooled.State.DONE


def test_mail_that_is_too_large_to_be_checked_is_held(scanner: Any) -> None:
    row = put(mail(files=[("big.bin", "application/octet-stream", bytes(2 * STREAM_MAX_BYTES))]))
    assert row.state == Spooled.State.HELD
    assert "StreamMaxLength" in row.last_error


# ----------------------------------------------------------------------------------------------- files of a reader


def answer(url: str, settings: Any, *files: SimpleUploadedFile) -> tuple[int, str]:
    settings.LETTERLOCK = replace(settings.LETTERLOCK, virus_scanner="")
    reader = reader_of(seal(mail("[secure] Results", to=JONAS)))
    settings.LETTERLOCK = replace(settings.LETTERLOCK, virus_scanner=url)
    page = signed_in(reader).post(f"{path_of(reader)}/reply", {"message": "See there.", "files": list(files)})
    return page.status_code, words(page.content)


def test_a_file_with_a_virus_is_not_taken_and_the_rest_stays(clamd: Clamd, settings: Any) -> None:
    status, page = answer(
        clamd.url, settings, SimpleUploadedFile("form.doc", EICAR), SimpleUploadedFile("good.txt", b"good")
    )
    assert status == 422
    assert "form.doc was not added: a virus was found." in page
    assert "good.txt" in page
    assert "See there." in page
    assert Spooled.objects.count() == 1


def test_no_file_is_taken_while_the_scanner_is_away_and_none_that_it_cannot_check(clamd: Clamd, settings: Any) -> None:
    url = f"clamd://127.0.0.1:{free_port()}"
    status, page = answer(url, settings, SimpleUploadedFile("a.txt", b"a"))
    assert status == 422
    assert "a.txt was not added: it cannot be checked for viruses just now." in page
    viruses._quiet_until = 0.0
    status, page = answer(clamd.url, settings, SimpleUploadedFile("big.bin", bytes(2 * STREAM_MAX_BYTES)))
    assert status == 422
    assert "big.bin was not added: it is too large to be checked for viruses." in page


def test_a_virus_is_not_taken_from_who_writes_first(scanner: Any) -> None:
    brand = default_brand()
    change(Brand.objects.filter(pk=brand.pk), write_to=True, domains=["aldervalley.example"])
    Department.objects.create(brand=brand, slug="desk", names={"en": "Desk"}, addresses=["desk@aldervalley.example"])
    post = {"to": "desk", "message": "See there.", "address": JONAS, "made": write_to_form.stamp()}
    page = Client(headers={"host": brand.host}).post("/write/", {**post, "files": SimpleUploadedFile("f.doc", EICAR)})
    assert page.status_code == 422
    assert "f.doc was not added: a virus was found." in words(page.content)
    assert "See there." in words(page.content)
    assert "Files that are added" not in page.content.decode()
    assert not Outbound.objects.exists()


def test_a_clean_file_goes_along(clamd: Clamd, settings: Any) -> None:
    status, _page = answer(clamd.url, settings, SimpleUploadedFile("a.txt", b"a"))
    assert status == 303


# -------------------------------------------------------------------------------------------- health and the doctor


def test_signatures_older_than_48_hours_are_told(scanner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (finding,) = parts.scanner(scanner.LETTERLOCK)
    assert finding.state == State.NOTICE  # those of this test have no date
    assert "signatures without a date" in finding.seen
    assert health.check()["scanner"] == health.OK
    now = datetime(2026, 11, 26, 12, tzinfo=UTC)
    assert Version("1.4.6", now - timedelta(hours=49)).is_old(now)
    assert not Version("1.4.6", now - timedelta(hours=47)).is_old(now)
    monkeypatch.setattr(viruses, "version", lambda: Version("1.4.6", timezone.now()))
    assert next(iter(parts.scanner(scanner.LETTERLOCK))).state == State.WELL


def test_a_scanner_that_is_away_is_wrong_and_none_is_no_fault(away: Any) -> None:
    (finding,) = parts.scanner(away.LETTERLOCK)
    assert finding.state == State.WRONG
    assert "does not answer" in health.scanner()
    (none,) = parts.scanner(replace(away.LETTERLOCK, virus_scanner=""))
    assert none.state == State.WELL
    away.LETTERLOCK = replace(away.LETTERLOCK, virus_scanner="")
    assert "scanner" not in health.check()


def test_the_date_of_its_signatures_is_read() -> None:
    assert viruses._dated("Thu Nov 20 08:26:05 2026") == datetime(2026, 11, 20, 8, 26, 5, tzinfo=UTC)
    assert viruses._dated("soon") is None
    assert viruses._VERSION.match("ClamAV 1.4.6/27823/Thu Nov 26 08:26:05 2026")
