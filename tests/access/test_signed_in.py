"""R14: the browsers in which a person reads, and ending them, at once and in the middle of a download."""

from __future__ import annotations

import http.client
import os
from typing import Any

import pytest
from django.test import Client

from branding.models import Brand
from portal.access import administrators, cookies, entry, sessions
from portal.access.models import Session
from portal.audit.models import Entry
from portal.reading import files
from portal.vault.models import Reader
from tests.access.resealing import reseal
from tests.access.visitors import Clock, Visitor, make_reader, words
from tests.mails import mail
from tests.seals import HOST, path_of, reader_of, seal, signed_in

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.1 Mobile/15E148 Safari/604.1"
)
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; rv:133.0) Gecko/20100101 Firefox/133.0"


@pytest.fixture
def phone(brand: Brand, reader: Reader, clock: Clock) -> Visitor:
    """A signed-in phone, a while before the computer."""
    visitor = Visitor(brand)
    visitor.client.defaults["HTTP_USER_AGENT"] = IPHONE
    visitor.prove(reader)
    clock.forward(minutes=5)
    return visitor


@pytest.fixture
def computer(brand: Brand, reader: Reader, phone: Visitor) -> Visitor:
    visitor = Visitor(brand)
    visitor.client.defaults["HTTP_USER_AGENT"] = WINDOWS
    visitor.prove(reader)
    return visitor


def number(name: str) -> str:
    return str(Session.objects.get(device=name).pk)


def test_the_list_says_which_browser_where_how_and_since_when(computer: Visitor) -> None:
    Session.objects.filter(device="Safari on iPhone").update(method="provider", provider="google")
    reseal()
    page = words(computer.get("/settings/"))
    assert "Firefox on Windows This device" in page
    assert "Safari on iPhone Alder Valley Clinic · with Google · signed in" in page
    assert "Alder Valley Clinic · by passcode · signed in" in page
    assert "Sign out everywhere else" in page
    Session.objects.update(method="passkey")
    reseal()
    assert "by passkey" in words(computer.get("/settings/"))


def test_a_browser_that_says_nothing_known_is_listed_without_its_own_words(
    brand: Brand, reader: Reader, clock: Clock
) -> None:
    visitor = Visitor(brand)
    visitor.client.defaults["HTTP_USER_AGENT"] = "<script>alert(1)</script>"
    visitor.prove(reader)
    page = visitor.get("/settings/")
    assert "A browser that does not say what it is" in words(page)
    assert "alert(1)" not in page.content.decode()
    assert "Sign out everywhere else" not in words(page)


def test_one_other_browser_is_signed_out_from_its_next_request_on(computer: Visitor, phone: Visitor) -> None:
    assert "Signed-in devices" in words(phone.get("/settings/"))
    answer = computer.post("/settings/devices/", device=number("Safari on iPhone"))
    assert answer.status_code == 303 and answer["Location"].endswith("#devices")
    assert "Signed out. These browsers are left." in words(computer.get(answer["Location"]))
    assert "Signed-in devices" not in words(phone.get("/settings/"))
    page = words(computer.get("/settings/"))
    assert "Safari on iPhone" not in page
    assert "Signed out." not in page
    assert Entry.objects.get(kind="recipient.signed_out").facts == {"which": "one"}


def test_every_other_browser_is_signed_out_but_this_one(
    computer: Visitor, phone: Visitor, brand: Brand, reader: Reader, clock: Clock
) -> None:
    clock.forward(minutes=2)
    Visitor(brand).prove(reader)
    assert Session.objects.count() == 3
    phone.post("/settings/devices/", device="others")
    assert [row.device for row in Session.objects.all()] == ["Safari on iPhone"]
    assert "Signed-in devices" in words(phone.get("/settings/"))


@pytest.mark.parametrize("junk", ["", "x", "-1", "0", "9" * 18, "9" * 500, "１", "1 OR 1=1", "\0"])
def test_what_is_no_session_of_theirs_ends_nothing(computer: Visitor, junk: str) -> None:
    assert computer.post("/settings/devices/", device=junk).status_code == 303
    assert Session.objects.count() == 2


def test_nobody_ends_a_session_of_someone_else(computer: Visitor, brand: Brand, clock: Clock) -> None:
    mallory = Visitor(brand)
    mallory.prove(make_reader(brand, "mallory@mail.example"))
    mallory.post("/settings/devices/", device=number("Safari on iPhone"))
    mallory.post("/settings/devices/", device="others")
    assert Session.objects.count() == 3
    assert "iPhone" not in words(mallory.get("/settings/"))


def test_a_stranger_and_a_get_end_nothing(computer: Visitor, stranger: Visitor) -> None:
    assert "Enter the email address" in words(stranger.post("/settings/devices/", device=number("Safari on iPhone")))
    computer.get(f"/settings/devices/?device={number('Safari on iPhone')}")
    computer.client.head("/settings/devices/")
    assert Session.objects.count() == 2


def test_without_the_forms_token_nothing_ends(computer: Visitor, brand: Brand) -> None:
    guarded = Client(enforce_csrf_checks=True, headers={"host": brand.host})
    guarded.cookies = computer.client.cookies
    assert guarded.post("/settings/devices/", {"device": "others"}).status_code == 403
    assert Session.objects.count() == 2


def test_a_browser_of_another_brand_is_listed_with_it_and_ended_from_here(
    computer: Visitor, other_brand: Brand, clock: Clock
) -> None:
    clock.forward(minutes=2)
    there = Visitor(other_brand)
    there.prove(make_reader(other_brand, "jonas.berg@mail.example"))
    assert "Harbour Law · by passcode" in words(computer.get("/settings/"))
    computer.post("/settings/devices/", device="others")
    assert "Signed-in devices" not in words(there.get("/settings/"))


def test_sessions_that_are_over_and_those_of_administrators_are_neither_listed_nor_ended(
    computer: Visitor, brand: Brand, reader: Reader, clock: Clock
) -> None:
    office = Visitor(brand)
    office.post(f"/admin/enter/{entry.make(administrators.owner('jonas.berg@mail.example'))}")
    assert Session.objects.count() == 3
    clock.forward(minutes=27)
    computer.get("/settings/")
    clock.forward(minutes=10)
    page = words(computer.get("/settings/"))
    assert "Firefox on Windows" in page
    assert "iPhone" not in page
    assert page.count("· signed in ") == 1
    computer.post("/settings/devices/", device="others")
    computer.post("/settings/devices/", device=str(Session.objects.get(office=True).pk))
    assert Session.objects.filter(office=True).exists()


def test_signing_out_here_is_recorded(computer: Visitor) -> None:
    computer.post("/sign-out/")
    assert Entry.objects.get(kind="recipient.signed_out").facts == {"which": "here"}
    computer.post("/sign-out/")
    assert Entry.objects.filter(kind="recipient.signed_out").count() == 1


# ------------------------------------------------------------------------------------------- a download that runs


def large(size: int) -> tuple[Reader, Client]:
    reader = reader_of(seal(mail(files=[("scan.bin", "application/octet-stream", os.urandom(size))])))
    return reader, signed_in(reader)


@pytest.mark.django_db
def test_a_running_download_breaks_off_within_a_chunk_once_the_session_is_ended(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(files, "WATCH_SECONDS", 0.0)
    reader, client = large(1_000_000)
    stream = iter(client.get(f"{path_of(reader)}/file/1").streaming_content)  # type: ignore[attr-defined]
    assert len(next(stream)) > 0
    sessions.end(Session.objects.get())
    with pytest.raises(ConnectionAbortedError, match="session was ended"):
        next(stream)
    assert "onas" not in caplog.text
    assert client.get(f"{path_of(reader)}/file/1").status_code == 302


@pytest.mark.django_db
def test_a_running_download_asks_once_a_second_and_is_not_cut_for_idleness(
    monkeypatch: pytest.MonkeyPatch, clock: Clock, django_assert_num_queries: Any
) -> None:
    reader, client = large(1_000_000)
    stream = iter(client.get(f"{path_of(reader)}/file/1").streaming_content)  # type: ignore[attr-defined]
    with django_assert_num_queries(0):
        next(stream)
    monkeypatch.setattr(files, "WATCH_SECONDS", 0.0)
    clock.forward(hours=7)
    with django_assert_num_queries(2):
        next(stream)
    clock.forward(hours=1)
    with pytest.raises(ConnectionAbortedError):
        next(stream)


@pytest.mark.django_db(transaction=True)
def test_a_real_download_over_a_socket_breaks_off_at_a_sign_out_elsewhere(
    live_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "WATCH_SECONDS", 0.0)
    size = 40_000_000  # more than the kernel's buffers of both ends hold
    reader, client = large(size)
    elsewhere = signed_in(reader)
    line = http.client.HTTPConnection(live_server.thread.host, live_server.thread.port, timeout=120)
    cookie = f"{cookies.SESSION}={client.cookies[cookies.SESSION].value}"
    line.request("GET", f"{path_of(reader)}/file/1", headers={"Host": HOST, "Cookie": cookie, "Connection": "close"})
    answer = line.getresponse()
    assert (answer.status, answer.headers["Content-Length"]) == (200, str(size))
    got = len(answer.read(64 * 1024))
    assert elsewhere.post("/settings/devices/", {"device": "others"}).status_code == 303
    with pytest.raises(http.client.IncompleteRead) as broken:
        answer.read()
    got += len(broken.value.partial)
    assert got < size
    line.close()
